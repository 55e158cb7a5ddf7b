//! Reads the history without an operation that can fail.

use crate::store::{
    Store,
    error::StoreError,
    history::{History, HistoryQuery},
    reader::StoreReader,
};

use super::{MemoryStore, World};

impl MemoryStore {
    /// Returns the whole history of this world.
    #[must_use]
    pub fn recorded(&self) -> History {
        let mut shared = self.lock();
        let World { history, gaps, .. } = shared.world(&self.world);
        let everything = HistoryQuery { limit: usize::MAX, ..HistoryQuery::default() };
        let gaps = gaps.clone();
        History { gaps, ..everything.select(history.iter().cloned()) }
    }
}

impl StoreReader for MemoryStore {
    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        Store::history(self, query)
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        Store::latest_tick(self)
    }
}
