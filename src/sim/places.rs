//! The inventories of a simulated game.

use std::collections::BTreeMap;

use crate::model::{id::InventoryId, rights::Rights};

/// Number of chests. The last one is opened on request.
pub(super) const CHESTS: usize = 3;

/// Number of pages of the bank.
pub(super) const PAGES: u32 = 3;

/// Kind of an inventory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlaceKind {
    /// The inventory of the player with this client.
    Player(usize),
    /// A chest. Its slots and containers may change.
    Chest(usize),
    /// A furnace.
    Furnace,
    /// A bank with pages.
    Bank,
    /// A page of the bank.
    Page(u32),
    /// What one client may see and not change, until the game shows it to others.
    Vault(usize),
    /// What a player offers to the others. It returns to the player.
    Offer(usize),
}

/// One inventory of the game.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its id.
    pub id: InventoryId,
    /// Its kind.
    pub kind: PlaceKind,
    /// The client that owns it.
    pub owner: Option<usize>,
    /// Other clients that see it.
    pub viewers: BTreeMap<usize, Rights>,
}

impl Place {
    /// Returns all inventories of a game.
    pub(super) fn all(players: usize) -> Vec<Self> {
        let place = |name: &str, n: usize, kind| Place {
            id: InventoryId::named(name, n as u64),
            kind,
            owner: None,
            viewers: BTreeMap::new(),
        };
        let all = |rights: Rights| (0..players).map(|client| (client, rights)).collect();
        let mut places = Vec::new();
        for n in 0..players {
            places.push(Place { owner: Some(n), ..place("player", n, PlaceKind::Player(n)) });
        }
        for n in 0..CHESTS {
            let viewers = if n == CHESTS - 1 { BTreeMap::new() } else { all(Rights::USE) };
            places.push(Place { viewers, ..place("chest", n, PlaceKind::Chest(n)) });
        }
        places.push(Place { viewers: all(Rights::USE), ..place("furnace", 0, PlaceKind::Furnace) });
        let bank = Place { viewers: all(Rights::USE), ..place("bank", 0, PlaceKind::Bank) };
        for n in 0..PAGES {
            let id = InventoryId::page(bank.id, n);
            places.push(Place { id, ..place("", 0, PlaceKind::Page(n)) });
        }
        places.push(bank);
        for n in 0..players {
            let viewers = BTreeMap::from([(n, Rights::SEE)]);
            places.push(Place { viewers, ..place("vault", n, PlaceKind::Vault(n)) });
            let mut viewers: BTreeMap<usize, Rights> = all(Rights::SEE);
            viewers.insert(n, Rights::USE);
            places.push(Place { viewers, ..place("offer", n, PlaceKind::Offer(n)) });
        }
        places
    }
}

impl PlaceKind {
    /// Returns `true` if inventories of this kind are stored.
    pub(super) fn is_stored(self) -> bool {
        matches!(self, Self::Player(_) | Self::Chest(_) | Self::Furnace | Self::Vault(_))
    }
}
