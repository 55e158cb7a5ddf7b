//! Transactions over any number of units: all or nothing, the same on server and client.

mod moves;

use bevy::ecs::entity::Entity;

use super::{
    container::Slot,
    error::{InventoryError, SlotError},
    id::ItemId,
    items::Catalogue,
    stack::Stack,
    unit::{Kind, Unit},
};

/// A unit that a transaction has touched.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) entity: Entity,
    pub(crate) unit: Unit,
}

/// What a transaction works on: copies, written back only if it ends well.
pub struct Tx<'a> {
    catalogue: &'a Catalogue,
    kinds: &'a [Kind],
    load: &'a dyn Fn(Entity) -> Option<Unit>,
    pub(crate) staged: Vec<Staged>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        catalogue: &'a Catalogue,
        kinds: &'a [Kind],
        load: &'a dyn Fn(Entity) -> Option<Unit>,
    ) -> Self {
        Self { catalogue, kinds, load, staged: Vec::new() }
    }

    /// The catalogue, for limits and tags.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        self.catalogue
    }

    /// Runs a step of several parts, none of which stays if one fails: a closure may go on after an
    /// error.
    fn all_or_nothing<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, InventoryError>,
    ) -> Result<T, InventoryError> {
        let before = self.staged.clone();
        step(self).inspect_err(|_| self.staged = before)
    }

    fn unit(&mut self, entity: Entity) -> Result<&mut Unit, InventoryError> {
        let at = match self.staged.iter().position(|staged| staged.entity == entity) {
            Some(at) => at,
            None => {
                let unit = (self.load)(entity).ok_or(InventoryError::NoInventory { entity })?;
                self.staged.push(Staged { entity, unit });
                self.staged.len() - 1
            }
        };
        Ok(&mut self.staged[at].unit)
    }

    fn flat(&mut self, entity: Entity, slot: Slot) -> Result<usize, InventoryError> {
        let kinds = self.kinds;
        let index = slot.index;
        self.unit(entity)?.flat(kinds, slot).ok_or(InventoryError::NoSuchSlot { entity, index })
    }

    fn check_known(&self, item: ItemId) -> Result<(), InventoryError> {
        self.catalogue.rank(item).map(drop).ok_or(InventoryError::UnknownItem { item })
    }

    fn accepts(
        &mut self,
        entity: Entity,
        flat: usize,
        item: ItemId,
    ) -> Result<bool, InventoryError> {
        let (catalogue, kinds) = (self.catalogue, self.kinds);
        let def = catalogue.get(item).ok_or(InventoryError::UnknownItem { item })?;
        let (kind, index) = self.unit(entity)?.locate(flat).unwrap_or_default();
        Ok(kinds.get(usize::from(kind)).is_some_and(|kind| (kind.accepts)(index, def)))
    }

    /// What lies in a slot.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn get(&mut self, entity: Entity, slot: Slot) -> Result<Option<Stack>, InventoryError> {
        let flat = self.flat(entity, slot)?;
        Ok(self.unit(entity)?.get(flat))
    }

    /// How many of an item there are.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`].
    pub fn count(&mut self, entity: Entity, item: ItemId) -> Result<u64, InventoryError> {
        Ok(self.unit(entity)?.count(item))
    }

    /// Puts a stack in wherever it fits, first to stacks of its kind, and returns what did not fit.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::UnknownItem`].
    pub fn fill(&mut self, entity: Entity, stack: Stack) -> Result<Option<Stack>, InventoryError> {
        self.check_known(stack.item)?;
        let max_stack = self.catalogue.max_stack(stack.item);
        let len = self.unit(entity)?.len();
        let mut rest = Some(stack);
        for onto_stacks in [true, false] {
            for flat in 0..len {
                let Some(left) = rest else { return Ok(None) };
                if self.unit(entity)?.get(flat).is_some() == onto_stacks
                    && self.fills_by_itself(entity, flat)?
                    && self.accepts(entity, flat, left.item)?
                {
                    rest = self.put_at(entity, flat, left, max_stack).unwrap_or(rest);
                }
            }
        }
        Ok(rest)
    }

    fn fills_by_itself(&mut self, entity: Entity, flat: usize) -> Result<bool, InventoryError> {
        let kinds = self.kinds;
        let (kind, _) = self.unit(entity)?.locate(flat).unwrap_or_default();
        Ok(kinds.get(usize::from(kind)).is_some_and(|kind| kind.fill))
    }

    fn put_at(
        &mut self,
        entity: Entity,
        flat: usize,
        stack: Stack,
        max_stack: u32,
    ) -> Result<Option<Stack>, InventoryError> {
        let unit = self.unit(entity)?;
        let (kind, index) = unit.locate(flat).unwrap_or_default();
        let Some(slots) = unit.section_mut(kind) else {
            return Err(InventoryError::NoInventory { entity });
        };
        slots.merge(index, stack, max_stack).map_err(|error| InventoryError::Slot { entity, error })
    }

    /// Puts a whole stack in wherever it fits.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Full`] if not all of it fits, or as [`Self::fill`].
    pub fn give(&mut self, entity: Entity, stack: Stack) -> Result<(), InventoryError> {
        self.all_or_nothing(|tx| match tx.fill(entity, stack)? {
            None => Ok(()),
            Some(rest) => Err(InventoryError::Full { entity, item: rest.item, left: rest.count() }),
        })
    }

    /// Takes exactly `count` of an item, from the last slot backwards, and returns the stacks.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NotEnough`].
    pub fn take(
        &mut self,
        entity: Entity,
        item: ItemId,
        count: u32,
    ) -> Result<Vec<Stack>, InventoryError> {
        let have = self.count(entity, item)?;
        if have < u64::from(count) {
            return Err(InventoryError::NotEnough { entity, item, have, wanted: count });
        }
        let unit = self.unit(entity)?;
        let mut left = count;
        let mut taken = Vec::new();
        for flat in (0..unit.len()).rev() {
            let Some(stack) = unit.get(flat).filter(|stack| stack.item == item) else { continue };
            let part = left.min(stack.count());
            taken.extend(stack.with_count(part));
            unit.set(flat, stack.with_count(stack.count() - part));
            left -= part;
            if left == 0 {
                break;
            }
        }
        Ok(taken)
    }

    /// Takes all stacks for which `wanted` says yes.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`].
    pub fn take_where(
        &mut self,
        entity: Entity,
        mut wanted: impl FnMut(&Stack) -> bool,
    ) -> Result<Vec<Stack>, InventoryError> {
        let unit = self.unit(entity)?;
        let hits: Vec<usize> =
            (0..unit.len()).filter(|flat| unit.get(*flat).is_some_and(|s| wanted(&s))).collect();
        Ok(hits.into_iter().filter_map(|flat| unit.set(flat, None)).collect())
    }

    /// Takes `count` (all, if `None`) out of one slot.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`], or [`InventoryError::Slot`]
    /// if the slot is empty or holds less.
    pub fn take_from(
        &mut self,
        entity: Entity,
        slot: Slot,
        count: Option<u32>,
    ) -> Result<Stack, InventoryError> {
        let flat = self.flat(entity, slot)?;
        self.take_at(entity, flat, count)
    }

    fn take_at(
        &mut self,
        entity: Entity,
        flat: usize,
        count: Option<u32>,
    ) -> Result<Stack, InventoryError> {
        let fail = |error| InventoryError::Slot { entity, error };
        let unit = self.unit(entity)?;
        let stack = unit.get(flat).ok_or(fail(SlotError::Empty { slot: flat }))?;
        let (have, wanted) = (stack.count(), count.unwrap_or(stack.count()));
        let part =
            stack.with_count(wanted).ok_or(fail(SlotError::Count { count: wanted, max: have }))?;
        let rest = have.checked_sub(wanted).ok_or(fail(SlotError::NotEnough {
            slot: flat,
            have,
            wanted,
        }))?;
        unit.set(flat, stack.with_count(rest));
        Ok(part)
    }

    /// Puts as much of a stack into one slot as fits there and returns the rest.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NotAccepted`], [`InventoryError::Slot`] if not one of it fits,
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`],
    /// [`InventoryError::UnknownItem`].
    pub fn put_into(
        &mut self,
        entity: Entity,
        slot: Slot,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        let flat = self.flat(entity, slot)?;
        if !self.accepts(entity, flat, stack.item)? {
            return Err(InventoryError::NotAccepted { entity, index: flat, item: stack.item });
        }
        let max_stack = self.catalogue.max_stack(stack.item);
        self.put_at(entity, flat, stack, max_stack)
    }

    /// Merges what stacks, orders by item, and closes the gaps of one container.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], or [`InventoryError::NoSuchSlot`] if the unit has no such
    /// container.
    pub fn sort(&mut self, entity: Entity, container: Slot) -> Result<(), InventoryError> {
        let flat = self.flat(entity, container)?;
        let catalogue = self.catalogue;
        let unit = self.unit(entity)?;
        let (kind, _) = unit.locate(flat).unwrap_or_default();
        if let Some(slots) = unit.section_mut(kind) {
            slots.sort(|item| catalogue.rank(item), |item| catalogue.max_stack(item));
        }
        Ok(())
    }

    /// Selects a slot of the container that has a selected one.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], or [`InventoryError::NoSuchSlot`] if there is no such slot or
    /// the container has no selected one.
    pub fn select(&mut self, entity: Entity, slot: Slot) -> Result<(), InventoryError> {
        self.flat(entity, slot)?;
        let missing = InventoryError::NoSuchSlot { entity, index: slot.index };
        let index = u8::try_from(slot.index).map_err(|_| missing)?;
        let unit = self.unit(entity)?;
        unit.selected.as_mut().map(|selected| *selected = index).ok_or(missing)
    }
}
