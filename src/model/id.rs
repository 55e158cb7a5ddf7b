//! Ids of items, inventories, containers and instance data.

mod readable;

pub use readable::InventoryIdError;

use core::{fmt, num::NonZeroU32};

use bevy::{ecs::component::Component, reflect::Reflect};
use serde::{Deserialize, Serialize};
use xxhash_rust::const_xxh3::{xxh3_64, xxh3_64_with_seed};

use super::names;

/// Returns the lower half of the key's XXH3, computed at compile time.
#[expect(clippy::cast_possible_truncation, reason = "only the lower half is used")]
pub(super) const fn hash_key(key: &str) -> u32 {
    xxh3_64(key.as_bytes()) as u32
}

/// Id of an item, derived from its key. Used in game code and in saves.
///
/// The value is the lower half of the key's XXH3, so it is known at compile time:
///
/// ```
/// use bevy_inventory_sync::prelude::*;
/// const TORCH: ItemId = ItemId::of("torch");
/// assert_eq!(TORCH.stack(5).count(), 5);
/// ```
///
/// The catalog fails to load if two keys have the same value. On the wire, an item is its index in
/// the session's catalog, at the catalog's bit width. In formats that people read, such as JSON, it is the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect)]
pub struct ItemId(u32);

impl ItemId {
    /// Returns the id of the item with this key.
    #[must_use]
    pub const fn of(key: &str) -> Self {
        Self(hash_key(key))
    }

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }
}

/// Writes the key if a catalog with it has been created; otherwise the value in hexadecimal.
impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        names::write(self.0, f)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Id of a value in the [pool](super::data::DataPool) of instance data (enchantments, a signed
/// book). Valid for one run of the server; equal values have equal ids.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Reflect, Serialize, Deserialize,
)]
pub struct DataId(pub NonZeroU32);

/// Id of an inventory (all containers of one entity) on the wire, in saves and in logs.
///
/// Assign one with [`InventoryId::named`] to an inventory that must be found again after a restart.
/// An entity with a container and no id gets the next sequential id, which is valid for this server run only. With
/// [`Persist`](crate::store::persist::Persist), it gets a random id instead, which stays valid.
///
/// It is displayed as 16 hexadecimal digits if it is named, and otherwise as a decimal number. In formats that people
/// read, such as JSON, it is this text.
#[derive(Component, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect)]
#[component(immutable)]
pub struct InventoryId(u64);

impl InventoryId {
    const NAMED: u64 = 1 << 63;

    /// Returns the id of the inventory `number` of a kind, the same in every run: `named("chest",
    /// 12)`.
    #[must_use]
    pub const fn named(kind: &str, number: u64) -> Self {
        Self(Self::NAMED | xxh3_64_with_seed(kind.as_bytes(), number))
    }

    /// Returns the id of a page of a [paged inventory](crate::features::tabs). It is the same in every run if the
    /// bank's id is.
    #[must_use]
    pub const fn page(bank: Self, page: u32) -> Self {
        let [a, b, c, d, e, f, g, h] = bank.0.to_le_bytes();
        let named = [b'p', b'a', b'g', b'e', a, b, c, d, e, f, g, h];
        Self(Self::NAMED | xxh3_64_with_seed(&named, page as u64))
    }

    /// Returns the id for a random number. It counts as named, because it stays valid.
    pub(crate) const fn random(number: u64) -> Self {
        Self(Self::NAMED | number)
    }

    /// Returns a sequential id. The highest bit is reserved for named ids, so the two never
    /// collide.
    #[must_use]
    pub const fn sequential(number: u64) -> Self {
        Self(number & !Self::NAMED)
    }

    /// Returns the next sequential id; `None` for a named id or if the sequence is exhausted.
    pub(crate) const fn next(self) -> Option<Self> {
        if self.0 & Self::NAMED == 0 && (self.0 + 1) & Self::NAMED == 0 {
            Some(Self(self.0 + 1))
        } else {
            None
        }
    }

    /// Returns the id as a number, for the wire and for storage.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns `true` unless the id is sequential. Random ids count as named.
    pub(crate) const fn is_named(self) -> bool {
        self.0 & Self::NAMED != 0
    }

    /// Returns the id for a number from [`Self::to_bits`].
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for InventoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & Self::NAMED == 0 {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:016x}", self.0)
        }
    }
}

impl fmt::Display for InventoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Key of a container type (`"inventory"`, `"hotbar"`, or one of the game) within an inventory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect, Serialize, Deserialize)]
pub struct ContainerKey(u32);

impl ContainerKey {
    /// Returns the key of the container with this [`NAME`](super::container::Container::NAME).
    #[must_use]
    pub const fn of(name: &str) -> Self {
        Self(hash_key(name))
    }

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }
}

/// Writes the name if the container is registered; otherwise the value in hexadecimal.
impl fmt::Debug for ContainerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        names::write(self.0, f)
    }
}
