//! Briefly shows why a request was rejected.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::protocol::Buy;

use super::{floating, letters, panels::GOLD};

/// How long a toast is shown, in seconds.
const SHOWN: f32 = 2.2;

/// Remaining seconds of the toast.
#[derive(Component, Default, Debug)]
pub struct Toast(f32);

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn).add_systems(Update, fade).add_observer(show);
}

fn spawn(mut commands: Commands) {
    let line = Node {
        top: px(14),
        width: percent(100),
        justify_content: JustifyContent::Center,
        ..default()
    };
    commands.spawn((floating(line), GlobalZIndex(5))).with_children(|line| {
        let plate = (
            Node { padding: UiRect::axes(px(5), px(2)), ..default() },
            BackgroundColor(Color::srgba(0.35, 0.08, 0.1, 0.85)),
            Pickable::IGNORE,
        );
        line.spawn((plate, Toast::default(), Visibility::Hidden))
            .with_child((letters("", GOLD), Toast::default()));
    });
}

fn show(
    rejected: On<ActionRejected>,
    mut plate: Single<(&mut Toast, &mut Visibility), Without<Text>>,
    mut text: Single<&mut Text, With<Toast>>,
) {
    let buys = rejected.request.action::<Buy>().is_some();
    let mut words = match rejected.reason {
        Rejection::NotEnough if buys => "not enough gold".into(),
        reason => reason.to_string(),
    };
    words[..1].make_ascii_uppercase();
    text.0 = words;
    plate.0.0 = SHOWN;
    plate.1.set_if_neq(Visibility::Visible);
}

fn fade(time: Res<Time>, mut plate: Single<(&mut Toast, &mut Visibility), Without<Text>>) {
    if plate.0.0 > 0.0 {
        plate.0.0 -= time.delta_secs();
        if plate.0.0 <= 0.0 {
            plate.1.set_if_neq(Visibility::Hidden);
        }
    }
}
