//! The hotbar at the bottom, and the name of the item that was just selected.

use bevy::prelude::*;
use bevy_inventory_sync::{prelude::*, ui::HotbarView};

use crate::session::Session;

use super::{display, floating, letters};

/// How long the name of the selected item is shown, in seconds.
const NAMED: f32 = 1.8;

/// Container of the hotbar and the name.
#[derive(Component, Debug)]
struct Bottom;

/// The name of the selected item, with the remaining seconds.
#[derive(Component, Default, Debug)]
struct SelectedName(f32);

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (fade, show.run_if(resource_changed::<Session>)))
        .add_observer(select);
}

fn spawn(mut commands: Commands) {
    let bottom = Node {
        bottom: px(4),
        width: percent(100),
        flex_direction: FlexDirection::Column,
        align_items: AlignItems::Center,
        row_gap: px(3),
        ..default()
    };
    commands.spawn((floating(bottom), GlobalZIndex(2), Bottom)).with_children(|bottom| {
        bottom.spawn((letters(" ", Color::WHITE), SelectedName::default()));
        bottom.spawn(HotbarView);
    });
}

/// Hides the hotbar in the menu.
fn show(session: Res<Session>, mut bottom: Single<&mut Node, With<Bottom>>) {
    display(&mut bottom, *session != Session::None);
}

fn select(
    selected: On<SelectedChanged>,
    mine: Query<&Hotbar, With<LocalInventory>>,
    catalog: Res<ItemCatalog>,
    name: Single<(&mut Text, &mut SelectedName)>,
) {
    let Ok(hotbar) = mine.get(selected.entity) else { return };
    let (mut text, mut shown) = name.into_inner();
    let item = hotbar.get(selected.new.into()).and_then(|stack| catalog.get(stack.item));
    text.0 = item.map_or_else(|| " ".into(), |item| item.name.clone());
    shown.0 = NAMED;
}

fn fade(time: Res<Time>, name: Single<(&mut SelectedName, &mut TextColor, &mut TextShadow)>) {
    let (mut shown, mut color, mut shadow) = name.into_inner();
    if shown.0 > 0.0 {
        shown.0 = (shown.0 - time.delta_secs()).max(0.0);
        let alpha = (shown.0 * 3.0).min(1.0);
        color.0.set_alpha(alpha);
        shadow.color.set_alpha(alpha * 0.85);
    }
}
