//! A store in memory, for tests and simulations. Its contents are lost when the process ends.

mod history;
mod worlds;

use core::time::Duration;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::id::InventoryId;

use super::{
    Claim, Heartbeat, Store,
    archive::Archived,
    batch::{Batch, Change, Fence, Fenced, Rejected, Union, Write},
    error::StoreError,
    history::{Gap, History, HistoryQuery, StoredTick},
    record::StoredInventory,
    ticket::Departure,
    worlds::{Location, Worlds},
};

/// The state that several servers share. It contains several worlds.
#[derive(Clone, Default, Debug)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
    world: String,
    server: String,
    /// The rollbacks that this server knows of.
    roll_backs: u64,
}

#[derive(Default, Debug)]
struct Shared {
    worlds: BTreeMap<String, World>,
    homes: BTreeMap<InventoryId, Location>,
    /// Number of rollbacks so far.
    roll_backs: u64,
    /// Number of operations until the store fails.
    fails_in: Option<u64>,
    /// Whether the first operation that fails still takes effect.
    answer_lost: bool,
    operations: u64,
}

/// One world.
#[derive(Clone, Default, Debug)]
struct World {
    records: BTreeMap<InventoryId, Record>,
    arriving: BTreeMap<InventoryId, Location>,
    /// Issued tickets by secret.
    tickets: BTreeMap<[u8; 16], Arc<Departure>>,
    tick: u64,
    history: Vec<StoredTick>,
    gaps: Vec<Gap>,
    /// The last batch of each server: its number, and what was rejected.
    batches: BTreeMap<String, (u64, Vec<Rejected>)>,
}

#[derive(Clone, Default, Debug)]
struct Record {
    version: u64,
    fence: u64,
    owner: Option<String>,
    deleted: bool,
    /// The world that it has left for.
    left_for: Option<String>,
    stored: Option<Arc<StoredInventory>>,
}

impl Record {
    /// Returns `true` if something is stored that can be claimed in this world.
    fn is_here(&self) -> bool {
        self.stored.is_some() && self.left_for.is_none()
    }
}

impl MemoryStore {
    /// Returns a handle to the same store for another server.
    #[must_use]
    pub fn of_server(&self, name: impl Into<String>) -> Self {
        Self { server: name.into(), ..self.clone() }
    }

    /// Returns another world in the same store. The name of the first one is empty.
    #[must_use]
    pub fn of_world(&self, name: impl Into<String>) -> Self {
        let world = name.into();
        self.lock().worlds.entry(world.clone()).or_default();
        Self { world, ..self.clone() }
    }

    /// Ends all claims of this server, as when its process has ended and another one opens the store.
    pub fn end_claims(&self) {
        let mut shared = self.lock();
        for record in shared.world(&self.world).records.values_mut() {
            record.owner.take_if(|owner| *owner == self.server);
        }
    }

    /// Ends a claim of any server, as an operator would.
    pub fn end_claim(&self, id: InventoryId) {
        if let Some(record) = self.lock().world(&self.world).records.get_mut(&id) {
            record.owner = None;
        }
    }

    /// Makes all operations fail after this number of further operations. With `None`, none fails. With `answer_lost`,
    /// the first operation that fails still takes effect.
    pub fn fail_after(&self, operations: Option<u64>, answer_lost: bool) {
        let mut shared = self.lock();
        (shared.fails_in, shared.answer_lost) = (operations, answer_lost);
    }

    /// Returns the number of operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Makes all tickets of this world expire.
    pub fn expire_tickets(&self) {
        self.lock().world(&self.world).tickets.clear();
    }

    /// Returns a copy of the current state of this world, for [`roll_back`](Self::roll_back).
    #[must_use]
    pub fn backup(&self) -> MemoryBackup {
        MemoryBackup(self.lock().world(&self.world).clone())
    }

    /// Restores this world from a backup.
    pub fn roll_back(&self, backup: &MemoryBackup) {
        let mut shared = self.lock();
        shared.world(&self.world).clone_from(&backup.0);
        shared.roll_backs += 1;
    }

