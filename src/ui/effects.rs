//! Short animations: a changed slot flashes, a rejected one shakes.

use bevy::prelude::*;

use super::theme::InventoryUiTheme;

/// Remaining seconds of the flash over a changed slot.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Flash(pub(super) f32);

/// Remaining seconds during which a rejected slot shakes.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Shake(pub(super) f32);

/// Number of times that a slot moves left and right.
const SHAKES: f32 = 3.0;

/// How far a slot moves, as a fraction of its size.
const SHAKE_WIDTH: f32 = 0.12;

pub(super) fn flash(
    time: Res<Time<Real>>,
    theme: Res<InventoryUiTheme>,
    mut flashes: Query<(Entity, &mut Flash, &mut BackgroundColor)>,
    mut commands: Commands,
) {
    for (entity, mut flash, mut color) in &mut flashes {
        flash.0 -= time.delta_secs();
        let part = (flash.0 / theme.flash_seconds.max(f32::EPSILON)).clamp(0.0, 1.0);
        color.0 = theme.flash_color.with_alpha(theme.flash_color.alpha() * part);
        if flash.0 <= 0.0 {
            commands.entity(entity).try_remove::<Flash>();
        }
    }
}

pub(super) fn shake(
    time: Res<Time<Real>>,
    theme: Res<InventoryUiTheme>,
    mut shakes: Query<(Entity, &mut Shake, &mut UiTransform)>,
    mut commands: Commands,
) {
    for (entity, mut shake, mut transform) in &mut shakes {
        shake.0 -= time.delta_secs();
        let part = (shake.0 / theme.shake_seconds.max(f32::EPSILON)).clamp(0.0, 1.0);
        let aside = (part * SHAKES * core::f32::consts::TAU).sin() * SHAKE_WIDTH * part;
        transform.translation.x = px(aside * theme.slot);
        if shake.0 <= 0.0 {
            transform.translation.x = px(0);
            commands.entity(entity).try_remove::<Shake>();
        }
    }
}
