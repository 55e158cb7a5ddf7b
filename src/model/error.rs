//! Errors of operations on slots, inventories and catalogs. Each names the ids that are needed to
//! find the cause from a log line.

use super::{
    container::Slot,
    id::{ContainerKey, ItemId},
    limits::INVENTORY_SLOTS_MAX,
    rejection::Rejection,
    slots::SlotError,
};
use bevy::ecs::entity::Entity;
use thiserror::Error;

/// Error of an operation on inventories. Nothing has changed if one is returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The entity does not exist or has no container.
    #[error("entity {entity} has no inventory")]
    NoInventory {
        /// The entity.
        entity: Entity,
    },
    /// The inventory is being loaded from a store, or could not be loaded.
    #[error("the inventory of entity {entity} has not been loaded")]
    Loading {
        /// The entity.
        entity: Entity,
    },
    /// The inventory has no such slot.
    #[error("entity {entity} has no slot {slot:?}")]
    NoSuchSlot {
        /// The entity.
        entity: Entity,
        /// The requested slot.
        slot: Slot,
    },
    /// The inventory has no such container.
    #[error("entity {entity} has no container `{container:?}`")]
    NoSuchContainer {
        /// The entity.
        entity: Entity,
        /// The requested container.
        container: ContainerKey,
    },
    /// Another entity has the same [`InventoryId`](super::id::InventoryId): the same player is in the world twice.
    #[error("entity {entity} has the same inventory id as {first}")]
    DuplicateId {
        /// The entity.
        entity: Entity,
        /// The entity that had the id first.
        first: Entity,
    },
    /// An operation on one slot failed.
    #[error("entity {entity}: {error}")]
    Slot {
        /// The entity.
        entity: Entity,
        /// The error, with the flat position of the slot in the inventory.
        error: SlotError,
    },
    /// The inventory holds fewer items than requested.
    #[error("entity {entity} holds {have} of item {item}, but {wanted} were requested")]
    NotEnough {
        /// The entity.
        entity: Entity,
        /// The item.
        item: ItemId,
        /// Number of items available.
        have: u64,
        /// Number of items requested.
        wanted: u32,
    },
    /// Not all items fit.
    #[error("entity {entity} has no room for {left} of item {item}")]
    Full {
        /// The entity.
        entity: Entity,
        /// The item.
        item: ItemId,
        /// Number of items that did not fit.
        left: u32,
    },
    /// The slot does not accept this item
    /// ([`Container::accepts`](super::container::Container::accepts)).
    #[error("entity {entity}: {slot:?} does not accept item {item}")]
    NotAccepted {
        /// The entity.
        entity: Entity,
        /// The slot.
        slot: Slot,
        /// The item.
        item: ItemId,
    },
    /// The inventory has more than [`INVENTORY_SLOTS_MAX`] slots.
    #[error("entity {entity} has {len} slots, more than {INVENTORY_SLOTS_MAX}")]
    TooManySlots {
        /// The entity.
        entity: Entity,
        /// Number of slots.
        len: usize,
    },
    /// The catalog has no such item.
    #[error("item {item} is not in the catalog")]
    UnknownItem {
        /// The item.
        item: ItemId,
    },
    /// The action was rejected for a reason that players are shown.
    #[error("{0}")]
    Rejected(#[from] Rejection),
}

impl From<InventoryError> for Rejection {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::NoInventory { .. } => Self::NotInView,
            InventoryError::Loading { .. } => Self::Loading,
            InventoryError::NoSuchSlot { .. } | InventoryError::NoSuchContainer { .. } => {
                Self::NoSuchSlot
            }
            InventoryError::NotEnough { .. } => Self::NotEnough,
            InventoryError::Full { .. } => Self::Full,
            InventoryError::NotAccepted { .. } => Self::NotAccepted,
            InventoryError::TooManySlots { .. } | InventoryError::DuplicateId { .. } => {
                Self::Invalid
            }
            InventoryError::UnknownItem { .. } => Self::UnknownItem,
            InventoryError::Rejected(reason) => reason,
            InventoryError::Slot { error, .. } => match error {
                SlotError::OutOfRange { .. } => Self::NoSuchSlot,
                SlotError::Empty { .. } => Self::Empty,
                SlotError::NotEnough { .. } => Self::NotEnough,
                SlotError::Occupied { .. } => Self::Occupied,
                SlotError::Count { .. } => Self::Invalid,
            },
        }
    }
}
