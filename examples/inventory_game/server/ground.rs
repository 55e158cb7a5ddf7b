//! Items on the ground.

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    store::{
        persist::Persist,
        restore::{StoredEntry, WorldRestored},
    },
};

use crate::{
    map,
    protocol::{Facing, GroundItem, ITEM_REACH, Position},
};

use super::players::{ENTRANCE, Player};

const ITEMS_AT_START: usize = 34;

/// Items that appear on the ground, with the maximum count of a stack.
const FINDS: [(&str, u32); 16] = [
    ("apple", 4),
    ("mushroom", 5),
    ("stick", 6),
    ("wood", 4),
    ("stone", 6),
    ("coal", 4),
    ("iron_ore", 3),
    ("gold_coin", 12),
    ("torch", 3),
    ("bread", 2),
    ("fish", 2),
    ("rope", 1),
    ("book", 1),
    ("key", 1),
    ("healing_potion", 1),
    ("iron_sword", 1),
];

/// Radius around the entrance in which no items appear, in tiles: all items there were dropped by players.
const CLEAR: f32 = 3.0;

/// Distance in front of the feet at which a dropped stack lands, in tiles.
const THROW: f32 = 0.7;

/// Distance at which a stack comes into view, slightly beyond reach, so that picking it up can be predicted.
const SEEN_FROM: f32 = ITEM_REACH + 0.8;

/// Components of an item on the ground that all players see.
fn lying(place: Vec2) -> impl Bundle {
    (GroundItem::default(), Position(place), Viewers::new(), Persist)
}

/// Places a dropped stack near the player, or at the player's position if the spot is not reachable.
pub fn place_dropped(
    dropped: On<Dropped>,
    players: Query<(&Position, &Facing)>,
    mut commands: Commands,
) {
    let by = dropped.by.and_then(|by| players.get(by).ok());
    let Some((Position(owner), facing)) = by else { return };
    let scatter = Vec2::from_angle(fastrand::f32() * core::f32::consts::TAU);
    let near = owner + facing.vector() * THROW + scatter * (0.1 + 0.3 * fastrand::f32());
    let place = if map::is_standable(near) { near } else { *owner };
    commands.entity(dropped.entity).insert(lying(place));
}

pub fn in_reach(In(ask): In<AccessRequest>, positions: Query<&Position>) -> AccessDecision {
    let at = |entity: Option<Entity>| positions.get(entity?).ok().map(|position| position.0);
    match (at(ask.actor), at(Some(ask.inventory))) {
        (Some(me), Some(item)) if me.distance(item) < SEEN_FROM => AccessDecision::Allow,
        _ => AccessDecision::Deny(Rejection::TooFar),
    }
}

/// Shows a stack's inventory only to players who are close enough to pick it up.
pub fn show_to_who_is_near(
    players: Query<(&Player, &Position)>,
    mut items: Query<(&Position, &mut Viewers), With<Loot>>,
) {
    for (item, mut viewers) in &mut items {
        for (&Player(client), position) in &players {
            let near = position.0.distance(item.0) < SEEN_FROM;
            if near != viewers.rights_of(client).is_some() {
                if near {
                    viewers.add(client, Rights::USE);
                } else {
                    viewers.remove(client);
                }
            }
        }
    }
}

/// Spawns loot that was on the ground. Its position is loaded with it.
pub fn restore_loot(In(entry): In<StoredEntry>, mut commands: Commands) {
    let containers = &entry.stored.inventory.containers;
    // Everything else has more slots.
    if containers.iter().map(|container| container.len).sum::<u16>() == 1 {
        commands.spawn((entry.inventory, lying(Vec2::ZERO), Loot));
    }
}

/// Scatters items in a new world.
pub fn scatter_items(restored: On<WorldRestored>, mut commands: Commands) {
    if restored.inventories > 0 {
        return;
    }
    for _ in 0..ITEMS_AT_START {
        lay_down_find(&mut commands);
    }
}

pub fn respawn_items(items: Query<(), With<GroundItem>>, mut commands: Commands) {
    if items.iter().count() < ITEMS_AT_START {
        lay_down_find(&mut commands);
    }
}

fn lay_down_find(commands: &mut Commands) {
    let place = core::iter::repeat_with(|| {
        IVec2::new(fastrand::i32(0..map::WIDTH), fastrand::i32(0..map::HEIGHT))
    });
    let entrance = map::middle_of(ENTRANCE);
    let place = place
        .map(map::middle_of)
        .find(|place| map::is_standable(*place) && place.distance(entrance) > CLEAR);
    let (key, count_max) = FINDS[fastrand::usize(..FINDS.len())];
    let stack = ItemId::of(key).stack(fastrand::u32(1..=count_max));
    commands.spawn(loot(place.expect("most of the map is grass"), stack));
}

/// A stack on the ground that no player has dropped.
pub fn loot(place: Vec2, stack: Stack) -> impl Bundle {
    (lying(place), Inventory([Some(stack)].into_iter().collect()), Loot)
}
