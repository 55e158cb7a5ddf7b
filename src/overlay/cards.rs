//! Data of the inventories panel.

use bevy::prelude::*;

use crate::{
    model::{id::InventoryId, rights::Rights, state::InventoryState},
    server::{inspect::SentState, pacing::priority::SyncPriority},
};

use super::describe::short;

/// Maximum number of listed inventories.
const LISTED_MAX: usize = 2000;

/// Maximum number of grids drawn at once.
pub(super) const CARDS_MAX: usize = 12;

/// An inventory in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CardEntry {
    pub(super) name: String,
    pub(super) id: InventoryId,
    pub(super) entity: Entity,
}

impl CardEntry {
    pub(super) fn new(entity: Entity, id: InventoryId, name: Option<&str>) -> Self {
        let name = name.map_or_else(|| short(id), str::to_owned);
        Self { name, id, entity }
    }

    fn has(&self, word: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(word);
        has(&self.name) || has(&self.id.to_string())
    }
}

/// An inventory with its grid.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub(super) entry: CardEntry,
    pub(super) state: InventoryState,
    pub(super) version: u64,
    pub(super) handle: u32,
    /// Checksum; only for a followed inventory.
    pub(super) checksum: Option<u64>,
    /// On a client: the checksum that the server sent for this version, if any.
    pub(super) expected: Option<u64>,
    /// On a client: the player's rights.
    pub(super) rights: Option<Rights>,
    /// On the authority: the sync priority.
    pub(super) priority: Option<SyncPriority>,
    pub(super) sent: Vec<SentState>,
    pub(super) seen_here: bool,
    /// Number of slots in use.
    pub(super) full: usize,
}

/// All inventories sorted by name, and the cards that are drawn.
#[derive(Resource, Default, Debug)]
pub(super) struct Cards {
    pub(super) list: Vec<CardEntry>,
    /// Total number of matching inventories, including those that are not listed.
    pub(super) total: usize,
    pub(super) cards: Vec<Card>,
    pub(super) filter: String,
}

impl Cards {
    /// Replaces the list, sorted by the first matching filter term, then by name.
    pub(super) fn list(&mut self, all: impl Iterator<Item = CardEntry>) {
        let filter = self.filter.to_lowercase();
        let words = filter.split(',').map(str::trim).filter(|word| !word.is_empty());
        let words: Vec<&str> = words.collect();
        let place = |entry: &CardEntry| words.iter().position(|word| entry.has(word));
        self.list.clear();
        self.total = 0;
        for entry in all.filter(|entry| words.is_empty() || place(entry).is_some()) {
            self.total += 1;
            if self.list.len() < LISTED_MAX {
                self.list.push(entry);
            }
        }
        let by_name = |a: &CardEntry, b: &CardEntry| {
            (&a.name, a.id.to_bits()).cmp(&(&b.name, b.id.to_bits()))
        };
        self.list.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| by_name(a, b)));
    }

    /// Returns the inventories whose grids are drawn.
    pub(super) fn drawn(&self, followed: Option<InventoryId>) -> Vec<CardEntry> {
        match self.list.iter().find(|entry| Some(entry.id) == followed) {
            Some(followed) => vec![followed.clone()],
            None => self.list.iter().take(CARDS_MAX).cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, number: u64) -> CardEntry {
        CardEntry::new(Entity::PLACEHOLDER, InventoryId::sequential(number), Some(name))
    }

    #[test]
    fn list_is_filtered_sorted_and_bounded() {
        let mut cards = Cards { filter: " Chest ".into(), ..default() };
        cards.list([entry("chest b", 2), entry("player", 3), entry("chest a", 9)].into_iter());
        let names: Vec<&str> = cards.list.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!((names, cards.total), (vec!["chest a", "chest b"], 2));
        cards.filter = "player, chest b,".into();
        cards.list([entry("chest b", 2), entry("player", 3), entry("chest a", 9)].into_iter());
        let names: Vec<&str> = cards.list.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["player", "chest b"]);
        cards.filter = " Chest ".into();
        cards.list((0..3000).map(|n| entry("chest", n)));
        assert_eq!((cards.list.len(), cards.total), (LISTED_MAX, 3000));
        assert_eq!(cards.drawn(None).len(), CARDS_MAX);
        assert_eq!(cards.drawn(Some(InventoryId::sequential(50))).len(), 1);
    }

    #[test]
    fn unnamed_inventory_is_shown_by_id() {
        let id = InventoryId::named("chest", 1);
        let entry = CardEntry::new(Entity::PLACEHOLDER, id, None);
        assert!(id.to_string().starts_with(&entry.name));
    }
}
