//! Player movement with collisions.

use bevy::prelude::*;

use crate::{
    map,
    protocol::{Facing, Pace, Position},
};

/// Direction in which a player walks; its length is at most 1.
#[derive(Component, Clone, Copy, Default, Debug)]
pub struct Heading(Vec2);

impl Heading {
    /// Sanitizes a client's direction, so that a client cannot exceed the game's speed.
    pub fn new(wish: Vec2) -> Self {
        Self(if wish.is_finite() { wish.clamp_length_max(1.0) } else { Vec2::ZERO })
    }
}

type Walker = (&'static Heading, &'static Pace, &'static mut Position, &'static mut Facing);

pub fn walk_players(time: Res<Time>, mut players: Query<Walker>) {
    for (&Heading(heading), &Pace(pace), mut position, mut facing) in &mut players {
        if heading == Vec2::ZERO {
            continue;
        }
        let place = map::step(position.0, heading, map::SPEED * pace, time.delta_secs());
        position.set_if_neq(Position(place));
        facing.set_if_neq(match heading {
            Vec2 { x, y } if x.abs() >= y.abs() && x < 0.0 => Facing::Left,
            Vec2 { x, y } if x.abs() >= y.abs() => Facing::Right,
            Vec2 { y, .. } if y < 0.0 => Facing::Down,
            _ => Facing::Up,
        });
    }
}
