//! The stored state of one inventory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::model::{
    id::InventoryId,
    saved::{SavedInventory, SavedStack},
};

/// An inventory and the game's own components of its entity.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct StoredInventory {
    /// The inventory, with items by key.
    pub inventory: SavedInventory,
    /// The components by name, as serialized by the game.
    pub components: BTreeMap<String, Vec<u8>>,
}

impl StoredInventory {
    /// Returns the XXH3 of a version of an inventory, to detect a damaged record.
    #[must_use]
    pub fn checksum(&self, id: InventoryId, version: u64) -> u64 {
        let mut hasher = Hasher::new();
        hasher.number(id.to_bits());
        hasher.number(version);
        let SavedInventory { containers, selected, returned, lost_data: _ } = &self.inventory;
        hasher.number(selected.map_or(0, |slot| 1 + u64::from(slot)));
        hasher.number(containers.len() as u64);
        for container in containers {
            hasher.bytes(container.name.as_bytes());
            hasher.number(container.len.into());
            hasher.stacks(&container.slots);
        }
        hasher.stacks(returned);
        hasher.number(self.components.len() as u64);
        for (name, value) in &self.components {
            hasher.bytes(name.as_bytes());
            hasher.bytes(value);
        }
        hasher.digest()
    }
}

/// Hashes values with their lengths, so that different sequences of values never produce the same bytes.
pub(super) struct Hasher(Xxh3);

impl Hasher {
    pub(super) fn new() -> Self {
        Self(Xxh3::new())
    }

    pub(super) fn digest(&self) -> u64 {
        self.0.digest()
    }

    pub(super) fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    pub(super) fn stacks(&mut self, stacks: &[SavedStack]) {
        self.number(stacks.len() as u64);
        for SavedStack { slot, item, count, wear, data } in stacks {
            self.number((*slot).into());
            self.bytes(item.as_bytes());
            self.number((*count).into());
            self.number((*wear).into());
            match data {
                None => self.number(0),
                Some(data) => {
                    self.number(1);
                    self.bytes(data.name.as_bytes());
                    self.bytes(&data.bytes);
                }
            }
        }
    }
}
