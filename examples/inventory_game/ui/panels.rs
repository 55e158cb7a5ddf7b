//! The panels that open with the backpack: recipes, what is opened, the backpack and the equipment.

use bevy::{input_focus::InputFocus, prelude::*};
use bevy_egui::input::EguiWantsInput;
use bevy_inventory_sync::{
    features::tabs::{PageActions, Tab, Tabs},
    model::{id::ContainerKey, recipe::Recipe},
    prelude::*,
    ui::*,
};

use crate::{
    containers::{Equipment, FurnaceInput, FurnaceOutput, Offerings},
    hands::Hands,
    input::Controls,
    protocol::{Avatar, Chest, ChestKind, Users},
    session::{IsPlayed, Session},
};

use super::{Entry, SMALL_LETTERS, display, floating, letters};

/// Height of the hotbar and the line above it.
const BOTTOM: f32 = 34.0;

/// Whether the local player's backpack is open.
#[derive(Resource, Default, PartialEq, Eq, Debug)]
pub struct Backpack {
    pub open: bool,
}

/// The root of all panels.
#[derive(Component, Debug)]
struct Panels;

/// The panel of what is opened.
#[derive(Component, Debug)]
struct OpenedPanel;

/// The buttons for chests.
#[derive(Component, Debug)]
struct ChestButtons;

/// The space for the other player's offer in a trade.
#[derive(Component, Debug)]
pub struct TradeSpace;

/// What the furnace makes.
#[derive(Component, Debug)]
struct FurnaceHelp;

/// The slots of the backpack.
#[derive(Component, Debug)]
struct BackpackGrid;

pub fn plugin(app: &mut App) {
    app.init_resource::<Backpack>()
        .add_systems(Startup, spawn)
        .add_systems(
            Update,
            (
                (follow_opened, close_with_game.run_if(resource_changed::<Session>)),
                show.run_if(resource_changed::<Backpack>),
                (lock_hotbar, give_focus.run_if(not(inventory_has_focus)), retitle),
            )
                .chain(),
        )
        .add_observer(open_tab)
        .add_observer(explain_furnace)
        .add_observer(show_buttons)
        .add_observer(entitle);
}

/// Closes the backpack and everything else that is open.
pub fn close_all(backpack: &mut Backpack, hands: &mut Hands) {
    backpack.open = false;
    hands.close_opened();
}

fn spawn(mut commands: Commands) {
    let root = Node {
        position_type: PositionType::Absolute,
        width: percent(100),
        height: percent(100),
        padding: UiRect::bottom(px(BOTTOM)),
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        column_gap: px(2),
        display: Display::None,
        ..default()
    };
    // Between the panels and the hotbar.
    let line = Node {
        bottom: px(BOTTOM),
        width: percent(100),
        justify_content: JustifyContent::Center,
        ..default()
    };
    commands.spawn((floating(line), GlobalZIndex(4))).with_child(RejectionMessage);
    let shade = BackgroundColor(Color::srgba(0.08, 0.05, 0.1, 0.35));
    commands.spawn((InventoryScreen, root, shade, Panels, GlobalZIndex(1))).with_children(|root| {
        root.spawn(CraftingPanel);
        let column = Node { flex_direction: FlexDirection::Column, row_gap: px(2), ..default() };
        root.spawn((column.clone(), Pickable::IGNORE)).with_children(|column| {
            column.spawn((InventoryPanel::opened("Bank"), OpenedPanel)).with_children(spawn_opened);
            column.spawn(InventoryPanel::local("Backpack")).with_children(|panel| {
                panel.spawn((InventoryGrid::local::<Inventory>(), BackpackGrid));
                spawn_corner(panel, [InventoryButton::sort()]);
            });
        });
        let right = Node { align_items: AlignItems::Start, ..column };
        root.spawn((right, Pickable::IGNORE)).with_children(|column| {
            column.spawn((Node::default(), TradeSpace, Pickable::IGNORE));
            let worn = InventoryGrid::local::<Equipment>().columns(1);
            column.spawn(InventoryPanel::local("Worn")).with_child(worn);
        });
    });
}

