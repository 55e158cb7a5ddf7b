//! What actions of players must do.

use bevy::{ecs::entity::EntityHashSet, prelude::*};

use crate::{
    model::{
        action::InventoryAction,
        builtin::Inventory,
        container::{Container, ContainerRef, SlotRef},
        recipe::RecipeId,
        rights::Rights,
    },
    shared::actions::AnyAction,
};

use super::{Oracle, Refusal};
use crate::sim::{
    game::{Engrave, Label, Misuse, OFFER_SLOTS, SWORD, Trade, WearOut},
    plain::{PlainKind, PlainStack, add},
};

/// Returns the inventories that an action reads or changes.
pub(in crate::sim) fn named(
    action: &AnyAction,
    actor: Option<Entity>,
    oracle: &Oracle,
) -> EntityHashSet {
    let mut named = EntityHashSet::default();
    let Some(action) = action.get::<InventoryAction>() else {
        if action.get::<Engrave>().is_some() || action.get::<WearOut>().is_some() {
            named.extend(actor);
        }
        if let Some(Trade { mine, theirs }) = action.get::<Trade>() {
            named.extend([mine, theirs].into_iter().filter_map(|id| oracle.names.get(id)));
        }
        return named;
    };
    match action {
        InventoryAction::Move { from, to, .. } | InventoryAction::Swap { a: from, b: to } => {
            named.extend([from.0, to.0]);
        }
        InventoryAction::QuickMove { from, to } => named.extend([from.0, to.entity]),
        InventoryAction::Collect { onto, from } => {
            named.extend(from.iter().map(|area| area.entity).chain([onto.0]));
        }
        InventoryAction::Spread { from, onto, .. } => {
            named.extend(onto.iter().map(|slot| slot.0).chain([from.0]));
        }
        InventoryAction::MoveAll { from, to } => named.extend([from.entity, to.entity]),
        InventoryAction::Drop { from, .. } => named.extend([from.0]),
        InventoryAction::DropAll { from } => named.extend([from.entity]),
        InventoryAction::Select { slot } | InventoryAction::Use { slot } => named.extend([slot.0]),
        InventoryAction::Sort { entity, .. } => named.extend([*entity]),
        InventoryAction::Craft { from, to, .. } => {
            named.extend(from.iter().map(|area| area.entity).chain([to.entity]));
        }
    }
    named
}

impl Oracle {
    /// Carries out an action of a player with all rights.
    ///
    /// # Errors
    ///
    /// [`Refusal::Impossible`] if the server must reject the action; nothing has changed in either case.
    pub fn act(&mut self, action: &AnyAction, actor: Option<Entity>) -> Result<(), Refusal> {
        let named = named(action, actor, self);
        let any_in = |set: &EntityHashSet| named.iter().any(|entity| set.contains(entity));
        let built_in = action.get::<InventoryAction>();
        // What lies on the ground is known only as a whole.
        let on_ground = named.iter().any(|entity| !self.inventories.contains_key(entity));
        if on_ground || any_in(&self.unknown) || (built_in.is_some() && any_in(&self.limited)) {
            return Err(Refusal::Unknown);
        }
        self.attempt(|oracle| match built_in {
            Some(action) => oracle.built_in(action),
            None => oracle.custom(action, actor),
        })
    }

