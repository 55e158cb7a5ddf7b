//! Crafting: a button that is disabled until the recipe can be crafted, and a predicted product in the frame of the
//! click.

use bevy::{ecs::system::RunSystemOnce, prelude::*};
use bevy_inventory_sync::{prelude::*, sim::Simulation};

const COAL: ItemId = ItemId::of("coal");
const TORCH: ItemId = ItemId::of("torch");
const TORCHES: RecipeId = RecipeId::of("torches");

const ITEMS: &str = r#"(
    items: [(key: "coal", max_stack: 64), (key: "stick", max_stack: 64), (key: "torch", max_stack: 64)],
    recipes: [(key: "torches", takes: [("coal", 1), ("stick", 1)], gives: [("torch", 4)])],
)"#;

/// Runs in the server's app and in the client's.
fn setup(app: &mut App) {
    let items = Items::<()>::from_ron(ITEMS).expect("the embedded catalog is valid");
    app.insert_items(items).add_observer(confirmed).add_observer(rejected);
}

/// On the client: the check that a crafting panel makes in each frame.
fn button(actions: InventoryActions, me: Single<Entity, With<LocalInventory>>) {
    match actions.check(&InventoryAction::craft(TORCHES, *me)) {
        Ok(()) => println!("the button is enabled"),
        Err(reason) => println!("the button is disabled: {reason}"),
    }
}

/// On the client: the button is pressed.
fn press(mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>) {
    actions.request(InventoryAction::craft(TORCHES, *me));
}

fn confirmed(confirmed: On<ActionConfirmed>) {
    println!("{:?}: confirmed by the server", confirmed.id);
}

fn rejected(rejected: On<ActionRejected>) {
    println!("{:?}: rejected: {}", rejected.id, rejected.reason);
}

fn main() {
    let mut pair = Simulation::new(1, setup);
    // A round trip takes 100 ms.
    pair.network.latency_ticks = 3;
    let id = InventoryId::named("player", 1);
    let mut inventory = Inventory::default();
    inventory.set(0, ItemId::of("stick").stack(2)).expect("there are 27 slots");
    let owner = Owner(pair.client_id(0));
    let player = pair.server.world_mut().spawn((id, inventory, owner)).id();
    pair.steps(12);

    let client = pair.clients[0].app.world_mut();
    client.run_system_once(button).expect("the player is in view");
    let mut inventory = pair.server.world_mut().get_mut::<Inventory>(player).expect("just spawned");
    inventory.set(1, COAL.stack(1)).expect("there are 27 slots");
    pair.steps(8);

    let client = pair.clients[0].app.world_mut();
    client.run_system_once(button).expect("the player is in view");
    client.run_system_once(press).expect("the player is in view");
    let torches =
        |pair: &Simulation| pair.shown::<Inventory>(0, id).map_or(0, |slots| slots.count(TORCH));
    println!("{} torches in the frame of the click", torches(&pair));
    pair.steps(8);
    let client = pair.clients[0].app.world_mut();
    client.run_system_once(press).expect("the player is in view");
    println!("{} torches at the end", torches(&pair));
}
