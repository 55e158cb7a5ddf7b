//! What one client sees, and what waits to be sent to it.

use crate::model::planted::{Bug, planted};
use std::collections::{BTreeSet, VecDeque};

use bevy::{platform::collections::HashSet, prelude::*};

use crate::{
    model::{
        id::{DataId, InventoryId},
        limits::CLIENT_SLOTS_MAX,
    },
    server::{pacing::budget::Budget, send::transfers::OutgoingTransfers},
    wire::{COPIES_MAX, CloseCause, Handover, OpenHead, VIEWS_MAX, encode::ChangedSlot},
};

use super::queue::ThrottleQueue;

/// Maximum number of ids of forgotten data that wait for a message that is sent anyway.
const FORGETS_WAITING_MAX: usize = 256;

/// Minimum number of ticks between two full updates of everything for one client. It doubles with each one, up to
/// [`RESYNC_TICKS_MAX`].
pub(super) const RESYNC_TICKS_MIN: u64 = 10;

/// Number of ticks after which a client may be sent everything again in any case. A client that has requested nothing
/// for four times as long starts at [`RESYNC_TICKS_MIN`] again.
const RESYNC_TICKS_MAX: u64 = 320;

/// What one client sees, and what waits to be sent to it.
#[derive(Default, Debug)]
pub(crate) struct SyncedClient {
    /// Whether the client has completed its handshake.
    pub(crate) ready: bool,
    /// Whether the client must drop all views before it applies the next message.
    pub(crate) reset: bool,
    /// Number of full messages that the client has been sent, modulo 256.
    pub(crate) messages: u8,
    /// Inventories by view.
    pub(crate) inventory_by_view: Vec<Option<Entity>>,
    /// Number of these inventories.
    view_count: usize,
    /// Number of their slots, as of the last update of the views.
    slots: usize,
    /// Views of the inventories that the client owns.
    pub(crate) own_views: BTreeSet<u32>,
    /// All views below this one are taken.
    lowest_free: usize,
    pub(crate) closes: Vec<(u32, CloseCause)>,
    /// Views that need a full update.
    pub(crate) opens: BTreeSet<u32>,
    /// The views that open in this tick, selected by Batch.
    pub(crate) openings: Vec<ViewOpening>,
    /// The transfer that is handed over in this tick, selected by Batch.
    pub(crate) handover: Option<Handover>,
    /// The copies that the client keeps of inventories that are no longer in view, with their versions. At most
    /// [`COPIES_MAX`].
    kept_copies: VecDeque<(InventoryId, u64)>,
    /// Views that wait for the byte budget.
    pub(crate) queue: ThrottleQueue,
    /// What the client was sent of the bytes of all clients together; see
    /// [`Shares`](crate::server::pacing::shares::Shares).
    pub(crate) share: Budget,
    /// Checksums to send, by view.
    pub(crate) checksums: Vec<(u32, u64)>,
    /// Full updates that are sent in chunks.
    pub(crate) transfers: OutgoingTransfers,
    /// Instance data that the client has been sent.
    pub(crate) known_data: HashSet<DataId>,
    /// Instance data that the client has and can forget.
    pub(crate) forgotten_data: Vec<DataId>,
    /// Instance data that the client needs in this tick.
    pub(crate) needed_data: Vec<DataId>,
    /// Number of times that the client was out of sync or found a wrong copy.
    pub(crate) desyncs: u64,
    /// When the client may be sent everything again.
    pub(super) resync: ResyncTimer,
    /// The first tick in which wrong copies of the client may be repaired.
    pub(super) repairs_after: u64,
}

/// What a client would see, which is more than it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SeesTooMuch {
    pub(crate) views: usize,
    pub(crate) slots: usize,
}

/// A view that opens in this tick.
#[derive(Debug)]
pub(crate) struct ViewOpening {
    pub(crate) inventory: Entity,
    pub(crate) head: OpenHead,
    /// What changed since the copy that the client has kept, if that is shorter than a full update.
    pub(crate) since: Option<ChangesSince>,
}

/// The changes since a version of which a client has kept a copy.
#[derive(Debug)]
pub(crate) struct ChangesSince {
    pub(crate) base: u64,
    pub(crate) entries: Vec<ChangedSlot>,
}

