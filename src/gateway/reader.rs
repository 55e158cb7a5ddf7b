//! Reads the game's store, on threads of its own.

use std::sync::{Arc, Mutex, PoisonError};

use crate::store::{
    error::StoreError,
    reader::{OpenReader, StoreReader},
};

/// Reads the game's store.
#[derive(Clone)]
pub(super) struct HistoryReader(Arc<Mutex<Reader>>);

struct Reader {
    open: OpenReader,
    opened: Option<Box<dyn StoreReader>>,
}

impl HistoryReader {
    pub(super) fn new(open: OpenReader) -> Self {
        Self(Arc::new(Mutex::new(Reader { open, opened: None })))
    }

    /// Reads something without blocking other requests. One request reads at a time.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn StoreReader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = self.0.clone();
        let read = move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let Reader { open, opened } = &mut *reader;
            let mut there = match opened.take() {
                Some(there) => there,
                None => open()?,
            };
            let result = read(&mut *there);
            // After a failure, it is opened again.
            if !matches!(result, Err(StoreError::Failed(_))) {
                *opened = Some(there);
            }
            result
        };
        let failed = |error: tokio::task::JoinError| StoreError::Failed(error.to_string());
        tokio::task::spawn_blocking(read).await.map_err(failed)?
    }
}
