//! Messages between the game and the worker.

use std::sync::Arc;

use crate::{
    model::id::InventoryId,
    store::{
        batch::Fenced,
        changes::TickChanges,
        error::StoreError,
        history::{History, HistoryQuery},
        migrate::MigrationError,
        record::StoredInventory,
        ticket::{Departure, Redeemed, Ticket},
    },
};

/// A request of the game.
pub(in crate::store) enum Order {
    /// To claim an inventory and to load it.
    Claim { id: InventoryId, request: u64 },
    /// To release an inventory whose entity has left before its claim was answered. The store may have claimed it.
    Abandon(InventoryId),
    /// To store the changes of a tick.
    Tick(Box<TickChanges>),
    /// To drop what has changed in inventories since the last commit.
    Revert {
        ids: Vec<InventoryId>,
        /// The one of which the claim has ended.
        lost: InventoryId,
    },
    /// To load an inventory again that is claimed.
    Reload { id: InventoryId, request: u64 },
    /// To commit now.
    Flush,
    /// To read all inventories that are not claimed.
    List,
    /// To read one inventory.
    Read(InventoryId),
    /// To read a part of the history.
    History(HistoryQuery),
    /// To use up a ticket.
    Redeem { account: String, ticket: Ticket },
}

impl Order {
    /// Returns the inventory that is requested for an entity.
    pub(super) fn requested(&self) -> Option<InventoryId> {
        match self {
            Self::Claim { id, .. } | Self::Reload { id, .. } => Some(*id),
            _ => None,
        }
    }
}

/// A report to the game.
pub(in crate::store) enum Report {
    /// An inventory was loaded, or could not be.
    Loaded {
        id: InventoryId,
        request: u64,
        result: Result<Option<Box<StoredInventory>>, StoreError>,
    },
    /// Everything up to a tick is stored, except these unions.
    Stored { tick: u64, rejected: Vec<RejectedUnion> },
    /// Everything that was handed over before [`Order::Flush`] is stored.
    Flushed,
    /// An inventory that was read is not in the store.
    NotStored(InventoryId),
    /// An inventory in the store.
    Listed(InventoryId, Result<Box<StoredInventory>, StoreError>),
    /// All inventories were listed.
    ListEnds,
    /// The inventories of a player stay in this world.
    Stays { departure: Arc<Departure>, error: MigrationError },
    /// An inventory has left this world, which is `from`.
    Departed { id: InventoryId, from: String },
    /// A part of the history was read.
    History(HistoryQuery, Result<History, StoreError>),
    /// A ticket was accepted or not.
    Redeemed { account: String, ticket: Ticket, result: Result<Redeemed, StoreError> },
    /// The store has failed, or works again.
    Status(Option<StoreError>),
}

/// A union that was not committed.
pub(in crate::store) struct RejectedUnion {
    /// The inventory that this server may not change.
    pub(in crate::store) id: InventoryId,
    pub(in crate::store) reason: Fenced,
    /// All inventories of the union.
    pub(in crate::store) members: Vec<InventoryId>,
}
