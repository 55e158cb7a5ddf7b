//! What the crate promises, a file for each promise. Scenario numbers (`s04_…`) name what other games
//! and engines got wrong.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    let_underscore_drop,
    dropping_copy_types,
    reason = "a test that fails may panic; what a mutation returns is not its point"
)]

/// Implements [`Container`] for a newtype of [`Slots`]. What it overrides follows its name.
macro_rules! container {
    ($type:ident, $name:literal $(, { $($item:tt)* })?) => {
        impl Container for $type {
            const NAME: &'static str = $name;

            fn from_slots(slots: Slots) -> Self {
                Self(slots)
            }

            fn slots(&self) -> &Slots {
                &self.0
            }

            fn slots_mut(&mut self) -> &mut Slots {
                &mut self.0
            }

            $($($item)*)?
        }
    };
}

mod actions;
mod around;
mod assets;
mod attach;
mod budgets;
mod bulk;
mod copies;
mod digests;
mod faults;
mod forge;
mod healing;
mod health;
mod hostile;
mod in_flight;
mod inventories;
mod kinds_of_actions;
mod line;
mod load;
mod model_actions;
mod model_sync;
mod modes;
mod pace;
mod pages;
mod privacy;
mod quality;
mod reconnect;
mod replay;
mod requests;
mod rules;
mod shutdown;
mod odd_actions;
mod odd_clients;
mod odd_games;
mod odd_steps;
mod own_actions;
#[cfg(feature = "renet")]
mod over_renet;
mod storm;
mod sync;
mod transfers;
mod views;
mod wire;

use bevy::{ecs::system::RunSystemOnce, prelude::*};
use bevy_inventory_sync::{prelude::*, test_pair::Pair};
use bevy_replicon::prelude::*;

const TORCH: ItemId = ItemId::of("torch");
const AXE: ItemId = ItemId::of("axe");
const BOOTS: ItemId = ItemId::of("boots");
const COIN: ItemId = ItemId::of("coin");

const ITEMS: &str = r#"(items: [
    (key: "torch", max_stack: 64),
    (key: "axe", max_stack: 1),
    (key: "boots", max_stack: 1, tags: ["feet"]),
    (key: "coin", max_stack: 1000000),
], recipes: [
    (key: "torches", takes: [("coin", 2)], gives: [("torch", 4)]),
    (key: "boots", takes: [("coin", 10)], gives: [("boots", 1)], at: "equipment"),
])"#;

/// A container of a game's own.
#[derive(Component, Clone, PartialEq, Debug)]
struct Equipment(Slots);

container!(Equipment, "equipment", {
    const FILL: bool = false;
    fn accepts(_: usize, item: &ItemDef) -> bool {
        item.has_tag("feet")
    }
});

/// What observers were told, in order.
#[derive(Resource, Default, Debug)]
struct Heard {
    opened: Vec<InventoryOpened>,
    closed: Vec<InventoryClosed>,
    resized: Vec<InventoryResized>,
    slots: Vec<SlotChanged>,
    selected: Vec<SelectedChanged>,
    pending: Vec<SlotPending>,
    confirmed: Vec<RequestId>,
    rejected: Vec<(RequestId, Reason)>,
}

impl Heard {
    fn clear(&mut self) {
        *self = Self::default();
    }
}

fn setup(app: &mut App) {
    app.add_container::<Equipment>()
        .add_public_view::<HeldItem>()
        .insert_items(Items::<()>::from_ron(ITEMS).unwrap())
        .init_resource::<Heard>()
        .add_observer(|on: On<InventoryOpened>, mut heard: ResMut<Heard>| heard.opened.push(*on))
        .add_observer(|on: On<InventoryClosed>, mut heard: ResMut<Heard>| heard.closed.push(*on))
        .add_observer(|on: On<InventoryResized>, mut heard: ResMut<Heard>| heard.resized.push(*on))
        .add_observer(|on: On<SlotChanged>, mut heard: ResMut<Heard>| heard.slots.push(*on))
        .add_observer(|on: On<SelectedChanged>, mut heard: ResMut<Heard>| heard.selected.push(*on))
        .add_observer(|on: On<SlotPending>, mut heard: ResMut<Heard>| heard.pending.push(*on))
        .add_observer(|on: On<ActionConfirmed>, mut heard: ResMut<Heard>| {
            heard.confirmed.push(on.request);
        })
        .add_observer(|on: On<ActionRejected>, mut heard: ResMut<Heard>| {
            heard.rejected.push((on.request, on.reason));
        });
}

/// So many clients, connected and greeted.
fn pair(clients: usize) -> Pair {
    Pair::new(clients, setup)
}

fn player(n: u64) -> InventoryId {
    InventoryId::named("player", n)
}

fn chest(n: u64) -> InventoryId {
    InventoryId::named("chest", n)
}

