//! Mistakes that a game can make with plain mutations, reported as typed messages instead of panics.

use bevy::ecs::{component::Component, entity::Entity, message::Message};
use thiserror::Error;

use crate::model::{
    container::Slot,
    id::{DataId, InventoryId, ItemId},
    limits::INVENTORY_SLOTS_MAX,
};

/// Authority: an inventory has invalid contents, or cannot be synced. Everything else stays in sync. Also
/// logged as an error.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum InventoryFault {
    /// Two entities have the same id. The second one is not synced until one of them is despawned or gets
    /// another id.
    #[error("inventory `{inventory}`: {second} has the same id as {first} and is not synced")]
    DuplicateId {
        /// The id that both have.
        inventory: InventoryId,
        /// The entity that had the id first.
        first: Entity,
        /// The entity that is not synced.
        second: Entity,
    },
    /// A slot contains an item that is not in the catalog. Viewers keep seeing the slot's previous contents.
    #[error("inventory `{inventory}`: {slot:?} contains {item}, which is not in the catalog")]
    UnknownItem {
        /// The inventory.
        inventory: InventoryId,
        /// The slot.
        slot: Slot,
        /// The item.
        item: ItemId,
    },
    /// A slot refers to instance data that is not (or no longer) in the [pool](crate::prelude::DataPool). Viewers
    /// keep seeing the slot's previous contents.
    #[error("inventory `{inventory}`: {slot:?} has unknown instance data {data:?}")]
    UnknownData {
        /// The inventory.
        inventory: InventoryId,
        /// The slot.
        slot: Slot,
        /// The id of the data.
        data: DataId,
    },
    /// A slot contains more items than fit on a stack. It is synced anyway.
    #[error("inventory `{inventory}`: {slot:?} contains {count} of {item}, the maximum is {max}")]
    AboveMaxStack {
        /// The inventory.
        inventory: InventoryId,
        /// The slot.
        slot: Slot,
        /// The item.
        item: ItemId,
        /// Number of items in the slot.
        count: u32,
        /// Maximum stack of the item.
        max: u32,
    },
    /// The containers of an inventory have more than [`INVENTORY_SLOTS_MAX`] slots in total. The inventory is not
    /// synced.
    #[error(
        "inventory `{inventory}`: {len} slots exceed {INVENTORY_SLOTS_MAX}, so it is not synced"
    )]
    TooManySlots {
        /// The inventory.
        inventory: InventoryId,
        /// Number of slots in total.
        len: usize,
    },
    /// A client would see more than [`VIEWS_MAX`](crate::wire::VIEWS_MAX) inventories, or more than
    /// [`CLIENT_SLOTS_MAX`](crate::model::limits::CLIENT_SLOTS_MAX) slots in total. It does not see this inventory until
    /// it sees fewer of them, and the viewers or containers of this inventory change.
    #[error(
        "inventory `{inventory}`: client `{client}` does not see it, because it would see \
         {views} inventories with {slots} slots"
    )]
    ClientSeesTooMuch {
        /// The inventory.
        inventory: InventoryId,
        /// The client.
        client: Entity,
        /// Number of inventories that the client would see.
        views: usize,
        /// Number of their slots in total.
        slots: usize,
    },
}

/// Marks an entity whose inventory is not synced because of an [`InventoryFault`].
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
pub struct Unsynced;
