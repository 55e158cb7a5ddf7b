//! Gamepads.

use bevy::{
    input::{
        ButtonState,
        gamepad::{GamepadAxisChangedEvent, GamepadButtonStateChangedEvent},
    },
    input_focus::tab_navigation::NavAction,
    math::CompassOctant,
    prelude::*,
};

use super::{keys::Devices, press::Button};

/// How far a stick must be tilted to move the focus, from 0 to 1.
const TILTED: f32 = 0.6;

/// How close to the center it must return before it moves the focus again.
const CENTERED: f32 = 0.3;

/// Handles buttons while a slot or a button has the focus. Otherwise, only the shoulder buttons act: they select the
/// next slot of the hotbar.
///
/// | button | |
/// |---|---|
/// | directional pad, left stick | moves the focus |
/// | south | picks up, puts down, presses a button; held down, it spreads |
/// | west | picks up half, puts down one |
/// | north | quick-moves |
/// | east | puts the carried stack back |
/// | shoulder buttons | previous and next grid |
/// | left trigger, right trigger | drops one item, the whole stack |
/// | left stick, pressed | swaps the slot with the selected slot of the hotbar |
/// | right stick, pressed | collects matching items |
pub(super) fn handle_buttons(
    mut inputs: MessageReader<GamepadButtonStateChangedEvent>,
    mut devices: Devices,
) {
    for input in inputs.read() {
        let focused = devices.focus.widget();
        let pressed = input.state == ButtonState::Pressed;
        let slot = focused.and_then(|focused| devices.gestures.slot(focused));
        match input.button {
            GamepadButton::LeftTrigger | GamepadButton::RightTrigger if focused.is_none() => {
                let next = input.button == GamepadButton::RightTrigger;
                if pressed && !devices.focus.is_elsewhere() {
                    devices.gestures.select_next(if next { 1 } else { -1 });
                }
            }
            _ if focused.is_none() => {}
            GamepadButton::South if pressed => devices.press(Button::All, false),
            GamepadButton::West if pressed => devices.press(Button::Some, false),
            GamepadButton::South | GamepadButton::West => devices.release(),
            _ if !pressed => {}
            GamepadButton::DPadUp => devices.go(CompassOctant::North),
            GamepadButton::DPadDown => devices.go(CompassOctant::South),
            GamepadButton::DPadLeft => devices.go(CompassOctant::West),
            GamepadButton::DPadRight => devices.go(CompassOctant::East),
            GamepadButton::East => devices.gestures.cancel(),
            GamepadButton::LeftTrigger => devices.focus.tab(NavAction::Previous),
            GamepadButton::RightTrigger => devices.focus.tab(NavAction::Next),
            GamepadButton::LeftTrigger2 | GamepadButton::RightTrigger2 => {
                let count = (input.button == GamepadButton::LeftTrigger2).then_some(1);
                match slot {
                    _ if devices.gestures.is_carrying() => devices.gestures.drop_carried(count),
                    Some(slot) => devices.gestures.drop(slot, count),
                    None => {}
                }
            }
            GamepadButton::North => slot.into_iter().for_each(|it| devices.gestures.quick_move(it)),
            GamepadButton::LeftThumb => {
                slot.into_iter().for_each(|it| devices.gestures.swap_with_selected(it));
            }
            GamepadButton::RightThumb => {
                slot.into_iter().for_each(|it| devices.gestures.collect(it));
            }
            _ => {}
        }
    }
}

/// Moves the focus each time the left stick is tilted.
pub(super) fn handle_sticks(
    mut inputs: MessageReader<GamepadAxisChangedEvent>,
    mut tilted: Local<[bool; 2]>,
    mut devices: Devices,
) {
    for input in inputs.read() {
        let (axis, forward, back) = match input.axis {
            GamepadAxis::LeftStickX => (0, CompassOctant::East, CompassOctant::West),
            GamepadAxis::LeftStickY => (1, CompassOctant::North, CompassOctant::South),
            _ => continue,
        };
        if input.value.abs() < CENTERED {
            tilted[axis] = false;
        } else if input.value.abs() > TILTED && !tilted[axis] {
            tilted[axis] = true;
            devices.go(if input.value > 0.0 { forward } else { back });
        }
    }
}
