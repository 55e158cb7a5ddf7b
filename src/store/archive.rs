//! Copies of a store in a second one, to restore from if the first one is lost.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use log::warn;

use crate::model::id::InventoryId;

use super::{
    Claim, Heartbeat, Store,
    batch::{Batch, Change, Fence, Rejected},
    error::StoreError,
    history::{History, HistoryQuery},
    record::StoredInventory,
    worker::Opener,
    worlds::Worlds,
};

/// Added to the fence of a restored inventory, so that it is higher than every fence that was assigned after the copy.
const FENCE_GAP: u64 = 1 << 20;

/// Number of inventories that are copied at once.
const CHUNK: usize = 256;

/// The copy of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Archived {
    /// The inventory.
    pub id: InventoryId,
    /// Its fence.
    pub fence: Fence,
    /// Its version.
    pub version: u64,
    /// What is stored of it. `None` if it was deleted.
    pub stored: Option<Arc<StoredInventory>>,
}

/// A world that is restored from its archive.
pub struct Restoration<'a> {
    /// The archive of the world.
    pub archive: &'a mut dyn Store,
    /// The store of the world, which has lost everything.
    pub store: &'a mut dyn Store,
}

/// Copies archived inventories to the stores that have lost them, and returns the number of inventories copied. An
/// inventory in several archives, because it has moved between worlds, is restored only from the one with its highest
/// version. An inventory is skipped if its store has the same or a newer version, or if a server owns it.
///
/// Run it while no game server runs, with all worlds at once.
///
/// # Errors
///
/// [`StoreError`] of any store. Inventories that were already copied stay.
pub fn restore(worlds: &mut [Restoration]) -> Result<usize, StoreError> {
    let mut newest: BTreeMap<InventoryId, (u64, usize)> = BTreeMap::new();
    for (world, Restoration { archive, .. }) in worlds.iter_mut().enumerate() {
        for (id, version) in archive.versions()? {
            let latest = newest.entry(id).or_insert((version, world));
            if latest.0 < version {
                *latest = (version, world);
            }
        }
    }
    for (world, Restoration { archive, store }) in worlds.iter_mut().enumerate() {
        let tick = archive.latest_tick()?;
        let own: Vec<InventoryId> =
            newest.iter().filter(|(_, (_, at))| *at == world).map(|(id, _)| *id).collect();
        for chunk in own.chunks(CHUNK) {
            let mut copies = Vec::new();
            for id in chunk {
                let mut copy = archive.read_copy(*id)?;
                copy.fence.0 += FENCE_GAP;
                copies.push(copy);
            }
            store.archive(tick, &copies)?;
            // Otherwise another world would create the inventory again.
            if let Some(worlds) = store.worlds() {
                for copy in &copies {
                    worlds.set_home(copy.id, copy.fence)?;
                }
            }
        }
    }
    Ok(newest.len())
}

/// A store that is copied into another one at an interval of ticks.
pub(super) struct ArchivingStore {
    store: Box<dyn Store>,
    /// Shared with later openings of the store.
    open: Arc<Mutex<Opener>>,
    archive: Option<Box<dyn Store>>,
    /// What has changed since the last copy.
    pending: BTreeMap<InventoryId, Archived>,
    /// The interval.
    ticks: u64,
    /// The tick of the last copy.
    last: u64,
    /// The tick of the last commit.
    tick: u64,
}

impl ArchivingStore {
    pub(super) fn new(store: Box<dyn Store>, open: Arc<Mutex<Opener>>, ticks: u64) -> Self {
        Self { store, open, archive: None, pending: BTreeMap::new(), ticks, last: 0, tick: 0 }
    }

    /// Copies what has changed. A failure is logged, and does not affect the store.
    fn copy(&mut self) {
        if self.pending.is_empty() && self.archive.is_some() {
            return;
        }
        self.last = self.tick;
        match self.try_copy() {
            Ok(()) => self.pending.clear(),
            Err(error) => warn!("the store could not be archived: {error}"),
        }
    }

    fn try_copy(&mut self) -> Result<(), StoreError> {
        let mut archive = match self.archive.take() {
            Some(archive) => archive,
            None => self.open_archive()?,
        };
        let copies: Vec<Archived> = self.pending.values().cloned().collect();
        let copied = archive.archive(self.tick, &copies);
        self.archive = Some(archive);
        copied
    }

    /// Opens the archive, and adds to it what it misses because an earlier process was killed before its last copy.
    fn open_archive(&mut self) -> Result<Box<dyn Store>, StoreError> {
        let mut archive = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open()?
        };
        let archived: BTreeMap<InventoryId, u64> = archive.versions()?.into_iter().collect();
        let mut missing = self.store.versions()?;
        missing.retain(|(id, version)| archived.get(id).is_none_or(|archived| archived < version));
        // Inventories that have exchanged items are copied together. A new archive is filled step by step.
        let together = if archived.is_empty() { CHUNK } else { missing.len().max(1) };
        for chunk in missing.chunks(together) {
            let copies = chunk.iter().map(|(id, _)| self.store.read_copy(*id));
            archive.archive(self.tick, &copies.collect::<Result<Vec<_>, _>>()?)?;
        }
        Ok(archive)
    }
}

impl Store for ArchivingStore {
    fn claim(&mut self, id: InventoryId) -> Result<Claim, StoreError> {
        self.store.claim(id)
    }

    fn load(&mut self, id: InventoryId) -> Result<Option<StoredInventory>, StoreError> {
        self.store.load(id)
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Rejected>, StoreError> {
        let rejected = self.store.commit(batch)?;
        for write in batch.committed(&rejected).flat_map(|union| &union.writes) {
            let stored = match &write.change {
                Change::Save { stored, .. } | Change::Depart { stored, .. } => Some(stored.clone()),
                Change::Delete => None,
            };
            let (id, fence, version) = (write.id, write.fence.max(Fence::FIRST), write.version);
            self.pending.insert(id, Archived { id, fence, version, stored });
        }
        self.tick = self.tick.max(batch.tick);
        if self.tick >= self.last + self.ticks {
            self.copy();
        }
        Ok(rejected)
    }

    fn release(&mut self, inventories: &[(InventoryId, Fence)]) -> Result<(), StoreError> {
        self.store.release(inventories)
    }

    fn list(&mut self) -> Result<Vec<InventoryId>, StoreError> {
        self.store.list()
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        self.store.latest_tick()
    }

    fn archive(&mut self, tick: u64, copies: &[Archived]) -> Result<(), StoreError> {
        self.store.archive(tick, copies)
    }

    fn versions(&mut self) -> Result<Vec<(InventoryId, u64)>, StoreError> {
        self.store.versions()
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        self.store.history(query)
    }

    fn read_copy(&mut self, id: InventoryId) -> Result<Archived, StoreError> {
        self.store.read_copy(id)
    }

    fn heartbeat(&mut self) -> Result<Heartbeat, StoreError> {
        self.store.heartbeat()
    }

    fn worlds(&mut self) -> Option<&mut dyn Worlds> {
        self.store.worlds()
    }
}

impl Drop for ArchivingStore {
    /// Copies the rest when the game ends.
    fn drop(&mut self) {
        self.copy();
    }
}
