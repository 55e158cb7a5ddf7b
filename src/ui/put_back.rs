//! Puts the carried stack back when the grid that it was picked up from leaves the screen, such as when the player
//! closes the backpack.

use bevy::prelude::*;

use crate::model::container::SlotRef;

use super::{
    carry::Carried,
    cell::{SlotCell, SlotCells},
    gesture::Gestures,
    shown::is_on_screen,
};

pub(super) fn is_carrying(carried: Res<Carried>) -> bool {
    carried.get().is_some()
}

pub(super) fn put_back(
    shown: Query<(&ComputedNode, &InheritedVisibility)>,
    cells: Res<SlotCells>,
    nodes: Query<&SlotCell>,
    mut picked_up: Local<Option<(SlotRef, Entity)>>,
    mut gestures: Gestures,
) {
    let Some(from) = gestures.carried_from() else { return };
    let on_screen = |grid: Entity| shown.get(grid).is_ok_and(is_on_screen);
    // The grid is remembered, because it may show another page while the stack is carried.
    let before = picked_up.filter(|(slot, _)| *slot == from).map(|(_, grid)| grid);
    let mut grids = cells.of(from).filter_map(|node| Some(nodes.get(node).ok()?.grid));
    let grid = before.filter(|grid| on_screen(*grid)).or_else(|| grids.find(|it| on_screen(*it)));
    *picked_up = grid.map(|grid| (from, grid));
    if grid.is_none() || gestures.is_locked(from) {
        gestures.cancel();
    }
}
