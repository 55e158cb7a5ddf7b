//! The steps of a transaction that move things about.

use bevy::ecs::entity::Entity;

use crate::model::{
    container::{Area, Place, Slot},
    error::{InventoryError, SlotError},
    id::ContainerKey,
    stack::Stack,
};

use super::Tx;

impl Tx<'_> {
    /// Moves up to `count` (all, if `None`) from one slot to another, also of another inventory: as
    /// much as fits onto an empty slot or one that stacks with it, as an exchange of both onto any
    /// other.
    ///
    /// # Errors
    ///
    /// As [`Self::take_from`] and [`Self::put_into`].
    pub fn move_slot(
        &mut self,
        from: Place,
        to: Place,
        count: Option<u32>,
    ) -> Result<(), InventoryError> {
        if from == to {
            return self.flat(from.0, from.1).map(drop);
        }
        self.all_or_nothing(|tx| tx.move_parts(from, to, count))
    }

    fn move_parts(
        &mut self,
        from: Place,
        to: Place,
        count: Option<u32>,
    ) -> Result<(), InventoryError> {
        let (source, target) = (self.flat(from.0, from.1)?, self.flat(to.0, to.1)?);
        let there = self.unit(to.0)?.get(target);
        let part = self.take_at(from.0, source, count)?;
        let emptied = self.unit(from.0)?.get(source).is_none();
        if let Some(there) = there.filter(|there| emptied && !there.stacks_with(&part)) {
            self.unit(to.0)?.set(target, None);
            self.put_exactly(to, part)?;
            return self.put_exactly(from, there);
        }
        let rest = self.put_into(to.0, to.1, part)?;
        if let Some(rest) = rest {
            let back = self.unit(from.0)?.get(source).map_or(0, |s| s.count()) + rest.count();
            self.unit(from.0)?.set(source, rest.with_count(back));
        }
        Ok(())
    }

    /// Exchanges two slots, whatever lies there.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`], [`InventoryError::NotAccepted`],
    /// or [`InventoryError::Slot`] if both are empty.
    pub fn swap(&mut self, a: Place, b: Place) -> Result<(), InventoryError> {
        let (at_a, at_b) = (self.flat(a.0, a.1)?, self.flat(b.0, b.1)?);
        let (in_a, in_b) = (self.unit(a.0)?.get(at_a), self.unit(b.0)?.get(at_b));
        if in_a.is_none() && in_b.is_none() {
            return Err(InventoryError::Slot {
                entity: a.0,
                error: SlotError::Empty { slot: at_a },
            });
        }
        self.all_or_nothing(|tx| {
            tx.unit(a.0)?.set(at_a, None);
            tx.unit(b.0)?.set(at_b, None);
            in_b.map_or(Ok(()), |stack| tx.put_exactly(a, stack))?;
            in_a.map_or(Ok(()), |stack| tx.put_exactly(b, stack))
        })
    }

    /// Puts a stack into a slot that has just been emptied. A stack above the limit stays together:
    /// exchanging two slots never leaves a rest.
    fn put_exactly(&mut self, to: Place, stack: Stack) -> Result<(), InventoryError> {
        let flat = self.flat(to.0, to.1)?;
        self.check_accepts(to.0, flat, stack.item)?;
        self.unit(to.0)?.set(flat, Some(stack));
        Ok(())
    }

    /// Moves everything from one unit into another.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Full`] if not all of it fits, or [`InventoryError::NoInventory`].
    pub fn move_all(
        &mut self,
        from: impl Into<Area>,
        to: impl Into<Area>,
    ) -> Result<(), InventoryError> {
        let (from, to) = (from.into(), to.into());
        self.all_or_nothing(|tx| {
            for stack in tx.take_where(from, |_| true)? {
                tx.give(to, stack)?;
            }
            Ok(())
        })
    }

    /// Merges what stacks, orders by item, and closes the gaps of one container.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`] if the unit has no such container,
    /// or [`InventoryError::NotAccepted`] if a slot would hold what it does not take.
    pub fn sort(&mut self, entity: Entity, container: ContainerKey) -> Result<(), InventoryError> {
        self.all_or_nothing(|tx| tx.sort_at(entity, container))
    }

    fn sort_at(&mut self, entity: Entity, container: ContainerKey) -> Result<(), InventoryError> {
        let missing = InventoryError::NoSuchSlot { entity, index: 0 };
        let (catalogue, kinds) = (self.catalogue, self.kinds);
        let unit = self.unit(entity)?;
        let kind = unit.kind_of(kinds, container).ok_or(missing)?;
        let before = unit.section(kind).cloned().unwrap_or_default();
        if let Some(slots) = unit.section_mut(kind) {
            slots.sort(|item| catalogue.rank(item), |item| catalogue.max_stack(item));
        }
        let start = unit.start_of(kind);
        for (index, old) in before.as_slice().iter().enumerate() {
            let now = self.unit(entity)?.get(start + index);
            if let Some(stack) = now.filter(|_| now != *old) {
                self.check_accepts(entity, start + index, stack.item)?;
            }
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
        let flat = self.flat(entity, slot)?;
        let missing = InventoryError::NoSuchSlot { entity, index: slot.index };
        let index = u8::try_from(slot.index).map_err(|_| missing)?;
        let kinds = self.kinds;
        let unit = self.unit(entity)?;
        let (kind, _) = unit.locate(flat).unwrap_or_default();
        let selects = unit.selecting(kinds) == Some(kind) && !kinds[usize::from(kind)].progress;
        unit.selected.as_mut().filter(|_| selects).map(|selected| *selected = index).ok_or(missing)
    }
}
