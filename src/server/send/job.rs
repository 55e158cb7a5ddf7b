//! The updates of a tick, before they are encoded.

use crate::model::planted::{Bug, planted};
use crate::{
    model::{data::DataPool, id::DataId},
    server::{
        pacing::settings::{FullPolicy, SyncSettings},
        views::{client::SyncedClient, clients::ClientSlot, throttle::Throttle},
    },
    wire::encode::ChangedSlot,
};
use bevy::prelude::*;
use core::ops::Range;
use smallvec::SmallVec;

/// What a job sends. `Smaller` is whichever of the two takes fewer bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Delta,
    Full,
    Smaller,
}

/// One update, which is encoded once for all its targets.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) inventory: Entity,
    pub(super) handle: u32,
    /// The version that all targets have.
    pub(super) base: u64,
    /// The version that they will have.
    pub(super) version: u64,
    /// The selected slot, if it changed in between.
    pub(super) selected: Option<u8>,
    /// Number of slots of the inventory.
    pub(super) len: usize,
    /// Whether any slot contains instance data.
    pub(super) has_data: bool,
    /// Whether a delta or a full update is sent.
    pub(super) content: Content,
    /// The slots that changed in between, as a range of [`Batched::entries`].
    pub(super) entries: Range<usize>,
    /// The recipients, as a range of [`Batched::targets`].
    pub(super) targets: Range<usize>,
    /// Whether the targets are the same as those of the previous job, so that both are encoded in one shared part.
    pub(super) joins: bool,
}

/// The jobs of this tick. The buffers are kept from tick to tick.
#[derive(Resource, Default, Debug)]
pub(crate) struct Batched {
    pub(super) jobs: Vec<Job>,
    /// Clients with the view by which they know the inventory.
    pub(super) targets: Vec<(ClientSlot, u32)>,
    pub(super) entries: Vec<ChangedSlot>,
    /// Inventories with a viewer that was not due in the previous tick.
    waiting: Vec<Entity>,
}

impl Batched {
    /// Drops the jobs of the previous tick, and returns the inventories that wait.
    pub(crate) fn begin(&mut self, throttle: &mut Throttle) -> Vec<Entity> {
        self.jobs.clear();
        self.targets.clear();
        self.entries.clear();
        let mut waiting = core::mem::take(&mut self.waiting);
        throttle.swap_waiting(&mut waiting);
        waiting
    }

    /// Takes back the buffer of [`begin`](Self::begin).
    pub(crate) fn end(&mut self, mut waiting: Vec<Entity>) {
        waiting.clear();
        self.waiting = waiting;
    }
}

/// Returns what an update with this many changed slots sends for an inventory of `len` slots.
pub(super) fn content(changed: usize, len: usize, settings: &SyncSettings) -> Content {
    if !settings.deltas_enabled {
        return Content::Full;
    }
    match settings.full_policy {
        FullPolicy::Smaller => Content::Smaller,
        FullPolicy::AbovePercent(percent) => {
            let at = planted(Bug::FullAtTheLimit) && changed * 100 == len * usize::from(percent);
            let above = at || changed * 100 > len * usize::from(percent);
            if above { Content::Full } else { Content::Delta }
        }
    }
}

/// Estimates the bytes of an update of this many slots of an inventory.
pub(crate) fn planned_bytes(changed: usize, len: usize, settings: &SyncSettings) -> usize {
    let slots = if content(changed, len, settings) == Content::Full { len } else { changed };
    2 * slots + 3
}

/// Maximum bytes of new instance data in an update. With more, the inventory is sent in full, in chunks, so that it does
/// not delay other updates.
pub(super) const NEW_DATA_MAX: usize = 1 << 14;

/// The instance data of changed slots: each value once, with its size in bytes.
pub(super) struct ChangedData(SmallVec<[(DataId, usize); 4]>);

impl ChangedData {
    pub(super) fn of(entries: &[ChangedSlot], pool: &DataPool) -> Self {
        let ids = entries.iter().filter_map(|entry| entry.new?.data);
        let mut ids: SmallVec<[DataId; 4]> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        Self(ids.into_iter().filter_map(|id| Some((id, pool.describe(id)?.1))).collect())
    }

    /// Returns the number of bytes that the client has not been sent.
    pub(super) fn bytes_new_to(&self, client: &SyncedClient) -> usize {
        let new = self.0.iter().filter(|(id, _)| !client.known_data.contains(id));
        new.map(|(_, bytes)| bytes).sum()
    }
}
