//! Ends a gesture, and puts the carried stack back, when the grid where it began leaves the screen, such as when the
//! player closes the backpack or a chest closes.

use bevy::prelude::*;

use crate::model::container::SlotRef;

use super::{
    carry::Carried,
    cell::{SlotCell, SlotCells},
    gesture::Gestures,
    press::GestureState,
    shown::is_on_screen,
};

pub(super) fn is_busy(carried: Res<Carried>, gesture: Res<GestureState>) -> bool {
    carried.get().is_some() || gesture.is_pressed()
}

pub(super) fn put_back(
    shown: Query<(&ComputedNode, &InheritedVisibility)>,
    cells: Res<SlotCells>,
    nodes: Query<&SlotCell>,
    mut began: Local<Option<(SlotRef, Entity)>>,
    mut gestures: Gestures,
) {
    let Some(from) = gestures.source() else { return };
    let on_screen = |grid: Entity| shown.get(grid).is_ok_and(is_on_screen);
    // The grid is remembered, because it may show another page meanwhile.
    let before = began.filter(|(slot, _)| *slot == from).map(|(_, grid)| grid);
    let mut grids = cells.of(from).filter_map(|node| Some(nodes.get(node).ok()?.grid));
    let grid = before.filter(|grid| on_screen(*grid)).or_else(|| grids.find(|it| on_screen(*it)));
    *began = grid.map(|grid| (from, grid));
    if grid.is_none() || gestures.is_locked(from) {
        gestures.cancel();
    }
}
