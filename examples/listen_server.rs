//! A listen server: one player hosts, another joins, and both run the same game code. The host's own inventory
//! sends no bytes and emits the same events.

use bevy::{ecs::system::RunSystemOnce, prelude::*};
use bevy_inventory_sync::{prelude::*, sim::Simulation};
use bevy_replicon::prelude::*;

const TORCH: ItemId = ItemId::of("torch");

/// Whose screen this is.
#[derive(Resource)]
struct Screen(&'static str);

/// Runs in the host's app and in the client's.
fn setup(app: &mut App) {
    let items = Items::<()>::from_ron(r#"(items: [(key: "torch", max_stack: 64)])"#);
    app.insert_items(items.expect("the embedded catalog is valid"))
        .insert_resource(Screen("the guest"))
        .add_observer(opened)
        .add_observer(repaint);
}

fn opened(opened: On<InventoryOpened>, screen: Res<Screen>, own: Query<(), With<LocalInventory>>) {
    println!("{} sees an inventory, own: {}", screen.0, own.contains(opened.entity));
}

fn repaint(change: On<SlotChanged>, screen: Res<Screen>) {
    println!("{}: slot {} ({:?})", screen.0, change.slot.index, change.cause);
}

/// Handles a click on either screen.
fn click(mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>) {
    let (from, to) = ((*me, Inventory::slot(0)), (*me, Inventory::slot(9)));
    actions.request(InventoryAction::Move { from, to, count: Some(5) });
}

fn main() {
    let mut pair = Simulation::new(1, setup);
    pair.server.insert_resource(Screen("the host"));
    // The host's player is `ClientId::Server`.
    for (number, owner) in [(1, ClientId::Server), (2, pair.client_id(0))] {
        let mut inventory = Inventory::default();
        inventory.set(0, TORCH.stack(20)).expect("there are 27 slots");
        let id = InventoryId::named("player", number);
        pair.server.world_mut().spawn((id, inventory, Owner(owner)));
    }
    pair.steps(4);
    let bytes =
        |pair: &Simulation| pair.clients[0].traffic.bytes_down + pair.clients[0].traffic.bytes_up;
    let before = bytes(&pair);
    println!("the host clicks");
    pair.server.world_mut().run_system_once(click).expect("the host has an inventory");
    pair.steps(4);
    println!("that sent {} bytes; the guest clicks", bytes(&pair) - before);
    let guest = pair.clients[0].app.world_mut();
    guest.run_system_once(click).expect("the guest has an inventory");
    pair.steps(4);
    println!("that sent {} bytes", bytes(&pair) - before);
}
