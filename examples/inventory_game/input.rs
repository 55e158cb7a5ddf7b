//! Turns keyboard and mouse wheel input into requests.

use bevy::{
    input::mouse::{AccumulatedMouseScroll, MouseScrollUnit},
    prelude::*,
};
use bevy_egui::input::{EguiWantsInput, egui_wants_any_keyboard_input};
use bevy_inventory_sync::prelude::*;

use crate::{
    hands::Hands,
    protocol::{Chest, Request},
    session::{self, Paused, Session},
    ui::{Backpack, ContainerQuery, Dragging, close_all},
};

pub const DIGITS: [KeyCode; 9] = [
    KeyCode::Digit1,
    KeyCode::Digit2,
    KeyCode::Digit3,
    KeyCode::Digit4,
    KeyCode::Digit5,
    KeyCode::Digit6,
    KeyCode::Digit7,
    KeyCode::Digit8,
    KeyCode::Digit9,
];

const WAYS: [(Vec2, [KeyCode; 2]); 4] = [
    (Vec2::Y, [KeyCode::KeyW, KeyCode::ArrowUp]),
    (Vec2::NEG_Y, [KeyCode::KeyS, KeyCode::ArrowDown]),
    (Vec2::NEG_X, [KeyCode::KeyA, KeyCode::ArrowLeft]),
    (Vec2::X, [KeyCode::KeyD, KeyCode::ArrowRight]),
];

/// Returns `true` if one of the keys is held, or was released in this frame: a short press in a slow frame counts.
pub fn is_held(keys: &ButtonInput<KeyCode>, either: [KeyCode; 2]) -> bool {
    keys.any_pressed(either) || keys.any_just_released(either)
}

pub const CONTROL: [KeyCode; 2] = [KeyCode::ControlLeft, KeyCode::ControlRight];
pub const SHIFT: [KeyCode; 2] = [KeyCode::ShiftLeft, KeyCode::ShiftRight];

pub fn plugin(app: &mut App) {
    app.add_systems(
        Update,
        (
            walk,
            // A slot may be selected and dropped from in the same frame.
            (select, (use_hands, throw, open_and_close)).chain().run_if(session::is_played),
            escape.run_if(not(resource_equals(Session::None))),
        )
            .run_if(not(egui_wants_any_keyboard_input)),
    );
}

/// Sends the heading whenever it changes. While a panel is open, arrow keys move the focus instead.
fn walk(
    keys: Res<ButtonInput<KeyCode>>,
    played: session::IsPlayed,
    backpack: Res<Backpack>,
    mut said: Local<Vec2>,
    mut requests: MessageWriter<Request>,
) {
    let pressed = WAYS.into_iter().filter(|(_, [letter, arrow])| {
        keys.pressed(*letter) || (keys.pressed(*arrow) && !backpack.open)
    });
    let heading = pressed.map(|(way, _)| way).sum::<Vec2>().normalize_or_zero();
    let heading = if played.get() { heading } else { Vec2::ZERO };
    if heading != *said {
        *said = heading;
        requests.write(Request::Walk(heading));
    }
}

/// Selects a hotbar slot with number keys or the wheel (outside the overlay). If a slot of an open panel is focused
/// or hovered, a number key swaps it with the hotbar slot.
fn select(
    keys: Res<ButtonInput<KeyCode>>,
    wheel: Res<AccumulatedMouseScroll>,
    mine: Query<&Hotbar, With<LocalInventory>>,
    reach: ContainerQuery,
    overlay: Res<EguiWantsInput>,
    mut travelled: Local<f32>,
    mut hands: Hands,
) {
    let Ok(hotbar) = mine.single() else { return };
    let digit = (0..).zip(DIGITS).find(|(_, key)| keys.just_pressed(*key));
    if let Some((index, _)) = digit {
        match reach.slot() {
            Some(view) => hands.swap_with_hotbar(view.place(), index),
            None => hands.select(index),
        }
    }
    if overlay.wants_any_pointer_input() {
        return;
    }
    let line = if wheel.unit == MouseScrollUnit::Pixel { 40.0 } else { 1.0 };
    *travelled += wheel.delta.y / line;
    if travelled.abs() >= 1.0 {
        let (here, len) = (hotbar.selected_index(), hotbar.len());
        let next = if *travelled < 0.0 { here + 1 } else { here + len - 1 } % len;
        *travelled = 0.0;
        hands.select(next);
    }
}

fn use_hands(keys: Res<ButtonInput<KeyCode>>, mut hands: Hands) {
    if keys.just_pressed(KeyCode::Space) {
        hands.pick_up();
    }
    if keys.just_pressed(KeyCode::KeyR) {
        hands.use_held();
    }
}

/// Drops one item of the held, focused or hovered stack; with Control, the whole stack.
fn throw(keys: Res<ButtonInput<KeyCode>>, reach: ContainerQuery, mut hands: Hands) {
    if !keys.just_pressed(KeyCode::KeyQ) {
        return;
    }
    let count = if is_held(&keys, CONTROL) { None } else { Some(1) };
    match reach.slot() {
        Some(view) => hands.drop(view.place(), count),
        None => hands.drop_held(count),
    }
}

fn open_and_close(
    keys: Res<ButtonInput<KeyCode>>,
    open_chests: Query<(), (With<Chest>, With<InView>)>,
    mut backpack: ResMut<Backpack>,
    mut hands: Hands,
) {
    if keys.just_pressed(KeyCode::KeyE) {
        if backpack.open {
            close_all(&mut backpack, &mut hands);
        } else {
            backpack.open = true;
        }
    } else if keys.just_pressed(KeyCode::KeyF) {
        if open_chests.is_empty() {
            hands.open_chest();
        } else {
            close_all(&mut backpack, &mut hands);
        }
    }
}

/// Ends the pause, a drag, or closes the open panels, in this order. Otherwise pauses the game.
fn escape(
    keys: Res<ButtonInput<KeyCode>>,
    mut dragging: ResMut<Dragging>,
    mut backpack: ResMut<Backpack>,
    mut paused: ResMut<Paused>,
    mut hands: Hands,
) {
    if !keys.just_pressed(KeyCode::Escape) {
    } else if paused.0 {
        paused.0 = false;
    } else if dragging.0.is_some() {
        dragging.0 = None;
    } else if backpack.open {
        close_all(&mut backpack, &mut hands);
    } else {
        paused.0 = true;
    }
}
