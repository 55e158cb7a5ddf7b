//! One confirmed copy, with what is shown instead while requests are pending.

use crate::{
    model::{stack::Stack, state::InventoryState},
    shared::events::SlotCause,
    wire::OpenHead,
};
use bevy::platform::collections::HashSet;
use bevy::prelude::*;

/// One inventory that this client sees.
#[derive(Debug)]
pub(crate) struct ConfirmedInventory {
    pub(crate) head: OpenHead,
    pub(crate) version: u64,
    pub(crate) state: InventoryState,
    /// What is shown instead, if a request that has no answer yet makes a difference.
    pub(crate) predicted: Option<InventoryState>,
    /// The entity that shows it, once there is one.
    pub(crate) entity: Option<Entity>,
    /// Whether the game has been told that it is open on that entity.
    pub(crate) opened: bool,
    /// Whether rights or structure changed since the entity was last written.
    pub(crate) reopened: bool,
    pub(crate) resized: bool,
    /// Whether it is on the list of those that wait for their entity.
    pub(crate) waits: bool,
    /// What changed since the game was last told, each slot once.
    pub(crate) changes: Vec<ShownChange>,
    pub(crate) changed: HashSet<(u8, usize)>,
    pub(crate) selected_before: Option<u8>,
    /// What the server says the copy comes to at a version.
    pub(crate) digest: Option<(u64, u64)>,
}

/// A slot of a confirmed copy that moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShownChange {
    pub(crate) kind: u8,
    pub(crate) index: usize,
    pub(crate) old: Option<Stack>,
    pub(crate) cause: SlotCause,
}

impl ConfirmedInventory {
    /// Shows the copy on an entity, from the beginning.
    pub(crate) fn attach(&mut self, entity: Entity) {
        self.entity = Some(entity);
        self.waits = false;
        drop(self.take_changes());
        self.selected_before = None;
        self.resized = false;
        self.reopened = true;
    }

    /// The entity is gone.
    pub(crate) fn detach(&mut self) {
        self.entity = None;
        self.opened = false;
        self.waits = true;
    }

    /// What changed since this was last called.
    pub(crate) fn take_changes(&mut self) -> Vec<ShownChange> {
        self.changed.clear();
        core::mem::take(&mut self.changes)
    }

    fn note(&mut self, change: ShownChange) {
        if self.changed.insert((change.kind, change.index)) {
            self.changes.push(change);
        }
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> &InventoryState {
        self.predicted.as_ref().unwrap_or(&self.state)
    }

    /// What is shown in one slot.
    pub(crate) fn shown_at(&self, kind: u8, index: usize) -> Option<Stack> {
        self.shown().container(kind)?.get(index)
    }

    /// Shows something else than what is confirmed.
    pub(crate) fn show(&mut self, state: &InventoryState, cause: SlotCause) {
        self.record_shown(state, cause);
        self.predicted = (*state != self.state).then(|| state.clone());
    }

    /// Shows what is confirmed.
    pub(crate) fn show_confirmed(&mut self, cause: SlotCause) {
        let state = self.state.clone();
        self.show(&state, cause);
    }

    /// Notes what will look different when `state` is shown.
    fn record_shown(&mut self, state: &InventoryState, cause: SlotCause) {
        let before = self.shown().clone();
        if before.selected != state.selected {
            self.selected_before = self.selected_before.or(before.selected);
        }
        for container in state.containers() {
            for (index, new) in container.slots.as_slice().iter().enumerate() {
                let old = before.container(container.kind).and_then(|slots| slots.get(index));
                if old != *new {
                    self.note(ShownChange { kind: container.kind, index, old, cause });
                }
            }
        }
    }

    /// Moves a confirmed slot. What is shown follows when the pending requests have been done again.
    pub(crate) fn set(&mut self, flat: usize, new: Option<Stack>, cause: SlotCause) -> bool {
        let Some((kind, index)) = self.state.locate(flat) else { return false };
        let shown = self.shown_at(kind, index);
        let moved = self.state.set(flat, new) != new;
        if moved {
            self.note(ShownChange { kind, index, old: shown, cause });
        }
        moved
    }

    pub(crate) fn select(&mut self, selected: Option<u8>) {
        if self.state.selected != selected {
            self.selected_before = self.selected_before.or(self.shown().selected);
            self.state.selected = selected;
        }
    }

    /// Takes over a full copy, noting only what differs.
    pub(crate) fn heal(&mut self, state: InventoryState) -> u64 {
        let moved = self.state.iter().zip(state.iter()).filter(|(old, new)| old != new).count();
        self.record_shown(&state, SlotCause::FullCopy);
        self.predicted = None;
        self.state = state;
        moved as u64
    }
}