    /// Returns all stored inventories of this world, including those that have left and have not arrived yet.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<InventoryId, StoredInventory> {
        let mut shared = self.lock();
        let stored = shared.world(&self.world).records.iter().filter(|(_, record)| !record.deleted);
        stored.filter_map(|(id, record)| Some((*id, (**record.stored.as_ref()?).clone()))).collect()
    }

    /// Returns all stored inventories of all worlds. An inventory that is moving is returned once.
    #[must_use]
    pub fn contents_everywhere(&self) -> BTreeMap<InventoryId, StoredInventory> {
        let shared = self.lock();
        let mut newest: BTreeMap<InventoryId, &Record> = BTreeMap::new();
        for (id, record) in shared.worlds.values().flat_map(|world| &world.records) {
            let newest_record = newest.entry(*id).or_insert(record);
            if newest_record.fence < record.fence {
                *newest_record = record;
            }
        }
        let stored = newest.into_iter().filter(|(_, record)| !record.deleted);
        stored.filter_map(|(id, record)| Some((id, (**record.stored.as_ref()?).clone()))).collect()
    }

    /// Returns which inventories with stored contents can be claimed in which worlds.
    #[must_use]
    pub fn claimable(&self) -> Vec<(InventoryId, String)> {
        let shared = self.lock();
        let all = shared.worlds.iter().flat_map(|(name, world)| {
            let here = world.records.iter().filter(|(_, record)| record.is_here());
            here.map(|(id, _)| (*id, name.clone()))
        });
        all.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an operation, unless the store fails.
    fn operate<T>(
        &self,
        run: impl FnOnce(&mut World) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.operate_on_all(|shared| run(shared.world(&self.world)))
    }

    /// Runs an operation with all worlds, unless the store fails.
    fn operate_on_all<T>(
        &self,
        run: impl FnOnce(&mut Shared) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut shared = self.lock();
        shared.operations += 1;
        let failed = || StoreError::Failed("as requested".into());
        match &mut shared.fails_in {
            Some(0) => {
                if core::mem::take(&mut shared.answer_lost) {
                    drop(run(&mut shared));
                }
                Err(failed())
            }
            Some(left) => {
                *left -= 1;
                run(&mut shared)
            }
            None => run(&mut shared),
        }
    }
}

/// A copy of a [`MemoryStore`].
#[derive(Clone, Debug)]
pub struct MemoryBackup(World);

impl Shared {
    fn world(&mut self, name: &str) -> &mut World {
        if !self.worlds.contains_key(name) {
            self.worlds.insert(name.to_owned(), World::default());
        }
        self.worlds.get_mut(name).expect("it was inserted")
    }
}

impl World {
    fn fenced(&self, server: &str, write: &Write) -> Option<Fenced> {
        let is_new = write.fence == Fence::NEW;
        let Some(record) = self.records.get(&write.id) else {
            return (!is_new).then_some(Fenced::RolledBack { stored: 0 });
        };
        let stored = record.version;
        if record.deleted {
            Some(Fenced::Deleted)
        } else if record.left_for.is_some() {
            Some(Fenced::Moved)
        } else if is_new {
            Some(Fenced::Superseded { stored })
        } else if record.fence < write.fence.0 {
            Some(Fenced::RolledBack { stored })
        } else if record.owner.as_deref() != Some(server) || record.fence != write.fence.0 {
            Some(Fenced::NotOwned)
        } else if stored >= write.version {
            Some(Fenced::Superseded { stored })
        } else {
            (stored + 1 < write.version).then_some(Fenced::RolledBack { stored })
        }
    }

    fn write(&mut self, server: &str, write: &Write) {
        let record = self.records.entry(write.id).or_default();
        if write.fence == Fence::NEW {
            (record.fence, record.owner) = (Fence::FIRST.0, Some(server.to_owned()));
        }
        record.version = write.version;
        match &write.change {
            Change::Save { stored, .. } => record.stored = Some(stored.clone()),
            Change::Depart { stored, departure } => {
                record.stored = Some(stored.clone());
                record.fence += 1;
                (record.owner, record.left_for) = (None, Some(departure.to.clone()));
                self.tickets.insert(departure.ticket.secret(), departure.clone());
            }
            Change::Delete => (record.deleted, record.owner, record.stored) = (true, None, None),
        }
    }
}

