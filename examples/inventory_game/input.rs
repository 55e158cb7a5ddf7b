//! Turns keyboard and gamepad input in the world into requests. What acts on slots is handled by the widgets.

use bevy::{ecs::system::SystemParam, input::InputSystems, prelude::*};
use bevy_egui::input::egui_wants_any_keyboard_input;
use bevy_inventory_sync::ui::{Carried, InventoryUiSystems, inventory_has_focus};

use crate::{
    hands::Hands,
    protocol::{Notice, Request},
    session::{self, Paused, Session},
    trade::LocalTrade,
    ui::{Backpack, close_all},
};

const WAYS: [(Vec2, [KeyCode; 2]); 4] = [
    (Vec2::Y, [KeyCode::KeyW, KeyCode::ArrowUp]),
    (Vec2::NEG_Y, [KeyCode::KeyS, KeyCode::ArrowDown]),
    (Vec2::NEG_X, [KeyCode::KeyA, KeyCode::ArrowLeft]),
    (Vec2::X, [KeyCode::KeyD, KeyCode::ArrowRight]),
];

/// Tilt of a stick below which a player stands still, from 0 to 1.
const CENTERED: f32 = 0.25;

/// Keyboard and gamepads.
#[derive(SystemParam)]
pub struct Controls<'w, 's> {
    pub keys: Res<'w, ButtonInput<KeyCode>>,
    pads: Query<'w, 's, &'static Gamepad>,
}

impl Controls<'_, '_> {
    /// Returns `true` if the key or the button was pressed in this frame.
    pub fn just_pressed(&self, key: KeyCode, button: GamepadButton) -> bool {
        self.keys.just_pressed(key) || self.pads.iter().any(|pad| pad.just_pressed(button))
    }

    /// Returns the direction of the first stick that is tilted.
    fn stick(&self) -> Vec2 {
        let mut sticks = self.pads.iter().map(Gamepad::left_stick);
        sticks.find(|stick| stick.length() > CENTERED).unwrap_or_default()
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(
        // Before the widgets put a carried stack back.
        PreUpdate,
        escape
            .after(InputSystems)
            .before(InventoryUiSystems::Input)
            .run_if(not(resource_equals(Session::None)))
            .run_if(not(egui_wants_any_keyboard_input)),
    )
    .add_systems(
        Update,
        (
            walk,
            ((use_hands, ask_for_trade).run_if(not(inventory_has_focus)), open_and_close)
                .chain()
                .run_if(session::is_played),
        )
            .run_if(not(egui_wants_any_keyboard_input)),
    );
}

/// Sends the heading whenever it changes. While a panel is open, arrow keys move the focus instead.
fn walk(
    controls: Controls,
    played: session::IsPlayed,
    backpack: Res<Backpack>,
    mut said: Local<Vec2>,
    mut requests: MessageWriter<Request>,
) {
    let pressed = WAYS.into_iter().filter(|(_, [letter, arrow])| {
        controls.keys.pressed(*letter) || (controls.keys.pressed(*arrow) && !backpack.open)
    });
    let keys = pressed.map(|(way, _)| way).sum::<Vec2>().normalize_or_zero();
    let stick = if backpack.open { Vec2::ZERO } else { controls.stick() };
    let heading = if keys == Vec2::ZERO { stick.clamp_length_max(1.0) } else { keys };
    let heading = if played.get() { heading } else { Vec2::ZERO };
    if heading != *said {
        *said = heading;
        requests.write(Request::Walk(heading));
    }
}

fn use_hands(controls: Controls, mut hands: Hands) {
    if controls.just_pressed(KeyCode::Space, GamepadButton::South) {
        hands.pick_up();
    }
    if controls.just_pressed(KeyCode::KeyR, GamepadButton::West) {
        hands.use_held();
    }
}

fn ask_for_trade(controls: Controls, mut trade: LocalTrade) {
    if controls.just_pressed(KeyCode::KeyT, GamepadButton::RightThumb) {
        trade.ask();
    }
}

fn open_and_close(
    controls: Controls,
    mut backpack: ResMut<Backpack>,
    mut hands: Hands,
    mut notices: MessageWriter<Notice>,
) {
    if controls.just_pressed(KeyCode::KeyE, GamepadButton::Select) {
        if backpack.open {
            close_all(&mut backpack, &mut hands);
        } else {
            backpack.open = true;
        }
    } else if controls.keys.just_pressed(KeyCode::KeyF)
        // While a panel is open, this button quick-moves.
        || !backpack.open && controls.just_pressed(KeyCode::KeyF, GamepadButton::North)
    {
        if hands.has_opened() {
            close_all(&mut backpack, &mut hands);
        } else if !hands.open_nearest() {
            notices.write(Notice("Nothing to open is close enough.".into()));
        }
    }
}

/// Ends the pause, or closes the open panels. Otherwise pauses the game. The widgets put a carried stack back.
fn escape(
    controls: Controls,
    carried: Res<Carried>,
    mut backpack: ResMut<Backpack>,
    mut paused: ResMut<Paused>,
    mut hands: Hands,
) {
    let back = controls.just_pressed(KeyCode::Escape, GamepadButton::Start)
        || (backpack.open && controls.just_pressed(KeyCode::Escape, GamepadButton::East));
    if !back || carried.get().is_some() {
    } else if paused.0 {
        paused.0 = false;
    } else if backpack.open {
        close_all(&mut backpack, &mut hands);
    } else {
        paused.0 = true;
    }
}
