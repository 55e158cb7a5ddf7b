//! Errors of operations on slots, inventories and catalogs. Each names the ids that are needed to
//! find the cause from a log line.

use bevy::ecs::entity::Entity;
use thiserror::Error;

use super::{id::ItemId, items::ITEMS_MAX, reason::Reason, unit::UNIT_SLOTS_MAX};

/// Error of an operation on slots. The slots are unchanged if one is returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SlotError {
    /// The index is out of range.
    #[error("slot {slot} is outside 0..{len}")]
    OutOfRange {
        /// The requested index.
        slot: usize,
        /// Number of slots.
        len: usize,
    },
    /// The slot is empty.
    #[error("slot {slot} is empty")]
    Empty {
        /// The empty slot.
        slot: usize,
    },
    /// The slot holds fewer items than requested.
    #[error("slot {slot} holds {have} items, {wanted} were requested")]
    NotEnough {
        /// The slot.
        slot: usize,
        /// Number of items in the slot.
        have: u32,
        /// Number of items requested.
        wanted: u32,
    },
    /// The slot holds a stack that does not match, or is full.
    #[error("slot {slot} has no room for this stack")]
    Occupied {
        /// The slot.
        slot: usize,
    },
    /// The requested count is zero.
    #[error("count {count} is outside 1..={max}")]
    Count {
        /// The requested count.
        count: u32,
        /// The largest valid count: the number of items in the slot.
        max: u32,
    },
}

/// Error of an operation on inventories. Nothing has changed if one is returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InventoryError {
    /// The entity does not exist or has no container.
    #[error("entity {entity} has no inventory")]
    NoInventory {
        /// The entity.
        entity: Entity,
    },
    /// The inventory has no such slot.
    #[error("entity {entity} has no slot {index} in the container")]
    NoSuchSlot {
        /// The entity.
        entity: Entity,
        /// The requested index.
        index: u16,
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
    #[error("entity {entity} holds {have} of item {item}, {wanted} were requested")]
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
    #[error("entity {entity}: slot {index} does not accept item {item}")]
    NotAccepted {
        /// The entity.
        entity: Entity,
        /// Flat position of the slot in the inventory.
        index: usize,
        /// The item.
        item: ItemId,
    },
    /// The inventory has more than [`UNIT_SLOTS_MAX`] slots.
    #[error("entity {entity} has {len} slots, more than {UNIT_SLOTS_MAX}")]
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
    Refused(#[from] Reason),
}

/// Error in an item catalog. Nothing of the catalog is used.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// The text is not valid RON of the expected shape. Includes the position.
    #[error("cannot parse the item catalog: {0}")]
    Parse(#[from] ron::error::SpannedError),
    /// The file could not be read.
    #[error("cannot read the item catalog: {0}")]
    Read(#[from] std::io::Error),
    /// An item has an empty key.
    #[error("item {index} has an empty key")]
    EmptyKey {
        /// Position in the file, starting at zero.
        index: usize,
    },
    /// Two items have the same key.
    #[error("duplicate item key `{key}`")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// Two keys hash to the same [`ItemId`].
    #[error("items `{a}` and `{b}` have the same id {id}: rename one of them")]
    Collision {
        /// One key.
        a: String,
        /// The other key.
        b: String,
        /// The id of both keys.
        id: ItemId,
    },
    /// An item has a maximum stack size of zero.
    #[error("item `{key}` has a maximum stack size of zero")]
    ZeroMaxStack {
        /// The key.
        key: String,
    },
    /// A recipe has an empty key, or two recipes have the same key or the same id.
    #[error("duplicate or empty recipe key `{key}`")]
    RecipeKey {
        /// The key.
        key: String,
    },
    /// A recipe names an item that is not in the catalog.
    #[error("recipe `{recipe}` names item `{item}`, which is not in the catalog")]
    RecipeItem {
        /// The recipe.
        recipe: String,
        /// The item.
        item: String,
    },
    /// A recipe has an item with a count of zero, a repeated ingredient, or no product.
    #[error("recipe `{recipe}`: {what}")]
    RecipeCount {
        /// The recipe.
        recipe: String,
        /// Description of the error.
        what: &'static str,
    },
    /// The catalog has more than [`ITEMS_MAX`] items.
    #[error("the catalog has {len} items, more than {ITEMS_MAX}")]
    TooMany {
        /// Number of items.
        len: usize,
    },
}
