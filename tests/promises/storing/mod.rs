//! What is kept in a store: nothing is lost, doubled or half stored, whatever ends when.

mod archiving;
mod crashes;
mod failures;
mod history;
mod loading;
mod moving;
mod ownership;
mod pages;
mod restoring;
mod returning;

use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use std::collections::BTreeMap;

use bevy_inventory_sync::shared::random::InventoryRng;
use bevy_inventory_sync::store::{
    Durability, InventoryStorePlugin,
    components::{PersistAppExt, PersistComponent},
    memory::MemoryStore,
    migrate::{MigratePlayer, MigrationFailed, PlayerDeparted, TicketRedeemed, TicketRejected},
    persist::{
        DeleteInventory, InventoriesReverted, InventoryLoadFailed, InventoryLoaded,
        InventoryStored, Persist, StoreStatusChanged,
    },
    restore::{RestoreAppExt, StoredEntry, WorldRestored},
};
use serde::{Deserialize, Serialize};

use crate::common::*;

#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Health(u32);

impl PersistComponent for Health {
    const NAME: &'static str = "health";
}

/// What was reported, in order.
#[derive(Resource, Default, Debug)]
struct Reports {
    loaded: Vec<InventoryLoaded>,
    failed: Vec<InventoryLoadFailed>,
    stored: Vec<u64>,
    reverted: Vec<InventoriesReverted>,
    status: Vec<StoreStatusChanged>,
    restored: Vec<WorldRestored>,
    departed: Vec<PlayerDeparted>,
    stayed: Vec<MigrationFailed>,
    redeemed: Vec<TicketRedeemed>,
    tickets: Vec<TicketRejected>,
}

/// A world without a network, which commits every tick to a store.
fn world(store: &MemoryStore, server: &str) -> App {
    world_with(store, server, Durability::EveryTick)
}

fn world_with(store: &MemoryStore, server: &str, durability: Durability) -> App {
    // Two worlds never draw the same ids.
    static WORLDS: AtomicU64 = AtomicU64::new(1 << 32);
    Simulation::app(|app| {
        app.insert_resource(InventoryRng::seeded(WORLDS.fetch_add(1, Ordering::Relaxed)));
        setup(app);
        set_up_store(app, &store.of_server(server), durability);
    })
}

fn set_up_store(app: &mut App, store: &MemoryStore, durability: Durability) {
    let store = store.clone();
    let plugin = InventoryStorePlugin::new(move || Ok(store.clone()));
    app.add_plugins(plugin.durability(durability).without_thread())
        .persist_component::<Health>()
        .restore_world_with(spawn_stored)
        .init_resource::<Reports>()
        .add_observer(|on: On<InventoryLoaded>, mut all: ResMut<Reports>| all.loaded.push(*on))
        .add_observer(|on: On<InventoryLoadFailed>, mut all: ResMut<Reports>| {
            all.failed.push(on.clone());
        })
        .add_observer(|on: On<InventoryStored>, mut all: ResMut<Reports>| all.stored.push(on.tick))
        .add_observer(|on: On<InventoriesReverted>, mut all: ResMut<Reports>| {
            all.reverted.push(on.clone());
        })
        .add_observer(|on: On<StoreStatusChanged>, mut all: ResMut<Reports>| {
            all.status.push(on.clone());
        })
        .add_observer(|on: On<WorldRestored>, mut all: ResMut<Reports>| {
            all.restored.push(on.clone());
        })
        .add_observer(|on: On<PlayerDeparted>, mut all: ResMut<Reports>| {
            all.departed.push(on.clone());
        })
        .add_observer(|on: On<MigrationFailed>, mut all: ResMut<Reports>| {
            all.stayed.push(on.clone());
        })
        .add_observer(|on: On<TicketRedeemed>, mut all: ResMut<Reports>| {
            all.redeemed.push(on.clone());
        })
        .add_observer(|on: On<TicketRejected>, mut all: ResMut<Reports>| {
            all.tickets.push(on.clone());
        })
        .add_observer(|dropped: On<Dropped>, mut commands: Commands| {
            commands.entity(dropped.entity).insert(Persist);
        });
}

/// Spawns everything that is not a player.
fn spawn_stored(In(entry): In<StoredEntry>, mut commands: Commands) {
    if (0..10).all(|n| entry.inventory != player(n)) {
        commands.spawn((entry.inventory, Loot, Persist));
    }
}

/// Spawns an inventory of 4 slots with 10 coins.
fn spawn(app: &mut App, id: InventoryId) -> Entity {
    let slots = Inventory([Some(COIN.stack(10)), None, None, None].into_iter().collect());
    app.world_mut().spawn((id, slots, Health(20), Persist)).id()
}

/// Spawns an inventory that is loaded or new, and updates until it is there.
fn join(app: &mut App, id: InventoryId) -> Entity {
    let entity = spawn(app, id);
    updates(app, 3);
    assert!(
        app.world().get::<Inventory>(entity).is_some(),
        "{:?}",
        app.world().resource::<Reports>()
    );
    entity
}

fn updates(app: &mut App, count: usize) {
    (0..count).for_each(|_| app.update());
}

fn inventories<T: 'static>(
    app: &mut App,
    run: impl FnOnce(&mut Inventories) -> T + Send + Sync + 'static,
) -> T {
    let mut run = Some(run);
    let system = move |mut inventories: Inventories| run.take().unwrap()(&mut inventories);
    app.world_mut().run_system_once(system).unwrap()
}

fn coins(app: &App, entity: Entity) -> Option<u64> {
    Some(app.world().get::<Inventory>(entity)?.count(COIN))
}

/// The number of each item in the whole store.
fn totals(store: &MemoryStore) -> BTreeMap<String, u64> {
    let mut totals = BTreeMap::new();
    for stored in store.contents().values() {
        let containers = stored.inventory.containers.iter().flat_map(|there| &there.slots);
        for stack in containers.chain(&stored.inventory.returned) {
            *totals.entry(stack.item.clone()).or_default() += u64::from(stack.count);
        }
    }
    totals
}

/// The number of coins that are stored in one inventory.
fn stored_coins(store: &MemoryStore, id: InventoryId) -> Option<u64> {
    let contents = store.contents();
    let containers = &contents.get(&id)?.inventory.containers;
    let stacks = containers.iter().flat_map(|container| &container.slots);
    Some(stacks.filter(|stack| stack.item == "coin").map(|stack| u64::from(stack.count)).sum())
}

fn take_reports(app: &mut App) -> Reports {
    core::mem::take(&mut *app.world_mut().resource_mut::<Reports>())
}
