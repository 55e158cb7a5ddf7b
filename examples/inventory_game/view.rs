//! The world as the local player sees it. It only reads replicated state, so it is the same on host and client.

mod art;
mod camera;
mod terrain;
mod predict;
mod figures;
mod worn;
mod things;
mod structures;
mod ghosts;
mod labels;
mod hints;
mod sparks;
mod flights;
mod effects;

pub use art::Art;
pub use camera::Zoom;
pub use figures::InHand;
#[cfg(feature = "game_audio")]
pub use flights::{Flight, Pop};

use bevy::prelude::*;

use crate::protocol::Position;

use predict::Predicted;

/// Size of a tile, in pixels.
pub const TILE: f32 = 16.0;

/// Drawn position. It smoothly follows [`Position`], which is updated a few times per second, or the prediction.
#[derive(Component, Clone, Copy, Debug)]
pub struct Shown(pub Vec2);

/// Size of an icon in the world: two thirds, which is a whole number of screen pixels at zoom 3.
const ICON_SIZE: f32 = 32.0 / 3.0;

/// Rate at which the drawn position catches up, per second.
const SMOOTHING: f32 = 16.0;

/// Distance beyond which the drawn position jumps, in tiles.
const LEAP: f32 = 3.0;

/// The systems that draw, in order.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Draw {
    /// Gives new entities what is drawn.
    Dress,
    Move,
    Animate,
}

pub fn plugin(app: &mut App) {
    app.configure_sets(Update, (Draw::Dress, Draw::Move, Draw::Animate).chain())
        .add_systems(Update, glide.in_set(Draw::Move))
        .add_plugins((art::plugin, camera::plugin, terrain::plugin, predict::plugin))
        .add_plugins((figures::plugin, worn::plugin, things::plugin, structures::plugin))
        .add_plugins((ghosts::plugin, labels::plugin, hints::plugin))
        .add_plugins((sparks::plugin, flights::plugin, effects::plugin));
}

/// Converts a position to a translation whose depth draws lower things over higher ones.
pub fn place(at: Vec2) -> Vec3 {
    (at * TILE).extend(50.0 - at.y)
}

fn glide(
    time: Res<Time>,
    mut things: Query<(&Position, Option<&Predicted>, &mut Shown, &mut Transform)>,
) {
    let part = 1.0 - (-SMOOTHING * time.delta_secs()).exp();
    for (position, predicted, mut shown, mut transform) in &mut things {
        let aim = predicted.map_or(position.0, |predicted| predicted.at);
        let way = aim - shown.0;
        let near = way.length() < 0.002 || way.length() > LEAP;
        shown.0 = if near { aim } else { shown.0 + way * part };
        transform.translation = place(shown.0);
    }
}

/// Returns what is nearest within reach, from things with their distances.
pub fn nearest<T>(things: impl Iterator<Item = (f32, T)>, reach: f32) -> Option<T> {
    let in_reach = things.filter(|(far, _)| *far < reach);
    in_reach.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, thing)| thing)
}
