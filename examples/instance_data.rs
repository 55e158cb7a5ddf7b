//! Instance data: an engraving on one particular ring. It can be any serde type, and is sent to a client only once.

use bevy::prelude::*;
use bevy_inventory_sync::{prelude::*, sim::Simulation};
use serde::{Deserialize, Serialize};

const RING: ItemId = ItemId::of("ring");

/// Complex data that few stacks have. A number that changes often belongs in `wear` instead.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Engraving {
    text: String,
    by: String,
}

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

/// Runs in the server's app and in the client's.
fn setup(app: &mut App) {
    let items = Items::<()>::from_ron(r#"(items: [(key: "ring", max_stack: 1)])"#);
    app.insert_items(items.expect("the embedded catalog is valid"))
        .add_item_data::<Engraving>()
        .add_observer(repaint);
}

/// On the client: prints the tooltip of the slot's contents. The data never arrives later than the stack.
fn repaint(change: On<SlotChanged>, pool: Res<DataPool>) {
    let Some(stack) = change.new else { return };
    let engraving = stack.data.and_then(|data| pool.get::<Engraving>(data));
    println!("slot {}: {engraving:?}", change.slot.index);
}

fn main() {
    let mut pair = Simulation::new(1, setup);
    let id = InventoryId::named("player", 1);
    let owner = Owner(pair.client_id(0));
    let player = pair.server.world_mut().spawn((id, Inventory::default(), owner)).id();
    pair.steps(4);

    let engraving = Engraving { text: "one of a kind".into(), by: "the smith".into() };
    let mut pool = pair.server.world_mut().resource_mut::<DataPool>();
    let data = pool.insert(&engraving).expect("registered and small enough");
    for slot in 0..3 {
        let before = pair.clients[0].traffic.bytes_down;
        let world = pair.server.world_mut();
        let mut inventory = world.get_mut::<Inventory>(player).expect("just spawned");
        inventory.set(slot, RING.stack(1).with_data(data)).expect("there are 27 slots");
        pair.steps(2);
        println!("sent {} bytes", pair.clients[0].traffic.bytes_down - before);
    }
}
