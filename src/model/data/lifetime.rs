//! How long values are kept: as long as something refers to them, and for some time afterwards.

use std::collections::BTreeSet;

use super::{DataOrigin, DataPool, DataRemoval, Datum, PoolEntry};
use crate::model::id::DataId;

/// Memory overhead of a value in the pool, in bytes. Counted in addition to the size of the value.
const ENTRY_BYTES: usize = 256;

/// Unused values by the time since which they are unused, in microseconds. The oldest is first.
type ByAge = BTreeSet<(u64, DataId)>;

/// The values of the pool that nothing refers to.
#[derive(Default, Debug)]
pub(super) struct UnusedData {
    from_actions: ByAge,
    /// Size of the values in `from_actions`.
    from_actions_bytes: usize,
    others: ByAge,
}

impl UnusedData {
    pub(super) fn insert(&mut self, id: DataId, entry: &PoolEntry) {
        let key = (entry.unused_since, id);
        if entry.origin != DataOrigin::Action {
            self.others.insert(key);
        } else if self.from_actions.insert(key) {
            self.from_actions_bytes += size(entry);
        }
    }

    pub(super) fn remove(&mut self, id: DataId, entry: &PoolEntry) {
        let key = (entry.unused_since, id);
        if self.from_actions.remove(&key) {
            self.from_actions_bytes -= size(entry);
        } else {
            self.others.remove(&key);
        }
    }

    /// Returns the oldest value, if it has been unused since this time or longer.
    pub(super) fn oldest_until(&self, time: u64) -> Option<DataId> {
        let oldest = [&self.from_actions, &self.others].into_iter().filter_map(|by| by.first());
        oldest.min().filter(|(since, _)| *since <= time).map(|(_, id)| *id)
    }

    /// Returns the oldest value that an action created, if all of these take more than this number of bytes.
    pub(super) fn oldest_above(&self, bytes: usize) -> Option<DataId> {
        let oldest = self.from_actions.first().filter(|_| self.from_actions_bytes > bytes);
        oldest.map(|(_, id)| *id)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.from_actions.len() + self.others.len()
    }
}

fn size(entry: &PoolEntry) -> usize {
    entry.bytes.len() + ENTRY_BYTES
}

impl DataPool {
    /// Changes an entry. If nothing refers to it afterwards, it counts as unused from now on.
    pub(super) fn update(&mut self, id: DataId, change: impl FnOnce(&mut PoolEntry)) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if entry.held == 0 {
            self.unused.remove(id, entry);
        }
        change(entry);
        if entry.held == 0 {
            entry.unused_since = self.now;
            self.unused.insert(id, entry);
        }
    }

    /// Stores the values that a transaction created, under the ids that it predicted. They are kept until
    /// [`Self::settle`] is called with the same values.
    ///
    /// To be called before any other code can create values, so that the ids are still free.
    pub(crate) fn reserve(&mut self, created: &[Datum]) {
        for datum in created {
            if !self.entries.contains_key(&datum.id) {
                self.add(datum.clone());
            }
            self.add_holder(datum.id);
        }
    }

    /// Ends a reservation. Values that were only created by undecided actions are removed: nobody has seen them,
    /// and their ids are not used again.
    pub(crate) fn settle(&mut self, created: &[Datum], origin: DataOrigin) {
        for Datum { id, .. } in created {
            self.update(*id, |entry| entry.origin = entry.origin.max(origin));
            self.remove_holder(*id);
            let rejected =
                |entry: &PoolEntry| entry.held == 0 && entry.origin == DataOrigin::Undecided;
            if self.entries.get(id).is_some_and(rejected) {
                self.remove(*id);
            }
        }
    }

    /// Stores the values that a transaction of the game's own code created.
    pub(crate) fn adopt(&mut self, created: &[Datum]) {
        self.reserve(created);
        self.settle(created, DataOrigin::Game);
    }

    /// Records that something refers to a value.
    pub(crate) fn add_holder(&mut self, id: DataId) {
        self.update(id, |entry| entry.held += 1);
    }

    /// Records that something no longer refers to a value.
    pub(crate) fn remove_holder(&mut self, id: DataId) {
        self.update(id, |entry| entry.held = entry.held.saturating_sub(1));
    }

    /// Advances the clock by a number of microseconds.
    pub(crate) fn pass_time(&mut self, micros: u64) {
        self.now = self.now.saturating_add(micros);
    }

    /// Removes the values that have been unused for a time in microseconds. Of those that actions created, also
    /// removes the oldest until the others take at most this number of bytes. Returns what was removed.
    pub(crate) fn remove_unused(
        &mut self,
        kept_micros: u64,
        action_bytes: usize,
    ) -> Vec<(Datum, DataRemoval)> {
        self.dropped_holds.take().into_iter().for_each(|id| self.remove_holder(id));
        let mut removed = Vec::new();
        if let Some(time) = self.now.checked_sub(kept_micros) {
            while let Some(datum) = self.unused.oldest_until(time).and_then(|id| self.remove(id)) {
                removed.push((datum, DataRemoval::Expired));
            }
        }
        while let Some(datum) =
            self.unused.oldest_above(action_bytes).and_then(|id| self.remove(id))
        {
            removed.push((datum, DataRemoval::OverLimit));
        }
        removed
    }

    fn remove(&mut self, id: DataId) -> Option<Datum> {
        let entry = self.entries.remove(&id)?;
        self.unused.remove(id, &entry);
        let PoolEntry { kind, bytes, .. } = entry;
        self.ids.remove(&(kind, bytes.clone()));
        Some(Datum { id, kind, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::data::{DataError, ItemData};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Number(u32);

    impl ItemData for Number {
        const NAME: &'static str = "number";
    }

    #[test]
    fn movement_leaves_at_most_one_record_per_value() {
        let mut pool = DataPool::default();
        pool.add_type::<Number>();
        let ids: Vec<DataId> = (0..20).map(|n| pool.insert(&Number(n)).unwrap()).collect();
        for _ in 0..50 {
            for id in ids.iter().copied() {
                // To another slot, out of the inventory, and back.
                pool.add_holder(id);
                pool.add_holder(id);
                pool.remove_holder(id);
                pool.remove_holder(id);
                pool.intern_raw("number", &pool.raw(id).unwrap().1.clone()).unwrap();
            }
            pool.pass_time(1000);
            assert_eq!(pool.remove_unused(60_000, usize::MAX), []);
            assert!(pool.unused.len() <= pool.len(), "{} records", pool.unused.len());
        }
        ids[..5].iter().for_each(|id| pool.add_holder(*id));
        assert_eq!(pool.unused.len(), 15, "values that slots refer to have no record");
    }

    #[test]
    fn no_id_is_assigned_twice() {
        let mut pool = DataPool { last: u32::MAX - 1, ..DataPool::default() };
        pool.add_type::<Number>();
        assert!(pool.is_empty());
        let last = pool.insert(&Number(1)).unwrap();
        assert!(!pool.is_empty());
        assert_eq!(pool.insert(&Number(1)), Ok(last));
        assert_eq!(pool.insert(&Number(2)), Err(DataError::NoIdLeft { name: "number" }));
        assert!(pool.get::<Number>(last).is_some_and(|number| number.0 == 1));
    }
}
