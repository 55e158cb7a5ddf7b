//! Transaction steps that move stacks.

use crate::model::planted::{Bug, planted};
use bevy::ecs::entity::Entity;

use crate::model::{
    container::{ContainerRef, Slot, SlotRef},
    error::InventoryError,
    id::ContainerKey,
    slots::SlotError,
    stack::Stack,
};

use super::{JournalEntry, Transaction};

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
        let current = self.state(to.0)?.get(target);
        let part = self.take_at(from.0, source, count)?;
        let emptied = self.state(from.0)?.get(source).is_none();
        if let Some(current) = current.filter(|current| emptied && !current.stacks_with(&part)) {
            self.set(to.0, target, None)?;
            self.put_exactly(to, part)?;
            return self.put_exactly(from, current);
        }
        let rest = self.put_into(to.0, to.1, part)?;
        if planted(Bug::MoveCopies) && rest.is_none() && emptied {
            self.set(from.0, source, Some(part))?;
        }
        if let Some(rest) = rest {
            let back = self.state(from.0)?.get(source).map_or(0, |s| s.count()) + rest.count();
            self.set(from.0, source, rest.with_count(back))?;
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
            tx.set(a.0, at_a, None)?;
            tx.set(b.0, at_b, None)?;
            in_b.map_or(Ok(()), |stack| tx.put_exactly(a, stack))?;
            let in_a = in_a.filter(|_| !planted(Bug::SwapLosesAStack));
            in_a.map_or(Ok(()), |stack| tx.put_exactly(b, stack))
        })
    }

    /// Puts a stack into a slot that has just been emptied. A stack above the limit is not split,
    /// since exchanging two slots must not leave a remainder.
    fn put_exactly(&mut self, to: SlotRef, stack: Stack) -> Result<(), InventoryError> {
        let flat = self.flat(to.0, to.1)?;
        self.check_accepts(to.0, flat, stack.item)?;
        self.set(to.0, flat, Some(stack))
    }

    /// Moves everything from one area into another, or nothing.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Full`] if not everything fits, [`InventoryError::NoInventory`],
    /// [`InventoryError::NoSuchContainer`] if there is no such container, or
    /// [`InventoryError::UnknownItem`].
    pub fn move_all(
        &mut self,
        from: impl Into<ContainerRef>,
        to: impl Into<ContainerRef>,
    ) -> Result<(), InventoryError> {
        let (from, to) = (from.into(), to.into());
        self.all_or_nothing(|tx| {
            let stacks = tx.take_unrecorded(from, |_| true)?;
            let mut filling = tx.filling(to, None, None)?;
            for stack in stacks {
                if let Some(Stack { item, count, .. }) = tx.fill(&mut filling, stack)? {
                    let (entity, left) = (to.entity, count.get());
                    return Err(InventoryError::Full { entity, item, left });
                }
            }
            Ok(())
        })
    }

    /// Merges matching stacks of one container, orders them by item, and closes the gaps.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchContainer`] if the inventory has no such
    /// container, or [`InventoryError::NotAccepted`] if a slot would hold an item that it does not
    /// accept.
    pub fn sort(&mut self, entity: Entity, container: ContainerKey) -> Result<(), InventoryError> {
        self.all_or_nothing(|tx| tx.sort_at(entity, container))
    }

    fn sort_at(&mut self, entity: Entity, container: ContainerKey) -> Result<(), InventoryError> {
        let missing = InventoryError::NoSuchContainer { entity, container };
        let (catalog, registry) = (self.catalog, self.registry);
        let range = self.range(ContainerRef { entity, container: Some(container) })?;
        let state = self.state(entity)?;
        let kind = state.kind_of(registry, container).ok_or(missing)?;
        let mut slots = state.container(kind).ok_or(missing)?.clone();
        slots.sort(|item| catalog.rank(item), |item| catalog.max_stack(item));
        for (index, flat) in range.enumerate() {
            let sorted = slots.get(index);
            if sorted != self.state(entity)?.get(flat) {
                if let Some(stack) = sorted {
                    self.check_accepts(entity, flat, stack.item)?;
                }
                self.set(entity, flat, sorted)?;
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
        let missing = InventoryError::NoSuchSlot { entity, slot };
        let index = u8::try_from(slot.index).map_err(|_| missing)?;
        let registry = self.registry;
        let staged = self.stage(entity)?;
        let state = &mut self.staged[staged].state;
        let (kind, _) = state.locate(flat).unwrap_or_default();
        let selects =
            state.selecting(registry) == Some(kind) && !registry[usize::from(kind)].shows_progress;
        let selected = state.selected.as_mut().filter(|_| selects).ok_or(missing)?;
        let old = Some(core::mem::replace(selected, index));
        self.journal.push(JournalEntry::Selected { staged, old });
        Ok(())
    }
}
