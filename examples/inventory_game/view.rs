//! The world as the local player sees it. It only reads replicated state, so it is the same on host and client.

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

/// Size of a tile, in pixels.
pub const TILE: f32 = 16.0;

/// Drawn position. It smoothly follows [`Position`], which is updated a few times per second.
#[derive(Component, Clone, Copy, Debug)]
pub struct Shown(pub Vec2);

/// Rate at which the drawn position catches up, per second.
const SMOOTHING: f32 = 16.0;

/// Distance beyond which the drawn position jumps, in tiles.
const LEAP: f32 = 3.0;

pub fn plugin(app: &mut App) {
    app.add_plugins((art::plugin, camera::plugin, terrain::plugin, hints::plugin)).add_systems(
        Update,
        (
            (figures::dress_avatars, things::show_items, things::show_chests, things::show_gates),
            glide,
            (figures::animate, figures::show_held, things::bob, things::open_lids),
        )
            .chain(),
    );
}

/// Converts a position to a translation whose depth draws lower things over higher ones.
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