    fn custom(&mut self, action: &AnyAction, actor: Option<Entity>) -> Result<(), Refusal> {
        if action.get::<Misuse>().is_some() {
            return Err(Refusal::Impossible);
        }
        if let Some(Trade { mine, theirs }) = action.get::<Trade>() {
            let [mine, theirs] = [mine, theirs].map(|id| self.names.get(id).copied());
            let (mine, theirs) =
                (mine.ok_or(Refusal::Impossible)?, theirs.ok_or(Refusal::Impossible)?);
            for slot in (0..OFFER_SLOTS).map(Inventory::slot) {
                let (a, b) = (self.at((mine, slot))?, self.at((theirs, slot))?);
                let (in_a, in_b) = (self.cell(a)?, self.cell(b)?);
                self.set(a, in_b);
                self.set(b, in_a);
            }
            return Ok(());
        }
        let engraved = action.get::<Engrave>();
        let worn = action.get::<WearOut>().map(|action| action.slot);
        let Some(slot) = engraved.map(|action| action.slot).or(worn) else { return Ok(()) };
        let at = self.at((actor.ok_or(Refusal::Impossible)?, slot))?;
        let sword = self.cell(at)?.filter(|stack| stack.item == SWORD && stack.count == 1);
        let accepts = self.accepts(at.1, at.2, SWORD);
        let mut sword = sword.filter(|_| accepts).ok_or(Refusal::Impossible)?;
        match engraved {
            Some(action) => sword.label = Some(Label::numbered(action.label)),
            None => sword.wear = sword.wear.saturating_add(1),
        }
        self.set(at, Some(sword));
        Ok(())
    }

    fn built_in(&mut self, action: &InventoryAction) -> Result<(), Refusal> {
        match action {
            InventoryAction::Move { from, to, count } => self.move_slot(*from, *to, *count),
            InventoryAction::Swap { a, b } => {
                let (a, b) = (self.at(*a)?, self.at(*b)?);
                if self.cell(a)?.is_none() && self.cell(b)?.is_none() {
                    return Err(Refusal::Impossible);
                }
                self.exchange(a, b)
            }
            InventoryAction::QuickMove { from, to } => self.quick_move(*from, *to),
            InventoryAction::Collect { onto, from } => self.collect(*onto, from),
            InventoryAction::Spread { from, onto, each } => self.spread(*from, onto, *each),
            InventoryAction::MoveAll { from, to } => self.move_all(*from, *to),
            InventoryAction::Drop { from, count } => {
                let at = self.at(*from)?;
                let stack = self.cell(at)?.ok_or(Refusal::Impossible)?;
                let count = count.unwrap_or(stack.count);
                if count == 0 || count > stack.count {
                    return Err(Refusal::Impossible);
                }
                self.set(at, stack.with(stack.count - count));
                add(&mut self.ground, &stack.with(count));
                Ok(())
            }
            InventoryAction::DropAll { from } => {
                let mut any = false;
                for at in self.slots(*from)? {
                    if let Some(stack) = self.cell(at)? {
                        any = true;
                        self.set(at, None);
                        add(&mut self.ground, [&stack]);
                    }
                }
                if any { Ok(()) } else { Err(Refusal::Impossible) }
            }
            InventoryAction::Select { slot } => {
                let (entity, kind, index) = self.at(*slot)?;
                let selects = self.kinds[usize::from(kind)].has_selection;
                let there = self.inventories.get_mut(&entity).filter(|_| selects);
                there.ok_or(Refusal::Impossible)?.selected = u8::try_from(index).ok();
                Ok(())
            }
            InventoryAction::Use { slot } => {
                let at = self.at(*slot)?;
                self.cell(at)?.map(drop).ok_or(Refusal::Impossible)
            }
            InventoryAction::Sort { entity, container } => {
                self.sort(ContainerRef { entity: *entity, container: Some(*container) })
            }
            InventoryAction::Craft { recipe, times, from, to, at } => {
                self.craft(*recipe, *times, from, *to, *at)
            }
        }
    }

