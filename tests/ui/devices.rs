//! Input, as the messages that a windowing library sends.

use bevy::{
    input::{
        ButtonState,
        gamepad::{
            GamepadConnection, GamepadConnectionEvent, RawGamepadAxisChangedEvent,
            RawGamepadButtonChangedEvent, RawGamepadEvent,
        },
        keyboard::{Key, KeyboardInput},
        mouse::{MouseButtonInput, MouseScrollUnit, MouseWheel},
        touch::{TouchInput, TouchPhase},
    },
    input_focus::{InputFocus, InputFocusVisible},
    window::WindowEvent,
};

use crate::stage::*;

/// What a player holds in their hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Device {
    Mouse,
    Keyboard,
    Gamepad,
    Touch,
}

pub const DEVICES: [Device; 4] = [Device::Mouse, Device::Keyboard, Device::Gamepad, Device::Touch];

/// Which of the two buttons of a gesture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    All,
    Some,
}

impl Stage {
    pub fn point(&mut self, at: Vec2) {
        let window = self.window;
        let moved = CursorMoved { window, position: at, delta: None };
        self.client().write_message(moved.clone());
        self.client().write_message(WindowEvent::CursorMoved(moved));
        self.steps(1);
    }

    pub fn mouse(&mut self, button: MouseButton, state: ButtonState) {
        let input = MouseButtonInput { button, state, window: self.window };
        self.client().write_message(input);
        self.client().write_message(WindowEvent::MouseButtonInput(input));
        self.steps(1);
    }

    pub fn wheel(&mut self, y: f32) {
        let (unit, phase) = (MouseScrollUnit::Line, TouchPhase::Moved);
        let wheel = MouseWheel { unit, x: 0.0, y, window: self.window, phase };
        self.client().write_message(wheel);
        self.client().write_message(WindowEvent::MouseWheel(wheel));
        self.steps(1);
    }

    pub fn touch(&mut self, phase: TouchPhase, at: Vec2) {
        let input = TouchInput { phase, position: at, window: self.window, force: None, id: 1 };
        self.client().write_message(input);
        self.client().write_message(WindowEvent::TouchInput(input));
        self.steps(1);
    }

    pub fn key(&mut self, key_code: KeyCode, state: ButtonState) {
        let logical_key = Key::Dead(None);
        let (window, text) = (self.window, None);
        let input = KeyboardInput { key_code, logical_key, state, text, repeat: false, window };
        self.client().write_message(input);
        self.steps(1);
    }

    pub fn tap_key(&mut self, key: KeyCode) {
        self.key(key, ButtonState::Pressed);
        self.key(key, ButtonState::Released);
    }

    fn gamepad(&mut self) -> Entity {
        let world = self.client();
        if let Ok(gamepad) = world.query_filtered::<Entity, With<Gamepad>>().single(world) {
            return gamepad;
        }
        let gamepad = world.spawn_empty().id();
        let connection =
            GamepadConnection::Connected { name: "pad".into(), vendor_id: None, product_id: None };
        let event = GamepadConnectionEvent { gamepad, connection };
        world.write_message(event.clone());
        world.write_message(RawGamepadEvent::Connection(event));
        self.steps(1);
        gamepad
    }

    pub fn pad(&mut self, button: GamepadButton, state: ButtonState) {
        let gamepad = self.gamepad();
        let value = if state == ButtonState::Pressed { 1.0 } else { 0.0 };
        let event = RawGamepadButtonChangedEvent { gamepad, button, value };
        self.client().write_message(event);
        self.client().write_message(RawGamepadEvent::Button(event));
        self.steps(1);
    }

    pub fn tilt(&mut self, axis: GamepadAxis, value: f32) {
        let gamepad = self.gamepad();
        let event = RawGamepadAxisChangedEvent { gamepad, axis, value };
        self.client().write_message(event);
        self.client().write_message(RawGamepadEvent::Axis(event));
        self.steps(1);
    }

    pub fn tap_pad(&mut self, button: GamepadButton) {
        self.pad(button, ButtonState::Pressed);
        self.pad(button, ButtonState::Released);
    }

    /// Returns the slot that has the focus.
    pub fn focused(&self) -> Option<SlotCell> {
        let focus = self.world().resource::<InputFocus>().get()?;
        let visible = self.world().resource::<InputFocusVisible>().0;
        self.world().get::<SlotCell>(focus).copied().filter(|_| visible)
    }

