//! Items on the ground.

use core::f32::consts::PI;

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    store::{
        persist::Persist,
        restore::{StoredEntry, WorldRestored},
    },
};

use crate::{
    map::{self, Thing},
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

/// Distances at which a dropped stack lands, in tiles. All are within reach.
const THROWS: [f32; 2] = [0.8, 1.1];

/// Directions in which a dropped stack lands, relative to the player's, in order of preference.
const TURNS: [f32; 8] = [0.0, 0.6, -0.6, 1.2, -1.2, 1.9, -1.9, PI];

/// Distance between dropped stacks, and at which a dropped stack is added to one that lies there, in tiles.
const APART: f32 = 0.6;

/// Distance at which a stack comes into view, slightly beyond reach, so that picking it up can be predicted.
const SEEN_FROM: f32 = ITEM_REACH + 0.8;

/// Components of an item on the ground that all players see.
fn lying(place: Vec2) -> impl Bundle {
    (GroundItem::default(), Position(place), Viewers::new(), Persist)
}

/// Adds a dropped stack to a matching one in front of the player, or places it where it can be seen.
pub fn place_dropped(
    dropped: On<Dropped>,
    players: Query<(&Position, &Facing)>,
    others: Query<(Entity, &Position, &GroundItem), With<Loot>>,
    mut inventories: Inventories,
    mut commands: Commands,
) {
    let by = dropped.by.and_then(|by| players.get(by).ok());
    let Some((&Position(owner), facing)) = by else { return };
    let ahead = owner + facing.vector() * THROWS[0];
    let same = others
        .iter()
        .filter(|(_, at, item)| item.0 == Some(dropped.stack.item) && at.0.distance(ahead) < APART);
    for (loot, ..) in same {
        let added = inventories.transact(|tx| {
            let stack = tx.take_from(dropped.entity, Inventory::slot(0), None)?;
            tx.insert(loot, stack)
        });
        if added.is_ok() {
            return;
        }
    }
    let is_apart = |place: Vec2| others.iter().all(|(_, at, _)| at.0.distance(place) >= APART);
    let is_open = |place: &Vec2| is_visible(*place, owner) && is_apart(*place);
    let place = places_around(owner, *facing).find(is_open).unwrap_or(owner);
    commands.entity(dropped.entity).insert(lying(place));
}

/// Returns places for a dropped stack, in order of preference.
fn places_around(owner: Vec2, facing: Facing) -> impl Iterator<Item = Vec2> {
    let scatter = (fastrand::f32() - 0.5) * 0.3;
    let ways = THROWS.into_iter().flat_map(|far| TURNS.map(|turn| (far, turn)));
    ways.map(move |(far, turn)| {
        owner + Vec2::from_angle(turn + scatter).rotate(facing.vector()) * far
    })
}

/// Whether a stack can be reached, and is not behind the player or something tall.
fn is_visible(place: Vec2, owner: Vec2) -> bool {
    let way = place - owner;
    let behind_owner = way.x.abs() < 0.6 && way.y > 0.0;
    let before = map::thing_at(map::tile_at(place - Vec2::Y));
    let clear = matches!(before, None | Some(Thing::Flower));
    clear && !behind_owner && map::is_standable(place)
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
    // Everything else has other containers, or more slots.
    let [only] = entry.stored.inventory.containers.as_slice() else { return };
    if only.len == 1 {
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
