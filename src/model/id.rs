//! Names of things: items, inventories, containers, instance data.

use core::{fmt, num::NonZeroU32};

use bevy::{ecs::component::Component, reflect::Reflect};
use serde::{Deserialize, Serialize};
use xxhash_rust::const_xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{names, stack::Stack};

/// The lower half of a key's XXH3, known at compile time.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
pub(super) const fn hash_key(key: &str) -> u32 {
    xxh3_64(key.as_bytes()) as u32
}

/// Names an item by its key, in game code and in saves.
///
/// The value is the lower half of the key's XXH3, so it is known at compile time:
///
/// ```
/// use bevy_inventory_sync::prelude::*;
/// const TORCH: ItemId = ItemId::of("torch");
/// assert_eq!(TORCH.stack(5).count(), 5);
/// ```
///
/// Two keys with one value are refused when the catalogue loads. On the wire an item is its rank in
/// the session's catalogue instead, at the catalogue's width.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect, Serialize, Deserialize)]
pub struct ItemId(u32);

impl ItemId {
    /// The id of the item with this key.
    #[must_use]
    pub const fn of(key: &str) -> Self {
        Self(hash_key(key))
    }

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    /// A stack of `count` of this item, without wear or instance data.
    ///
    /// # Panics
    ///
    /// If `count` is zero. Use [`Stack::new`] for a count that is not known beforehand.
    #[must_use]
    #[track_caller]
    pub const fn stack(self, count: u32) -> Stack {
        match NonZeroU32::new(count) {
            Some(count) => Stack { item: self, count, wear: 0, data: None },
            None => panic!("a stack holds at least one item"),
        }
    }
}

/// The key, once a catalogue with it has been made; the value in hexadecimal otherwise.
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

/// Names a value in the [pool](super::data::DataPool) of instance data (enchantments, a signed book). It
/// holds for one run of the server; equal values have equal names.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Reflect, Serialize, Deserialize,
)]
pub struct DataId(pub NonZeroU32);

/// Names a unit (all the containers of one entity) on the wire, in saves and in logs.
///
/// Give one with [`InventoryId::named`] to whatever must be found again after a restart. An entity
/// with a container and no id gets the next one in sequence, which holds for this server run only.
#[derive(
    Component, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect, Serialize, Deserialize,
)]
#[component(immutable)]
pub struct InventoryId(u64);

impl InventoryId {
    const NAMED: u64 = 1 << 63;

    /// The id of the `number`th inventory of a kind, the same in every run: `named("chest", 12)`.
    #[must_use]
    pub const fn named(kind: &str, number: u64) -> Self {
        Self(Self::NAMED | xxh3_64_with_seed(kind.as_bytes(), number))
    }

    /// The id of the page with this number of a [paged inventory](crate::pages), the same in every run if
    /// the bank's is.
    #[must_use]
    pub const fn page(bank: Self, page: u32) -> Self {
        let [a, b, c, d, e, f, g, h] = bank.0.to_le_bytes();
        let named = [b'p', b'a', b'g', b'e', a, b, c, d, e, f, g, h];
        Self(Self::NAMED | xxh3_64_with_seed(&named, page as u64))
    }

    /// An id drawn in sequence. The upper bit is left to named ids, so the two never meet.
    #[must_use]
    pub const fn sequential(number: u64) -> Self {
        Self(number & !Self::NAMED)
    }

    /// The one drawn after it; a named id has none.
    pub(crate) const fn next(self) -> Option<Self> {
        if self.0 & Self::NAMED == 0 && (self.0 + 1) & Self::NAMED == 0 {
            Some(Self(self.0 + 1))
        } else {
            None
        }
    }

    /// The id as a number, for the wire and for stores.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Whether it was given by [`Self::named`], and not drawn.
    pub(crate) const fn is_named(self) -> bool {
        self.0 & Self::NAMED != 0
    }

    /// The id that [`Self::to_bits`] gave.
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

/// Names a kind of container (`"inventory"`, `"hotbar"`, the game's own) within a unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect, Serialize, Deserialize)]
pub struct ContainerKey(u32);

impl ContainerKey {
    /// The key of the container with this [`NAME`](super::container::Container::NAME).
    #[must_use]
    pub const fn of(name: &str) -> Self {
        Self(hash_key(name))
    }

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }
}

/// The name, once the container is registered; the value in hexadecimal otherwise.
impl fmt::Debug for ContainerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        names::write(self.0, f)
    }
}