    /// Moves the focus to a slot with keys or a gamepad.
    pub fn focus_on(&mut self, device: Device, slot: SlotRef) {
        let target = *self.world().get::<SlotCell>(self.node(slot)).unwrap();
        let tab = |stage: &mut Self| match device {
            Device::Gamepad if stage.focused().is_some() => {
                stage.tap_pad(GamepadButton::RightTrigger)
            }
            _ => stage.tap_key(KeyCode::Tab),
        };
        for _ in 0..12 {
            if self.focused().is_some_and(|focused| focused.grid == target.grid) {
                break;
            }
            tab(self);
        }
        let columns = if slot.1.index_in::<Inventory>().is_some() { 9 } else { usize::MAX };
        for _ in 0..60 {
            let focused = self.focused().expect("a slot has the focus");
            assert_eq!(focused.grid, target.grid, "Tab reaches the grid of {slot:?}");
            let (row, to_row) = (focused.position / columns, target.position / columns);
            let (column, to_column) = (focused.position % columns, target.position % columns);
            let (key, button) = if row < to_row {
                (KeyCode::ArrowDown, GamepadButton::DPadDown)
            } else if row > to_row {
                (KeyCode::ArrowUp, GamepadButton::DPadUp)
            } else if column < to_column {
                (KeyCode::ArrowRight, GamepadButton::DPadRight)
            } else if column > to_column {
                (KeyCode::ArrowLeft, GamepadButton::DPadLeft)
            } else {
                return;
            };
            match device {
                Device::Gamepad => self.tap_pad(button),
                _ => self.tap_key(key),
            }
        }
        panic!("the focus does not reach {slot:?}");
    }

    /// Begins a gesture at a slot.
    pub fn press(&mut self, device: Device, slot: SlotRef, which: Which) {
        let at = self.middle(slot);
        let all = which == Which::All;
        match device {
            Device::Mouse => {
                self.point(at);
                self.mouse(
                    if all { MouseButton::Left } else { MouseButton::Right },
                    ButtonState::Pressed,
                );
            }
            Device::Touch => {
                self.touch(TouchPhase::Started, at);
                if !all {
                    self.steps(35);
                }
            }
            Device::Keyboard => {
                self.focus_on(device, slot);
                self.key(if all { KeyCode::Enter } else { KeyCode::Space }, ButtonState::Pressed);
            }
            Device::Gamepad => {
                self.focus_on(device, slot);
                let button = if all { GamepadButton::South } else { GamepadButton::West };
                self.pad(button, ButtonState::Pressed);
            }
        }
    }

    /// Passes over a slot in a gesture.
    pub fn pass(&mut self, device: Device, slot: SlotRef) {
        match device {
            Device::Mouse => {
                let at = self.middle(slot);
                self.point(at);
            }
            Device::Touch => {
                let at = self.middle(slot);
                self.touch(TouchPhase::Moved, at);
            }
            Device::Keyboard | Device::Gamepad => self.focus_on(device, slot),
        }
    }

    /// Ends a gesture at a slot.
    pub fn release(&mut self, device: Device, slot: SlotRef, which: Which) {
        let all = which == Which::All;
        match device {
            Device::Mouse => self.mouse(
                if all { MouseButton::Left } else { MouseButton::Right },
                ButtonState::Released,
            ),
            Device::Touch => {
                let at = self.middle(slot);
                self.touch(TouchPhase::Ended, at);
            }
            Device::Keyboard => {
                self.key(if all { KeyCode::Enter } else { KeyCode::Space }, ButtonState::Released)
            }
            Device::Gamepad => self.pad(
                if all { GamepadButton::South } else { GamepadButton::West },
                ButtonState::Released,
            ),
        }
        self.steps(2);
    }

    /// Presses and releases at a slot.
    pub fn click(&mut self, device: Device, slot: SlotRef, which: Which) {
        self.press(device, slot, which);
        self.release(device, slot, which);
    }

    /// Clicks, and waits until a second click is not a double click.
    pub fn slow_click(&mut self, device: Device, slot: SlotRef, which: Which) {
        self.click(device, slot, which);
        self.steps(30);
    }

    pub fn shift(&mut self, state: ButtonState) {
        self.key(KeyCode::ShiftLeft, state);
    }
}
