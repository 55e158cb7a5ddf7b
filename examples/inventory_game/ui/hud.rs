//! The player's energy, and the goal of the game.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::{
    containers::Offerings,
    protocol::{Effect, EffectKind, Energy, Shrine},
    session::Session,
};

use super::{GOLD, LETTER_SIZE, SMALL_LETTERS, display, floating, letters, plate};

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

/// What is shown when the goal is reached, with the remaining seconds.
#[derive(Component, Debug)]
struct Banner(f32);

/// How long it is shown, in seconds.
const BANNER_SHOWN: f32 = 6.0;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (show.run_if(resource_changed::<Session>), fill_hearts, write_goal))
        .add_systems(Update, show_banner);
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
        bottom: px(2),
        padding: UiRect::axes(px(3), px(1.5)),
        display: Display::None,
        ..default()
    };
    commands.spawn((floating(corner), plate(0.55), GlobalZIndex(2), Hud)).with_children(|corner| {
        corner.spawn((letters("", GOLD), Goal)).insert(TextFont::from_font_size(SMALL_LETTERS));
    });
    let high = Node {
        width: percent(100),
        top: percent(16),
        justify_content: JustifyContent::Center,
        display: Display::None,
        ..default()
    };
    commands.spawn((floating(high), GlobalZIndex(5), Banner(0.0))).with_children(|high| {
        let room = Node { padding: UiRect::axes(px(10), px(5)), ..default() };
        high.spawn((room, plate(0.85), Pickable::IGNORE)).with_children(|plate| {
            let text = letters("The shrine is lit!", GOLD);
            plate.spawn(text).insert(TextFont::from_font_size(2.0 * LETTER_SIZE));
        });
    });
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
    let needs = Offerings::NEEDS.map(|(key, count)| {
        let name = catalog.get(ItemId::of(key)).map_or(key, |item| &item.name).to_lowercase();
        format!("\n  {name} x{count}")
    });
    let (done, all) = (shrine.stage, Shrine::OFFERINGS);
    goal.0 = format!(
        "Goal: light the shrine ({done} of {all})\nBring to it, north of the lake:{}",
        needs.concat()
    );
}

/// Shows the banner for a while after the last offering.
fn show_banner(
    mut effects: MessageReader<Effect>,
    time: Res<Time<Real>>,
    banner: Single<(&mut Banner, &mut Node)>,
) {
    let (mut banner, mut node) = banner.into_inner();
    let is_lit = effects.read().any(|effect| effect.kind == EffectKind::Goal);
    banner.0 = if is_lit { BANNER_SHOWN } else { banner.0 - time.delta_secs() }.max(0.0);
    display(&mut node, banner.0 > 0.0);
}
