//! Visibility: the owner sees everything, a viewer what its rights allow, and a bystander only what is public.

use bevy::prelude::*;
use bevy_inventory_sync::features::public_view::HeldItem;
use bevy_inventory_sync::{prelude::*, sim::Simulation};
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

const SWORD: ItemId = ItemId::of("sword");
const COIN: ItemId = ItemId::of("coin");

/// The public view of a backpack: whether it bulges. Derived on the server, replicated by replicon.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
struct Bulges(bool);

impl PublicView for Bulges {
    type Source = Inventory;

    fn view(inventory: &Inventory) -> Self {
        Self(inventory.iter().count() > 2)
    }
}

/// Runs in the server's app and in the clients'.
fn setup(app: &mut App) {
    let items = Items::<()>::from_ron(r#"(items: [(key: "sword", max_stack: 1), (key: "coin")])"#);
    app.insert_items(items.expect("the embedded catalog is valid"))
        .add_public_view::<HeldItem>()
        .add_public_view::<Bulges>();
}

/// Prints what a client knows about the figure.
fn print_view(pair: &mut Simulation, client: usize, who: &str) {
    let world = pair.clients[client].app.world_mut();
    let mut figures = world.query::<(&HeldItem, &Bulges, Option<&Inventory>, Option<&InView>)>();
    let Ok((held, bulges, inventory, seen)) = figures.single(world) else {
        return println!("{who}: sees no figure");
    };
    let sword = held.0 == Some(SWORD);
    let coins = inventory.map(|inventory| inventory.count(COIN));
    let rights = seen.map(|seen| seen.rights);
    println!(
        "{who}: holds sword: {sword}, bulges: {}, coins: {coins:?}, rights: {rights:?}",
        bulges.0
    );
}

fn main() {
    let mut pair = Simulation::new(3, setup);
    let (mut inventory, mut hotbar) = (Inventory::default(), Hotbar::default());
    for slot in 0..3 {
        inventory.set(slot, COIN.stack(10)).expect("there are 27 slots");
    }
    hotbar.set(0, SWORD.stack(1)).expect("there are nine slots");
    let mut viewers = Viewers::new();
    viewers.add(pair.client_id(1), Rights::SEE);
    let player = (
        InventoryId::named("player", 1),
        (inventory, hotbar),
        (Owner(pair.client_id(0)), viewers),
        // The figure itself is replicated to all clients, with its public views.
        (Replicated, HeldItem::default(), Bulges::default()),
    );
    pair.server.world_mut().spawn(player);
    pair.steps(10);
    for (client, who) in [(0, "owner"), (1, "viewer"), (2, "bystander")] {
        print_view(&mut pair, client, who);
    }
}
