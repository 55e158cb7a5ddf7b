//! A click with 400 ms of latency is predicted at once, and confirmed or rolled back later. The other player is faster.

use bevy::{ecs::system::RunSystemOnce, prelude::*};
use bevy_inventory_sync::{prelude::*, sim::Simulation};

const APPLE: ItemId = ItemId::of("apple");

/// Runs in the server's app and in the clients'.
fn setup(app: &mut App) {
    let items = Items::<()>::from_ron(r#"(items: [(key: "apple", max_stack: 64)])"#);
    app.insert_items(items.expect("the embedded catalog is valid"))
        .init_resource::<Frame>()
        .add_systems(Last, |mut frame: ResMut<Frame>| frame.0 += 1)
        .add_observer(repaint)
        .add_observer(rejected);
}

/// Frame counter of this client, at 60 frames per second.
#[derive(Resource, Default)]
struct Frame(u32);

fn repaint(change: On<SlotChanged>, own: Query<(), With<LocalInventory>>, frame: Res<Frame>) {
    let whose = if own.contains(change.entity) { "my slot" } else { "the tree's slot" };
    let count = |stack: Option<Stack>| stack.map_or(0, |stack| stack.count());
    let (slot, cause) = (change.slot.index, change.cause);
    let (old, new) = (count(change.old), count(change.new));
    println!("  frame {}: {whose} {slot}: {old} -> {new} ({cause:?})", frame.0);
}

fn rejected(rejected: On<ActionRejected>, frame: Res<Frame>) {
    println!("  frame {}: rejected, {}", frame.0, rejected.reason);
}

/// On a client: handles a Shift-click on the apple.
fn take(
    mut actions: InventoryActions,
    tree: Single<Entity, (With<InView>, Without<LocalInventory>)>,
    me: Single<Entity, With<LocalInventory>>,
) {
    actions.request(InventoryAction::QuickMove {
        from: (*tree, Inventory::slot(0)),
        to: (*me).into(),
    });
}

fn main() {
    let mut pair = Simulation::new(2, setup);
    pair.network.latency_ticks = 12;
    for client in 0..2 {
        let id = InventoryId::named("player", client as u64);
        let owner = Owner(pair.client_id(client));
        pair.server.world_mut().spawn((id, Inventory::new(3), owner));
    }
    let mut apples = Inventory::new(1);
    apples.set(0, APPLE.stack(1)).expect("there is a slot");
    let mut viewers = Viewers::new();
    (0..2).for_each(|client| viewers.add(pair.client_id(client), Rights::USE));
    pair.server.world_mut().spawn((InventoryId::named("tree", 1), apples, viewers));
    pair.steps(60);
    for (client, pause) in [(1, 2), (0, 60)] {
        println!("player {client} clicks on the only apple");
        let world = pair.clients[client].app.world_mut();
        world.insert_resource(Frame(0));
        world.run_system_once(take).expect("the tree is in view");
        if client == 0 {
            println!(
                "(both players' events follow: player 1 keeps the apple, player 0 is rolled back)"
            );
        }
        pair.steps(pause);
    }
}
