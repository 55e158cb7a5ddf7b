//! Keyboard equivalents of all mouse operations on slots: Enter picks up and places the focused stack,
//! Shift+Enter quick-moves it, H picks up half, C collects.

use bevy::{ecs::system::SystemParam, prelude::*, window::PrimaryWindow};

use crate::{
    input::{SHIFT, is_held},
    session,
};

use super::{
    Backpack, Drag, Dragging,
    drag::{Sending, count_of},
    focus::Focus,
    slots::{Contents, SlotView},
    tooltip::Hovered,
};

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (handle, carry, put_away).chain().run_if(session::is_played));
}

/// The slot that keys act on: the focused one, or the hovered one, while a panel is open.
#[derive(SystemParam)]
pub struct ContainerQuery<'w, 's> {
    backpack: Res<'w, Backpack>,
    focus: Res<'w, Focus>,
    hovered: Res<'w, Hovered>,
    slots: Query<'w, 's, &'static SlotView>,
}

impl ContainerQuery<'_, '_> {
    pub fn slot(&self) -> Option<SlotView> {
        let on = if self.focus.by_keys { self.focus.on } else { self.hovered.0 };
        self.slots.get(on.filter(|_| self.backpack.open)?).ok().copied()
    }
}

fn handle(
    keys: Res<ButtonInput<KeyCode>>,
    reach: ContainerQuery,
    contents: Contents,
    mut dragging: ResMut<Dragging>,
    mut sending: Sending,
) {
    let Some(view) = reach.slot().filter(|_| reach.focus.by_keys) else { return };
    let enter = keys.any_just_pressed([KeyCode::Enter, KeyCode::NumpadEnter]);
    let half = keys.just_pressed(KeyCode::KeyH);
    if enter && is_held(&keys, SHIFT) {
        sending.send(view);
    } else if let Some(drag) = dragging.0.filter(|_| enter) {
        if drag.from != view {
            let count = count_of(drag, &contents);
            sending.hands.move_slot(drag.from.place(), view.place(), count);
        }
        dragging.0 = None;
    } else if (enter || half) && contents.get(view).is_some() {
        dragging.0 = Some(Drag { from: view, half, at: Vec2::ZERO, by_keys: true });
    } else if keys.just_pressed(KeyCode::KeyC) {
        sending.hands.collect(view.place());
    }
}

/// Moves a stack that was picked up with the keyboard along with the focus.
fn carry(
    focus: Res<Focus>,
    places: Query<&UiGlobalTransform>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut dragging: ResMut<Dragging>,
) {
    let Some(drag) = dragging.0.filter(|drag| drag.by_keys) else { return };
    let Some(at) = focus.on.and_then(|on| places.get(on).ok()) else { return };
    let at = at.translation / window.scale_factor() + BESIDE * window.height();
    if drag.at != at {
        dragging.0 = Some(Drag { at, ..drag });
    }
}

/// Offset of a carried stack from the focused slot, as a fraction of the window's height, to keep the slot visible.
const BESIDE: Vec2 = Vec2::new(0.012, -0.012);

fn put_away(backpack: Res<Backpack>, focus: Res<Focus>, mut dragging: ResMut<Dragging>) {
    let over = !backpack.open || !focus.by_keys;
    if over && dragging.0.is_some_and(|drag| drag.by_keys) {
        dragging.0 = None;
    }
}
