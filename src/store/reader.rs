//! Reads a store while game servers write to it, for tools.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bevy::ecs::resource::Resource;

use crate::model::id::InventoryId;

use super::{
    error::StoreError,
    history::{History, HistoryQuery},
};

/// Reads a store while game servers write to it. It neither claims nor changes anything. Its functions block.
pub trait StoreReader: Send {
    /// Reads a part of the history: what was changed in which tick, why, and by whom.
    ///
    /// # Errors
    ///
    /// [`StoreError::Gone`] if the first tick is no longer kept, or another error of the store.
    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError>;

    /// Returns the last tick that was committed. Zero if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn latest_tick(&mut self) -> Result<u64, StoreError>;

    /// Returns the inventories that each game server owns, in ascending order of ids. `None` if the store has one server
    /// only.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn owners(&mut self) -> Result<Option<BTreeMap<String, Vec<InventoryId>>>, StoreError> {
        Ok(None)
    }
}

/// Opens a reader. It is called again after an error.
pub type OpenReader = Box<dyn FnMut() -> Result<Box<dyn StoreReader>, StoreError> + Send>;

/// Opens a reader of the store that this app uses. One tool can take it.
#[derive(Resource)]
pub struct StoreReaderOpener(Mutex<Option<OpenReader>>);

impl StoreReaderOpener {
    pub(super) fn new(open: OpenReader) -> Self {
        Self(Mutex::new(Some(open)))
    }

    /// Takes it. `None` if another tool has taken it before.
    #[must_use]
    pub fn take(&self) -> Option<OpenReader> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
