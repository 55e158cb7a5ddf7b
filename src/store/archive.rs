//! Copies of a store in another one, which is used if the first one is lost.

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
    record::StoredInventory,
    worker::Opener,
    worlds::Worlds,
};

/// By how much the fence of an inventory grows when it is restored, so that it is higher than all that were given out
/// since it was archived.
pub(super) const FENCES_SINCE: u64 = 1 << 20;

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

/// Copies all inventories of a store into another one that has lost them, and returns their number. What the other one
/// has in the same or a newer version is left, and so is what a server owns.
///
/// Run it while no game server runs.
///
/// # Errors
///
/// [`StoreError`] of either store. What was copied before stays.
pub fn restore(archive: &mut dyn Store, to: &mut dyn Store) -> Result<usize, StoreError> {
    let ids = archive.list()?;
    let tick = archive.latest_tick()?;
    for chunk in ids.chunks(256) {
        let mut copies = Vec::new();
        for id in chunk {
            if let Some(mut copy) = archive.read_copy(*id)? {
                copy.fence.0 += FENCES_SINCE;
                copies.push(copy);
            }
        }
        to.archive(tick, &copies)?;
    }
    Ok(ids.len())
}

/// A store that is copied into another one every so many ticks.
pub(super) struct ArchivingStore {
    pub(super) store: Box<dyn Store>,
    /// Shared with later openings of the store.
    pub(super) open: Arc<Mutex<Opener>>,
    archive: Option<Box<dyn Store>>,
    /// What has changed since the last copy.
    pending: BTreeMap<InventoryId, Archived>,
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

    /// Copies what has changed, if it is time. A failure is logged, and does not affect the store.
    fn copy(&mut self, tick: u64) {
        if tick < self.last + self.ticks || self.pending.is_empty() {
            return;
        }
        self.last = tick;
        let copies: Vec<Archived> = self.pending.values().cloned().collect();
        match self.archive().and_then(|archive| archive.archive(tick, &copies)) {
            Ok(()) => self.pending.clear(),
            Err(error) => warn!("the store could not be archived: {error}"),
        }
    }

    fn archive(&mut self) -> Result<&mut dyn Store, StoreError> {
        if self.archive.is_none() {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            self.archive = Some(open()?);
        }
        Ok(self.archive.as_mut().expect("it was opened").as_mut())
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
        for (index, union) in batch.unions.iter().enumerate() {
            if rejected.iter().any(|rejected| rejected.union == index) {
                continue;
            }
            for write in &union.writes {
                let stored = match &write.change {
                    Change::Save { stored, .. } | Change::Depart { stored, .. } => {
                        Some(stored.clone())
                    }
                    Change::Delete => None,
                };
                let (id, fence, version) = (write.id, write.fence.max(Fence::FIRST), write.version);
                self.pending.insert(id, Archived { id, fence, version, stored });
            }
        }
        self.tick = self.tick.max(batch.tick);
        self.copy(self.tick);
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

    fn read_copy(&mut self, id: InventoryId) -> Result<Option<Archived>, StoreError> {
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
        (self.ticks, self.last) = (0, 0);
        self.copy(self.tick);
    }
}
