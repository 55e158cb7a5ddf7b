//! Reads the game's store on separate threads.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::{sync::Semaphore, time::timeout};

use crate::store::{
    error::StoreError,
    reader::{OpenReader, StoreReader},
};

/// Reads the game's store.
pub(super) struct HistoryReader {
    reader: Arc<Mutex<Reader>>,
    /// One read runs at a time. The others wait here and not on threads.
    turn: Arc<Semaphore>,
}

/// How long a read waits for its turn.
const TURN_TIME: Duration = Duration::from_secs(5);

struct Reader {
    open: OpenReader,
    opened: Option<Box<dyn StoreReader>>,
}

impl HistoryReader {
    pub(super) fn new(open: OpenReader) -> Self {
        let reader = Arc::new(Mutex::new(Reader { open, opened: None }));
        Self { reader, turn: Arc::new(Semaphore::new(1)) }
    }

    /// Reads from the store without blocking the gateway's thread. Reads run one at a time.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn StoreReader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let busy = |_| StoreError::Failed("other requests are reading from it".into());
        let turn = timeout(TURN_TIME, self.turn.clone().acquire_owned()).await.map_err(busy)?;
        let reader = self.reader.clone();
        let read = move || {
            let _turn = turn;
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let Reader { open, opened } = &mut *reader;
            let mut open_reader = match opened.take() {
                Some(open_reader) => open_reader,
                None => open()?,
            };
            let result = read(&mut *open_reader);
            // After a failure, the next read opens the store again.
            if !matches!(result, Err(StoreError::Failed(_))) {
                *opened = Some(open_reader);
            }
            result
        };
        let failed = |error: tokio::task::JoinError| StoreError::Failed(error.to_string());
        tokio::task::spawn_blocking(read).await.map_err(failed)?
    }
}
