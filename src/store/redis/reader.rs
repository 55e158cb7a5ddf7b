//! Reads a world while game servers write to it.

use std::collections::BTreeMap;

use crate::{
    model::id::InventoryId,
    store::{
        Store,
        error::StoreError,
        history::{History, HistoryQuery},
        reader::StoreReader,
    },
};

use super::{RedisOwner, RedisSettings, RedisStore};

/// Reads a world while game servers write to it.
pub struct RedisReader(RedisStore);

impl RedisReader {
    /// Prepares a connection to Redis without registering as a game server.
    ///
    /// # Errors
    ///
    /// [`StoreError::Settings`] if the settings are invalid.
    pub fn open(settings: RedisSettings) -> Result<Self, StoreError> {
        RedisStore::connect(settings).map(Self)
    }
}

impl StoreReader for RedisReader {
    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        self.0.read_history(query)
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        self.0.latest_tick()
    }

    fn owners(&mut self) -> Result<Option<BTreeMap<String, Vec<InventoryId>>>, StoreError> {
        let mut servers: BTreeMap<String, Vec<InventoryId>> = BTreeMap::new();
        for RedisOwner { inventory, server, .. } in self.0.owners()? {
            servers.entry(server).or_default().push(inventory);
        }
        Ok(Some(servers))
    }
}
