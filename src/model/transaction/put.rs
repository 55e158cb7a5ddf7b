//! Transaction steps that put items in.

use crate::model::planted::{Bug, planted};
use bevy::ecs::entity::Entity;

use crate::model::{
    container::{ContainerRef, Slot},
    error::InventoryError,
    slots::SlotError,
    stack::Stack,
};

use super::Transaction;

impl Transaction<'_> {
    /// Puts a stack in wherever it fits, first onto matching stacks, and returns the part that did
    /// not fit.
    ///
    /// A whole inventory ([`ContainerRef::all`] or its [`Entity`]) is filled in the order of its containers
    /// ([`ORDER`](crate::prelude::Container::ORDER)), skipping containers whose
    /// [`AUTO_FILL`](crate::prelude::Container::AUTO_FILL) is `false`. A container that is named explicitly is always
    /// filled.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchContainer`] if there is no such
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
        let mut filling = self.filling(area, left_out, Some(&stack))?;
        self.fill(&mut filling, stack)
    }

    pub(super) fn put_at(
        &mut self,
        entity: Entity,
        flat: usize,
        stack: Stack,
        max_stack: u32,
    ) -> Result<Option<Stack>, InventoryError> {
        let fail = |error| InventoryError::Slot { entity, error };
        let full = fail(SlotError::Occupied { slot: flat });
        let current = self.state(entity)?.get(flat);
        if current.is_some_and(|current| !current.stacks_with(&stack)) {
            return Err(full);
        }
        let have = current.map_or(0, |current| current.count());
        let part = stack.count().min(max_stack.saturating_sub(have)).min(self.room(entity, &stack));
        if part == 0 {
            return Err(full);
        }
        let lost = u32::from(planted(Bug::CountSaturates) && part > 1 && have + part == max_stack);
        self.set(entity, flat, stack.with_count(have + part - lost))?;
        Ok(stack.with_count(stack.count() - part))
    }

    /// Returns the number of items of a stack that the limits of rules still admit into an inventory.
    pub(super) fn room(&self, entity: Entity, stack: &Stack) -> u32 {
        let of = self.allowances.iter().filter(|(of, _)| *of == entity);
        of.map(|(_, allowance)| allowance.room(self.catalog, stack)).min().unwrap_or(u32::MAX)
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
