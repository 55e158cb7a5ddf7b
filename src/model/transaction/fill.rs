//! Puts any number of stacks into an area, in time linear in the slots of the area and the number of stacks.

use core::ops::Range;

use bevy::{ecs::entity::Entity, platform::collections::HashMap};
use smallvec::SmallVec;

use crate::model::{
    container::ContainerRef, error::InventoryError, id::ItemId, rejection::Rejection,
    rights::Rights, stack::Stack,
};

use super::Transaction;

/// Maximum number of slot filter checks that may fail in one player action: enough to move a full bank into any
/// equipment. These checks are the only part whose time is not linear in the slots.
const NOT_ACCEPTED_MAX: usize = 1 << 16;

/// The slots of an area into which stacks can still be put, in the order in which they are filled.
pub(super) struct Filling {
    entity: Entity,
    /// Slots with a stack that is not full, by a stack of that kind with count 1.
    partial: HashMap<Stack, PartialStacks>,
    /// Slots that were empty at the beginning.
    empty: Vec<usize>,
    /// For each entry of `empty`, an entry at or after it that may still be empty.
    next_free: Vec<usize>,
    /// For each item, the first entry of `empty` that may accept it.
    first: HashMap<ItemId, usize>,
    not_accepted: usize,
}

/// Slots with matching stacks, and the index of the first one that is not full.
#[derive(Default)]
struct PartialStacks {
    slots: SmallVec<[usize; 2]>,
    first: usize,
}

impl Filling {
    /// Returns `true` if not a single item of a stack fits.
    pub(super) fn is_full_for(&mut self, stack: &Stack) -> bool {
        let free = first_free(&mut self.next_free, 0) < self.empty.len();
        !free && !self.partial.contains_key(&unit_stack(stack))
    }
}

/// Returns a stack of one item that matches.
pub(super) fn unit_stack(stack: &Stack) -> Stack {
    stack.with_count(1).unwrap_or(*stack)
}

impl Transaction<'_> {
    /// Finds the slots of an area into which stacks can be put. Skips the slot `left_out`. If only one kind of
    /// stack will be put in, it is given as `only`.
    pub(super) fn filling(
        &mut self,
        area: ContainerRef,
        left_out: Option<usize>,
        only: Option<&Stack>,
    ) -> Result<Filling, InventoryError> {
        let entity = area.entity;
        let ranges = self.ordered(area)?;
        let mut filling = Filling {
            entity,
            partial: HashMap::default(),
            empty: Vec::new(),
            next_free: Vec::new(),
            first: HashMap::default(),
            not_accepted: 0,
        };
        for flat in ranges.into_iter().flat_map(Range::into_iter) {
            if Some(flat) == left_out || !self.permits(entity, flat, Rights::PUT) {
                continue;
            }
            match self.state(entity)?.get(flat) {
                None => filling.empty.push(flat),
                Some(current) if only.is_none_or(|only| only.stacks_with(&current)) => {
                    let room = current.count() < self.catalog.max_stack(current.item);
                    if room && self.accepts(entity, flat, current.item).unwrap_or(false) {
                        filling.partial.entry(unit_stack(&current)).or_default().slots.push(flat);
                    }
                }
                Some(_) => {}
            }
        }
        filling.next_free = (0..filling.empty.len()).collect();
        Ok(filling)
    }

    /// Puts in as much of a stack as fits, first onto matching stacks, and returns the part that did not fit.
    pub(super) fn fill(
        &mut self,
        filling: &mut Filling,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        self.check_known(stack.item)?;
        let (entity, max_stack) = (filling.entity, self.catalog.max_stack(stack.item));
        let mut left = stack;
        let mut partial = filling.partial.get_mut(&unit_stack(&stack));
        while let Some(partial) = &mut partial
            && let Some(flat) = partial.slots.get(partial.first).copied()
        {
            match self.put_at(entity, flat, left, max_stack) {
                Ok(None) => return Ok(None),
                Ok(Some(rest)) if self.room(entity, &rest) > 0 => left = rest,
                // A limit of a rule has been reached.
                Ok(rest) => return Ok(rest),
                Err(_) if self.room(entity, &left) == 0 => return Ok(Some(left)),
                Err(_) => {}
            }
            partial.first += 1;
        }
        let mut next = filling.first.get(&stack.item).copied().unwrap_or(0);
        let mut rest = Some(left);
        while let Some(left) = rest.filter(|left| self.room(entity, left) > 0) {
            next = first_free(&mut filling.next_free, next);
            let Some(flat) = filling.empty.get(next).copied() else { break };
            if self.accepts(entity, flat, stack.item)? {
                rest = self.put_at(entity, flat, left, max_stack)?;
                filling.next_free[next] = next + 1;
                if rest.is_none() {
                    filling.partial.entry(unit_stack(&stack)).or_default().slots.push(flat);
                }
            } else {
                next += 1;
                filling.not_accepted += 1;
                self.work += 1;
                if self.is_for_player() && filling.not_accepted > NOT_ACCEPTED_MAX {
                    return Err(Rejection::Invalid.into());
                }
            }
        }
        filling.first.insert(stack.item, next);
        Ok(rest)
    }
}

/// Returns the first entry at or after `from` that is free, and compresses the path to it for later calls.
fn first_free(next_free: &mut [usize], mut from: usize) -> usize {
    while let Some(next) = next_free.get(from).copied().filter(|next| *next != from) {
        let further = next_free.get(next).copied().unwrap_or(next);
        next_free[from] = further;
        from = further;
    }
    from
}