    fn move_slot(&mut self, from: SlotRef, to: SlotRef, count: Option<u32>) -> Result<(), Refusal> {
        let (from, to) = (self.at(from)?, self.at(to)?);
        if from == to {
            return Ok(());
        }
        let stack = self.cell(from)?.ok_or(Refusal::Impossible)?;
        let there = self.cell(to)?;
        let count = count.unwrap_or(stack.count);
        if count == 0 || count > stack.count {
            return Err(Refusal::Impossible);
        }
        if count == stack.count && there.is_some_and(|there| there.kind() != stack.kind()) {
            return self.exchange(from, to);
        }
        let fits = there.is_none_or(|there| there.kind() == stack.kind());
        let have = there.map_or(0, |there| there.count);
        let part = count.min(self.max_stack(stack.item).saturating_sub(have));
        if !fits || part == 0 || !self.accepts(to.1, to.2, stack.item) {
            return Err(Refusal::Impossible);
        }
        self.set(to, stack.with(have + part));
        self.set(from, stack.with(stack.count - part));
        Ok(())
    }

    fn exchange(&mut self, a: super::At, b: super::At) -> Result<(), Refusal> {
        let (in_a, in_b) = (self.cell(a)?, self.cell(b)?);
        let fits = |oracle: &Self, stack: Option<PlainStack>, at: super::At| {
            stack.is_none_or(|stack| oracle.accepts(at.1, at.2, stack.item))
        };
        if !fits(self, in_a, b) || !fits(self, in_b, a) {
            return Err(Refusal::Impossible);
        }
        self.set(a, in_b);
        self.set(b, in_a);
        Ok(())
    }

    fn quick_move(&mut self, from: SlotRef, to: ContainerRef) -> Result<(), Refusal> {
        let at = self.at(from)?;
        let stack = self.cell(at)?.ok_or(Refusal::Impossible)?;
        self.set(at, None);
        let left_out = (at.0 == to.entity).then_some(at);
        let rest = self.insert(to, stack, left_out, true)?;
        self.set(at, rest);
        if rest == Some(stack) { Err(Refusal::Impossible) } else { Ok(()) }
    }

    fn collect(&mut self, onto: SlotRef, from: &[ContainerRef]) -> Result<(), Refusal> {
        let target = self.at(onto)?;
        let held = self.cell(target)?.ok_or(Refusal::Impossible)?;
        let mut sources = Vec::new();
        for area in from {
            for at in self.filled_slots(*area)? {
                let Some(stack) = self.cell(at)?.filter(|stack| stack.kind() == held.kind()) else {
                    continue;
                };
                let may = self.rights(at.1, at.2).contains(Rights::TAKE);
                if may && at != target && !sources.contains(&(stack.count, at)) {
                    sources.push((stack.count, at));
                }
            }
        }
        sources.sort_by_key(|(count, _)| *count);
        let max = self.max_stack(held.item);
        for (count, at) in sources {
            let have = self.cell(target)?.map_or(0, |stack| stack.count);
            let part = count.min(max.saturating_sub(have));
            if part == 0 {
                break;
            }
            self.set(at, held.with(count - part));
            self.set(target, held.with(have + part));
        }
        Ok(())
    }

    fn spread(
        &mut self,
        from: SlotRef,
        onto: &[SlotRef],
        each: Option<u32>,
    ) -> Result<(), Refusal> {
        let source = self.at(from)?;
        let stack = self.cell(source)?.ok_or(Refusal::Impossible)?;
        let slots = u32::try_from(onto.len()).map_err(|_| Refusal::Impossible)?;
        let twice = (0..onto.len()).any(|n| onto[n] == from || onto[..n].contains(&onto[n]));
        let share = each.unwrap_or(stack.count.checked_div(slots).unwrap_or(0));
        let all = u64::from(share) * u64::from(slots);
        if twice || all == 0 || all > u64::from(stack.count) {
            return Err(Refusal::Impossible);
        }
        let mut left = stack.count;
        for slot in onto {
            let at = self.at(*slot)?;
            if !self.accepts(at.1, at.2, stack.item) {
                return Err(Refusal::Impossible);
            }
            let there = self.cell(at)?;
            if there.is_some_and(|there| there.kind() != stack.kind()) {
                continue;
            }
            let have = there.map_or(0, |there| there.count);
            let part = share.min(self.max_stack(stack.item).saturating_sub(have));
            if part > 0 {
                self.set(at, stack.with(have + part));
                left -= part;
            }
        }
        self.set(source, stack.with(left));
        if left == stack.count { Err(Refusal::Impossible) } else { Ok(()) }
    }

