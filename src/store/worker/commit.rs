//! Commits what waits.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    model::id::InventoryId,
    store::{
        Store,
        batch::{Batch, Change, Fence, Fenced, Rejected, Union, Write},
        error::StoreError,
        worlds::Location,
    },
};

use super::{RejectedUnion, Report, Worker, mirror::Dirty};

impl Worker {
    /// Commits everything that waits.
    pub(super) fn commit(&mut self, now: Duration) {
        let Some((batch, rejected)) = self.commit_batch(now) else { return };
        self.last_commit = now;
        self.checking = false;
        self.accept(&batch, &rejected);
        let mut unions = Vec::new();
        for Rejected { union, id, reason } in rejected {
            let root = self.unions.root(id);
            let writes = &batch.unions[union].writes;
            let mut members: Vec<_> = writes.iter().map(|write| write.id).collect();
            members.extend(self.unions.members());
            members.retain(|id| self.unions.root(*id) == root);
            members.sort_unstable();
            members.dedup();
            self.blocked.extend(&members);
            unions.push(RejectedUnion { id, reason, members });
        }
        let blocked = self.blocked_roots();
        let sets = self.sets(|_| true);
        let sets: Vec<_> =
            sets.into_iter().filter(|set| blocked.contains(&self.unions.root(set[0]))).collect();
        self.unions.keep(&sets);
        if self.tick.1 != self.tick.0 || !unions.is_empty() {
            self.tick.1 = self.tick.0;
            self.reports.push(Report::Stored { tick: self.tick.0, rejected: unions });
        }
        self.release(now);
        if core::mem::take(&mut self.flushing) {
            self.reports.push(Report::Flushed);
        }
    }

    /// Commits what waits, and returns it with what was rejected. Returns `None` if it could not be committed now.
    fn commit_batch(&mut self, now: Duration) -> Option<(Batch, Vec<Rejected>)> {
        loop {
            let batch = self.batch();
            if batch.unions.is_empty() {
                self.in_doubt.clear();
                return Some((batch, Vec::new()));
            }
            let announced = announce(self.store.as_mut()?.as_mut(), &batch);
            match announced.and_then(|refused| self.commit_except(&batch, refused)) {
                Ok(rejected) => {
                    self.succeed();
                    let own = rejected.iter().filter(|rejected| self.was_own_commit(rejected));
                    let own: Vec<Rejected> = own.copied().collect();
                    if own.is_empty() {
                        self.in_doubt.clear();
                        return Some((batch, rejected));
                    }
                    // What was not rejected is committed, and the rest is tried again.
                    self.accept(&batch, &rejected);
                    own.iter().for_each(|rejected| self.catch_up(rejected));
                }
                Err(error) => {
                    let writes = batch.unions.iter().flat_map(|union| &union.writes);
                    self.in_doubt.extend(writes.map(|write| write.id));
                    self.fail(error, now);
                    return None;
                }
            }
        }
    }

    /// Commits a batch without the unions that are refused. Returns them with those that were rejected.
    fn commit_except(
        &mut self,
        batch: &Batch,
        refused: Vec<Rejected>,
    ) -> Result<Vec<Rejected>, StoreError> {
        let store = self.store.as_mut().expect("the store is open");
        if refused.is_empty() {
            return store.commit(batch);
        }
        let is_kept = |(index, _): &(usize, &Union)| refused.iter().all(|r| r.union != *index);
        let kept = batch.unions.iter().enumerate().filter(is_kept);
        let (indexes, unions): (Vec<usize>, Vec<Union>) =
            kept.map(|(index, union)| (index, union.clone())).unzip();
        let mut rejected = store.commit(&Batch { tick: batch.tick, unions })?;
        rejected.iter_mut().for_each(|rejected| rejected.union = indexes[rejected.union]);
        rejected.extend(refused);
        Ok(rejected)
    }

    /// Returns `true` if a commit was rejected because an earlier attempt of it has been carried out, although it was
    /// answered with an error. No other server can have the same claim.
    fn was_own_commit(&self, Rejected { id, reason, .. }: &Rejected) -> bool {
        let Some(mirror) = self.mirrors.get(id).filter(|_| self.in_doubt.contains(id)) else {
            return false;
        };
        match reason {
            Fenced::Superseded { stored } => *stored == mirror.version + 1,
            Fenced::Deleted => mirror.dirty == Dirty::Deleted,
            Fenced::Moved => matches!(mirror.dirty, Dirty::Departing(_)),
            _ => false,
        }
    }

    /// Records that the last attempt to commit an inventory was carried out.
    fn catch_up(&mut self, Rejected { id, reason, .. }: &Rejected) {
        self.in_doubt.remove(id);
        if *reason == Fenced::Deleted {
            self.forget(*id);
        } else if *reason == Fenced::Moved {
            self.depart(*id);
        } else if let Some(mirror) = self.mirrors.get_mut(id) {
            mirror.record_version(mirror.version + 1);
            // It may have changed since.
            if mirror.dirty != Dirty::Deleted {
                mirror.dirty = Dirty::All;
            }
        }
    }

