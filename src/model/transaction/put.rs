//! Transaction steps that put items in.

use bevy::ecs::entity::Entity;

use crate::model::{
    container::{ContainerRef, Slot},
    error::InventoryError,
    rights::Rights,
    slots::SlotError,
    stack::Stack,
};

use super::Transaction;

impl Transaction<'_> {
    /// Puts a stack in wherever it fits, first onto matching stacks, and returns the part that did
    /// not fit.
    ///
    /// A whole inventory ([`ContainerRef::all`] or its [`Entity`]) is filled in the order of its containers
    /// ([`ORDER`](crate::prelude::Container::ORDER)), skipping containers whose [`AUTO_FILL`](crate::prelude::Container::AUTO_FILL) is `false`. A container
    /// that is named explicitly is always filled.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`] if there is no such
    /// container, or [`InventoryError::UnknownItem`].
    pub fn insert_up_to(
        &mut self,
        area: impl Into<ContainerRef>,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        self.insert_up_to_except(area.into(), None, stack)
    }

    /// Like [`Self::insert_up_to`], but skips one slot.
    pub(super) fn insert_up_to_except(
        &mut self,
        area: ContainerRef,
        left_out: Option<usize>,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        self.check_known(stack.item)?;
        let entity = area.entity;
        let max_stack = self.catalog.max_stack(stack.item);
        let ranges = self.ordered(area)?;
        let mut rest = Some(stack);
        for onto_stacks in [true, false] {
            let flats = ranges.iter().cloned().flatten();
            for flat in flats.filter(|flat| Some(*flat) != left_out) {
                let Some(left) = rest else { return Ok(None) };
                if self.state(entity)?.get(flat).is_some() == onto_stacks
                    && (area.container.is_some() || self.fills_by_itself(entity, flat)?)
                    && self.permits(entity, flat, Rights::PUT)
                    && self.accepts(entity, flat, left.item)?
                {
                    rest = self.put_at(entity, flat, left, max_stack).unwrap_or(rest);
                }
            }
        }
        Ok(rest)
    }

    fn fills_by_itself(&mut self, entity: Entity, flat: usize) -> Result<bool, InventoryError> {
        let registry = self.registry;
        let (kind, _) = self.state(entity)?.locate(flat).unwrap_or_default();
        Ok(registry.get(usize::from(kind)).is_some_and(|kind| kind.auto_fill))
    }

    pub(super) fn put_at(
        &mut self,
        entity: Entity,
        flat: usize,
        stack: Stack,
        max_stack: u32,
    ) -> Result<Option<Stack>, InventoryError> {
        let fail = |error| InventoryError::Slot { entity, error };
        let part = stack.count().min(self.allowance(entity));
        let part = stack.with_count(part).ok_or(fail(SlotError::Occupied { slot: flat }))?;
        let state = self.state(entity)?;
        let (kind, index) = state.locate(flat).unwrap_or_default();
        let Some(slots) = state.container_mut(kind) else {
            return Err(InventoryError::NoInventory { entity });
        };
        let rest = slots.merge(index, part, max_stack).map_err(fail)?;
        Ok(stack.with_count(stack.count() - part.count() + rest.map_or(0, |rest| rest.count())))
    }

    /// Puts a whole stack in wherever it fits, or nothing.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Full`] if not all of it fits; otherwise the errors of [`Self::insert_up_to`].
    pub fn insert(
        &mut self,
        area: impl Into<ContainerRef>,
        stack: Stack,
    ) -> Result<(), InventoryError> {
        let area = area.into();
        let entity = area.entity;
        self.all_or_nothing(|tx| match tx.insert_up_to(area, stack)? {
            None => Ok(()),
            Some(rest) => Err(InventoryError::Full { entity, item: rest.item, left: rest.count() }),
        })
    }

    /// Puts as much of a stack into one slot as fits and returns the rest.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NotAccepted`], [`InventoryError::Slot`] if not a single item fits,
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`], or
    /// [`InventoryError::UnknownItem`].
    pub fn put_into(
        &mut self,
        entity: Entity,
        slot: Slot,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        let flat = self.flat(entity, slot)?;
        self.check_accepts(entity, flat, stack.item)?;
        let max_stack = self.catalog.max_stack(stack.item);
        self.put_at(entity, flat, stack, max_stack)
    }
}