    fn move_all(&mut self, from: ContainerRef, to: ContainerRef) -> Result<(), Refusal> {
        let apart = from.container.is_some() && to.container.is_some();
        if from.entity == to.entity && (!apart || from.container == to.container) {
            return Err(Refusal::Impossible);
        }
        self.filled_slots(to)?;
        let mut moved = false;
        for at in self.slots(from)? {
            let may = self.rights(at.1, at.2).contains(Rights::TAKE);
            let Some(stack) = self.cell(at)?.filter(|_| may) else { continue };
            let rest = self.insert(to, stack, None, true)?;
            moved |= rest != Some(stack);
            self.set(at, rest);
        }
        if moved { Ok(()) } else { Err(Refusal::Impossible) }
    }

    fn sort(&mut self, area: ContainerRef) -> Result<(), Refusal> {
        let slots = self.slots(area)?;
        let mut kinds: Vec<PlainKind> = Vec::new();
        let mut stacks = Vec::new();
        for at in &slots {
            if let Some(stack) = self.cell(*at)? {
                stacks.push(stack);
                kinds.push(stack.kind());
            }
        }
        kinds.sort_by_key(|(item, wear, label)| (self.rank(*item), *wear, *label));
        kinds.dedup();
        // Stacks that differ in nothing but their data are ordered by the ids of the data.
        if kinds.windows(2).any(|two| (two[0].0, two[0].1) == (two[1].0, two[1].1)) {
            return Err(Refusal::Unknown);
        }
        let mut sorted: Vec<PlainStack> = Vec::new();
        for kind in kinds {
            let of_kind: Vec<PlainStack> =
                stacks.iter().filter(|stack| stack.kind() == kind).copied().collect();
            let max = self.max_stack(kind.0);
            let begin = sorted.len();
            sorted.extend(of_kind.iter().filter(|stack| stack.count >= max));
            let mut left: u32 =
                of_kind.iter().map(|stack| stack.count).filter(|count| *count < max).sum();
            while let Some(stack) = of_kind[0].with(left.min(max)) {
                sorted.push(stack);
                left -= stack.count;
            }
            sorted[begin..].sort_by_key(|stack| core::cmp::Reverse(stack.count));
        }
        for (n, at) in slots.into_iter().enumerate() {
            let stack = sorted.get(n).copied();
            let changes = self.cell(at)? != stack;
            if changes && stack.is_some_and(|stack| !self.accepts(at.1, at.2, stack.item)) {
                return Err(Refusal::Impossible);
            }
            self.set(at, stack);
        }
        Ok(())
    }

    fn craft(
        &mut self,
        recipe: RecipeId,
        times: u32,
        from: &[ContainerRef],
        to: ContainerRef,
        at: Option<Entity>,
    ) -> Result<(), Refusal> {
        let recipe = self.catalog.recipe(recipe).ok_or(Refusal::Impossible)?.clone();
        if recipe.millis > 0 || times == 0 {
            return Err(Refusal::Impossible);
        }
        if let Some(station) = recipe.station() {
            let kind = self.kind_of(station).ok_or(Refusal::Impossible)?;
            let there = at.and_then(|at| self.inventories.get(&at));
            there.and_then(|there| there.cells(kind)).ok_or(Refusal::Impossible)?;
        }
        for (item, count) in &recipe.takes {
            self.take(from, *item, count * times, true)?;
        }
        for (item, count) in &recipe.gives {
            let made = PlainStack { item: *item, count: count * times, wear: 0, label: None };
            if self.insert(to, made, None, true)?.is_some() {
                return Err(Refusal::Impossible);
            }
        }
        Ok(())
    }
}