fn spawn_opened(panel: &mut ChildSpawnerCommands) {
    panel.spawn(TabBar::opened());
    panel.spawn(InventoryGrid::opened::<Inventory>());
    let row = Node { align_items: AlignItems::Center, column_gap: px(4), ..default() };
    panel.spawn((row, Pickable::IGNORE)).with_children(|row| {
        row.spawn(InventoryGrid::opened::<FurnaceInput>());
        let bar = Node { width: px(36), height: px(4), ..default() };
        row.spawn((WorkProgress::opened(), bar));
        row.spawn(InventoryGrid::opened::<FurnaceOutput>());
    });
    let help = (letters("", Color::WHITE.with_alpha(0.8)), FurnaceHelp);
    panel.spawn(help).insert(TextFont::from_font_size(SMALL_LETTERS));
    panel.spawn(InventoryGrid::opened::<Offerings>());
    let buttons = [InventoryButton::put_all(), InventoryButton::TakeAll];
    spawn_corner(panel, buttons).insert(ChestButtons);
}

/// Spawns buttons in the line of a panel's title.
fn spawn_corner<'a, const N: usize>(
    panel: &'a mut ChildSpawnerCommands,
    buttons: [InventoryButton; N],
) -> EntityCommands<'a> {
    let corner = Node { right: px(7), top: px(4.5), column_gap: px(2), ..default() };
    let mut corner = panel.spawn(floating(corner));
    corner.with_children(|corner| {
        for button in buttons {
            corner.spawn(button);
        }
    });
    corner
}

fn show(
    backpack: Res<Backpack>,
    entries: Query<(), With<Entry>>,
    mut panels: Single<&mut Node, With<Panels>>,
    mut focus: ResMut<InputFocus>,
) {
    display(&mut panels, backpack.open);
    if !backpack.open && !focus.get().is_some_and(|on| entries.contains(on)) {
        focus.clear();
    }
}

/// Opens the backpack together with what the player opens, and closes it with that.
fn follow_opened(
    panel: Single<&Node, (With<OpenedPanel>, Changed<Node>)>,
    mut was_shown: Local<bool>,
    mut backpack: ResMut<Backpack>,
) {
    let shown = panel.display != Display::None;
    if shown != *was_shown {
        *was_shown = shown;
        backpack.open = shown;
    }
}

fn close_with_game(session: Res<Session>, mut backpack: ResMut<Backpack>) {
    if *session == Session::None {
        backpack.open = false;
    }
}

/// While the backpack is closed, the hotbar can only be used to select a slot, also with the mouse wheel.
fn lock_hotbar(
    played: IsPlayed,
    backpack: Res<Backpack>,
    overlay: Res<EguiWantsInput>,
    mut wheel: Local<bool>,
    mut commands: Commands,
) {
    if backpack.is_changed() {
        if backpack.open {
            commands.remove_resource::<HotbarLocked>();
        } else {
            commands.insert_resource(HotbarLocked);
        }
    }
    let selects = played.get() && !overlay.wants_any_pointer_input();
    if selects != *wheel {
        *wheel = selects;
        if selects {
            commands.insert_resource(WheelSelects);
        } else {
            commands.remove_resource::<WheelSelects>();
        }
    }
}

/// Gives the backpack the focus at the first arrow key.
fn give_focus(
    controls: Controls,
    backpack: Res<Backpack>,
    grid: Single<Entity, With<BackpackGrid>>,
    mut commands: Commands,
) {
    if backpack.open && ARROWS.iter().any(|(key, pad)| controls.just_pressed(*key, *pad)) {
        commands.trigger(FocusGrid { entity: *grid });
    }
}

const ARROWS: [(KeyCode, GamepadButton); 4] = [
    (KeyCode::ArrowUp, GamepadButton::DPadUp),
    (KeyCode::ArrowDown, GamepadButton::DPadDown),
    (KeyCode::ArrowLeft, GamepadButton::DPadLeft),
    (KeyCode::ArrowRight, GamepadButton::DPadRight),
];

