//! The keyboard.

use bevy::{
    ecs::system::SystemParam,
    input::{ButtonState, keyboard::KeyboardInput},
    input_focus::tab_navigation::{NavAction, TabNavigationPlugin},
    math::CompassOctant,
    prelude::*,
};

use crate::model::container::SlotRef;

use super::{
    button::ButtonPressed,
    focus::FocusMover,
    gesture::{Gestures, Target, is_shift},
    paint::Hovered,
    press::Button,
};

/// The keys that act on slots. They act on the slot that has the focus, or else on the one under the mouse pointer.
///
/// The arrow keys move the focus, and Tab moves it to the next grid. Shift with [`Self::pick`] quick-moves, and Ctrl
/// with [`Self::drop`] drops the whole stack. While [`Self::pick`] is held down, the arrow keys spread the carried
/// stack.
#[derive(Resource, Clone, PartialEq, Eq, Debug)]
pub struct InventoryUiKeys {
    /// Picks up and puts down a stack, or presses a button. Enter by default.
    pub pick: KeyCode,
    /// Picks up half of a stack and puts down one item. Space by default.
    pub pick_some: KeyCode,
    /// Puts the carried stack back. Escape by default.
    pub cancel: KeyCode,
    /// Drops one item; from the selected slot of the hotbar if no slot is focused or under the pointer. Q by default.
    pub drop: KeyCode,
    /// Swaps a slot with the slot of the hotbar at the key's position in this list, or selects that slot if no slot is
    /// focused or under the pointer. The digits by default.
    pub hotbar: Vec<KeyCode>,
}

impl Default for InventoryUiKeys {
    fn default() -> Self {
        use KeyCode::*;
        Self {
            pick: Enter,
            pick_some: Space,
            cancel: Escape,
            drop: KeyQ,
            hotbar: vec![
                Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9, Digit0,
            ],
        }
    }
}

fn is_control(keys: &ButtonInput<KeyCode>) -> bool {
    keys.any_pressed([
        KeyCode::ControlLeft,
        KeyCode::ControlRight,
        KeyCode::SuperLeft,
        KeyCode::SuperRight,
    ])
}

/// Whether the Tab key is left to Bevy's plugin.
#[derive(Resource, Debug)]
pub(super) struct TabIsHandled(pub(super) bool);

impl TabIsHandled {
    pub(super) fn in_app(app: &App) -> Self {
        Self(app.is_plugin_added::<TabNavigationPlugin>())
    }
}

/// What keys and gamepads act on.
#[derive(SystemParam)]
pub(super) struct Devices<'w, 's> {
    pub(super) focus: FocusMover<'w, 's>,
    pub(super) gestures: Gestures<'w, 's>,
    hovered: Res<'w, Hovered>,
    commands: Commands<'w, 's>,
}

impl Devices<'_, '_> {
    /// Begins a gesture on what has the focus.
    pub(super) fn press(&mut self, button: Button, quick: bool) {
        let Some(widget) = self.focus.widget() else { return };
        match self.gestures.slot(widget) {
            Some(slot) => self.gestures.press(slot, button, quick),
            None => self.commands.trigger(ButtonPressed { entity: widget, shift: quick }),
        }
    }

    /// Ends the gesture.
    pub(super) fn release(&mut self) {
        let slot = self.focus.widget().and_then(|widget| self.gestures.slot(widget));
        if self.gestures.is_pressed() {
            self.gestures.release(slot.map_or(Target::Nothing, Target::Slot), None);
        }
    }

    /// Moves the focus. A gesture in progress moves over the next slot.
    pub(super) fn go(&mut self, direction: CompassOctant) {
        if let Some(slot) = self.focus.go(direction) {
            self.gestures.enter(slot);
        }
    }

    /// Returns what keys act on.
    fn object(&mut self) -> Object {
        let focused = self.focus.widget();
        match focused.or(self.hovered.0).and_then(|node| self.gestures.slot(node)) {
            Some(slot) if !self.gestures.is_locked(slot) => Object::Slot(slot),
            None if focused.is_some() => Object::Button,
            _ => Object::Hotbar,
        }
    }
}

/// What keys act on.
enum Object {
    Slot(SlotRef),
    Button,
    /// The selected slot of the hotbar.
    Hotbar,
}

pub(super) fn handle(
    mut inputs: MessageReader<KeyboardInput>,
    keys: Res<ButtonInput<KeyCode>>,
    bound: Res<InventoryUiKeys>,
    tab: Res<TabIsHandled>,
    mut devices: Devices,
) {
    if devices.focus.is_elsewhere() {
        inputs.clear();
        return;
    }
    for input in inputs.read() {
        let button = match input.key_code {
            key if key == bound.pick || key == KeyCode::NumpadEnter => Some(Button::All),
            key if key == bound.pick_some => Some(Button::Some),
            _ => None,
        };
        match (button, input.state) {
            (Some(button), ButtonState::Pressed) if !input.repeat => {
                devices.press(button, is_shift(&keys));
            }
            (Some(_), ButtonState::Released) => devices.release(),
            (None, ButtonState::Pressed) => press(input, &keys, &bound, &tab, &mut devices),
            _ => {}
        }
    }
}

fn press(
    input: &KeyboardInput,
    keys: &ButtonInput<KeyCode>,
    bound: &InventoryUiKeys,
    tab: &TabIsHandled,
    devices: &mut Devices,
) {
    let digit = bound.hotbar.iter().position(|key| *key == input.key_code);
    let digit = digit.and_then(|digit| u16::try_from(digit).ok());
    match (input.key_code, digit) {
        (KeyCode::ArrowUp, _) => devices.go(CompassOctant::North),
        (KeyCode::ArrowDown, _) => devices.go(CompassOctant::South),
        (KeyCode::ArrowLeft, _) => devices.go(CompassOctant::West),
        (KeyCode::ArrowRight, _) => devices.go(CompassOctant::East),
        (KeyCode::Tab, _) if !tab.0 => {
            devices.focus.tab(if is_shift(keys) { NavAction::Previous } else { NavAction::Next });
        }
        _ if input.repeat => {}
        (key, _) if key == bound.cancel => devices.gestures.cancel(),
        (key, _) if key == bound.drop => {
            let count = if is_control(keys) { None } else { Some(1) };
            match devices.object() {
                _ if devices.gestures.is_carrying() => devices.gestures.drop_carried(count),
                Object::Slot(slot) => devices.gestures.drop(slot, count),
                Object::Hotbar => devices.gestures.drop_selected(count),
                Object::Button => {}
            }
        }
        (_, Some(digit)) => match devices.object() {
            Object::Slot(slot) => devices.gestures.swap_with_hotbar(slot, digit),
            Object::Hotbar => devices.gestures.select(digit),
            Object::Button => {}
        },
        _ => {}
    }
}
