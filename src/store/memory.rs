//! A store in memory, for tests and simulations. It ends with the process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::id::InventoryId;

use super::{
    Claim, Store,
    batch::{Batch, Change, Fence, Fenced, Rejected, Union, Write},
    error::StoreError,
    record::StoredInventory,
};

/// What several servers share.
#[derive(Clone, Default, Debug)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
    server: String,
}

#[derive(Default, Debug)]
struct Shared {
    records: BTreeMap<InventoryId, Record>,
    tick: u64,
    /// Number of operations until the store fails.
    fails_in: Option<u64>,
    /// Whether the operation that fails is carried out all the same.
    answer_lost: bool,
    operations: u64,
}

#[derive(Clone, Default, Debug)]
struct Record {
    version: u64,
    fence: u64,
    owner: Option<String>,
    deleted: bool,
    stored: Option<Arc<StoredInventory>>,
}

impl MemoryStore {
    /// Returns the same store as another server sees it.
    #[must_use]
    pub fn of_server(&self, name: impl Into<String>) -> Self {
        Self { shared: self.shared.clone(), server: name.into() }
    }

    /// Ends all claims of this server, as when its process has ended and another one opens the store.
    pub fn end_claims(&self) {
        let mut shared = self.lock();
        for record in shared.records.values_mut() {
            record.owner.take_if(|owner| *owner == self.server);
        }
    }

    /// Ends a claim of any server, as an operator would.
    pub fn end_claim(&self, id: InventoryId) {
        if let Some(record) = self.lock().records.get_mut(&id) {
            record.owner = None;
        }
    }

    /// Makes all operations fail after this number of further ones. `None` for none. With `answer_lost`, the first one
    /// that fails is carried out all the same.
    pub fn fail_after(&self, operations: Option<u64>, answer_lost: bool) {
        let mut shared = self.lock();
        (shared.fails_in, shared.answer_lost) = (operations, answer_lost);
    }

    /// Returns the number of operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Returns a copy of what is stored now, for [`roll_back`](Self::roll_back).
    #[must_use]
    pub fn backup(&self) -> MemoryBackup {
        MemoryBackup(self.lock().records.clone())
    }

    /// Makes the store what it was.
    pub fn roll_back(&self, backup: &MemoryBackup) {
        self.lock().records.clone_from(&backup.0);
    }

    /// Returns what is stored of all inventories.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<InventoryId, StoredInventory> {
        let shared = self.lock();
        let stored = shared.records.iter().filter(|(_, record)| !record.deleted);
        stored.filter_map(|(id, record)| Some((*id, (**record.stored.as_ref()?).clone()))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an operation, unless the store fails.
    fn operate<T>(
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
pub struct MemoryBackup(BTreeMap<InventoryId, Record>);

impl Shared {
    fn fenced(&self, server: &str, write: &Write) -> Option<Fenced> {
        let is_new = write.fence == Fence::NEW;
        let Some(record) = self.records.get(&write.id) else {
            return (!is_new).then_some(Fenced::RolledBack { stored: 0 });
        };
        let stored = record.version;
        if record.deleted {
            Some(Fenced::Deleted)
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
            Change::Delete => (record.deleted, record.owner, record.stored) = (true, None, None),
        }
    }
}

impl Store for MemoryStore {
    fn claim(&mut self, id: InventoryId) -> Result<Claim, StoreError> {
        self.operate(|shared| {
            let record = shared.records.entry(id).or_default();
            if record.deleted {
                return Err(StoreError::Deleted { id });
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
        self.operate(|shared| {
            let record = shared.records.get(&id).filter(|record| !record.deleted);
            Ok(record.and_then(|record| record.stored.as_deref().cloned()))
        })
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Rejected>, StoreError> {
        self.operate(|shared| {
            let mut rejected = Vec::new();
            for (index, Union { writes }) in batch.unions.iter().enumerate() {
                let fenced = |write: &Write| Some((write.id, shared.fenced(&self.server, write)?));
                match writes.iter().find_map(fenced) {
                    Some((id, reason)) => rejected.push(Rejected { union: index, id, reason }),
                    None => writes.iter().for_each(|write| shared.write(&self.server, write)),
                }
            }
            shared.tick = shared.tick.max(batch.tick);
            Ok(rejected)
        })
    }

    fn release(&mut self, inventories: &[(InventoryId, Fence)]) -> Result<(), StoreError> {
        self.operate(|shared| {
            for (id, fence) in inventories {
                if let Some(record) = shared.records.get_mut(id)
                    && record.fence == fence.0
                {
                    record.owner.take_if(|owner| *owner == self.server);
                }
            }
            Ok(())
        })
    }

    fn list(&mut self) -> Result<Vec<InventoryId>, StoreError> {
        self.operate(|shared| {
            let stored = shared.records.iter().filter(|(_, record)| record.stored.is_some());
            Ok(stored.map(|(id, _)| *id).collect())
        })
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        self.operate(|shared| Ok(shared.tick))
    }
}
