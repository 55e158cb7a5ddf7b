//! The hotbar.

use bevy::{input::mouse::AccumulatedMouseScroll, prelude::*};

use crate::model::builtin::Hotbar;

use super::{gesture::Gestures, grid::InventoryGrid, paint::Hovered};

/// Shows the local player's [`Hotbar`] in one row, with a frame around the selected slot.
///
/// Number keys and shoulder buttons select a slot. For the game's own hotbar container, spawn an [`InventoryGrid`] of
/// it instead: every grid shows the selected slot.
#[derive(Component, Clone, Copy, Default, Debug)]
#[require(InventoryGrid = InventoryGrid::local::<Hotbar>().columns(u16::MAX))]
pub struct HotbarView;

/// Selects slots with the mouse wheel, unless a slot of another container is under the pointer. Insert this resource to
/// enable it.
#[derive(Resource, Clone, Copy, Default, Debug)]
pub struct WheelSelects;

pub(super) fn wheel_selects(
    enabled: Option<Res<WheelSelects>>,
    scroll: Option<Res<AccumulatedMouseScroll>>,
) -> bool {
    enabled.is_some() && scroll.is_some_and(|scroll| scroll.delta.y != 0.0)
}

/// Selects the next slot for each step of the wheel.
pub(super) fn select_with_wheel(
    scroll: Res<AccumulatedMouseScroll>,
    hovered: Res<Hovered>,
    mut gestures: Gestures,
) {
    let slot = hovered.0.and_then(|node| gestures.slot(node));
    if slot.is_none_or(|slot| gestures.is_selectable(slot)) {
        gestures.select_next(if scroll.delta.y > 0.0 { -1 } else { 1 });
    }
}
