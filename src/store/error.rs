//! Errors of stores.

use std::path::PathBuf;

use thiserror::Error;

use crate::model::id::InventoryId;

use super::{batch::Fenced, ticket::TicketError};

/// Error returned by a [`Store`](super::Store).
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another server owns the inventory.
    #[error("inventory `{id}` is owned by the server `{by}`")]
    Owned {
        /// The inventory.
        id: InventoryId,
        /// Name of the server.
        by: String,
    },
    /// The inventory is in another world, or has left for it.
    #[error("inventory `{id}` is in the world `{world}`")]
    Elsewhere {
        /// The inventory.
        id: InventoryId,
        /// Name of the world.
        world: String,
    },
    /// A ticket is not accepted.
    #[error("{0}")]
    Ticket(TicketError),
    /// The store has one world only, so players cannot move to others.
    #[error("the store has only one world")]
    OneWorld,
    /// Another entity of this app has the same id.
    #[error("another entity has inventory `{id}` already")]
    DuplicateEntity {
        /// The inventory.
        id: InventoryId,
    },
    /// The changes to the inventory are lost: the store has rejected a commit of it, or a world has lost its record.
    #[error("the changes to inventory `{id}` are lost: {reason}")]
    Lost {
        /// The inventory.
        id: InventoryId,
        /// Why the commit was rejected.
        reason: Fenced,
    },
    /// The inventory was deleted.
    #[error("inventory `{id}` was deleted")]
    Deleted {
        /// The inventory.
        id: InventoryId,
    },
    /// The record of an inventory cannot be read, or does not match its checksum. It is left unchanged.
    #[error("the record of inventory `{id}` is damaged: {what}")]
    Damaged {
        /// The inventory.
        id: InventoryId,
        /// What is wrong with it.
        what: String,
    },
    /// The file cannot be read.
    #[error("{}: the file is damaged: {what}", path.display())]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file was written by another program.
    #[error("{}: this is not a store of inventories", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// The store has a format that this version of the crate cannot read.
    #[error("{place}: it has format {found}, and this version reads format {supported}")]
    UnsupportedFormat {
        /// The file, or the address.
        place: String,
        /// Its format.
        found: u32,
        /// The format of this version. Earlier ones are migrated when the store is opened for writing.
        supported: u32,
    },
    /// Another game server uses the file.
    #[error("{}: another game server uses the file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The store is read-only.
    #[error("{place}: it is read-only")]
    ReadOnly {
        /// The file, or the address.
        place: String,
    },
    /// There is no space left on the disk, or in the memory of the store.
    #[error("{place}: there is no space left")]
    Full {
        /// The file, or the address.
        place: String,
    },
    /// A newer process of this game server uses the store. This one can no longer change anything.
    #[error("a newer process of the server `{server}` has replaced this one")]
    Replaced {
        /// Name of the server.
        server: String,
    },
    /// The store may delete inventories to save memory.
    #[error("{place}: its `maxmemory-policy` is `{policy}`, and must be `noeviction`")]
    Evicts {
        /// The address.
        place: String,
        /// The policy.
        policy: String,
    },
    /// The beginning of a range of the history is no longer kept.
    #[error("the history is only kept from tick {earliest} on")]
    Gone {
        /// The first tick that is kept.
        earliest: u64,
    },
    /// The history cannot be read.
    #[error("the history is damaged: {what}")]
    DamagedHistory {
        /// What is wrong with it.
        what: String,
    },
    /// The settings of the store cannot be used.
    #[error("the settings of the store are invalid: {0}")]
    Settings(String),
    /// The store cannot be reached, or failed.
    #[error("the store failed: {0}")]
    Failed(String),
}
