//! Chests: whoever stands at one may open it, several at once.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    map::{self, Thing},
    protocol::{Avatar, Chest, Position},
};

use super::players::Player;

/// How far away from an open chest one may go without closing it, in tiles.
const REACH_OPEN: f32 = 2.6;

/// What the chests hold at first.
const LOOT: [&[(&str, u32)]; 3] = [
    &[("rope", 3), ("book", 1), ("mushroom", 7), ("healing_potion", 2)],
    &[
        ("gold_coin", 120),
        ("iron_ingot", 12),
        ("bread", 6),
        ("iron_sword", 1),
        ("iron_helmet", 1),
        ("healing_potion", 3),
        ("torch", 16),
        ("plank", 40),
        ("coal", 25),
        ("key", 1),
    ],
    &[("leather_boots", 1), ("iron_pickaxe", 1), ("fish", 4), ("iron_ore", 18)],
];

pub fn place_chests(mut commands: Commands) {
    let places = map::tiles().filter(|tile| map::thing_at(*tile) == Some(Thing::Chest));
    for ((number, tile), loot) in (1..).zip(places).zip(LOOT.iter().cycle()) {
        let mut inventory = Inventory::default();
        for ((key, count), slot) in loot.iter().zip([0, 1, 4, 9, 10, 13, 16, 19, 21, 26]) {
            let filled = inventory.set(slot, ItemId::of(key).stack(*count));
            filled.expect("a chest has 27 slots");
        }
        let id = InventoryId::named("chest", number);
        let position = Position(tile.as_vec2() + Vec2::new(0.5, 0.0));
        commands.spawn((Replicated, Chest::default(), position, id, inventory, Viewers::new()));
    }
}

pub fn leave_far_chests(
    players: Query<(&Player, &Position)>,
    mut chests: Query<(&Position, &mut Viewers), With<Chest>>,
) {
    for (chest, mut viewers) in &mut chests {
        for (&Player(client), player) in &players {
            let left = player.distance_to_chest(*chest) > REACH_OPEN;
            if left && viewers.rights_of(client).is_some() {
                viewers.remove(client);
            }
        }
    }
}

/// Tells everybody who stands at an open chest.
pub fn show_users(
    players: Query<(&Player, &Avatar)>,
    mut chests: Query<(&Viewers, &mut Chest), Changed<Viewers>>,
) {
    for (viewers, mut chest) in &mut chests {
        let named = players.iter().filter(|(player, _)| viewers.rights_of(player.0).is_some());
        let users = named.map(|(_, avatar)| avatar.name.clone()).collect();
        chest.set_if_neq(Chest { users });
    }
}