    /// Records what of a batch was not rejected.
    fn accept(&mut self, batch: &Batch, rejected: &[Rejected]) {
        for (index, union) in batch.unions.iter().enumerate() {
            if rejected.iter().all(|rejected| rejected.union != index) {
                union.writes.iter().for_each(|write| self.committed(write));
            }
        }
    }

    /// Returns what waits to be committed, except what is blocked.
    fn batch(&mut self) -> Batch {
        let blocked = self.blocked_roots();
        let is_dirty =
            |id: &InventoryId| self.mirrors.get(id).is_some_and(|m| m.dirty != Dirty::Nothing);
        self.changed.retain(is_dirty);
        self.forget_short_lived();
        let mut unions: BTreeMap<InventoryId, Union> = BTreeMap::new();
        for id in self.changed.iter().copied() {
            let root = self.unions.root(id);
            if blocked.contains(&root) {
                continue;
            }
            let Some(mirror) = self.mirrors.get(&id) else { continue };
            let change = match (&mirror.dirty, &mirror.stored) {
                (Dirty::Deleted, _) | (_, None) => Change::Delete,
                (Dirty::Departing(departure), Some(stored)) => {
                    let (stored, departure) = (stored.clone(), departure.clone());
                    Change::Depart { stored, departure }
                }
                (_, Some(stored)) => {
                    Change::Save { stored: stored.clone(), slots: mirror.changed_slots() }
                }
            };
            let (fence, version) = (mirror.fence, mirror.version + 1);
            unions.entry(root).or_default().writes.push(Write { id, fence, version, change });
        }
        Batch { tick: self.base + self.tick.0, unions: unions.into_values().collect() }
    }

    /// Forgets inventories that were created and deleted since the last commit.
    fn forget_short_lived(&mut self) {
        let (mirrors, in_doubt) = (&mut self.mirrors, &self.in_doubt);
        let short_lived = self.changed.extract_if(.., |id| {
            let mirror = mirrors.get(id);
            let unknown =
                mirror.is_some_and(|it| it.fence == Fence::NEW && it.dirty == Dirty::Deleted);
            unknown && !in_doubt.contains(id)
        });
        let short_lived: Vec<InventoryId> = short_lived.collect();
        short_lived.into_iter().for_each(|id| self.forget(id));
    }

    /// Forgets an inventory that no longer exists.
    fn forget(&mut self, id: InventoryId) {
        self.changed.remove(&id);
        self.mirrors.remove(&id);
        self.leaving.remove(&id);
    }

    /// Reports that an inventory has left this world, and forgets it.
    fn depart(&mut self, id: InventoryId) {
        let worlds = self.store.as_mut().and_then(|store| store.worlds());
        let from = worlds.map(|worlds| worlds.world().to_owned()).unwrap_or_default();
        self.reports.push(Report::Departed { id, from });
        self.forget(id);
    }

    fn committed(&mut self, Write { id, version, change, .. }: &Write) {
        self.changed.remove(id);
        match change {
            Change::Delete => self.forget(*id),
            Change::Depart { .. } => self.depart(*id),
            Change::Save { .. } => {
                if let Some(mirror) = self.mirrors.get_mut(id) {
                    mirror.record_version(*version);
                    mirror.dirty = Dirty::Nothing;
                }
            }
        }
    }

    /// Releases the inventories that have left and are stored.
    fn release(&mut self, now: Duration) {
        let is_done =
            |id: &&InventoryId| !self.changed.contains(*id) && !self.blocked.contains(*id);
        let done: Vec<InventoryId> = self.leaving.iter().filter(is_done).copied().collect();
        let claims: Vec<_> =
            done.iter().filter_map(|id| Some((*id, self.mirrors.get(id)?.fence))).collect();
        if claims.is_empty() || self.try_with(now, |store| store.release(&claims)).is_some() {
            for id in done {
                self.leaving.remove(&id);
                self.mirrors.remove(&id);
            }
            return;
        }
        for (id, _) in claims {
            if let Some(mirror) = self.mirrors.get_mut(&id) {
                mirror.release_tried = true;
            }
        }
    }
}

/// Tells other worlds what leaves for them. Returns the unions whose inventories cannot leave.
fn announce(store: &mut dyn Store, batch: &Batch) -> Result<Vec<Rejected>, StoreError> {
    let mut refused = Vec::new();
    for (index, union) in batch.unions.iter().enumerate() {
        for Write { id, fence, change, .. } in &union.writes {
            let Change::Depart { departure, .. } = change else { continue };
            let accepted = match store.worlds() {
                Some(worlds) if worlds.world() != departure.to => {
                    let fence = Fence(fence.max(&Fence::FIRST).0 + 1);
                    let from = Location { world: worlds.world().to_owned(), fence };
                    worlds.announce(&departure.to, &[(*id, from)])?
                }
                _ => false,
            };
            if !accepted {
                refused.push(Rejected { union: index, id: *id, reason: Fenced::CannotMove });
                break;
            }
        }
    }
    Ok(refused)
}
