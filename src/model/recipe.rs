//! Recipes of the catalog.

use core::fmt;

use bevy::reflect::Reflect;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::{
    id::{ContainerKey, ItemId, hash_key},
    names,
};

/// Id of a recipe, derived from its key like an [`ItemId`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect, Serialize, Deserialize)]
pub struct RecipeId(u32);

impl RecipeId {
    /// Returns the id of the recipe with this key.
    #[must_use]
    pub const fn of(key: &str) -> Self {
        Self(hash_key(key))
    }

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    /// Creates the id from the value that [`Self::of`] derives from the key.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// Writes the key if a catalog with it has been created; otherwise the value in hexadecimal.
impl fmt::Debug for RecipeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        names::write(self.0, f)
    }
}

/// One recipe of the catalog, in RON: `(key: "torch", takes: [("coal", 1), ("stick", 1)], gives:
/// [("torch", 4)], at: "workbench", millis: 0)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipe {
    /// The key by which game code refers to the recipe.
    pub key: String,
    /// The ingredients; each item appears once.
    pub takes: Vec<(ItemId, u32)>,
    /// The products.
    pub gives: Vec<(ItemId, u32)>,
    /// [`NAME`](super::container::Container::NAME) of a container that the station's entity must
    /// have; craftable anywhere if `None`.
    pub at: Option<String>,
    /// Crafting time in milliseconds, for a [`Crafter`](crate::features::crafter::Crafter).
    pub millis: u32,
}

impl Recipe {
    /// Returns the id derived from the key.
    #[must_use]
    pub fn id(&self) -> RecipeId {
        RecipeId::of(&self.key)
    }

    pub(super) fn hash_into(&self, hasher: &mut Xxh3) {
        hasher.update(&self.id().to_bits().to_le_bytes());
        for (item, count) in self.takes.iter().chain(&self.gives) {
            hasher.update(&item.to_bits().to_le_bytes());
            hasher.update(&count.to_le_bytes());
        }
        let station = self.station().map_or(0, ContainerKey::to_bits);
        for number in [self.takes.len() as u64, u64::from(station), u64::from(self.millis)] {
            hasher.update(&number.to_le_bytes());
        }
    }

    /// Returns the key of the container that the station must have.
    #[must_use]
    pub fn station(&self) -> Option<ContainerKey> {
        self.at.as_deref().map(ContainerKey::of)
    }
}

/// A recipe as written in RON, with items by key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecipeEntry {
    pub(super) key: String,
    pub(super) takes: Vec<(String, u32)>,
    pub(super) gives: Vec<(String, u32)>,
    #[serde(default)]
    pub(super) at: Option<String>,
    #[serde(default)]
    pub(super) millis: u32,
}
