//! What a game can get wrong with plain mutations, as typed events instead of panics.

use bevy::ecs::{component::Component, entity::Entity, message::Message};
use thiserror::Error;

use crate::model::{
    container::Slot,
    id::{DataId, InventoryId, ItemId},
    limits::INVENTORY_SLOTS_MAX,
};

/// Something is wrong with an inventory, and the rest goes on. Also written to the log.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum InventoryFault {
    /// Two live entities have one id. The second is not synced until one of them gives way.
    #[error("inventory `{inventory}`: {second} has the id of {first}, and is not synced")]
    DuplicateId {
        /// The id of both.
        inventory: InventoryId,
        /// Who had it first.
        first: Entity,
        /// Who is left out.
        second: Entity,
    },
    /// A slot holds an item that the catalog does not have. Viewers go on seeing what was there.
    #[error("inventory `{inventory}`: {slot:?} holds {item}, which is not in the catalog")]
    UnknownItem {
        /// Which inventory.
        inventory: InventoryId,
        /// The slot.
        slot: Slot,
        /// The item.
        item: ItemId,
    },
    /// A slot holds instance data that the [pool](crate::prelude::DataPool) does not have (any more).
    /// Viewers go on seeing what was there.
    #[error("inventory `{inventory}`: {slot:?} holds instance data {data:?}, which is not there")]
    UnknownData {
        /// Which inventory.
        inventory: InventoryId,
        /// The slot.
        slot: Slot,
        /// The data's name.
        data: DataId,
    },
    /// A slot holds more than the item's maximum stack. It is synced as it is.
    #[error("inventory `{inventory}`: {slot:?} holds {count} of {item}, of which {max} stack")]
    AboveMaxStack {
        /// Which inventory.
        inventory: InventoryId,
        /// The slot.
        slot: Slot,
        /// The item.
        item: ItemId,
        /// How many it holds.
        count: u32,
        /// How many it may hold.
        max: u32,
    },
    /// All containers together have more than [`INVENTORY_SLOTS_MAX`] slots. The inventory is not synced.
    #[error(
        "inventory `{inventory}`: {len} slots are more than {INVENTORY_SLOTS_MAX}, it is not synced"
    )]
    TooManySlots {
        /// Which inventory.
        inventory: InventoryId,
        /// How many it has.
        len: usize,
    },
}

/// On an entity whose inventory is not synced because of an [`InventoryFault`].
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
pub struct Unsynced;
