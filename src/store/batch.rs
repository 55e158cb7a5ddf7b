//! What is committed at once.

use std::sync::Arc;

use thiserror::Error;

use crate::model::id::InventoryId;

use super::{
    history::{Gap, StoredTick},
    record::StoredInventory,
    ticket::Departure,
};

/// Fencing token of a claim on an inventory. Each claim, departure and restore from an archive raises it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fence(pub u64);

impl Fence {
    /// In a [`Write`], creates the inventory and claims it. There must be no record of it, and no claim so far. The
    /// first claim has the fence 1.
    pub const NEW: Self = Self(0);

    /// The fence of an inventory that a write has created.
    pub const FIRST: Self = Self(1);
}

/// All changes since the last commit, up to the end of a tick.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Batch {
    /// Unique number of the batch in this process. A batch that is sent again with the same number takes effect only
    /// once. Zero if it is never sent again.
    pub id: u64,
    /// The last tick in it.
    pub tick: u64,
    /// The first tick since the last commit.
    pub from: u64,
    /// When it was created, in milliseconds since 1970.
    pub time: u64,
    /// The changed inventories, each in one union.
    pub unions: Vec<Union>,
    /// Ticks whose changes were dropped, because the store had failed for too long.
    pub gap: Option<Gap>,
}

impl Batch {
    /// Returns the unions that were committed.
    pub(super) fn committed(&self, rejected: &[Rejected]) -> impl Iterator<Item = &Union> {
        let unions = self.unions.iter().enumerate();
        let is_rejected = |at: usize| rejected.iter().any(|rejected| rejected.union == at);
        unions.filter(move |(at, _)| !is_rejected(*at)).map(|(_, union)| union)
    }
}

/// Inventories that have exchanged items since the last commit. They are committed together or not at all, because
/// otherwise items would be duplicated or lost.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Union {
    /// Its inventories.
    pub writes: Vec<Write>,
    /// What has changed in them, for the history.
    pub history: Vec<StoredTick>,
}

/// What is committed of one inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// The inventory.
    pub id: InventoryId,
    /// The claim of this server, or [`Fence::NEW`].
    pub fence: Fence,
    /// Version after the commit. The stored version must be one lower.
    pub version: u64,
    /// What happens to it.
    pub change: Change,
}

/// What happens to an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It has these contents.
    Save {
        /// All of it.
        stored: Arc<StoredInventory>,
        /// The slots that differ from the last commit, as container and index. `None` if anything else may differ, or
        /// if the inventory has or had stacks that share a slot because they cannot be placed. Components are always
        /// compared.
        slots: Option<Vec<(String, u16)>>,
    },
    /// It has these contents, and leaves for another world. It can no longer be claimed in this one. See
    /// [`worlds`](super::worlds).
    Depart {
        /// All of it.
        stored: Arc<StoredInventory>,
        /// The destination, the account and the ticket, which is issued in the same transaction.
        departure: Arc<Departure>,
    },
    /// It is deleted permanently. Later claims and commits of it are rejected.
    Delete,
}

/// A union that was not committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Index of the union in the batch.
    pub union: usize,
    /// The inventory that this server may not change.
    pub id: InventoryId,
    /// The reason.
    pub reason: Fenced,
}

/// Why a commit of an inventory is rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Fenced {
    /// This process no longer owns it: it was released, or another server or a newer process has replaced this one.
    #[error("this server no longer owns it")]
    NotOwned,
    /// It was deleted.
    #[error("it was deleted")]
    Deleted,
    /// It has left for another world.
    #[error("it has left for another world")]
    Moved,
    /// The destination is not another world of this store.
    #[error("the destination is not another world of this store")]
    CannotMove,
    /// The stored version is higher than this server remembers: something else has written to it.
    #[error("its stored version, {stored}, is higher than expected")]
    Superseded {
        /// The stored version.
        stored: u64,
    },
    /// The stored version or fence is lower than this server remembers: the store has lost commits.
    #[error("its stored version, {stored}, is lower than expected: the store has lost commits")]
    RolledBack {
        /// The stored version.
        stored: u64,
    },
}
