//! Players walk where they want to, and not through trees.

use bevy::prelude::*;

use crate::{
    map,
    protocol::{Facing, Position},
};

/// In tiles per second.
const SPEED: f32 = 4.5;

/// Where a player wants to go; no longer than 1.
#[derive(Component, Clone, Copy, Default, Debug)]
pub struct Heading(Vec2);

impl Heading {
    /// What a client says is not trusted: no speed but the game's own.
    pub fn new(wish: Vec2) -> Self {
        Self(if wish.is_finite() { wish.clamp_length_max(1.0) } else { Vec2::ZERO })
    }
}

pub fn walk_players(time: Res<Time>, mut players: Query<(&Heading, &mut Position, &mut Facing)>) {
    for (&Heading(heading), mut position, mut facing) in &mut players {
        if heading == Vec2::ZERO {
            continue;
        }
        let step = heading * SPEED * time.delta_secs();
        let mut place = position.0;
        for part in [Vec2::new(step.x, 0.0), Vec2::new(0.0, step.y)] {
            if map::is_standable(place + part) {
                place += part;
            }
        }
        position.set_if_neq(Position(place));
        facing.set_if_neq(match heading {
            Vec2 { x, y } if x.abs() >= y.abs() && x < 0.0 => Facing::Left,
            Vec2 { x, y } if x.abs() >= y.abs() => Facing::Right,
            Vec2 { y, .. } if y < 0.0 => Facing::Down,
            _ => Facing::Up,
        });
    }
}
