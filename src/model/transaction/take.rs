//! Transaction steps that take items out.

use bevy::ecs::entity::Entity;

use crate::model::{
    container::{ContainerRef, Slot},
    error::InventoryError,
    id::ItemId,
    rights::Rights,
    slots::SlotError,
    stack::Stack,
};

use super::Transaction;

impl Transaction<'_> {
    /// Takes exactly `count` of an item, from the last slot backwards, and returns the stacks.
    /// Stacks with wear or instance data are taken last.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`] if there is no such
    /// container, or [`InventoryError::NotEnough`].
    pub fn take(
        &mut self,
        area: impl Into<ContainerRef>,
        item: ItemId,
        count: u32,
    ) -> Result<Vec<Stack>, InventoryError> {
        let area = area.into();
        let entity = area.entity;
        self.all_or_nothing(|tx| {
            let taken = tx.take_up_to(area, item, count)?;
            let have = taken.iter().map(|stack| u64::from(stack.count())).sum();
            if have < u64::from(count) {
                return Err(InventoryError::NotEnough { entity, item, have, wanted: count });
            }
            Ok(taken)
        })
    }

    pub(super) fn take_up_to(
        &mut self,
        area: ContainerRef,
        item: ItemId,
        count: u32,
    ) -> Result<Vec<Stack>, InventoryError> {
        let mut left = count;
        let mut taken = Vec::new();
        let ranges = self.ordered(area)?;
        let state = self.state(area.entity)?;
        let stack = |flat: usize| state.get(flat).filter(|stack| stack.item == item);
        let flats = ranges.into_iter().rev().flat_map(Iterator::rev);
        let mut there: Vec<(usize, Stack)> =
            flats.filter_map(|flat| Some((flat, stack(flat)?))).collect();
        there.sort_by_key(|(_, stack)| !stack.stacks_with(&item.stack(1)));
        for (flat, stack) in there {
            let part = stack.with_count(left.min(stack.count()));
            if let Some(part) = part.filter(|_| self.permits(area.entity, flat, Rights::TAKE)) {
                self.state(area.entity)?.set(flat, stack.with_count(stack.count() - part.count()));
                left -= part.count();
                taken.push(part);
            }
        }
        Ok(taken)
    }

    /// Takes all stacks that match the predicate `wanted`.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], or [`InventoryError::NoSuchSlot`] if there is no such
    /// container.
    pub fn take_if(
        &mut self,
        area: impl Into<ContainerRef>,
        mut wanted: impl FnMut(&Stack) -> bool,
    ) -> Result<Vec<Stack>, InventoryError> {
        let area = area.into();
        let range = self.range(area)?;
        let state = self.state(area.entity)?;
        let hits: Vec<usize> =
            range.filter(|flat| state.get(*flat).is_some_and(|s| wanted(&s))).collect();
        Ok(hits.into_iter().filter_map(|flat| state.set(flat, None)).collect())
    }

    /// Takes `count` items (all if `None`) out of one slot.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`], or [`InventoryError::Slot`]
    /// if the slot is empty or holds fewer items, or `count` is zero.
    pub fn take_from(
        &mut self,
        entity: Entity,
        slot: Slot,
        count: Option<u32>,
    ) -> Result<Stack, InventoryError> {
        let flat = self.flat(entity, slot)?;
        self.take_at(entity, flat, count)
    }

    pub(super) fn take_at(
        &mut self,
        entity: Entity,
        flat: usize,
        count: Option<u32>,
    ) -> Result<Stack, InventoryError> {
        let fail = |error| InventoryError::Slot { entity, error };
        let state = self.state(entity)?;
        let stack = state.get(flat).ok_or(fail(SlotError::Empty { slot: flat }))?;
        let (have, wanted) = (stack.count(), count.unwrap_or(stack.count()));
        let part =
            stack.with_count(wanted).ok_or(fail(SlotError::Count { count: wanted, max: have }))?;
        let rest = have.checked_sub(wanted).ok_or(fail(SlotError::NotEnough {
            slot: flat,
            have,
            wanted,
        }))?;
        state.set(flat, stack.with_count(rest));
        Ok(part)
    }
}
