//! The stack that follows the pointer.

use bevy::prelude::*;

use crate::{
    model::{container::SlotRef, stack::Stack},
    shared::events::{InventoryClosed, SlotChanged},
};

use super::cell::{DirtyCells, SlotCells};

/// The stack that the player carries from one slot to another, with the mouse or with keys. It stays in its slot until
/// it is put down, so that nothing is lost if the connection ends; the slot shows only what would remain.
#[derive(Resource, Default, Debug)]
pub struct Carried(Option<Carry>);

/// See [`Carried`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Carry {
    /// The slot that the stack is in.
    pub from: SlotRef,
    /// The stack in that slot, as of the last change.
    pub source: Stack,
    /// Number of items that are carried; all if `None`.
    pub count: Option<u32>,
    /// Position of the pointer in the window, in logical pixels. `None` if it is carried with keys or a gamepad.
    pub at: Option<Vec2>,
}

impl Carry {
    /// Returns the number of items that are carried.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count.unwrap_or(u32::MAX).min(self.source.count())
    }

    /// Returns the carried items as a stack.
    #[must_use]
    pub fn stack(&self) -> Stack {
        self.source.with_count(self.count()).unwrap_or(self.source)
    }

    /// Returns what the slot shows in the meantime.
    #[must_use]
    pub fn rest(&self) -> Option<Stack> {
        self.source.with_count(self.source.count() - self.count())
    }
}

impl Carried {
    /// Returns the carried stack.
    #[must_use]
    pub fn get(&self) -> Option<&Carry> {
        self.0.as_ref()
    }

    /// Carries another stack, or nothing.
    pub(super) fn set(&mut self, carry: Option<Carry>, cells: &SlotCells, dirty: &mut DirtyCells) {
        let slots = self.0.iter().chain(&carry).map(|carry| carry.from);
        dirty.0.extend(slots.flat_map(|slot| cells.of(slot)));
        self.0 = carry;
    }

    /// Moves the carried stack with the pointer.
    pub(super) fn move_to(&mut self, at: Vec2) {
        if let Some(carry) = &mut self.0 {
            carry.at = Some(at);
        }
    }
}

/// Puts the stack back if another one takes its place.
pub(super) fn follow_source(
    change: On<SlotChanged>,
    mut carried: ResMut<Carried>,
    cells: Res<SlotCells>,
    mut dirty: ResMut<DirtyCells>,
) {
    let Some(carry) = carried.get().filter(|carry| carry.from == (change.entity, change.slot))
    else {
        return;
    };
    let same = change.new.filter(|stack| stack.item == carry.source.item);
    let count = |stack: &Stack| carry.count.map(|count| count.min(stack.count()));
    let next = same.map(|source| Carry { source, count: count(&source), ..*carry });
    carried.set(next, &cells, &mut dirty);
}

/// Forgets the carried stack if its inventory is no longer in view.
pub(super) fn follow_closed(
    closed: On<InventoryClosed>,
    mut carried: ResMut<Carried>,
    cells: Res<SlotCells>,
    mut dirty: ResMut<DirtyCells>,
) {
    if carried.get().is_some_and(|carry| carry.from.0 == closed.entity) {
        carried.set(None, &cells, &mut dirty);
    }
}
