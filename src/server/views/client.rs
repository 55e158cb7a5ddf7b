//! What one client sees, and what waits to be sent to it.

use std::collections::VecDeque;

use bevy::{platform::collections::HashSet, prelude::*};

use crate::{
    model::id::{DataId, InventoryId},
    server::{bulk::Bulk, health::Watch},
    wire::{COPIES_MAX, CloseCause, VIEWS_MAX},
};

use super::line::Queue;

/// So many names of data that is gone wait for a message that goes out anyway.
const FORGETS_WAITING: usize = 256;

/// What one client sees, and what waits for it.
#[derive(Default, Debug)]
pub(in crate::server) struct ClientViews {
    /// It has said hello, and may be sent something.
    pub(in crate::server) ready: bool,
    /// It must drop all it has before it reads on.
    pub(in crate::server) reset: bool,
    pub(in crate::server) views: Vec<Option<Entity>>,
    /// No index below this one is free.
    lowest_free: usize,
    pub(in crate::server) closes: Vec<(u32, CloseCause)>,
    /// Views that need a full copy. One that is listed twice, or closed since, is passed over.
    pub(in crate::server) opens: Vec<u32>,
    /// The copies that it keeps of what is not in view, with their versions, as [`COPIES_MAX`] says.
    copies: VecDeque<(InventoryId, u64)>,
    /// Views that wait for bytes.
    pub(super) queue: Queue,
    /// Views with the digests that it is to be told.
    pub(in crate::server) digests: Vec<(u32, u64)>,
    /// Full copies that go in chunks.
    pub(in crate::server) bulk: Bulk,
    /// Instance data that the client has been sent.
    pub(in crate::server) knows: HashSet<DataId>,
    /// Instance data that it has and can forget.
    pub(in crate::server) forgets: Vec<DataId>,
    /// Set by encode: instance data that it needs for this tick.
    pub(in crate::server) needs: Vec<DataId>,
    /// Times that it had lost its place, or found a copy to be wrong.
    pub(in crate::server) desyncs: u64,
    pub(in crate::server) watch: Watch,
    /// The first tick in which it may be sent everything once more.
    pub(super) resync_after: u64,
}

impl ClientViews {
    pub(super) fn add(&mut self, unit: Entity) -> Option<u32> {
        let taken = self.views[self.lowest_free..].iter().take_while(|view| view.is_some()).count();
        let free = self.lowest_free + taken;
        if free >= VIEWS_MAX {
            return None;
        }
        if free == self.views.len() {
            self.views.push(None);
        }
        self.views[free] = Some(unit);
        self.lowest_free = free + 1;
        u32::try_from(free).ok()
    }

    /// The client keeps a copy of what is hidden from it.
    pub(super) fn keep_copy(&mut self, id: InventoryId, version: u64) {
        self.drop_copy(id);
        if self.copies.len() == COPIES_MAX {
            self.copies.pop_front();
        }
        self.copies.push_back((id, version));
    }

    /// The version of the copy that the client keeps of an inventory.
    pub(in crate::server) fn copy_of(&self, id: InventoryId) -> Option<u64> {
        self.copies.iter().find(|(there, _)| *there == id).map(|(_, version)| *version)
    }

    /// The client does not keep a copy any more, for it is in view.
    pub(super) fn drop_copy(&mut self, id: InventoryId) {
        self.copies.retain(|(there, _)| *there != id);
    }

    /// After a reset the client keeps what it has named.
    pub(super) fn keep_only(&mut self, copies: impl Iterator<Item = (InventoryId, u64)>) {
        self.copies.clear();
        copies.take(COPIES_MAX).for_each(|(id, version)| self.keep_copy(id, version));
    }

    /// Whether so much instance data is gone that the client is told, though nothing else is to be said.
    pub(in crate::server) fn must_forget(&self) -> bool {
        self.forgets.len() > FORGETS_WAITING
    }

    /// Has the client sent instance data, unless it was before.
    pub(in crate::server) fn need(&mut self, data: impl Iterator<Item = DataId>) {
        for id in data {
            if self.knows.insert(id) {
                self.needs.push(id);
            }
        }
    }

    pub(super) fn remove(&mut self, view: u32) {
        self.views[view as usize] = None;
        self.lowest_free = self.lowest_free.min(view as usize);
    }
}
