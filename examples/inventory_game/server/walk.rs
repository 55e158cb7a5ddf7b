//! Player movement with collisions.

use bevy::prelude::*;

use crate::{
    map,
    protocol::{Facing, Position},
};

/// Walking speed, in tiles per second.
const SPEED: f32 = 4.5;

/// Direction in which a player walks; its length is at most 1.
#[derive(Component, Clone, Copy, Default, Debug)]
pub struct Heading(Vec2);

impl Heading {
    /// Sanitizes a client's direction, so that a client cannot exceed the game's speed.
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
