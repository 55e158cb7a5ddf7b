//! What can be wrong with what a game asks for, named so that a log line is enough to find it.

use bevy::ecs::entity::Entity;
use thiserror::Error;

use super::{id::ItemId, items::ITEMS_MAX, reason::Reason, unit::UNIT_SLOTS_MAX};

/// What an operation on slots can find wrong. The slots are unchanged when it returns one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SlotError {
    /// The index is past the end.
    #[error("slot {slot} is outside 0..{len}")]
    OutOfRange {
        /// The index asked for.
        slot: usize,
        /// How many slots there are.
        len: usize,
    },
    /// There is nothing in the slot.
    #[error("slot {slot} is empty")]
    Empty {
        /// The empty slot.
        slot: usize,
    },
    /// The stack is smaller than what was asked of it.
    #[error("slot {slot} holds {have}, {wanted} were asked for")]
    NotEnough {
        /// The slot.
        slot: usize,
        /// What it holds.
        have: u32,
        /// What was asked for.
        wanted: u32,
    },
    /// The slot is taken by something that does not stack with what should go there, or is full.
    #[error("slot {slot} cannot take this stack")]
    Occupied {
        /// The slot.
        slot: usize,
    },
    /// The count is zero or above the item's maximum stack.
    #[error("a count of {count} is outside 1..={max}")]
    Count {
        /// The count that was asked for.
        count: u32,
        /// The most that one slot may hold of the item.
        max: u32,
    },
}

/// Why an operation on inventories was not done. Nothing has changed when one comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InventoryError {
    /// The entity is gone or has no container.
    #[error("entity {entity} has no inventory")]
    NoInventory {
        /// The entity.
        entity: Entity,
    },
    /// The unit has no such slot.
    #[error("entity {entity} has no slot {index} in that container")]
    NoSuchSlot {
        /// The entity.
        entity: Entity,
        /// The index asked for.
        index: u16,
    },
    /// Something is wrong with one slot.
    #[error("entity {entity}: {error}")]
    Slot {
        /// The entity.
        entity: Entity,
        /// What is wrong; slots are counted through the whole unit.
        error: SlotError,
    },
    /// There is not that much of the item.
    #[error("entity {entity} holds {have} of item {item}, {wanted} were asked for")]
    NotEnough {
        /// The entity.
        entity: Entity,
        /// The item.
        item: ItemId,
        /// What there is.
        have: u64,
        /// What was asked for.
        wanted: u32,
    },
    /// Not all of it fits.
    #[error("entity {entity} has no room for {left} of item {item}")]
    Full {
        /// The entity.
        entity: Entity,
        /// The item.
        item: ItemId,
        /// How many did not fit.
        left: u32,
    },
    /// The slot does not take this item ([`Container::accepts`](super::container::Container::accepts)).
    #[error("entity {entity}: slot {index} does not take item {item}")]
    NotAccepted {
        /// The entity.
        entity: Entity,
        /// The slot, counted through the whole unit.
        index: usize,
        /// The item.
        item: ItemId,
    },
    /// The unit is larger than one can be.
    #[error("entity {entity} has {len} slots, more than {UNIT_SLOTS_MAX}")]
    TooManySlots {
        /// The entity.
        entity: Entity,
        /// How many it has.
        len: usize,
    },
    /// The catalogue has no such item.
    #[error("item {item} is not in the catalogue")]
    UnknownItem {
        /// The item.
        item: ItemId,
    },
    /// What a player would be told.
    #[error("{0}")]
    Refused(#[from] Reason),
}

/// What is wrong with a catalogue. Nothing of it is used.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// The text is not RON of the right shape; says where.
    #[error("the catalogue does not parse: {0}")]
    Parse(#[from] ron::error::SpannedError),
    /// The file could not be read.
    #[error("the catalogue could not be read: {0}")]
    Read(#[from] std::io::Error),
    /// An item without a key.
    #[error("item {index} has an empty key")]
    EmptyKey {
        /// Its position in the file, from zero.
        index: usize,
    },
    /// Two items with one key.
    #[error("item `{key}` is there twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// Two keys that hash to one [`ItemId`].
    #[error("items `{a}` and `{b}` have the same id {id}: rename one of them")]
    Collision {
        /// One key.
        a: String,
        /// The other.
        b: String,
        /// The id of both.
        id: ItemId,
    },
    /// An item of which no slot could hold even one.
    #[error("item `{key}` has a maximum stack of zero")]
    ZeroMaxStack {
        /// The key.
        key: String,
    },
    /// A recipe without a key, or two with one (or with one id).
    #[error("recipe `{key}` has no key of its own")]
    RecipeKey {
        /// The key.
        key: String,
    },
    /// A recipe names an item that is not in the catalogue.
    #[error("recipe `{recipe}` names item `{item}`, which is not in the catalogue")]
    RecipeItem {
        /// The recipe.
        recipe: String,
        /// The item.
        item: String,
    },
    /// A recipe that takes or gives none of something, names an ingredient twice, or gives nothing.
    #[error("recipe `{recipe}`: {what}")]
    RecipeCount {
        /// The recipe.
        recipe: String,
        /// What is wrong.
        what: &'static str,
    },
    /// More than [`ITEMS_MAX`].
    #[error("{len} items are more than {ITEMS_MAX}")]
    TooMany {
        /// How many there are.
        len: usize,
    },
}
