//! Transaction steps that each correspond to one gesture of a player.

use crate::model::planted::{Bug, planted};
use bevy::{ecs::entity::Entity, platform::collections::HashSet};

use crate::model::{
    container::{ContainerRef, SlotRef},
    error::InventoryError,
    id::ItemId,
    recipe::RecipeId,
    rejection::Rejection,
    rights::Rights,
    stack::Stack,
};

use super::Transaction;

impl Transaction<'_> {
    /// Moves a stack into an area, as much as fits, first onto matching stacks. Returns the part
    /// that moved.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NotAccepted`] if no slot of the area accepts the item, [`Rejection::Full`] if
    /// nothing fits; otherwise the errors of [`Self::take_from`] and [`Self::insert_up_to`].
    pub fn quick_move(
        &mut self,
        from: SlotRef,
        to: impl Into<ContainerRef>,
    ) -> Result<Stack, InventoryError> {
        self.all_or_nothing(|tx| tx.quick_move_at(from, to.into()))
    }

    fn quick_move_at(&mut self, from: SlotRef, to: ContainerRef) -> Result<Stack, InventoryError> {
        let source = self.flat(from.0, from.1)?;
        let stack = self.take_at(from.0, source, None)?;
        let left_out = (from.0 == to.entity).then_some(source);
        let rest = self.insert_up_to_except(to, left_out, stack)?;
        let kept = rest.filter(|_| !planted(Bug::QuickMoveLosesTheRest));
        self.set(from.0, source, kept)?;
        let moved = stack.count() - rest.map_or(0, |rest| rest.count());
        match stack.with_count(moved) {
            Some(moved) => Ok(moved),
            None => Err(self.nothing_fits(to, stack.item)?),
        }
    }

    /// Returns why nothing fits into an area: no slot accepts the item, or those that do are full.
    fn nothing_fits(
        &mut self,
        area: ContainerRef,
        item: ItemId,
    ) -> Result<InventoryError, InventoryError> {
        let entity = area.entity;
        let mut first = None;
        for flat in self.ordered(area)?.into_iter().flatten() {
            if !self.permits(entity, flat, Rights::PUT) {
                continue;
            }
            self.work += 1;
            if self.accepts(entity, flat, item)? {
                return Ok(Rejection::Full.into());
            }
            first = first.or(Some(flat));
        }
        match first {
            Some(flat) => self.not_accepted(entity, flat, item),
            None => Ok(Rejection::Full.into()),
        }
    }

    /// Gathers matching stacks from the areas onto one stack, the smallest stacks first.
    ///
    /// # Errors
    ///
    /// [`Rejection::Empty`] if the target slot is empty, [`InventoryError::NoInventory`], or
    /// [`InventoryError::NoSuchSlot`].
    pub fn collect(&mut self, onto: SlotRef, from: &[ContainerRef]) -> Result<(), InventoryError> {
        let target = self.flat(onto.0, onto.1)?;
        let held = self.state(onto.0)?.get(target).ok_or(Rejection::Empty)?;
        let mut sources: Vec<(u32, Entity, usize)> = Vec::new();
        let mut found: HashSet<(Entity, usize)> = HashSet::default();
        for area in from {
            for flat in self.ordered(*area)?.into_iter().flatten() {
                let matching = self.state(area.entity)?.get(flat).filter(|s| s.stacks_with(&held));
                let itself = (area.entity, flat) == (onto.0, target);
                if let Some(stack) = matching.filter(|_| !itself)
                    && self.permits(area.entity, flat, Rights::TAKE)
                    // Areas may overlap.
                    && found.insert((area.entity, flat))
                {
                    sources.push((stack.count(), area.entity, flat));
                }
            }
        }
        // Otherwise in the order of the areas. Entities differ between server and client.
        sources.sort_by_key(|(count, ..)| *count);
        let mut max_stack = self.catalog.max_stack(held.item);
        if planted(Bug::CollectExceedsTheMaximum) {
            max_stack += 1;
        }
        for (count, entity, flat) in sources {
            let stack = held.with_count(count);
            // Taken out first: both slots may count toward one limit.
            self.set(entity, flat, None)?;
            let put = self.put_at(onto.0, target, stack.unwrap_or(held), max_stack);
            let rest = put.as_ref().map_or(stack, |rest| *rest);
            if rest.is_some() {
                self.set(entity, flat, rest)?;
            }
            if put.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Spreads a stack over several slots: `each` items into every slot, or an even share if
    /// `None`. Items that do not fit or are left over stay in the source slot.
    ///
    /// # Errors
    ///
    /// [`Rejection::Empty`] if the source slot is empty; [`Rejection::Invalid`] if there are no slots,
    /// `each` is zero or a slot is named twice; [`Rejection::NotEnough`] if there are fewer items than
    /// `each` for every slot, or fewer items than slots; [`Rejection::Full`] if nothing fits;
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`],
    /// [`InventoryError::NotAccepted`] or [`InventoryError::UnknownItem`].
    pub fn spread(
        &mut self,
        from: SlotRef,
        onto: &[SlotRef],
        each: Option<u32>,
    ) -> Result<(), InventoryError> {
        self.all_or_nothing(|tx| tx.spread_at(from, onto, each))
    }

    fn spread_at(
        &mut self,
        from: SlotRef,
        onto: &[SlotRef],
        each: Option<u32>,
    ) -> Result<(), InventoryError> {
        let source = self.flat(from.0, from.1)?;
        let stack = self.state(from.0)?.get(source).ok_or(Rejection::Empty)?;
        // Each slot is looked up, compared with what the player saw, and changed.
        self.work += 8 * onto.len() as u64;
        let mut named = HashSet::from([from]);
        let twice = onto.iter().any(|to| !named.insert(*to));
        let slots = u32::try_from(onto.len()).map_err(|_| Rejection::Invalid)?;
        if twice || slots == 0 || each == Some(0) {
            return Err(Rejection::Invalid.into());
        }
        let share = each.unwrap_or(stack.count() / slots);
        if share == 0 || share.checked_mul(slots).is_none_or(|all| all > stack.count()) {
            return Err(Rejection::NotEnough.into());
        }
        let mut left = stack.count();
        // Taken out first: the slots may count toward one limit.
        self.set(from.0, source, None)?;
        for (entity, slot) in onto.iter().copied() {
            let part = stack.with_count(share).ok_or(Rejection::Invalid)?;
            let rest = match self.put_into(entity, slot, part) {
                Ok(rest) => rest.map_or(0, |rest| rest.count()),
                Err(InventoryError::Slot { .. }) => share,
                Err(error) => return Err(error),
            };
            left -= if planted(Bug::SpreadMiscounts) { share } else { share - rest };
        }
        if left == stack.count() {
            return Err(Rejection::Full.into());
        }
        self.set(from.0, source, stack.with_count(left))
    }

    /// Moves everything from one area into another, as much as fits. Returns the stacks that moved.
    ///
    /// # Errors
    ///
    /// [`Rejection::Empty`] if there is nothing to move; [`Rejection::Full`] if nothing fits;
    /// [`Rejection::Invalid`] if both areas are on one entity and are not two different containers, or
    /// if a player moves very many items between large areas that do not accept them;
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`] or [`InventoryError::UnknownItem`].
    pub fn move_area(
        &mut self,
        from: impl Into<ContainerRef>,
        to: impl Into<ContainerRef>,
    ) -> Result<Vec<Stack>, InventoryError> {
        let (from, to) = (from.into(), to.into());
        let same_entity = from.entity == to.entity;
        let apart = from.container.is_some() && to.container.is_some();
        if same_entity && (!apart || from.container == to.container) {
            return Err(Rejection::Invalid.into());
        }
        self.all_or_nothing(|tx| tx.move_between(from, to))
    }

    fn move_between(
        &mut self,
        from: ContainerRef,
        to: ContainerRef,
    ) -> Result<Vec<Stack>, InventoryError> {
        let mut moved = Vec::new();
        let mut any_matches = false;
        let mut filling = self.filling(to, None, None)?;
        for flat in self.range(from)? {
            let Some(stack) = self.state(from.entity)?.get(flat) else { continue };
            if !self.permits(from.entity, flat, Rights::TAKE) {
                continue;
            }
            any_matches = true;
            if filling.is_full_for(&stack) {
                continue;
            }
            // Taken out first: both areas may count toward one limit.
            self.set(from.entity, flat, None)?;
            let rest = self.fill(&mut filling, stack)?;
            if rest.is_some() {
                self.set(from.entity, flat, rest)?;
            }
            moved.extend(stack.with_count(stack.count() - rest.map_or(0, |rest| rest.count())));
        }
        match (any_matches, moved.is_empty()) {
            (false, _) => Err(Rejection::Empty.into()),
            (true, true) => Err(Rejection::Full.into()),
            _ => Ok(moved),
        }
    }

    /// Crafts a recipe `times` times: takes the ingredients out of the areas in `from`, in their
    /// order, and puts the products into `to`. Returns the products.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownRecipe`]; [`Rejection::NoStation`] if the recipe needs a station and `at` has
    /// no such container; [`Rejection::NotEnough`]; [`Rejection::Invalid`] if `times` is zero; otherwise
    /// the errors of [`Self::insert`], such as [`InventoryError::Full`].
    pub fn craft(
        &mut self,
        recipe: RecipeId,
        times: u32,
        from: &[ContainerRef],
        to: impl Into<ContainerRef>,
        at: Option<Entity>,
    ) -> Result<Vec<Stack>, InventoryError> {
        let catalog = self.catalog.clone();
        let recipe = catalog.recipe(recipe).ok_or(Rejection::UnknownRecipe)?;
        if let Some(station) = recipe.station() {
            let registry = self.registry;
            let state = self.state(at.ok_or(Rejection::NoStation)?)?;
            state.kind_of(registry, station).ok_or(Rejection::NoStation)?;
        }
        let to = to.into();
        let many = |count: u32| count.checked_mul(times).ok_or(Rejection::NotEnough);
        if times == 0 {
            return Err(Rejection::Invalid.into());
        }
        self.all_or_nothing(|tx| {
            for (item, count) in &recipe.takes {
                let wanted = many(*count)? - u32::from(planted(Bug::CraftTakesTooFew));
                let taken = tx.take_across(from, *item, wanted)?;
                if taken.iter().map(Stack::count).sum::<u32>() < wanted {
                    return Err(Rejection::NotEnough.into());
                }
            }
            let mut made = Vec::new();
            for (item, count) in &recipe.gives {
                let stack = Stack::new(*item, many(*count)?).ok_or(Rejection::Invalid)?;
                tx.insert(to, stack)?;
                made.push(stack);
            }
            Ok(made)
        })
    }
}