/// Opens a page together with a bank: the one that was opened last, or the first.
fn open_tab(
    opened: On<InventoryOpened>,
    banks: Query<(Entity, &Tabs)>,
    mut last: Local<Option<u32>>,
    mut pages: PageActions,
) {
    if let Ok((bank, tabs)) = banks.get(opened.entity) {
        let first = tabs.iter().next().map(Tab::page);
        if let Some(page) = last.filter(|page| tabs.get(*page).is_some()).or(first) {
            pages.open(bank, page);
        }
        return;
    }
    let mut open = banks.iter().flat_map(|(bank, _)| pages.tabs(bank));
    if let Some((tab, _)) = open.find(|(_, page)| *page == Some(opened.entity)) {
        *last = Some(tab.page());
    }
}

/// Lists what the furnace makes, while it is open.
fn explain_furnace(
    event: On<DescribePanel>,
    panels: Query<(), With<OpenedPanel>>,
    furnaces: Query<(), With<FurnaceInput>>,
    catalog: Res<ItemCatalog>,
    help: Single<(&mut Text, &mut Node), With<FurnaceHelp>>,
) {
    if !panels.contains(event.entity) {
        return;
    }
    let (mut text, mut node) = help.into_inner();
    let opens = furnaces.contains(event.inventory);
    display(&mut node, opens);
    if opens {
        text.set_if_neq(Text(furnace_recipes(&catalog)));
    }
}

/// Returns a line for each recipe of the furnace. Recipes with charcoal are like those with coal.
fn furnace_recipes(catalog: &ItemCatalog) -> String {
    let name = |(item, count): &(ItemId, u32)| {
        let name = catalog.get(*item).map_or("?".into(), |item| item.name.to_lowercase());
        let or = if *item == ItemId::of("coal") { " or charcoal" } else { "" };
        if *count > 1 { format!("{count} {name}{or}") } else { format!("{name}{or}") }
    };
    let here = Some(ContainerKey::of(FurnaceInput::NAME));
    let with_charcoal =
        |recipe: &Recipe| recipe.takes.iter().any(|(item, _)| *item == ItemId::of("charcoal"));
    let recipes =
        catalog.recipes().filter(|recipe| recipe.station() == here && !with_charcoal(recipe));
    let lines = recipes.map(|recipe| {
        let takes: Vec<String> = recipe.takes.iter().map(name).collect();
        let gives: Vec<String> = recipe.gives.iter().map(name).collect();
        format!("{}: {}", gives.join(", "), takes.join(" and "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Shows the buttons for what items can be put into and taken from.
fn show_buttons(
    event: On<DescribePanel>,
    panels: Query<(), With<OpenedPanel>>,
    chests: Query<Option<&Chest>, With<Inventory>>,
    mut buttons: Single<&mut Node, With<ChestButtons>>,
) {
    if panels.contains(event.entity) {
        let sells = |chest: Option<&Chest>| chest.is_some_and(|it| it.kind == ChestKind::Vendor);
        display(&mut buttons, chests.get(event.inventory).is_ok_and(|chest| !sells(chest)));
    }
}

/// Names what is opened, and who else has it open.
fn entitle(
    mut event: On<DescribePanel>,
    me: Query<&Avatar, With<LocalInventory>>,
    opened: Query<&Users>,
    chests: Query<&Chest>,
    (furnaces, shrines): (Query<(), With<FurnaceInput>>, Query<(), With<Offerings>>),
) {
    if furnaces.contains(event.inventory) {
        event.title = "Furnace".into();
    } else if shrines.contains(event.inventory) {
        event.title = "Shrine".into();
    }
    if let Ok(chest) = chests.get(event.inventory) {
        event.title = chest.kind.name().into();
    }
    let Ok(Users(users)) = opened.get(event.inventory) else { return };
    let my_name = me.single().map_or("", |me| &me.name);
    let others: Vec<&str> =
        users.iter().map(String::as_str).filter(|name| *name != my_name).collect();
    if !others.is_empty() {
        event.title = format!("{}, shared with {}", event.title, others.join(", "));
    }
}

/// Writes the title again when another player opens or closes the same thing.
fn retitle(
    opened: Query<(), (Changed<Users>, With<InView>)>,
    panel: Single<(Entity, &InventoryPanel), With<OpenedPanel>>,
    mut commands: Commands,
) {
    if !opened.is_empty() {
        commands.entity(panel.0).insert(panel.1.clone());
    }
}
