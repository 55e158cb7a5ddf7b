//! A camera that follows the local player, with a whole number of physical pixels per pixel-art pixel.

use bevy::{camera::visibility::RenderLayers, prelude::*, window::PrimaryWindow};
use bevy_inventory_sync::prelude::*;

use crate::map;

use super::{Shown, TILE};

/// Logical pixels per pixel-art pixel; a whole number of physical pixels.
#[derive(Resource, Clone, Copy, PartialEq, Debug)]
pub struct Zoom(pub f32);

/// Approximate height of the window, in pixel-art pixels.
const HEIGHT: f32 = 215.0;

/// Heights of what the interface covers at the bottom and at the top, in pixels of the interface. The map's edges are
/// between them.
const COVERED: [f32; 2] = [44.0, 14.0];

pub fn plugin(app: &mut App) {
    app.insert_resource(Zoom(3.0))
        .insert_resource(ClearColor(Color::srgb_u8(0x66, 0xa7, 0x4e)))
        .add_systems(Startup, spawn_camera)
        .add_systems(PreUpdate, fit_window)
        .add_systems(PostUpdate, follow.before(TransformSystems::Propagate));
}

fn spawn_camera(mut commands: Commands) {
    commands.spawn((Camera2d, Msaa::Off, RenderLayers::layer(0), middle()));
}

fn middle() -> Transform {
    let size = IVec2::new(map::WIDTH, map::HEIGHT).as_vec2() * TILE;
    Transform::from_translation((size / 2.0).extend(100.0))
}

fn fit_window(
    window: Single<&Window, With<PrimaryWindow>>,
    mut projections: Query<&mut Projection, With<Camera2d>>,
    mut zoom: ResMut<Zoom>,
) {
    let height = window.physical_size().as_vec2().y;
    let fitting = Zoom((height / HEIGHT).round().clamp(2.0, 10.0) / window.scale_factor());
    zoom.set_if_neq(fitting);
    for mut projection in &mut projections {
        if let Projection::Orthographic(flat) = &mut *projection
            && flat.scale.to_bits() != fitting.0.recip().to_bits()
        {
            flat.scale = fitting.0.recip();
        }
    }
}

fn follow(
    me: Query<&Shown, With<LocalInventory>>,
    window: Single<&Window, With<PrimaryWindow>>,
    (zoom, ui): (Res<Zoom>, Res<UiScale>),
    mut camera: Single<&mut Transform, With<Camera2d>>,
) {
    let Ok(me) = me.single() else { return };
    let world = IVec2::new(map::WIDTH, map::HEIGHT).as_vec2() * TILE;
    let half = window.size() / zoom.0 / 2.0;
    let [bottom, top] = COVERED.map(|pixels| pixels * ui.0 / zoom.0);
    let least = half - Vec2::new(0.0, bottom);
    let most = world - half + Vec2::new(0.0, top);
    let middle = (least + most) / 2.0;
    let aim = (me.0 + Vec2::new(0.0, 0.6)) * TILE;
    let inside = aim.clamp(least.min(middle), most.max(middle));
    let pixels = zoom.0 * window.scale_factor();
    let at = (inside * pixels).round() / pixels;
    camera.translation = at.extend(camera.translation.z);
}