impl SyncedClient {
    /// Assigns the lowest free view to an inventory with this number of slots.
    ///
    /// # Errors
    ///
    /// [`SeesTooMuch`] if it would exceed the limits.
    pub(super) fn add(&mut self, inventory: Entity, slots: usize) -> Result<u32, SeesTooMuch> {
        let taken = self.inventory_by_view[self.lowest_free..]
            .iter()
            .take_while(|view| view.is_some())
            .count();
        let free = self.lowest_free + taken;
        let too_much = SeesTooMuch { views: self.view_count + 1, slots: self.slots + slots };
        if too_much.slots > CLIENT_SLOTS_MAX {
            return Err(too_much);
        }
        let view = u32::try_from(free).ok().filter(|_| free < VIEWS_MAX).ok_or(too_much)?;
        if free == self.inventory_by_view.len() {
            self.inventory_by_view.push(None);
        }
        self.inventory_by_view[free] = Some(inventory);
        self.lowest_free = free + 1;
        (self.view_count, self.slots) = (too_much.views, too_much.slots);
        Ok(view)
    }

    /// Returns the number of inventories that the client sees.
    pub(crate) fn view_count(&self) -> usize {
        self.view_count
    }

    /// Records that an inventory in view has another number of slots now.
    ///
    /// # Errors
    ///
    /// [`SeesTooMuch`] if it exceeds the limit. The view must be removed.
    pub(super) fn resize(&mut self, before: usize, after: usize) -> Result<(), SeesTooMuch> {
        self.slots = self.slots - before + after;
        if self.slots > CLIENT_SLOTS_MAX && after > before {
            return Err(SeesTooMuch { views: self.view_count, slots: self.slots });
        }
        Ok(())
    }

    /// Frees the view of an inventory with this number of slots, and drops what waits for it.
    pub(super) fn remove(&mut self, view: u32, slots: usize, cause: CloseCause) {
        self.view_count -= 1;
        self.slots -= slots;
        self.inventory_by_view[view as usize] = None;
        self.own_views.remove(&view);
        self.lowest_free = self.lowest_free.min(view as usize);
        self.opens.remove(&view);
        self.queue.remove(view);
        self.checksums.retain(|(checked, _)| *checked != view);
        self.transfers.forget(view, cause);
    }

    /// Records that the client keeps its copy of an inventory that is hidden from it.
    pub(super) fn keep_copy(&mut self, id: InventoryId, version: u64) {
        self.drop_copy(id);
        if self.kept_copies.len() == COPIES_MAX {
            self.kept_copies.pop_front();
        }
        let version = version + u64::from(planted(Bug::KeptCopyTooNew));
        self.kept_copies.push_back((id, version));
    }

    /// Returns the version of the copy that the client keeps of an inventory.
    pub(crate) fn copy_of(&self, id: InventoryId) -> Option<u64> {
        self.kept_copies.iter().find(|(kept, _)| *kept == id).map(|(_, version)| *version)
    }

    /// Returns the number of copies that the client keeps.
    pub(crate) fn kept_copies(&self) -> usize {
        self.kept_copies.len()
    }

    /// Records that the client keeps no copy of an inventory, because it is in view.
    pub(super) fn drop_copy(&mut self, id: InventoryId) {
        self.kept_copies.retain(|(kept, _)| *kept != id);
    }

    /// Replaces the kept copies by those that the client has listed.
    pub(super) fn keep_only(&mut self, copies: impl Iterator<Item = (InventoryId, u64)>) {
        self.kept_copies.clear();
        copies.take(COPIES_MAX).for_each(|(id, version)| self.keep_copy(id, version));
    }

    /// Returns `true` if the client must be sent the ids of forgotten data even if nothing else is sent.
    pub(crate) fn must_forget(&self) -> bool {
        self.forgotten_data.len() > FORGETS_WAITING_MAX
    }

    /// Schedules instance data that the client has not been sent.
    pub(crate) fn need(&mut self, data: impl Iterator<Item = DataId>) {
        for id in data {
            if self.known_data.insert(id)
                && !(planted(Bug::DataNotSent) && id.0.get().is_multiple_of(8))
            {
                self.needed_data.push(id);
            }
        }
    }

    /// Sends instance data again with the next full update that refers to it.
    pub(super) fn resend_data(&mut self, data: impl Iterator<Item = DataId>) {
        for id in data {
            self.known_data.remove(&id);
        }
    }
}

/// When a client may be sent full updates again.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ResyncTimer {
    /// The first tick in which it may be.
    after: u64,
    /// Number of ticks that it had to wait last.
    gap: u64,
}

impl ResyncTimer {
    pub(super) fn is_due(self, tick: u64) -> bool {
        tick >= self.after
    }

    /// Starts the time until the next full updates.
    pub(super) fn restart(&mut self, tick: u64) {
        let quiet = tick.saturating_sub(self.after) > 4 * RESYNC_TICKS_MAX;
        let gap = if quiet { 0 } else { 2 * self.gap };
        self.gap = gap.clamp(RESYNC_TICKS_MIN, RESYNC_TICKS_MAX);
        self.after = tick + self.gap;
    }
}
