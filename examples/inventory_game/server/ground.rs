//! What lies on the ground.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    map,
    protocol::{GroundItem, Position},
};

const ITEMS_AT_START: usize = 34;

/// What grows and gets lost here, and at most how many at once.
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

pub fn lay_down(commands: &mut Commands, stack: Stack, place: Vec2) {
    commands.spawn((Replicated, GroundItem(stack), Position(place)));
}

/// Lays a stack down near a place, or where its owner stands if nobody could reach it there.
pub fn drop_near(commands: &mut Commands, stack: Stack, place: Vec2, owner: Vec2) {
    let scatter = Vec2::from_angle(fastrand::f32() * core::f32::consts::TAU);
    let near = place + scatter * (0.1 + 0.3 * fastrand::f32());
    lay_down(commands, stack, if map::is_standable(near) { near } else { owner });
}

pub fn scatter_items(mut commands: Commands) {
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
    let place = place.map(map::middle_of).find(|place| map::is_standable(*place));
    let (key, count_max) = FINDS[fastrand::usize(..FINDS.len())];
    let stack = ItemId::of(key).stack(fastrand::u32(1..=count_max));
    lay_down(commands, stack, place.expect("most of the map is grass"));
}
