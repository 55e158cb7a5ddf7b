//! A custom container with a filter for the items that each slot accepts: boots go on feet.

use bevy::{ecs::system::RunSystemOnce, prelude::*};
use bevy_inventory_sync::{prelude::*, sim::Simulation};

const BOOTS: ItemId = ItemId::of("leather_boots");
const TORCH: ItemId = ItemId::of("torch");

const ITEMS: &str = r#"(items: [
    (key: "leather_boots", name: "Leather boots", max_stack: 1, tags: ["feet"]),
    (key: "torch", name: "Torch"),
])"#;

/// What a player wears: one slot for the head, one for the feet.
#[derive(Component)]
struct Equipment(Slots);

impl Container for Equipment {
    const NAME: &'static str = "equipment";
    // Picking up boots does not put them on.
    const AUTO_FILL: bool = false;

    fn from_slots(slots: Slots) -> Self {
        Self(slots)
    }

    fn slots(&self) -> &Slots {
        &self.0
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.0
    }

    fn accepts(slot: usize, item: &ItemDef) -> bool {
        let tag = ["head", "feet"].get(slot);
        tag.is_some_and(|tag| item.has_tag(tag))
    }
}

/// Both sides register the same containers.
fn setup(app: &mut App) {
    let items = Items::<()>::from_ron(ITEMS).expect("the embedded catalog is valid");
    app.add_container::<Equipment>().insert_items(items).add_observer(dress);
}

/// On the client: updates the figure on screen; only equipment changes matter to it.
fn dress(change: On<SlotChanged>) {
    if let Some(slot) = change.slot.index_in::<Equipment>() {
        println!("equipment slot {slot} now holds {:?}", change.new.map(|stack| stack.item));
    }
}

/// On the server: moves the contents of the first backpack slot to the feet slot, if it accepts them.
fn put_on(mut inventories: Inventories, player: Single<Entity, With<Equipment>>) {
    let from = (*player, Inventory::slot(0));
    let feet = (*player, Equipment::slot(1));
    if let Err(error) = inventories.transact(|tx| tx.move_slot(from, feet, None)) {
        println!("rejected: {error}");
    }
}

fn main() {
    let mut pair = Simulation::new(1, setup);
    let owner = Owner(pair.client_id(0));
    let id = InventoryId::named("player", 1);
    let player = (id, Inventory::default(), Equipment(Slots::new(2)), owner);
    let player = pair.server.world_mut().spawn(player).id();
    pair.steps(4);
    for item in [TORCH, BOOTS] {
        let world = pair.server.world_mut();
        let mut inventory = world.get_mut::<Inventory>(player).expect("just spawned");
        inventory.set(0, item.stack(1)).expect("there are 27 slots");
        world.run_system_once(put_on).expect("the system's parameters are valid");
        pair.steps(2);
    }
}
