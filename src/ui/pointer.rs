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
    press::{Button, DRAG_DISTANCE},
    shown::GridShown,
    tooltip::TooltipChanged,
};

/// Time after which a touch that has not moved acts like the right mouse button.
const LONG_PRESS: Duration = Duration::from_millis(500);

/// A touch that may become a long press.
#[derive(Resource, Default, Debug)]
pub(super) struct TouchHeld {
    /// When and where it began.
    since: Option<(Duration, Vec2)>,
    /// Whether it has dropped an item, so that lifting the finger does not drop the rest.
    has_dropped: bool,
}

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
    windows: Query<(), With<Window>>,
    mut held: ResMut<TouchHeld>,
    mut gestures: Gestures,
    mut focus: FocusMover,
) {
    let Some(button) = button(event.button) else { return };
    let slot = gestures.slot(event.entity);
    let outside = event.entity == event.original_event_target() && windows.contains(event.entity);
    if slot.is_some() || outside {
        let touch = event.pointer_id.is_touch();
        let since = touch.then(|| (time.elapsed(), event.pointer_location.position));
        *held = TouchHeld { since, has_dropped: false };
    }
    if let Some(slot) = slot {
        focus.press(event.entity);
        gestures.press(slot, button, is_shift(&keys));
    }
}

fn drag(event: On<Pointer<Drag>>, mut held: ResMut<TouchHeld>, mut gestures: Gestures) {
    if event.distance.length() < DRAG_DISTANCE {
        return;
    }
    held.since = None;
    if gestures.slot(event.entity).is_some() && gestures.is_pressed() {
        gestures.drag(Some(event.pointer_location.position));
    }
}

fn drag_enter(event: On<Pointer<DragEnter>>, mut gestures: Gestures) {
    if gestures.slot(event.dragged).is_some()
        && let Some(slot) = gestures.slot(event.entity)
    {
        gestures.enter(slot);
    }
}

/// Determines what a gesture ends on.
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
    held.since = None;
    let at = event.pointer_location.position;
    match target(event.entity, &gestures, &grids, &panels, &windows) {
        Target::Slot(slot) => gestures.release(Target::Slot(slot), Some(at)),
        Target::Outside if held.has_dropped => {}
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
    held.since.is_some()
}

/// Acts on a touch that has become a long press.
pub(super) fn hold(time: Res<Time<Real>>, mut held: ResMut<TouchHeld>, mut gestures: Gestures) {
    let Some((since, at)) = held.since else { return };
    if time.elapsed().saturating_sub(since) < LONG_PRESS {
        return;
    }
    held.since = None;
    if gestures.is_pressed() {
        gestures.long_press(Some(at));
    } else if gestures.is_carrying() {
        held.has_dropped = true;
        gestures.drop_carried(Some(1));
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
