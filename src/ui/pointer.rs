//! Mouse and touch.

use core::time::Duration;

use bevy::{
    picking::pointer::{PointerButton, PointerId},
    prelude::*,
};

use super::{
    carry::Carried,
    cell::{DirtyCells, SlotCell},
    focus::FocusMover,
    gesture::{Gestures, Target, is_shift},
    paint::Hovered,
    panel::PanelShown,
    press::Button,
    scroll::Scrolling,
    shown::GridShown,
    tooltip::TooltipChanged,
};

/// Distance in logical pixels beyond which a press becomes a drag.
const DRAG_DISTANCE: f32 = 4.0;

/// Time after which a touch that has not moved acts like the right mouse button.
const LONG_PRESS: Duration = Duration::from_millis(500);

/// When and where the touch in progress began.
#[derive(Resource, Default, Debug)]
pub(super) struct TouchHeld(Option<(Duration, Vec2)>);

pub(super) fn observe(app: &mut App) {
    app.add_observer(press)
        .add_observer(drag)
        .add_observer(drag_enter)
        .add_observer(drop)
        .add_observer(drag_end)
        .add_observer(click)
        .add_observer(cancel)
        .add_observer(follow)
        .add_observer(enter)
        .add_observer(leave);
}

fn button(button: PointerButton) -> Option<Button> {
    match button {
        PointerButton::Primary => Some(Button::All),
        PointerButton::Secondary => Some(Button::Some),
        PointerButton::Middle => None,
    }
}

fn press(
    event: On<Pointer<Press>>,
    keys: Res<ButtonInput<KeyCode>>,
    time: Res<Time<Real>>,
    mut held: ResMut<TouchHeld>,
    mut gestures: Gestures,
    mut focus: FocusMover,
) {
    let Some(slot) = gestures.slot(event.entity) else { return };
    let Some(button) = button(event.button) else { return };
    focus.press(event.entity);
    let touch = event.pointer_id.is_touch();
    held.0 = touch.then(|| (time.elapsed(), event.pointer_location.position));
    gestures.press(slot, button, is_shift(&keys));
}

fn drag(
    event: On<Pointer<Drag>>,
    cells: Query<&SlotCell>,
    mut held: ResMut<TouchHeld>,
    mut gestures: Gestures,
    mut scrolling: Scrolling,
) {
    let Ok(cell) = cells.get(event.entity) else { return };
    if event.distance.length() < DRAG_DISTANCE {
        return;
    }
    held.0 = None;
    if gestures.is_pressed() {
        gestures.drag(Some(event.pointer_location.position));
    }
    if event.pointer_id.is_touch() && !gestures.is_carrying() {
        scrolling.scroll_by(cell.grid, -event.delta.y);
    }
}

fn drag_enter(event: On<Pointer<DragEnter>>, mut gestures: Gestures) {
    if let Some(slot) = gestures.slot(event.entity) {
        gestures.enter(slot);
    }
}

/// Determines what is at the end of a gesture.
fn target(
    entity: Entity,
    gestures: &Gestures,
    grids: &Query<&GridShown>,
    panels: &Query<&PanelShown>,
    windows: &Query<(), With<Window>>,
) -> Target {
    let area = || grids.get(entity).map(GridShown::area);
    let panel = || panels.get(entity).map(PanelShown::area);
    match gestures.slot(entity) {
        Some(slot) => Target::Slot(slot),
        None if windows.contains(entity) => Target::Outside,
        None => area().or_else(|_| panel()).map_or(Target::Nothing, Target::Area),
    }
}

fn drop(
    event: On<Pointer<DragDrop>>,
    grids: Query<&GridShown>,
    panels: Query<&PanelShown>,
    windows: Query<(), With<Window>>,
    mut gestures: Gestures,
) {
    if event.entity == event.original_event_target() && gestures.slot(event.dropped).is_some() {
        let target = target(event.entity, &gestures, &grids, &panels, &windows);
        gestures.release(target, Some(event.pointer_location.position));
    }
}

fn drag_end(event: On<Pointer<DragEnd>>, mut gestures: Gestures) {
    if gestures.slot(event.entity).is_some() {
        gestures.release(Target::Nothing, None);
    }
}

fn click(
    event: On<Pointer<Click>>,
    grids: Query<&GridShown>,
    panels: Query<&PanelShown>,
    windows: Query<(), With<Window>>,
    mut held: ResMut<TouchHeld>,
    mut gestures: Gestures,
) {
    let Some(button) = button(event.button) else { return };
    if event.entity != event.original_event_target() {
        return;
    }
    held.0 = None;
    let at = event.pointer_location.position;
    match target(event.entity, &gestures, &grids, &panels, &windows) {
        Target::Slot(slot) => gestures.release(Target::Slot(slot), Some(at)),
        Target::Outside if button == Button::All => gestures.drop_carried(None),
        Target::Outside => gestures.drop_carried(Some(1)),
        // There is no Shift key on a touch screen.
        Target::Area(area) if event.pointer_id.is_touch() => gestures.put_away(area),
        _ => {}
    }
}

fn cancel(_: On<Pointer<Cancel>>, mut gestures: Gestures) {
    if gestures.is_pressed() {
        gestures.cancel();
    }
}

pub(super) fn is_held(held: Res<TouchHeld>) -> bool {
    held.0.is_some()
}

/// Ends a long press.
pub(super) fn hold(time: Res<Time<Real>>, mut held: ResMut<TouchHeld>, mut gestures: Gestures) {
    let Some((since, at)) = held.0 else { return };
    if time.elapsed().saturating_sub(since) >= LONG_PRESS {
        held.0 = None;
        gestures.long_press(Some(at));
    }
}

fn follow(event: On<Pointer<Move>>, mut carried: ResMut<Carried>) {
    let at = event.pointer_location.position;
    let moves = event.entity == event.original_event_target()
        && carried.get().is_some_and(|carry| carry.at.is_some_and(|before| before != at));
    if moves {
        carried.move_to(at);
    }
}

fn enter(
    event: On<Pointer<Over>>,
    cells: Query<(), With<SlotCell>>,
    mut hovered: ResMut<Hovered>,
    mut tooltip: ResMut<TooltipChanged>,
    mut dirty: ResMut<DirtyCells>,
) {
    if cells.contains(event.entity) && !event.pointer_id.is_touch() {
        dirty.0.extend(hovered.0.replace(event.entity));
        dirty.0.insert(event.entity);
        tooltip.0 = true;
    }
}

fn leave(
    event: On<Pointer<Out>>,
    mut hovered: ResMut<Hovered>,
    mut tooltip: ResMut<TooltipChanged>,
    mut dirty: ResMut<DirtyCells>,
) {
    if hovered.0 == Some(event.entity) && event.pointer_id == PointerId::Mouse {
        hovered.0 = None;
        dirty.0.insert(event.entity);
        tooltip.0 = true;
    }
}
