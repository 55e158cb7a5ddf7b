//! Sliders to simulate a bad connection, toggled with a key.

use bevy::{prelude::*, ui::RelativeCursorPosition};

use crate::{lag::Lag, net::Link};

use super::{GOLD, floating, letters, plate};

const WIDTH: f32 = 60.0;

/// The setting that a slider controls.
#[derive(Component, Clone, Copy, PartialEq, Debug)]
enum Knob {
    Latency,
    Jitter,
    Loss,
}

impl Knob {
    const ALL: [Self; 3] = [Self::Latency, Self::Jitter, Self::Loss];

    /// Returns the slider's position, from 0 to 1.
    fn of(self, lag: &Lag) -> f32 {
        match self {
            Self::Latency => lag.link.latency.as_secs_f32() / Lag::LATENCY_MAX.as_secs_f32(),
            Self::Jitter => lag.link.jitter.as_secs_f32() / Lag::JITTER_MAX.as_secs_f32(),
            Self::Loss => lag.link.loss / Lag::LOSS_MAX,
        }
    }

    fn set(self, lag: &mut Lag, to: f32) {
        match self {
            Self::Latency => lag.link.latency = Lag::LATENCY_MAX.mul_f32(to),
            Self::Jitter => lag.link.jitter = Lag::JITTER_MAX.mul_f32(to),
            Self::Loss => lag.link.loss = to * Lag::LOSS_MAX,
        }
    }

    fn words(self, lag: &Lag) -> String {
        match self {
            Self::Latency => format!("One-way latency {} ms", lag.link.latency.as_millis()),
            Self::Jitter => format!("Jitter {} ms", lag.link.jitter.as_millis()),
            Self::Loss => format!("Loss {:.0} %", lag.link.loss * 100.0),
        }
    }
}

/// The panel with the sliders.
#[derive(Component, Debug)]
pub struct Panel;

/// The filled part of a slider.
#[derive(Component, Debug)]
struct Filled(Knob);

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (toggle, slide, show).chain().run_if(resource_exists::<Link>))
        .add_systems(Update, hide.run_if(resource_removed::<Link>));
}

fn spawn(mut commands: Commands) {
    let corner = Node {
        right: px(2),
        top: px(15),
        // As wide as the longest text, so that the sliders keep their places.
        width: px(92),
        padding: UiRect::axes(px(4), px(3)),
        flex_direction: FlexDirection::Column,
        row_gap: px(2),
        ..default()
    };
    let plate = plate(0.75);
    let panel = (floating(corner), plate, GlobalZIndex(3), Panel, Visibility::Hidden);
    commands.spawn(panel).with_children(|panel| {
        for knob in Knob::ALL {
            panel.spawn((letters("", Color::WHITE.with_alpha(0.9)), knob));
            let groove = Node { width: px(WIDTH), height: px(5), ..default() };
            let dark = BackgroundColor(Color::srgba(0.0, 0.0, 0.0, 0.5));
            panel.spawn((groove, dark, RelativeCursorPosition::default(), knob)).with_children(
                |groove| {
                    let filled = Node { height: percent(100), ..default() };
                    groove.spawn((filled, BackgroundColor(GOLD), Pickable::IGNORE, Filled(knob)));
                },
            );
        }
    });
}

fn toggle(keys: Res<ButtonInput<KeyCode>>, mut panel: Single<&mut Visibility, With<Panel>>) {
    if keys.just_pressed(KeyCode::KeyL) {
        **panel = match **panel {
            Visibility::Hidden => Visibility::Visible,
            _ => Visibility::Hidden,
        };
    }
}

/// Without a connection there is nothing to simulate.
fn hide(mut panel: Single<&mut Visibility, With<Panel>>) {
    **panel = Visibility::Hidden;
}

/// A pressed slider follows the pointer until the button is released.
fn slide(
    buttons: Res<ButtonInput<MouseButton>>,
    panel: Single<&Visibility, With<Panel>>,
    grooves: Query<(&RelativeCursorPosition, &Knob)>,
    mut held: Local<Option<Knob>>,
    mut lag: ResMut<Lag>,
) {
    if !buttons.pressed(MouseButton::Left) || **panel == Visibility::Hidden {
        *held = None;
    } else if buttons.just_pressed(MouseButton::Left) {
        *held = grooves.iter().find(|(at, _)| at.cursor_over()).map(|(_, knob)| *knob);
    }
    for (at, knob) in grooves.iter().filter(|(_, knob)| *held == Some(**knob)) {
        if let Some(at) = at.normalized {
            knob.set(&mut lag, (at.x + 0.5).clamp(0.0, 1.0));
        }
    }
}

fn show(
    lag: Res<Lag>,
    mut words: Query<(&mut Text, &Knob)>,
    mut filled: Query<(&mut Node, &Filled)>,
) {
    for (mut text, knob) in &mut words {
        text.set_if_neq(Text(knob.words(&lag)));
    }
    for (mut node, Filled(knob)) in &mut filled {
        let width = percent(knob.of(&lag) * 100.0);
        if node.width != width {
            node.width = width;
        }
    }
}
