//! The world as the local player sees it. It reads what is replicated, and is the same on host and client.

mod art;
mod camera;
mod terrain;
mod figures;
mod things;
mod hints;

pub use art::Art;
pub use camera::Zoom;
pub use figures::InHand;

use bevy::prelude::*;

use crate::protocol::Position;

/// Pixels of a tile.
pub const TILE: f32 = 16.0;

/// Where something is drawn: follows its [`Position`] smoothly, which comes a few times per second.
#[derive(Component, Clone, Copy, Debug)]
pub struct Shown(pub Vec2);

/// How fast what is shown catches up.
const SMOOTHING: f32 = 16.0;

/// Farther than this it jumps.
const LEAP: f32 = 3.0;

pub fn plugin(app: &mut App) {
    app.add_plugins((art::plugin, camera::plugin, terrain::plugin, hints::plugin)).add_systems(
        Update,
        (
            (figures::dress_avatars, things::show_items, things::show_chests),
            glide,
            (figures::animate, figures::show_held, things::bob, things::open_lids),
        )
            .chain(),
    );
}

/// What is farther down is drawn over what is farther up.
pub fn place(at: Vec2) -> Vec3 {
    (at * TILE).extend(50.0 - at.y)
}

fn glide(time: Res<Time>, mut things: Query<(&Position, &mut Shown, &mut Transform)>) {
    let part = 1.0 - (-SMOOTHING * time.delta_secs()).exp();
    for (position, mut shown, mut transform) in &mut things {
        let way = position.0 - shown.0;
        let near = way.length() < 0.002 || way.length() > LEAP;
        shown.0 = if near { position.0 } else { shown.0 + way * part };
        transform.translation = place(shown.0);
    }
}
