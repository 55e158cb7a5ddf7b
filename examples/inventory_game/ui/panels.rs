//! Panels of the backpack and of chests. A chest's panel is open while its inventory is in view: it opens when
//! the server shows the inventory, and closes when the server hides it.

use bevy::{prelude::*, ui::widget::NodeImageMode};
use bevy_inventory_sync::prelude::*;

use crate::{
    hands::Hands,
    protocol::{Avatar, Chest},
    session::Session,
    view::Art,
};

use super::{floating, letters, slots};

pub const GOLD: Color = Color::srgb(0.99, 0.93, 0.63);

/// Height of the hotbar and the line above it.
const BOTTOM: f32 = 34.0;

/// Whether the local player's backpack is open.
#[derive(Resource, Default, PartialEq, Eq, Debug)]
pub struct Backpack {
    pub open: bool,
}

/// The area behind the hotbar and the panels, which receives stacks that are dropped outside them.
#[derive(Component, Debug)]
pub struct Backdrop;

/// The panel of one inventory.
#[derive(Component, Debug)]
pub struct Panel(Entity);

#[derive(Component, Debug)]
struct ChestTitle(Entity);

pub fn plugin(app: &mut App) {
    app.init_resource::<Backpack>()
        .add_systems(Startup, spawn_backdrop)
        .add_systems(Update, (show, entitle, shut.run_if(resource_changed::<Session>)))
        .add_observer(open)
        .add_observer(close);
}

/// Closes the backpack and all chests.
pub fn close_all(backpack: &mut Backpack, hands: &mut Hands) {
    backpack.open = false;
    hands.close_chests();
}

fn spawn_backdrop(mut commands: Commands) {
    let node = Node {
        position_type: PositionType::Absolute,
        width: percent(100),
        height: percent(100),
        padding: UiRect::bottom(px(BOTTOM)),
        flex_direction: FlexDirection::ColumnReverse,
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        row_gap: px(2),
        display: Display::None,
        ..default()
    };
    let shade = BackgroundColor(Color::srgba(0.08, 0.05, 0.1, 0.35));
    commands.spawn((node, shade, Backdrop, GlobalZIndex(1)));
}

type InView<'a> = (&'a Inventory, Option<&'a Chest>);

/// Excludes items on the ground, which are in view but have no panel.
type HasPanel = Or<(With<Chest>, With<LocalInventory>)>;

fn open(
    opened: On<InventoryOpened>,
    inventories: Query<InView, HasPanel>,
    panels: Query<(Entity, &Panel)>,
    backdrop: Single<Entity, With<Backdrop>>,
    art: Res<Art>,
    mut backpack: ResMut<Backpack>,
    mut commands: Commands,
) {
    let Ok((inventory, chest)) = inventories.get(opened.entity) else { return };
    let mine = chest.is_none();
    despawn(opened.entity, &panels, &mut commands);
    backpack.open |= !mine;
    let node = Node {
        padding: UiRect::axes(px(9), px(8)).with_top(px(7)),
        flex_direction: FlexDirection::Column,
        row_gap: px(2),
        flex_shrink: 0.0,
        ..default()
    };
    let frame = TextureSlicer { border: BorderRect::all(8.0), ..default() };
    let wood = ImageNode::new(art.panel.clone()).with_mode(NodeImageMode::Sliced(frame));
    // A separate node behind the others, because a node with an image ignores padding.
    let edge = px(0);
    let behind = Node { left: edge, right: edge, top: edge, bottom: edge, ..default() };
    commands.spawn((node, Panel(opened.entity), ChildOf(*backdrop))).with_children(|panel| {
        panel.spawn((floating(behind), wood));
        let mut title =
            panel.spawn(letters(chest.map_or("Backpack", |chest| chest.kind.name()), GOLD));
        if !mine {
            title.insert(ChestTitle(opened.entity));
        }
        slots::grid::<Inventory>(panel, &art, opened.entity, inventory.len());
    });
}

fn close(
    closed: On<InventoryClosed>,
    mine: Query<(), With<LocalInventory>>,
    panels: Query<(Entity, &Panel)>,
    mut backpack: ResMut<Backpack>,
    mut commands: Commands,
) {
    if despawn(closed.entity, &panels, &mut commands) && !mine.contains(closed.entity) {
        backpack.open = false;
    }
}

fn despawn(of: Entity, panels: &Query<(Entity, &Panel)>, commands: &mut Commands) -> bool {
    let found = panels.iter().find(|(_, panel)| panel.0 == of);
    if let Some((panel, _)) = found {
        commands.entity(panel).despawn();
    }
    found.is_some()
}

/// Closes all panels when a game ends.
fn shut(
    session: Res<Session>,
    panels: Query<Entity, With<Panel>>,
    mut backpack: ResMut<Backpack>,
    mut commands: Commands,
) {
    if *session == Session::None {
        backpack.open = false;
        panels.iter().for_each(|panel| commands.entity(panel).despawn());
    }
}

fn show(backpack: Res<Backpack>, mut backdrop: Single<&mut Node, With<Backdrop>>) {
    let display = if backpack.open { Display::Flex } else { Display::None };
    if backdrop.display != display {
        backdrop.display = display;
    }
}

/// Shows in a chest's title who else has it open.
fn entitle(
    me: Query<&Avatar, With<LocalInventory>>,
    chests: Query<&Chest>,
    mut titles: Query<(&ChestTitle, &mut Text)>,
) {
    for (title, mut text) in &mut titles {
        let Ok(chest) = chests.get(title.0) else { continue };
        let my_name = me.single().map_or("", |me| &me.name);
        let others: Vec<&str> =
            chest.users.iter().map(String::as_str).filter(|name| *name != my_name).collect();
        let now = if others.is_empty() {
            chest.kind.name().into()
        } else {
            format!("{}, shared with {}", chest.kind.name(), others.join(", "))
        };
        text.set_if_neq(Text(now));
    }
}
