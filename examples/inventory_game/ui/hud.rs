//! The player's energy, and the goal of the game.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::{
    protocol::{Energy, Shrine},
    session::Session,
};

use super::{GOLD, display, floating, letters, plate};

/// Width of a heart, in pixel-art pixels.
const HEART: f32 = 9.0;

/// Everything that is hidden in the menu.
#[derive(Component, Debug)]
struct Hud;

/// The filled part of a heart, with its number.
#[derive(Component, Debug)]
struct Heart(u8);

#[derive(Component, Debug)]
struct Goal;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (show.run_if(resource_changed::<Session>), fill_hearts, write_goal));
}

fn spawn(assets: Res<AssetServer>, mut commands: Commands) {
    let line = Node {
        bottom: px(25),
        width: percent(100),
        justify_content: JustifyContent::Center,
        display: Display::None,
        ..default()
    };
    commands.spawn((floating(line), GlobalZIndex(2), Hud)).with_children(|line| {
        let row = Node { width: px(180), column_gap: px(1), ..default() };
        line.spawn((row, Pickable::IGNORE)).with_children(|row| {
            for number in 0..Energy::MAX / 2 {
                spawn_heart(row, number, &assets);
            }
        });
    });
    let corner = Node {
        left: px(2),
        top: px(14),
        padding: UiRect::axes(px(3), px(1.5)),
        display: Display::None,
        ..default()
    };
    let plate = plate(0.55);
    // Below the panels.
    commands
        .spawn((floating(corner), plate, GlobalZIndex(0), Hud))
        .with_child((letters("", GOLD), Goal));
}

fn spawn_heart(row: &mut ChildSpawnerCommands, number: u8, assets: &AssetServer) {
    let square = Node { width: px(HEART), height: px(HEART), ..default() };
    let empty = ImageNode::new(assets.load("ui/heart_empty.png"));
    row.spawn((square.clone(), empty, Pickable::IGNORE)).with_children(|heart| {
        let part =
            Node { width: px(0), height: px(HEART), overflow: Overflow::clip(), ..default() };
        heart.spawn((part, Heart(number), Pickable::IGNORE)).with_children(|part| {
            let full = ImageNode::new(assets.load("ui/heart.png"));
            part.spawn((Node { flex_shrink: 0.0, ..square }, full, Pickable::IGNORE));
        });
    });
}

fn show(session: Res<Session>, mut parts: Query<&mut Node, With<Hud>>) {
    for mut node in &mut parts {
        display(&mut node, *session != Session::None);
    }
}

fn fill_hearts(
    energy: Query<&Energy, (With<LocalInventory>, Or<(Changed<Energy>, Added<LocalInventory>)>)>,
    mut hearts: Query<(&Heart, &mut Node)>,
) {
    let Ok(energy) = energy.single() else { return };
    for (Heart(number), mut node) in &mut hearts {
        let halves = energy.0.saturating_sub(2 * number).min(2);
        node.width = px(f32::from(halves) * HEART / 2.0);
    }
}

fn write_goal(
    shrines: Query<&Shrine, Changed<Shrine>>,
    catalog: Res<ItemCatalog>,
    mut goal: Single<&mut Text, With<Goal>>,
) {
    let Ok(shrine) = shrines.single() else { return };
    if shrine.stage == Shrine::OFFERINGS {
        goal.0 = "The shrine is lit.".into();
        return;
    }
    let needs = Shrine::NEEDS.map(|(key, count)| {
        let name = catalog.get(ItemId::of(key)).map_or(key, |item| &item.name).to_lowercase();
        format!("{name} x{count}")
    });
    let needs = needs.join(", ");
    let (done, all) = (shrine.stage, Shrine::OFFERINGS);
    goal.0 = format!("Goal: bring {needs} to the shrine ({done} of {all} done)");
}
