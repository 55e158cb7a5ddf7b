//! Commits what waits.

use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    model::id::InventoryId,
    store::{
        batch::{Batch, Change, Fence, Rejected, Union, Write},
        history::Gap,
        migrate::MigrationError,
        ticket::Departure,
        worlds::Location,
    },
};

use super::{
    RejectedUnion, Report, Worker,
    mirror::{Dirty, Mirror},
    unions::Unions,
};

/// Numbers the batches of all stores in this process.
static BATCHES: AtomicU64 = AtomicU64::new(1);

/// Returns the milliseconds since 1970.
fn now_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A batch that was sent to the store. It is sent again without changes until it is answered, because it may have been
/// carried out.
pub(super) struct Sent {
    batch: Batch,
    /// The last tick in it.
    tick: u64,
    /// What had exchanged items when it was sent.
    unions: Unions,
}

impl Worker {
    /// Commits everything that waits.
    pub(super) fn commit(&mut self, now: Duration) {
        loop {
            let mut sent = match self.unanswered.take() {
                Some(sent) => sent,
                None => {
                    self.announce_departures();
                    self.next_batch()
                }
            };
            let mut rejected = Vec::new();
            if !sent.batch.unions.is_empty() {
                let store = self.store.as_mut().expect("the store is open");
                match store.commit(&sent.batch) {
                    Ok(answer) => rejected = answer,
                    Err(error) => {
                        self.unanswered = Some(sent);
                        return self.fail(error, now);
                    }
                }
                self.succeed();
            }
            self.record_answer(&mut sent, rejected);
            if self.merged_tick == sent.tick || !self.blocked.is_empty() {
                break;
            }
        }
        self.last_commit = now;
        self.recommitting = false;
        self.release(now);
        if self.blocked.is_empty() && core::mem::take(&mut self.flushing) {
            self.reports.push(Report::Flushed);
        }
    }

    /// Records what was committed and what was rejected.
    fn record_answer(&mut self, sent: &mut Sent, rejected: Vec<Rejected>) {
        for write in sent.batch.committed(&rejected).flat_map(|union| &union.writes) {
            self.record_committed(write);
        }
        let mut unions = Vec::new();
        for Rejected { union, id, reason } in rejected {
            let root = sent.unions.root(id);
            let mut members = sent.unions.members();
            members.retain(|id| sent.unions.root(*id) == root);
            members.extend(sent.batch.unions[union].writes.iter().map(|write| write.id));
            members.sort_unstable();
            members.dedup();
            self.blocked.extend(&members);
            unions.push(RejectedUnion { id, reason, members });
        }
        if self.reported_tick != sent.tick || !unions.is_empty() {
            self.reported_tick = sent.tick;
            self.reports.push(Report::Stored { tick: sent.tick, rejected: unions });
        }
    }

    /// Returns what waits to be committed, except what is blocked. From now on, changes belong to the next batch.
    fn next_batch(&mut self) -> Sent {
        let time = now_since_1970();
        let blocked = self.blocked_roots();
        let is_dirty =
            |id: &InventoryId| self.mirrors.get(id).is_some_and(|m| m.dirty != Dirty::Nothing);
        self.changed.retain(is_dirty);
        self.forget_short_lived();
        let mut unions: BTreeMap<InventoryId, Union> = BTreeMap::new();
        let mut kept = BTreeSet::new();
        for id in core::mem::take(&mut self.changed) {
            let root = self.unions.root(id);
            if blocked.contains(&root) {
                kept.insert(id);
                continue;
            }
            let Some(mirror) = self.mirrors.get_mut(&id) else { continue };
            let change = match (&mirror.dirty, &mirror.stored) {
                (Dirty::Deleted, _) | (_, None) => Change::Delete,
                (Dirty::Departing(departure), Some(stored)) => {
                    let (stored, departure) = (stored.clone(), departure.clone());
                    Change::Depart { stored, departure }
                }
                (_, Some(stored)) => {
                    let (stored, slots) = (stored.clone(), mirror.changed_slots());
                    mirror.dirty = Dirty::Nothing;
                    Change::Save { stored, slots }
                }
            };
            let (fence, version) = (mirror.fence, mirror.version + 1);
            unions.entry(root).or_default().writes.push(Write { id, fence, version, change });
        }
        self.changed = kept;
        let (history, gap) = self.history.take(&blocked, |id| self.unions.root(id));
        let base = self.base;
        for (root, mut ticks) in history {
            // What has no write was created and deleted since the last commit.
            if let Some(union) = unions.get_mut(&root) {
                for tick in &mut ticks {
                    (tick.tick, tick.time) = (base + tick.tick, time);
                }
                union.history = ticks;
            }
        }
        let sent_unions = self.unions.clone();
        let sets = self.unions_where(|_| true);
        let sets: Vec<_> =
            sets.into_iter().filter(|set| blocked.contains(&self.unions.root(set[0]))).collect();
        self.unions.keep(&sets);
        let (id, tick) = (BATCHES.fetch_add(1, Ordering::Relaxed), self.merged_tick);
        let unions = unions.into_values().collect();
        let gap = gap.map(|gap| Gap { from: base + gap.from, to: base + gap.to });
        let from = base + self.reported_tick + 1;
        let batch = Batch { id, from, tick: base + tick, time, unions, gap };
        Sent { batch, tick, unions: sent_unions }
    }

