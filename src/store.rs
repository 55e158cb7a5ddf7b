//! Where inventories are kept between runs of a server, and which server may change them.
//!
//! A [`Store`] keeps one [`StoredInventory`] per id. A server claims an inventory before it reads it, and each claim
//! has a higher [`Fence`] than the one before. A commit with an older fence is rejected, so a server that was replaced
//! while it was paused or cut off cannot overwrite anything.
//!
//! The functions of a store block. They run on a separate thread, never in a frame.

pub mod archive;
pub mod batch;
mod changes;
mod collect;
pub mod components;
pub mod error;
pub mod history;
mod exchanges;
mod leaving;
mod link;
mod loading;
pub mod memory;
pub mod migrate;
pub mod notes;
pub mod persist;
mod plugin;
pub mod reader;
pub mod record;
#[cfg(feature = "redis")]
pub mod redis;
pub mod restore;
mod results;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod ticket;
mod tracked;
mod worker;
pub mod worlds;

pub use plugin::{Durability, InventoryStorePlugin};

use core::time::Duration;

use crate::model::id::InventoryId;

use archive::Archived;
use batch::{Batch, Fence, Rejected};
use error::StoreError;
use history::{History, HistoryQuery};
use record::StoredInventory;
use worlds::Worlds;

/// What a server gets with the ownership of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Every commit must present it.
    pub fence: Fence,
    /// Version of the last commit. Zero if there is none.
    pub version: u64,
    /// What is stored. `None` for a new inventory.
    pub found: Option<StoredInventory>,
}

/// Result of [`Store::heartbeat`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Heartbeat {
    /// Time until the next heartbeat is due. `None` if the store needs no heartbeats.
    pub next: Option<Duration>,
    /// Whether the store has lost commits that it had acknowledged. All claimed inventories are then checked.
    pub lost_commits: bool,
}

/// Keeps inventories. See the [module](self).
pub trait Store: Send {
    /// Makes this server the owner of an inventory, and returns its stored state. A server may claim what it already
    /// owns, for example after a restart.
    ///
    /// # Errors
    ///
    /// [`StoreError::Owned`] if another server is the owner, [`StoreError::Deleted`],
    /// [`StoreError::Damaged`] if the record does not match its checksum, or another error of the store.
    fn claim(&mut self, id: InventoryId) -> Result<Claim, StoreError>;

    /// Reads what is stored of an inventory, without claiming it. `None` if nothing is stored, or if it was deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if the record does not match its checksum, or another error of the store.
    fn load(&mut self, id: InventoryId) -> Result<Option<StoredInventory>, StoreError>;

    /// Commits a batch in one transaction: after a crash, all of it is stored or nothing. A union with an inventory
    /// that this server may not change is left out as a whole, and returned. If a batch with the same
    /// [`id`](Batch::id) was carried out before, nothing is done, and the same result is returned.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if nothing was committed.
    fn commit(&mut self, batch: &Batch) -> Result<Vec<Rejected>, StoreError>;

    /// Releases inventories, so that another server can claim them. Skips those that have another owner by now.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if none was released.
    fn release(&mut self, inventories: &[(InventoryId, Fence)]) -> Result<(), StoreError>;

    /// Returns the ids of all stored inventories in ascending order.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn list(&mut self) -> Result<Vec<InventoryId>, StoreError>;

    /// Returns the last tick that was committed. Zero if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn latest_tick(&mut self) -> Result<u64, StoreError>;

    /// Writes copies of another store's inventories in one transaction. Does not change an inventory that is stored in
    /// the same or a newer version, or that a server owns.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if nothing was written.
    fn archive(&mut self, tick: u64, copies: &[Archived]) -> Result<(), StoreError>;

    /// Returns the versions of all inventories that were ever committed, including deleted ones.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn versions(&mut self) -> Result<Vec<(InventoryId, u64)>, StoreError>;

    /// Reads a part of the history: what was changed in which tick, why, and by whom.
    ///
    /// # Errors
    ///
    /// [`StoreError::Gone`] if the first tick is no longer kept, or another error of the store.
    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError>;

    /// Reads an inventory with its fence and version.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if there is no record, or if it does not match its checksum; or another error of the store.
    fn read_copy(&mut self, id: InventoryId) -> Result<Archived, StoreError>;

    /// Shows that this server is alive, so that no other one claims its inventories.
    ///
    /// # Errors
    ///
    /// [`StoreError::Replaced`] if this server has been replaced, or another error of the store.
    fn heartbeat(&mut self) -> Result<Heartbeat, StoreError> {
        Ok(Heartbeat::default())
    }

    /// Returns the worlds between which inventories can move. `None` if the store has only one.
    fn worlds(&mut self) -> Option<&mut dyn Worlds> {
        None
    }
}
