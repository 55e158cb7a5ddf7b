//! Chests: any nearby player may open them, several players at once.

use bevy::prelude::*;
use bevy_inventory_sync::{prelude::*, store::persist::Persist};

use crate::{
    map::{self, Thing},
    protocol::{Avatar, Buy, CHEST_REACH, Chest, ChestKind, Engraving, Position},
    storage::WorldSuffix,
};

use super::players::Player;

/// Distance at which an open chest closes, in tiles.
const REACH_OPEN: f32 = 2.6;

const KEY: ItemId = ItemId::of("key");

/// The chests from south to north, with their initial contents.
const CHESTS: [(ChestKind, &[(&str, u32)]); 4] = [
    (ChestKind::Plain, &[("rope", 3), ("book", 1), ("mushroom", 7), ("healing_potion", 2)]),
    (
        ChestKind::Vendor,
        &[("iron_pickaxe", 1), ("bread", 16), ("healing_potion", 9), ("key", 2), ("iron_axe", 1)],
    ),
    (
        ChestKind::Plain,
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
    ),
    (
        ChestKind::Locked,
        &[("leather_boots", 1), ("iron_pickaxe", 1), ("fish", 4), ("iron_ore", 18)],
    ),
];

/// Slots of a chest that are filled initially.
const SPREAD: [usize; 10] = [0, 1, 4, 9, 10, 13, 16, 19, 21, 26];

/// Texts engraved on items in chests.
const ENGRAVED: [(&str, &str); 2] =
    [("iron_sword", "For Edda, who came back"), ("book", "Property of the miller")];

pub fn place_chests(world: Res<WorldSuffix>, mut pool: ResMut<DataPool>, mut commands: Commands) {
    let places = map::tiles().filter(|tile| map::thing_at(*tile) == Some(Thing::Chest));
    for ((number, tile), (kind, stacks)) in (1..).zip(places).zip(CHESTS) {
        let mut inventory = Inventory::default();
        for ((key, count), slot) in stacks.iter().zip(SPREAD) {
            let engraved = ENGRAVED.iter().find(|(item, _)| item == key);
            let data = engraved
                .and_then(|(_, text)| pool.insert(&Engraving { text: (*text).into() }).ok());
            let stack = Stack { data, ..ItemId::of(key).stack(*count) };
            let filled = inventory.set(slot, stack);
            filled.expect("a chest has 27 slots");
        }
        // Players can move to other worlds, so an id is that of one inventory in all of them.
        let id = InventoryId::named(&format!("chest{}", world.0), number);
        let position = Position(tile.as_vec2() + Vec2::new(0.5, 0.0));
        let rights = if kind == ChestKind::Vendor { Rights::SEE } else { Rights::USE };
        let chest = Chest { kind, ..default() };
        commands.spawn((chest, position, id, inventory, Openable(rights), Persist));
    }
}

/// Tolerance in tiles, because players see their own position with a delay.
const GRACE: f32 = 0.4;

/// Allows opening a nearby chest, and using it up to a slightly greater distance.
pub fn near(In(ask): In<AccessRequest>, positions: Query<&Position>) -> AccessDecision {
    let at = |entity: Option<Entity>| positions.get(entity?).ok().copied();
    let reach =
        if matches!(ask.kind, AccessKind::Open) { CHEST_REACH + GRACE } else { REACH_OPEN + GRACE };
    match (at(ask.actor), at(Some(ask.inventory))) {
        (Some(me), Some(chest)) if me.distance_to_chest(chest) <= reach => AccessDecision::Allow,
        _ => AccessDecision::Deny(Rejection::TooFar),
    }
}

pub fn unlocked(
    In(ask): In<AccessRequest>,
    chests: Query<&Chest>,
    players: Query<(&Inventory, &Hotbar)>,
) -> AccessDecision {
    let locked = chests.get(ask.inventory).is_ok_and(|chest| chest.kind == ChestKind::Locked);
    if !locked || !matches!(ask.kind, AccessKind::Open) {
        return AccessDecision::Allow;
    }
    let carried = ask.actor.and_then(|actor| players.get(actor).ok());
    let keys = carried.map_or(0, |(inventory, hotbar)| inventory.count(KEY) + hotbar.count(KEY));
    if keys > 0 { AccessDecision::Allow } else { AccessDecision::Deny(Rejection::Locked) }
}

/// Rejects purchases from chests that are not vendors.
pub fn for_sale(In(ask): In<AccessRequest>, chests: Query<&Chest>) -> AccessDecision {
    let AccessKind::Act { action, .. } = ask.kind else { return AccessDecision::Allow };
    let vendor = chests.get(ask.inventory).is_ok_and(|chest| chest.kind == ChestKind::Vendor);
    if action.get::<Buy>().is_some() && !vendor {
        return AccessDecision::Deny(Rejection::NotAllowed);
    }
    AccessDecision::Allow
}

/// Publishes the names of the players who have a chest open.
pub fn show_users(
    players: Query<(&Player, &Avatar)>,
    mut chests: Query<(&Viewers, &mut Chest), Changed<Viewers>>,
) {
    for (viewers, mut chest) in &mut chests {
        let named = players.iter().filter(|(player, _)| viewers.rights_of(player.0).is_some());
        let users = named.map(|(_, avatar)| avatar.name.clone()).collect();
        let kind = chest.kind;
        chest.set_if_neq(Chest { kind, users });
    }
}