    /// Announces departures to their destinations. A departure that cannot be announced is canceled: its inventories
    /// stay, with their newest contents.
    fn announce_departures(&mut self) {
        let blocked = self.blocked_roots();
        for departure in self.departures(&self.changed) {
            let ids = &departure.inventories;
            if ids.iter().any(|id| blocked.contains(&self.unions.root(*id))) {
                continue;
            }
            let announced = match self.store.as_mut().and_then(|store| store.worlds()) {
                Some(worlds) if worlds.world() != departure.to => {
                    let world = worlds.world().to_owned();
                    let arrival = |id: &InventoryId| {
                        let fence = self.mirrors.get(id)?.fence.max(Fence::FIRST);
                        Some((*id, Location { world: world.clone(), fence: Fence(fence.0 + 1) }))
                    };
                    let arrivals: Vec<_> = ids.iter().filter_map(arrival).collect();
                    worlds.announce(&departure.to, &arrivals)
                }
                _ => Ok(false),
            };
            match announced {
                Ok(true) => {}
                Ok(false) => self.cancel(&departure, Some(MigrationError::NoSuchWorld)),
                Err(error) => self.cancel(&departure, Some(MigrationError::Store(error))),
            }
        }
    }

    /// Returns the departures of inventories, each once.
    pub(super) fn departures<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a InventoryId>,
    ) -> Vec<Arc<Departure>> {
        let mut departures: Vec<Arc<Departure>> = Vec::new();
        for id in ids {
            if let Some(Mirror { dirty: Dirty::Departing(departure), .. }) = self.mirrors.get(id)
                && !departures.iter().any(|known| Arc::ptr_eq(known, departure))
            {
                departures.push(departure.clone());
            }
        }
        departures
    }

    /// Makes inventories stay that were to leave. The game loads them again, as they are now.
    pub(super) fn cancel(&mut self, departure: &Arc<Departure>, error: Option<MigrationError>) {
        for id in &departure.inventories {
            let Some(mirror) = self.mirrors.get_mut(id) else { continue };
            if mirror.dirty == Dirty::Departing(departure.clone()) {
                mirror.dirty = Dirty::All;
                self.leaving.remove(id);
            }
        }
        if let Some(error) = error {
            self.reports.push(Report::Stays { departure: departure.clone(), error });
        }
    }

    /// Forgets inventories that were created and deleted since the last commit.
    fn forget_short_lived(&mut self) {
        let mirrors = &mut self.mirrors;
        let short_lived = self.changed.extract_if(.., |id| {
            let mirror = mirrors.get(id);
            mirror.is_some_and(|it| it.fence == Fence::NEW && it.dirty == Dirty::Deleted)
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

    fn record_committed(&mut self, Write { id, version, change, .. }: &Write) {
        match change {
            Change::Delete => self.forget(*id),
            Change::Depart { .. } => self.depart(*id),
            Change::Save { .. } => {
                if let Some(mirror) = self.mirrors.get_mut(id) {
                    mirror.record_version(*version);
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
