//! A backpack, a hotbar and a chest in a window. E opens the chest.

use bevy::prelude::*;
use bevy_inventory_sync::{prelude::*, ui::*};
use bevy_replicon::prelude::*;

const ITEMS: &str = r#"(items: [
    (key: "apple", name: "Apple", icon: "icons/apple.png", max_stack: 16),
    (key: "wood", name: "Wood", icon: "icons/wood.png", max_stack: 64),
])"#;

#[derive(Component)]
struct Chest;

fn main() {
    App::new()
        .add_plugins(DefaultPlugins.set(ImagePlugin::default_nearest()))
        .add_plugins((RepliconPlugins, InventoryPlugins, InventoryUiPlugin))
        .insert_items(Items::<()>::from_ron(ITEMS).expect("the catalog is valid"))
        .add_systems(Startup, (spawn_world, spawn_ui))
        .add_systems(Update, toggle_chest)
        .run();
}

fn spawn_world(mut commands: Commands) {
    let (mut backpack, mut chest) = (Inventory::default(), Inventory::new(18));
    backpack.set(0, ItemId::of("apple").stack(11)).expect("there are 27 slots");
    chest.set(4, ItemId::of("wood").stack(40)).expect("there are 18 slots");
    let (id, owner) = (InventoryId::named("player", 1), Owner(ClientId::Server));
    commands.spawn((id, backpack, Hotbar::default(), owner));
    commands.spawn((Chest, chest, Openable(Rights::USE)));
}

fn spawn_ui(mut commands: Commands) {
    commands.spawn(Camera2d);
    let chest = children![InventoryGrid::opened::<Inventory>(), InventoryButton::TakeAll];
    let backpack = children![InventoryGrid::local::<Inventory>(), InventoryButton::sort()];
    commands.spawn((
        InventoryScreen,
        children![
            (InventoryPanel::opened("Chest"), chest),
            (InventoryPanel::local("Backpack"), backpack),
            HotbarView,
        ],
    ));
}

fn toggle_chest(
    keys: Res<ButtonInput<KeyCode>>,
    chest: Single<(Entity, Has<InView>), With<Chest>>,
    mut actions: InventoryActions,
) {
    match *chest {
        _ if !keys.just_pressed(KeyCode::KeyE) => return,
        (chest, true) => actions.close(chest),
        (chest, false) => actions.open(chest),
    };
}
