//! The plugin.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use bevy::prelude::*;

use crate::{changes::ChangeTrackerPlugin, server::inspect, shared::storing::StoreHealth};

use super::{
    Store,
    archive::ArchivingStore,
    changes, collect,
    components::PersistedComponents,
    error::StoreError,
    exchanges::ExchangeLog,
    leaving,
    link::StoreLink,
    loading, migrate, notes,
    persist::{
        HistoryRead, InventoriesReverted, InventoryLoadFailed, InventoryLoaded, InventoryStored,
        StoreStatus, StoreStatusChanged,
    },
    reader::{OpenReader, StoreReader},
    restore, results,
    tracked::Holders,
    worker::{Opener, Worker},
};

/// When changes are committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Durability {
    /// After every tick. If a commit takes longer than a tick, the next one contains several ticks.
    EveryTick,
    /// At most this long after the first change. A crash loses at most the changes of this interval. Default: 200 ms.
    Interval(Duration),
}

impl Default for Durability {
    fn default() -> Self {
        Self::Interval(Duration::from_millis(200))
    }
}

/// Stores the inventories with [`Persist`](super::persist::Persist). Add it after
/// [`InventoryPlugins`](crate::prelude::InventoryPlugins).
///
/// The store is opened on its own thread when it is first needed. A frame never waits for it. If it fails, the game
/// keeps running: unsaved changes are merged and stored later, and [`StoreStatusChanged`] is triggered.
pub struct InventoryStorePlugin {
    opener: Mutex<Option<Opener>>,
    reader: Mutex<Option<OpenReader>>,
    durability: Durability,
    inline: bool,
}

impl InventoryStorePlugin {
    /// Stores in one SQLite file, which is created if it does not exist.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn sqlite(path: impl Into<std::path::PathBuf>) -> Self {
        let path = path.into();
        let read = path.clone();
        Self::new(move || super::sqlite::SqliteStore::open(&path, "server"))
            .reader(move || super::sqlite::SqliteReader::open(&read))
    }

    /// Stores in Redis or Valkey, which several game servers can share.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn redis(settings: super::redis::RedisSettings) -> Self {
        let read = settings.clone();
        Self::new(move || super::redis::RedisStore::open(settings.clone()))
            .reader(move || super::redis::RedisReader::open(read.clone()))
    }

    /// Uses any [`Store`]. `open` is called on the store's thread, and again if it fails.
    #[must_use]
    pub fn new<S: Store + 'static>(
        mut open: impl FnMut() -> Result<S, StoreError> + Send + 'static,
    ) -> Self {
        let opener: Opener = Box::new(move || Ok(Box::new(open()?)));
        Self {
            opener: Mutex::new(Some(opener)),
            reader: Mutex::new(None),
            durability: Durability::default(),
            inline: false,
        }
    }

    /// Sets how the gateway reads the store while it is in use. `sqlite` and `redis` set it. `open` is called on one of
    /// the gateway's threads.
    #[must_use]
    pub fn reader<R: StoreReader + 'static>(
        self,
        mut open: impl FnMut() -> Result<R, StoreError> + Send + 'static,
    ) -> Self {
        let reader: OpenReader = Box::new(move || Ok(Box::new(open()?)));
        Self { reader: Mutex::new(Some(reader)), ..self }
    }

    /// Sets when changes are committed.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// Copies changed inventories into another store, such as a file, every `ticks` ticks. Use it if the store may lose
    /// everything: [`archive::restore`](super::archive::restore) copies them back. If a copy fails, the game is not
    /// affected, and the next copy includes the same changes.
    #[must_use]
    pub fn archive_to<S: Store + 'static>(
        self,
        ticks: u64,
        mut open: impl FnMut() -> Result<S, StoreError> + Send + 'static,
    ) -> Self {
        let archive: Opener = Box::new(move || Ok(Box::new(open()?)));
        let archive = Arc::new(Mutex::new(archive));
        let opener = self.opener.into_inner().unwrap_or_else(PoisonError::into_inner);
        let opener = opener.map(|mut open| -> Opener {
            Box::new(move || Ok(Box::new(ArchivingStore::new(open()?, archive.clone(), ticks))))
        });
        Self { opener: Mutex::new(opener), ..self }
    }

    /// Runs the store at the start of each frame instead of on its own thread. For tests, which become deterministic.
    #[must_use]
    pub fn without_thread(self) -> Self {
        Self { inline: true, ..self }
    }
}

impl Plugin for InventoryStorePlugin {
    fn build(&self, app: &mut App) {
        let opener = self.opener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let opener = opener.expect("a plugin must be built once");
        if let Some(open) = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take() {
            app.insert_resource(super::reader::StoreReaderOpener::new(open));
        }
        let worker = Worker::new(opener, self.durability);
        let link = if self.inline { StoreLink::inline(worker) } else { StoreLink::start(worker) };
        app.insert_resource(link)
            .init_resource::<Holders>()
            .init_resource::<ExchangeLog>()
            .init_resource::<PersistedComponents>()
            .init_resource::<StoreHealth>()
            .init_resource::<StoreStatus>()
            .init_resource::<collect::Collected>()
            .init_resource::<changes::TickBuffer>()
            .add_message::<InventoryLoaded>()
            .add_message::<InventoryLoadFailed>()
            .add_message::<InventoryStored>()
            .add_message::<InventoriesReverted>()
            .add_message::<StoreStatusChanged>()
            .add_message::<restore::WorldRestored>()
            .add_message::<HistoryRead>()
            .add_plugins((
                loading::plugin,
                leaving::plugin,
                collect::plugin,
                results::plugin,
                restore::plugin,
                migrate::plugin,
                notes::plugin,
                // Only the last tick is needed.
                ChangeTrackerPlugin { window: 0 },
            ));
        inspect::record_exchanges(app.world_mut());
    }
}
