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
    /// A whole inventory ([`ContainerRef::all`] or its [`Entity`]) does not include containers whose
    /// [`AUTO_FILL`](crate::prelude::Container::AUTO_FILL) is `false`: worn equipment is not taken unless its
    /// container is named.
    ///
    /// In an action, the server takes the kinds and counts that the client predicted, from whatever slots hold them. If
    /// they are no longer there, the action is rejected as
    /// [`Rejection::Stale`](crate::prelude::Rejection::Stale).
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchContainer`] if there is no such
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
            let taken = tx.take_across(&[area], item, count)?;
            let have = taken.iter().map(|stack| u64::from(stack.count())).sum();
            if have < u64::from(count) {
                return Err(InventoryError::NotEnough { entity, item, have, wanted: count });
            }
            Ok(taken)
        })
    }

    /// Takes up to `count` of an item out of several areas: plain stacks of all areas first, then stacks with
    /// wear or instance data.
    pub(super) fn take_across(
        &mut self,
        areas: &[ContainerRef],
        item: ItemId,
        count: u32,
    ) -> Result<Vec<Stack>, InventoryError> {
        let mut predicted = self.begin_take();
        let mut candidates: Vec<(Entity, usize, Stack)> = Vec::new();
        for area in areas {
            let ranges = self.ordered(*area)?;
            for flat in ranges.into_iter().rev().flat_map(Iterator::rev) {
                let stack = self.state(area.entity)?.get(flat).filter(|stack| stack.item == item);
                if let Some(stack) = stack.filter(|stack| predicted.admits(stack))
                    && self.permits(area.entity, flat, Rights::TAKE)
                {
                    candidates.push((area.entity, flat, stack));
                }
            }
        }
        let special = |stack: &Stack| !stack.stacks_with(&item.stack(1));
        candidates.sort_by_key(|(_, _, stack)| special(stack));
        // The other stacks of the prediction must be taken as well, so plain stacks do not replace them.
        let mut plain = count.saturating_sub(predicted.listed());
        let mut left = count;
        let mut taken = Vec::new();
        for (entity, flat, _) in candidates {
            // Areas may overlap.
            let Some(stack) = self.state(entity)?.get(flat) else { continue };
            let most =
                if special(&stack) { predicted.most(&stack).min(left) } else { plain.min(left) };
            let Some(part) = stack.with_count(most.min(stack.count())) else { continue };
            self.set(entity, flat, stack.with_count(stack.count() - part.count()))?;
            left -= part.count();
            if special(&stack) {
                predicted.take(&part);
            } else {
                plain -= part.count();
            }
            taken.push(part);
        }
        self.end_take(&taken);
        Ok(taken)
    }

    /// Takes all stacks that match the predicate `wanted`.
    ///
    /// In an action, these must be the stacks that the player's client has predicted, with the number of each kind;
    /// otherwise the action is rejected as [`Rejection::Stale`](crate::prelude::Rejection::Stale). To take a number
    /// that does not depend on what is there, name it in the action and use [`take`](Self::take).
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], or [`InventoryError::NoSuchContainer`] if there is no such
    /// container.
    pub fn take_if(
        &mut self,
        area: impl Into<ContainerRef>,
        wanted: impl FnMut(&Stack) -> bool,
    ) -> Result<Vec<Stack>, InventoryError> {
        let taken = self.take_unrecorded(area.into(), wanted)?;
        self.record_all_taken(&taken);
        Ok(taken)
    }

    /// Like [`Self::take_if`], for slots that are part of what the player saw already.
    pub(in crate::model) fn take_unrecorded(
        &mut self,
        area: ContainerRef,
        mut wanted: impl FnMut(&Stack) -> bool,
    ) -> Result<Vec<Stack>, InventoryError> {
        let mut taken = Vec::new();
        for flat in self.range(area)? {
            if let Some(stack) = self.state(area.entity)?.get(flat).filter(&mut wanted) {
                self.set(area.entity, flat, None)?;
                taken.push(stack);
            }
        }
        Ok(taken)
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
        self.set(entity, flat, stack.with_count(rest))?;
        Ok(part)
    }
}
