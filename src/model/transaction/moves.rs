//! Transaction steps that move stacks.

use bevy::ecs::entity::Entity;

use crate::model::{
    container::{ContainerRef, Slot, SlotRef},
    error::InventoryError,
    id::ContainerKey,
    slots::SlotError,
    stack::Stack,
};

use super::Transaction;

impl Transaction<'_> {
    /// Moves up to `count` items (all if `None`) from one slot to another, which may be in another
    /// inventory. An empty target slot, or one with a matching stack, takes as many as fit. If the
    /// target holds any other stack, the two are exchanged, which requires moving a whole stack.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::take_from`] and [`Self::put_into`].
    pub fn move_slot(
        &mut self,
        from: SlotRef,
        to: SlotRef,
        count: Option<u32>,
    ) -> Result<(), InventoryError> {
        if from == to {
            return self.flat(from.0, from.1).map(drop);
        }
        self.all_or_nothing(|tx| tx.move_parts(from, to, count))
    }

    fn move_parts(
        &mut self,
        from: SlotRef,
        to: SlotRef,
        count: Option<u32>,
    ) -> Result<(), InventoryError> {
        let (source, target) = (self.flat(from.0, from.1)?, self.flat(to.0, to.1)?);
        let there = self.state(to.0)?.get(target);
        let part = self.take_at(from.0, source, count)?;
        let emptied = self.state(from.0)?.get(source).is_none();
        if let Some(there) = there.filter(|there| emptied && !there.stacks_with(&part)) {
            self.state(to.0)?.set(target, None);
            self.put_exactly(to, part)?;
            return self.put_exactly(from, there);
        }
        let rest = self.put_into(to.0, to.1, part)?;
        if let Some(rest) = rest {
            let back = self.state(from.0)?.get(source).map_or(0, |s| s.count()) + rest.count();
            self.state(from.0)?.set(source, rest.with_count(back));
        }
        Ok(())
    }

    /// Exchanges the contents of two slots.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`],
    /// [`InventoryError::NotAccepted`], or [`InventoryError::Slot`] if both slots are empty.
    pub fn swap(&mut self, a: SlotRef, b: SlotRef) -> Result<(), InventoryError> {
        let (at_a, at_b) = (self.flat(a.0, a.1)?, self.flat(b.0, b.1)?);
        let (in_a, in_b) = (self.state(a.0)?.get(at_a), self.state(b.0)?.get(at_b));
        if in_a.is_none() && in_b.is_none() {
            return Err(InventoryError::Slot {
                entity: a.0,
                error: SlotError::Empty { slot: at_a },
            });
        }
        self.all_or_nothing(|tx| {
            tx.state(a.0)?.set(at_a, None);
            tx.state(b.0)?.set(at_b, None);
            in_b.map_or(Ok(()), |stack| tx.put_exactly(a, stack))?;
            in_a.map_or(Ok(()), |stack| tx.put_exactly(b, stack))
        })
    }

    /// Puts a stack into a slot that has just been emptied. A stack above the limit is not split,
    /// since exchanging two slots must not leave a remainder.
    fn put_exactly(&mut self, to: SlotRef, stack: Stack) -> Result<(), InventoryError> {
        let flat = self.flat(to.0, to.1)?;
        self.check_accepts(to.0, flat, stack.item)?;
        self.state(to.0)?.set(flat, Some(stack));
        Ok(())
    }

    /// Moves everything from one area into another, or nothing.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Full`] if not everything fits, [`InventoryError::NoInventory`],
    /// [`InventoryError::NoSuchSlot`] if there is no such container, or
    /// [`InventoryError::UnknownItem`].
    pub fn move_all(
        &mut self,
        from: impl Into<ContainerRef>,
        to: impl Into<ContainerRef>,
    ) -> Result<(), InventoryError> {
        let (from, to) = (from.into(), to.into());
        self.all_or_nothing(|tx| {
            for stack in tx.take_if(from, |_| true)? {
                tx.insert(to, stack)?;
            }
            Ok(())
        })
    }

    /// Merges matching stacks of one container, orders them by item, and closes the gaps.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`] if the inventory has no such
    /// container, or [`InventoryError::NotAccepted`] if a slot would hold an item that it does not
    /// accept.
    pub fn sort(&mut self, entity: Entity, container: ContainerKey) -> Result<(), InventoryError> {
        self.all_or_nothing(|tx| tx.sort_at(entity, container))
    }

    fn sort_at(&mut self, entity: Entity, container: ContainerKey) -> Result<(), InventoryError> {
        let missing = InventoryError::NoSuchSlot { entity, index: 0 };
        let (catalog, registry) = (self.catalog, self.registry);
        let state = self.state(entity)?;
        let kind = state.kind_of(registry, container).ok_or(missing)?;
        let before = state.container(kind).cloned().unwrap_or_default();
        if let Some(slots) = state.container_mut(kind) {
            slots.sort(|item| catalog.rank(item), |item| catalog.max_stack(item));
        }
        let start = state.start_of(kind);
        for (index, old) in before.as_slice().iter().enumerate() {
            let now = self.state(entity)?.get(start + index);
            if let Some(stack) = now.filter(|_| now != *old) {
                self.check_accepts(entity, start + index, stack.item)?;
            }
        }
        Ok(())
    }

    /// Selects a slot of the container that has a selected slot.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], or [`InventoryError::NoSuchSlot`] if there is no such slot
    /// or the container has no selected slot that players may set.
    pub fn select(&mut self, entity: Entity, slot: Slot) -> Result<(), InventoryError> {
        let flat = self.flat(entity, slot)?;
        let missing = InventoryError::NoSuchSlot { entity, index: slot.index };
        let index = u8::try_from(slot.index).map_err(|_| missing)?;
        let registry = self.registry;
        let state = self.state(entity)?;
        let (kind, _) = state.locate(flat).unwrap_or_default();
        let selects =
            state.selecting(registry) == Some(kind) && !registry[usize::from(kind)].shows_progress;
        state.selected.as_mut().filter(|_| selects).map(|selected| *selected = index).ok_or(missing)
    }
}
