//! A locked chest and two players, only one of whom has the key. A rule decides who may open it.
//!
//! Server and clients run in this process, connected by the test harness.

use bevy::{ecs::system::RunSystemOnce, prelude::*};
use bevy_inventory_sync::{prelude::*, sim::Simulation};

const KEY: ItemId = ItemId::of("key");
const GOLD: ItemId = ItemId::of("gold");

/// On the server: opens only with a key. Clients refer to the chest by its id, because it is not replicated.
#[derive(Component)]
struct Locked;

/// Runs in the server's app and in the clients'.
fn setup(app: &mut App) {
    let items = r#"(items: [(key: "key", max_stack: 1), (key: "gold", max_stack: 999)])"#;
    let items = Items::<()>::from_ron(items).expect("the embedded catalog is valid");
    app.insert_items(items)
        .add_rule::<With<Locked>, _>(has_key)
        .add_observer(opened)
        .add_observer(repaint)
        .add_observer(rejected);
}

/// On the server: evaluated when a player opens the chest, and again for each use.
fn has_key(In(ask): In<AccessRequest>, inventories: Query<&Inventory>) -> AccessDecision {
    match ask.actor.and_then(|actor| inventories.get(actor).ok()) {
        Some(inventory) if inventory.count(KEY) > 0 => AccessDecision::Allow,
        _ => AccessDecision::Deny(Rejection::Locked),
    }
}

fn opened(opened: On<InventoryOpened>, own: Query<(), With<LocalInventory>>) {
    if !own.contains(opened.entity) {
        println!("  a chest was opened, with {:?}", opened.rights);
    }
}

fn repaint(change: On<SlotChanged>) {
    let count = |stack: Option<Stack>| stack.map_or(0, |stack| stack.count());
    println!("  slot {}: {} -> {}", change.slot.index, count(change.old), count(change.new));
}

fn rejected(rejected: On<ActionRejected>) {
    println!("  rejected: {}", rejected.reason);
}

/// On a client: handles a click on the chest.
fn open_chest(mut actions: InventoryActions) {
    actions.open_by_id(InventoryId::named("chest", 1));
}

/// On a client: handles a Shift-click on the first slot of the chest.
fn take_gold(
    mut actions: InventoryActions,
    chest: Single<Entity, (With<InView>, Without<LocalInventory>)>,
    me: Single<Entity, With<LocalInventory>>,
) {
    actions.request(InventoryAction::QuickMove {
        from: (*chest, Inventory::slot(0)),
        to: (*me).into(),
    });
}

fn main() {
    let mut pair = Simulation::new(2, setup);
    for client in 0..2 {
        let mut inventory = Inventory::default();
        if client == 0 {
            inventory.set(0, KEY.stack(1)).expect("there are 27 slots");
        }
        let id = InventoryId::named("player", client as u64);
        let owner = Owner(pair.client_id(client));
        pair.server.world_mut().spawn((id, inventory, owner));
    }
    let mut gold = Inventory::default();
    gold.set(0, GOLD.stack(50)).expect("there are 27 slots");
    let chest = (InventoryId::named("chest", 1), gold, Openable::default(), Locked);
    pair.server.world_mut().spawn(chest);
    pair.steps(4);
    for client in [1, 0] {
        println!("player {client} clicks on the chest");
        let world = pair.clients[client].app.world_mut();
        world.run_system_once(open_chest).expect("the system's parameters are valid");
        pair.steps(4);
    }
    println!("player 0 takes the gold");
    let world = pair.clients[0].app.world_mut();
    world.run_system_once(take_gold).expect("the chest is in view");
    pair.steps(4);
}
