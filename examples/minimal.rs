//! A server changes a player's inventory; the player's client gets an event for each changed slot.
//!
//! Both run in this process, connected by the test harness. With a messaging backend and sockets the code is
//! the same: each app adds the plugins and this `setup`.

use bevy::prelude::*;
use bevy_inventory_sync::{prelude::*, sim::Simulation};

const TORCH: ItemId = ItemId::of("torch");

/// Runs in the server's app and in the client's.
fn setup(app: &mut App) {
    let items = Items::<()>::from_ron(r#"(items: [(key: "torch", max_stack: 64)])"#);
    app.insert_items(items.expect("the embedded catalog is valid"));
    app.add_systems(Update, burn).add_observer(repaint);
}

/// On the server: game code writes as if there were no network.
fn burn(mut burning: Query<&mut Inventory, With<Owner>>) {
    for mut inventory in &mut burning {
        if let Some(slot) = inventory.find(TORCH) {
            inventory.split(slot, 1).expect("the slot contains a torch");
        }
    }
}

/// On the client: the UI repaints only the slots that changed.
fn repaint(change: On<SlotChanged>) {
    let count = |stack: Option<Stack>| stack.map_or(0, |stack| stack.count());
    let slot = change.slot.index;
    println!("slot {slot}: {} torches, {} before", count(change.new), count(change.old));
}

fn main() {
    let mut pair = Simulation::new(1, setup);
    let mut inventory = Inventory::default();
    assert!(inventory.add(TORCH.stack(8), 64).is_none());
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().spawn((InventoryId::named("player", 1), inventory, owner));
    pair.steps(4);
    let opened = pair.clients[0].traffic.bytes_down;
    pair.steps(3);
    println!("the last three changes sent {} bytes", pair.clients[0].traffic.bytes_down - opened);
}
