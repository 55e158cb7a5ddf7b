//! The hotbar at the bottom, and the name of the item that was just selected.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::{session::Session, view::Art};

use super::{
    floating, letters,
    slots::{self, SLOT},
};

/// How long the name of the selected item is shown, in seconds.
const NAMED: f32 = 1.8;

/// Width of the frame around the selected slot.
const FRAME: f32 = 24.0;

/// Container of the hotbar and the name.
#[derive(Component, Debug)]
struct Bottom;

#[derive(Component, Debug)]
struct Row;

#[derive(Component, Debug)]
struct Frame;

/// The name of the selected item, with the remaining seconds.
#[derive(Component, Default, Debug)]
struct Name(f32);

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (fade, show.run_if(resource_changed::<Session>)))
        .add_observer(fill)
        .add_observer(clear)
        .add_observer(select);
}

fn spawn(mut commands: Commands) {
    let bottom = Node {
        bottom: px(4),
        width: percent(100),
        flex_direction: FlexDirection::Column,
        align_items: AlignItems::Center,
        row_gap: px(3),
        display: Display::None,
        ..default()
    };
    commands.spawn((floating(bottom), GlobalZIndex(2), Bottom)).with_children(|bottom| {
        bottom.spawn((letters(" ", Color::WHITE), Name::default()));
        bottom.spawn((Node { height: px(SLOT), ..default() }, Pickable::IGNORE, Row));
    });
}

/// Hides and clears the hotbar in the menu.
fn show(
    session: Res<Session>,
    mut bottom: Single<&mut Node, With<Bottom>>,
    row: Single<Entity, With<Row>>,
    mut commands: Commands,
) {
    let none = *session == Session::None;
    bottom.display = if none { Display::None } else { Display::Flex };
    if none {
        commands.entity(*row).despawn_children();
    }
}

fn frame_at(index: usize) -> Node {
    let index = u16::try_from(index).unwrap_or_default();
    Node {
        position_type: PositionType::Absolute,
        left: px(f32::from(index) * SLOT - (FRAME - SLOT) / 2.0),
        top: px(-(FRAME - SLOT) / 2.0),
        width: px(FRAME),
        height: px(FRAME),
        ..default()
    }
}

fn fill(
    opened: On<InventoryOpened>,
    mine: Query<&Hotbar, With<LocalInventory>>,
    row: Single<Entity, With<Row>>,
    art: Res<Art>,
    mut commands: Commands,
) {
    let Ok(hotbar) = mine.get(opened.entity) else { return };
    commands.entity(*row).despawn_children().with_children(|row| {
        slots::grid::<Hotbar>(row, &art, opened.entity, hotbar.len());
        let frame = ImageNode::new(art.slot_selected.clone());
        row.spawn((frame_at(hotbar.selected_index()), frame, Pickable::IGNORE, Frame));
    });
}

fn clear(
    closed: On<InventoryClosed>,
    mine: Query<(), With<LocalInventory>>,
    row: Single<Entity, With<Row>>,
    mut commands: Commands,
) {
    if mine.contains(closed.entity) {
        commands.entity(*row).despawn_children();
    }
}

fn select(
    selected: On<SelectedChanged>,
    mine: Query<&Hotbar, With<LocalInventory>>,
    catalog: Res<ItemCatalog>,
    mut frame: Single<&mut Node, With<Frame>>,
    name: Single<(&mut Text, &mut Name)>,
) {
    let Ok(hotbar) = mine.get(selected.entity) else { return };
    **frame = frame_at(selected.new.into());
    let (mut text, mut shown) = name.into_inner();
    let item = hotbar.get(selected.new.into()).and_then(|stack| catalog.get(stack.item));
    text.0 = item.map_or_else(|| " ".into(), |item| item.name.clone());
    shown.0 = NAMED;
}

fn fade(time: Res<Time>, name: Single<(&mut Name, &mut TextColor, &mut TextShadow)>) {
    let (mut shown, mut color, mut shadow) = name.into_inner();
    if shown.0 > 0.0 {
        shown.0 = (shown.0 - time.delta_secs()).max(0.0);
        let alpha = (shown.0 * 3.0).min(1.0);
        color.0.set_alpha(alpha);
        shadow.color.set_alpha(alpha * 0.85);
    }
}