/// Spawns a player of 27 + 9 slots for a client.
fn spawn_player(pair: &mut Pair, client: usize) -> Entity {
    let owner = Owner(pair.client_id(client));
    let id = player(client as u64);
    pair.server.world_mut().spawn((id, Inventory::default(), Hotbar::default(), owner)).id()
}

/// Spawns a chest that these clients see.
fn spawn_chest(pair: &mut Pair, n: u64, viewers: &[usize]) -> Entity {
    let mut list = Viewers::new();
    for client in viewers {
        list.add(pair.client_id(*client), Rights::USE);
    }
    pair.server.world_mut().spawn((chest(n), Inventory::default(), list)).id()
}

/// A slot of the backpack, or of a chest.
fn inv(entity: Entity, slot: usize) -> Place {
    (entity, Inventory::slot(slot))
}

fn inventory(pair: &mut Pair, entity: Entity) -> Mut<'_, Inventory> {
    pair.server.world_mut().get_mut::<Inventory>(entity).unwrap()
}

fn hotbar(pair: &mut Pair, entity: Entity) -> Mut<'_, Hotbar> {
    pair.server.world_mut().get_mut::<Hotbar>(entity).unwrap()
}

fn heard(pair: &mut Pair, client: usize) -> Mut<'_, Heard> {
    pair.clients[client].app.world_mut().resource_mut::<Heard>()
}

fn stats(app: &App) -> InventoryStats {
    *app.world().resource::<InventoryStats>()
}

/// The client's copy of every slot equals the server's.
#[track_caller]
fn assert_same(pair: &Pair, client: usize, id: InventoryId) {
    let server = pair.server.world();
    let entity = server.resource::<InventoryIds>().get(id).expect("the server has it");
    let inventory = server.get::<Inventory>(entity).map(Inventory::slots);
    assert_eq!(pair.shown::<Inventory>(client, id), inventory, "inventory {id} on client {client}");
    let hotbar = server.get::<Hotbar>(entity).map(Hotbar::slots);
    assert_eq!(pair.shown::<Hotbar>(client, id), hotbar, "hotbar {id} on client {client}");
    let equipment = server.get::<Equipment>(entity).map(Equipment::slots);
    assert_eq!(pair.shown::<Equipment>(client, id), equipment, "equipment {id} on client {client}");
}

/// Runs a system once with the given input.
fn with_inventories<T: 'static>(
    app: &mut App,
    f: impl FnOnce(&mut Inventories) -> T + Send + Sync + 'static,
) -> T {
    let mut f = Some(f);
    let system = move |mut inventories: Inventories| f.take().unwrap()(&mut inventories);
    app.world_mut().run_system_once(system).unwrap()
}

/// Has a client ask for something, in a frame of its own that sends nothing else.
fn ask<A: InventoryAction>(pair: &mut Pair, client: usize, action: A) -> RequestId {
    with_actions(&mut pair.clients[client].app, move |actions| actions.request(action))
}

/// Runs a system once with what players act with.
fn with_actions<T: 'static>(
    app: &mut App,
    f: impl FnOnce(&mut InventoryActions) -> T + Send + Sync + 'static,
) -> T {
    let mut f = Some(f);
    let system = move |mut actions: InventoryActions| f.take().unwrap()(&mut actions);
    app.world_mut().run_system_once(system).unwrap()
}

/// The entity that shows an inventory on a client.
fn shown_entity(pair: &Pair, client: usize, id: InventoryId) -> Entity {
    pair.clients[client].app.world().resource::<InventoryIds>().get(id).expect("it is in view")
}

/// Bytes of one kind of traffic between two moments.
fn bytes_down(pair: &Pair, client: usize) -> u64 {
    pair.clients[client].traffic.bytes_down
}

fn bytes_up(pair: &Pair, client: usize) -> u64 {
    pair.clients[client].traffic.bytes_up
}

/// Lets a client see an inventory.
fn show(pair: &mut Pair, entity: Entity, client: usize) {
    let client = pair.client_id(client);
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap().add(client, Rights::USE);
}

/// Hides an inventory from a client.
fn hide(pair: &mut Pair, entity: Entity, client: usize) {
    let client = pair.client_id(client);
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap().remove(client);
}

/// Hands bytes to a client as if the server had sent them.
fn feed(pair: &mut Pair, client: usize, channel: usize, bytes: Vec<u8>) {
    let app = &mut pair.clients[client].app;
    app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, bytes);
}

/// Has a client believe that it has lost its place: no message begins like this one.
fn confuse(pair: &mut Pair, client: usize) {
    let channel = pair.sync_channel();
    feed(pair, client, channel, vec![0x1F]);
}

/// An inventory of so many slots that cannot be told in fewer bytes.
fn noise(slots: usize, seed: u64) -> Inventory {
    let mut dice = fastrand::Rng::with_seed(seed);
    Inventory((0..slots).map(|_| Some(COIN.stack(dice.u32(1..=1_000_000)))).collect())
}
