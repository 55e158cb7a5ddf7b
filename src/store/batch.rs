//! What is committed at once.

use crate::model::id::InventoryId;

use super::record::StoredInventory;

/// Number of the claim by which a server owns an inventory. It grows with every claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fence(pub u64);

/// All changes since the last commit, up to the end of a tick.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Batch {
    /// The last tick in it.
    pub tick: u64,
    /// The changed inventories, each in one union.
    pub unions: Vec<Union>,
}

/// Inventories that have exchanged items since the last commit. They are committed together or not at all, because items
/// would be doubled or lost otherwise.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Union {
    /// Its inventories.
    pub writes: Vec<Write>,
}

/// The new contents of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// The inventory.
    pub id: InventoryId,
    /// The claim of this server.
    pub fence: Fence,
    /// Version after the commit, higher than the stored one.
    pub version: u64,
    /// All of it.
    pub stored: StoredInventory,
    /// The slots that differ from the last commit, as container and index. `None` if anything else may differ, or if
    /// the inventory has or had stacks that share a slot because they cannot be placed.
    pub slots: Option<Vec<(String, u16)>>,
}

/// A union that was not committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Index of the union in the batch.
    pub union: usize,
    /// The inventory that this server may not change.
    pub id: InventoryId,
    /// Why it may not.
    pub reason: Fenced,
}

/// Why a commit of an inventory is rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fenced {
    /// It has been claimed since, or released.
    NotOwned,
    /// It was deleted.
    Deleted,
    /// The stored version is not lower.
    Superseded {
        /// The stored version.
        stored: u64,
    },
}
