//! One confirmed copy, and its predicted state while requests are pending.

use crate::model::planted::{Bug, planted};
use crate::{
    model::{stack::Stack, state::InventoryState},
    shared::events::SlotCause,
    wire::OpenHead,
};
use bevy::platform::collections::HashSet;
use bevy::prelude::*;

/// The copy of one inventory that this client sees.
#[derive(Debug)]
pub(crate) struct ConfirmedInventory {
    pub(crate) head: OpenHead,
    pub(crate) version: u64,
    pub(crate) state: InventoryState,
    /// Whether an update may have been lost. Its contents may be wrong until it is opened again.
    pub(crate) missed_update: bool,
    /// The state shown instead, if pending requests change it.
    pub(crate) predicted: Option<InventoryState>,
    /// The entity that shows the copy, once it exists.
    pub(crate) entity: Option<Entity>,
    /// Whether the game has been notified that the inventory is open on that entity.
    pub(crate) opened: bool,
    /// Whether rights or owner changed since the entity was last written.
    pub(crate) reopened: bool,
    /// Whether the structure changed since the game was last notified.
    pub(crate) resized: bool,
    /// Whether the view is in the list of views that wait for their entity.
    pub(crate) awaits_entity: bool,
    /// Shown slots that changed since the game was last notified, each at most once.
    pub(crate) changes: Vec<ShownChange>,
    /// The slots in `changes`, by container type and index.
    pub(crate) changed: HashSet<(u8, usize)>,
    /// The selected slot of which the game was last notified, if another one has been selected since.
    pub(crate) selected_before: Option<u8>,
    /// The last checksum that the server sent, as version and checksum.
    pub(crate) checksum: Option<(u64, u64)>,
}

/// A shown slot that changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShownChange {
    pub(crate) kind: u8,
    pub(crate) index: usize,
    /// Contents of which the game was last notified.
    pub(crate) old: Option<Stack>,
    pub(crate) cause: SlotCause,
}

impl ConfirmedInventory {
    /// Creates a copy that no entity shows yet.
    pub(super) fn new(head: OpenHead, state: InventoryState) -> Self {
        Self {
            head,
            version: head.version,
            state,
            missed_update: false,
            predicted: None,
            entity: None,
            opened: false,
            reopened: false,
            resized: false,
            awaits_entity: false,
            changes: Vec::new(),
            changed: HashSet::default(),
            selected_before: None,
            checksum: None,
        }
    }

    /// Records how a full update differs from the copy in more than the contents of slots.
    pub(super) fn reopen(
        mut self: Box<Self>,
        head: &OpenHead,
        state: &InventoryState,
    ) -> Box<Self> {
        let access = |head: &OpenHead| (head.rights, head.owner, head.acts);
        self.reopened |= access(&self.head) != access(head);
        self.resized |= !self.state.same_structure(state);
        self
    }

    /// Attaches the copy to an entity. Changes that have not been reported are discarded.
    pub(crate) fn attach(&mut self, entity: Entity) {
        self.entity = Some(entity);
        self.awaits_entity = false;
        drop(self.take_changes());
        self.selected_before = None;
        self.resized = false;
        self.reopened = true;
    }

    /// Detaches the copy from an entity that no longer exists.
    pub(crate) fn detach(&mut self) {
        self.entity = None;
        self.opened = false;
        self.awaits_entity = true;
    }

    /// Returns the changes since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<ShownChange> {
        self.changed.clear();
        core::mem::take(&mut self.changes)
    }

    fn record(&mut self, change: ShownChange) {
        if self.changed.insert((change.kind, change.index)) {
            self.changes.push(change);
        }
    }

    /// Returns the shown state.
    pub(crate) fn shown(&self) -> &InventoryState {
        self.predicted.as_ref().unwrap_or(&self.state)
    }

    /// Returns the shown contents of one slot.
    pub(crate) fn shown_at(&self, kind: u8, index: usize) -> Option<Stack> {
        self.shown().container(kind)?.get(index)
    }

    /// Shows a predicted state.
    pub(crate) fn show(&mut self, state: &InventoryState, cause: SlotCause) {
        self.record_shown(state, cause);
        self.predicted = (*state != self.state).then(|| state.clone());
    }

    /// Shows the confirmed state.
    pub(crate) fn show_confirmed(&mut self, cause: SlotCause) {
        let mut state = self.state.clone();
        if planted(Bug::RollbackKeepsASlot) && !state.is_empty() {
            state.set(0, self.shown().get(0));
        }
        self.show(&state, cause);
    }

    /// Records the slots that change when `state` is shown.
    fn record_shown(&mut self, state: &InventoryState, cause: SlotCause) {
        let before = self.shown().clone();
        if before.selected != state.selected {
            self.selected_before = self.selected_before.or(before.selected);
        }
        for container in state.containers() {
            for (index, new) in container.slots.as_slice().iter().enumerate() {
                let old = before.container(container.kind).and_then(|slots| slots.get(index));
                if old != *new {
                    self.record(ShownChange { kind: container.kind, index, old, cause });
                }
            }
        }
    }

    /// Sets a confirmed slot and returns `true` if it changed. A predicted state is updated when the pending
    /// requests are replayed.
    pub(crate) fn set(&mut self, flat: usize, new: Option<Stack>, cause: SlotCause) -> bool {
        let Some((kind, index)) = self.state.locate(flat) else { return false };
        let shown = self.shown_at(kind, index);
        let changed = self.state.set(flat, new) != new;
        if changed {
            self.record(ShownChange { kind, index, old: shown, cause });
        }
        changed
    }

    pub(crate) fn select(&mut self, selected: Option<u8>) {
        if self.state.selected != selected {
            self.selected_before = self.selected_before.or(self.shown().selected);
            self.state.selected = selected;
        }
    }

    /// Replaces the confirmed state with a full update and discards the predicted state. Returns the number of
    /// slots that changed; only those are recorded.
    pub(crate) fn replace(&mut self, state: InventoryState) -> u64 {
        let changed = self.state.iter().zip(state.iter()).filter(|(old, new)| old != new).count();
        self.record_shown(&state, SlotCause::FullUpdate);
        self.predicted = None;
        self.state = state;
        changed as u64
    }
}
