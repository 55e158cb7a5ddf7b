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

/// Maximum number of inventories with one slot drawn at once.
pub(super) const LOOT_MAX: usize = 90;

/// An inventory in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CardEntry {
    pub(super) name: String,
    pub(super) id: InventoryId,
    pub(super) entity: Entity,
    /// Number of slots.
    pub(super) slots: usize,
}

impl CardEntry {
    pub(super) fn new(entity: Entity, id: InventoryId, name: Option<&str>, slots: usize) -> Self {
        let name = name.map_or_else(|| short(id), str::to_owned);
        Self { name, id, entity, slots }
    }

    /// Returns `true` if the inventory has one slot, such as that of an item on the ground.
    pub(super) fn is_loot(&self) -> bool {
        self.slots == 1
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
    /// The number of those with one slot.
    pub(super) loot: usize,
    pub(super) cards: Vec<Card>,
    pub(super) filter: String,
}

impl Cards {
    /// Replaces the list, sorted by the first matching filter term, then by name. Inventories with one slot are last.
    pub(super) fn list(&mut self, all: impl Iterator<Item = CardEntry>) {
        let filter = self.filter.to_lowercase();
        let words = filter.split(',').map(str::trim).filter(|word| !word.is_empty());
        let words: Vec<&str> = words.collect();
        let place = |entry: &CardEntry| words.iter().position(|word| entry.has(word));
        self.list.clear();
        (self.total, self.loot) = (0, 0);
        for entry in all.filter(|entry| words.is_empty() || place(entry).is_some()) {
            self.total += 1;
            self.loot += usize::from(entry.is_loot());
            if self.list.len() < LISTED_MAX {
                self.list.push(entry);
            }
        }
        let by_name = |a: &CardEntry, b: &CardEntry| {
            (a.is_loot(), &a.name, a.id.to_bits()).cmp(&(b.is_loot(), &b.name, b.id.to_bits()))
        };
        self.list.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| by_name(a, b)));
    }

    /// Returns the inventories that are drawn: those with one slot after the others.
    pub(super) fn drawn(&self, followed: Option<InventoryId>) -> Vec<CardEntry> {
        match self.list.iter().find(|entry| Some(entry.id) == followed) {
            Some(followed) => vec![followed.clone()],
            None => {
                let loot = self.list.iter().filter(|entry| entry.is_loot()).take(LOOT_MAX);
                let others = self.list.iter().filter(|entry| !entry.is_loot()).take(CARDS_MAX);
                others.chain(loot).cloned().collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, number: u64) -> CardEntry {
        CardEntry::new(Entity::PLACEHOLDER, InventoryId::sequential(number), Some(name), 27)
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
    fn loot_is_drawn_after_the_other_inventories() {
        let mut cards = Cards::default();
        let loot = (0..100).map(|n| CardEntry { slots: 1, ..entry("a", n) });
        cards.list(loot.chain((100..130).map(|n| entry("chest", n))));
        assert_eq!((cards.total, cards.loot), (130, 100));
        assert!(!cards.list[29].is_loot() && cards.list[30].is_loot());
        let drawn = cards.drawn(None);
        assert_eq!(drawn.len(), CARDS_MAX + LOOT_MAX);
        assert!(drawn[CARDS_MAX..].iter().all(CardEntry::is_loot));
    }

    #[test]
    fn unnamed_inventory_is_shown_by_id() {
        let id = InventoryId::named("chest", 1);
        let entry = CardEntry::new(Entity::PLACEHOLDER, id, None, 27);
        assert!(id.to_string().starts_with(&entry.name));
    }
}