impl Store for MemoryStore {
    fn claim(&mut self, id: InventoryId) -> Result<Claim, StoreError> {
        self.operate(|world| {
            let record = world.records.entry(id).or_default();
            if record.deleted {
                return Err(StoreError::Deleted { id });
            }
            if let Some(world) = record.left_for.clone() {
                return Err(StoreError::Elsewhere { id, world });
            }
            if let Some(by) = record.owner.clone().filter(|owner| *owner != self.server) {
                return Err(StoreError::Owned { id, by });
            }
            record.owner = Some(self.server.clone());
            record.fence += 1;
            let (fence, version) = (Fence(record.fence), record.version);
            Ok(Claim { fence, version, found: record.stored.as_deref().cloned() })
        })
    }

    fn load(&mut self, id: InventoryId) -> Result<Option<StoredInventory>, StoreError> {
        self.operate(|world| {
            let record = world.records.get(&id).filter(|record| record.left_for.is_none());
            Ok(record.and_then(|record| record.stored.as_deref().cloned()))
        })
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Rejected>, StoreError> {
        self.operate(|world| {
            if let Some((id, rejected)) = world.batches.get(&self.server)
                && *id == batch.id
                && *id != 0
            {
                return Ok(rejected.clone());
            }
            let mut rejected = Vec::new();
            for (index, Union { writes, history }) in batch.unions.iter().enumerate() {
                let fenced = |write: &Write| Some((write.id, world.fenced(&self.server, write)?));
                match writes.iter().find_map(fenced) {
                    Some((id, reason)) => rejected.push(Rejected { union: index, id, reason }),
                    None => {
                        writes.iter().for_each(|write| world.write(&self.server, write));
                        world.history.extend(history.iter().cloned());
                    }
                }
            }
            world.gaps.extend(batch.gap);
            world.batches.insert(self.server.clone(), (batch.id, rejected.clone()));
            world.tick = world.tick.max(batch.tick);
            Ok(rejected)
        })
    }

    fn release(&mut self, inventories: &[(InventoryId, Fence)]) -> Result<(), StoreError> {
        self.operate(|world| {
            for (id, fence) in inventories {
                if let Some(record) = world.records.get_mut(id)
                    && record.fence <= fence.0
                {
                    record.owner.take_if(|owner| *owner == self.server);
                }
            }
            Ok(())
        })
    }

    fn list(&mut self) -> Result<Vec<InventoryId>, StoreError> {
        self.operate(|world| {
            let stored = world.records.iter().filter(|(_, record)| record.is_here());
            Ok(stored.map(|(id, _)| *id).collect())
        })
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        self.operate(|world| Ok(world.tick))
    }

    fn archive(&mut self, tick: u64, copies: &[Archived]) -> Result<(), StoreError> {
        self.operate(|world| {
            for Archived { id, fence, version, stored } in copies {
                let record = world.records.entry(*id).or_default();
                let is_older = record.owner.is_none() && record.left_for.is_none();
                if is_older && record.version < *version {
                    let (fence, deleted) = (fence.0, stored.is_none());
                    let stored = stored.clone();
                    *record =
                        Record { version: *version, fence, deleted, stored, ..Record::default() };
                }
            }
            world.tick = world.tick.max(tick);
            Ok(())
        })
    }

    fn versions(&mut self) -> Result<Vec<(InventoryId, u64)>, StoreError> {
        self.operate(|world| {
            let all = world.records.iter().map(|(id, record)| (*id, record.version));
            Ok(all.filter(|(_, version)| *version > 0).collect())
        })
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        self.operate(|world| {
            let mut history = query.select(world.history.iter().cloned());
            history.gaps = world.gaps.iter().filter(|gap| gap.overlaps(query)).copied().collect();
            Ok(history)
        })
    }

    fn read_copy(&mut self, id: InventoryId) -> Result<Archived, StoreError> {
        self.operate(|world| {
            let missing = StoreError::Damaged { id, what: "it has no record".into() };
            let Record { fence, version, stored, .. } = world.records.get(&id).ok_or(missing)?;
            let (fence, stored) = (Fence(*fence), stored.clone());
            Ok(Archived { id, fence, version: *version, stored })
        })
    }

    fn heartbeat(&mut self) -> Result<Heartbeat, StoreError> {
        let roll_backs = self.lock().roll_backs;
        let lost_commits = core::mem::replace(&mut self.roll_backs, roll_backs) < roll_backs;
        Ok(Heartbeat { next: Some(Duration::from_secs(1)), lost_commits })
    }

    fn worlds(&mut self) -> Option<&mut dyn Worlds> {
        Some(self)
    }
}
