//! The local player's position ahead of the server's, so that walking does not wait for the network.

use std::collections::VecDeque;

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    map,
    protocol::{Avatar, Facing, Pace, Position, Request},
    session::Session,
};

use super::{Draw, LEAP};

/// Number of predicted positions that are kept: those of a round trip over a bad connection.
const HISTORY: usize = 48;

/// Rate at which a prediction error is corrected, per second.
const CORRECTION: f32 = 6.0;

/// The predicted position of the local player of a client.
#[derive(Component, Debug)]
pub struct Predicted {
    pub at: Vec2,
    pub facing: Facing,
    heading: Vec2,
    /// Positions of the latest steps, oldest first.
    history: VecDeque<Vec2>,
}

impl Predicted {
    fn new(at: Vec2, facing: Facing) -> Self {
        Self { at, facing, heading: Vec2::ZERO, history: VecDeque::new() }
    }

    pub fn is_walking(&self) -> bool {
        self.heading != Vec2::ZERO
    }

    fn turn(&mut self, wish: Vec2) {
        self.heading = wish.clamp_length_max(1.0);
        if self.is_walking() {
            // Horizontal directions win ties, as on the server.
            let ways = [Facing::Up, Facing::Down, Facing::Left, Facing::Right];
            let along = |facing: &Facing| facing.vector().dot(wish);
            let nearest = ways.into_iter().max_by(|a, b| along(a).total_cmp(&along(b)));
            self.facing = nearest.unwrap_or_default();
        }
    }

    /// Returns the way from the predicted path to a position. The server's position is that of some time ago, so it
    /// is on this path if the prediction is correct.
    fn error(&self, position: Vec2) -> Vec2 {
        let from = self.history.iter().copied();
        let path = from.zip(self.history.iter().copied().skip(1).chain([self.at]));
        let errors = path.map(|(from, to)| position - nearest_between(from, to, position));
        errors.fold(position - self.at, |least, error| {
            if error.length_squared() < least.length_squared() { error } else { least }
        })
    }

    fn step(&mut self, position: Vec2, speed: f32, seconds: f32) {
        let error = self.error(position);
        if error.length() > LEAP {
            self.history.clear();
            self.at = position;
            return;
        }
        let correction = error * (CORRECTION * seconds).min(1.0);
        self.history.push_back(self.at);
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        self.history.iter_mut().for_each(|at| *at += correction);
        self.at = map::step(self.at + correction, self.heading, speed, seconds);
    }
}

/// Returns the point of a line that is nearest to `point`.
fn nearest_between(from: Vec2, to: Vec2, point: Vec2) -> Vec2 {
    let way = to - from;
    let part = (point - from).dot(way) / way.length_squared().max(f32::EPSILON);
    from + way * part.clamp(0.0, 1.0)
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, begin.in_set(Draw::Dress).run_if(is_guest))
        .add_systems(FixedUpdate, step)
        .add_systems(PostUpdate, turn.before(ClientSystems::Send));
}

/// The position of a host is up to date.
fn is_guest(session: Res<Session>) -> bool {
    matches!(*session, Session::Guest(_))
}

fn begin(
    me: Query<
        (Entity, &Position, &Facing),
        (With<LocalInventory>, With<Avatar>, Without<Predicted>),
    >,
    mut commands: Commands,
) {
    for (entity, position, facing) in &me {
        commands.entity(entity).insert(Predicted::new(position.0, *facing));
    }
}

fn turn(mut requests: MessageReader<Request>, mut players: Query<&mut Predicted>) {
    for request in requests.read() {
        let Request::Walk(wish) = request else { continue };
        for mut predicted in &mut players {
            predicted.turn(*wish);
        }
    }
}

fn step(time: Res<Time>, mut players: Query<(&Position, &Pace, &mut Predicted)>) {
    for (position, pace, mut predicted) in &mut players {
        predicted.step(position.0, map::SPEED * pace.0, time.delta_secs());
    }
}
