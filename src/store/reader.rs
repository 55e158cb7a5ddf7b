//! Read access to a store for tools, while game servers write to it.

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

/// Reads a store while game servers write to it. It claims no inventories and changes nothing. Its methods block.
pub trait StoreReader: Send {
    /// Reads part of the history: what changed in which tick, why, and by whom.
    ///
    /// # Errors
    ///
    /// [`StoreError::Gone`] if the first tick is no longer kept, or another error of the store.
    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError>;

    /// Returns the last committed tick. Returns zero if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn latest_tick(&mut self) -> Result<u64, StoreError>;

    /// Returns the inventories that each game server owns, in ascending order of ids. Returns `None` if the store
    /// supports only one server.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn owners(&mut self) -> Result<Option<BTreeMap<String, Vec<InventoryId>>>, StoreError> {
        Ok(None)
    }
}

/// Opens a reader. Called again after an error.
pub type OpenReader = Box<dyn FnMut() -> Result<Box<dyn StoreReader>, StoreError> + Send>;

/// Opens a reader of the store that this app uses. Only one tool can take it.
#[derive(Resource)]
pub struct StoreReaderOpener(Mutex<Option<OpenReader>>);

impl StoreReaderOpener {
    pub(super) fn new(open: OpenReader) -> Self {
        Self(Mutex::new(Some(open)))
    }

    /// Takes the function that opens a reader. Returns `None` if it has already been taken.
    #[must_use]
    pub fn take(&self) -> Option<OpenReader> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
