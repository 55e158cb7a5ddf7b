//! Keys and the mouse wheel, turned into requests.

use bevy::{
    input::mouse::{AccumulatedMouseScroll, MouseScrollUnit},
    prelude::*,
};
use bevy_egui::input::{egui_wants_any_keyboard_input, egui_wants_any_pointer_input};
use bevy_inventory_sync::prelude::*;

use crate::{
    hands::Hands,
    protocol::{Chest, Request},
    ui::{Backpack, close_all},
};

const DIGITS: [KeyCode; 9] = [
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

pub fn plugin(app: &mut App) {
    app.add_systems(
        Update,
        (walk, select.run_if(not(egui_wants_any_pointer_input)), use_hands, open_and_close)
            .run_if(not(egui_wants_any_keyboard_input)),
    );
}

/// Says it when it changes, and only then.
fn walk(
    keys: Res<ButtonInput<KeyCode>>,
    mut said: Local<Vec2>,
    mut requests: MessageWriter<Request>,
) {
    let pressed = WAYS.into_iter().filter(|(_, either)| keys.any_pressed(*either));
    let heading = pressed.map(|(way, _)| way).sum::<Vec2>().normalize_or_zero();
    if heading != *said {
        *said = heading;
        requests.write(Request::Walk(heading));
    }
}

fn select(
    keys: Res<ButtonInput<KeyCode>>,
    wheel: Res<AccumulatedMouseScroll>,
    mine: Query<&Hotbar, With<LocalInventory>>,
    mut travelled: Local<f32>,
    mut hands: Hands,
) {
    let Ok(hotbar) = mine.single() else { return };
    let digit = (0..).zip(DIGITS).find(|(_, key)| keys.just_pressed(*key));
    if let Some((index, _)) = digit {
        hands.select(index);
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
    if keys.just_pressed(KeyCode::KeyQ) {
        let all = keys.any_pressed([KeyCode::ControlLeft, KeyCode::ControlRight]);
        hands.drop_held(if all { None } else { Some(1) });
    }
}

fn open_and_close(
    keys: Res<ButtonInput<KeyCode>>,
    open_chests: Query<(), (With<Chest>, With<InView>)>,
    mut backpack: ResMut<Backpack>,
    mut hands: Hands,
) {
    if keys.just_pressed(KeyCode::KeyE) || keys.just_pressed(KeyCode::Escape) {
        if backpack.open {
            close_all(&mut backpack, &mut hands);
        } else if keys.just_pressed(KeyCode::KeyE) {
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
