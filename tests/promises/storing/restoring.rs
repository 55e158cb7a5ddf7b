//! The world is there again after a restart, and deleted inventories are not.

use super::*;
use bevy_inventory_sync::store::{error::StoreError, restore::RestoreWorld};

fn loot(app: &mut App) -> Vec<(Entity, u64)> {
    let mut loot = app.world_mut().query_filtered::<(Entity, &Inventory), With<Loot>>();
    loot.iter(app.world()).map(|(entity, slots)| (entity, slots.count(COIN))).collect()
}

#[test]
fn loot_on_the_ground_is_there_after_a_restart() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    inventories(&mut app, move |all| all.drop_if(ada, |stack| stack.item == COIN)).unwrap();
    updates(&mut app, 4);
    assert_eq!(loot(&mut app).len(), 1);
    assert_eq!(totals(&store)["coin"], 10);
    core::mem::forget(app);
    store.of_server("a").end_claims();

    let mut app = world(&store, "b");
    app.world_mut().trigger(RestoreWorld);
    updates(&mut app, 4);
    let restored = WorldRestored { inventories: 2, failed: BTreeMap::new() };
    assert_eq!(take_reports(&mut app).restored, [restored]);
    let [(there, 10)] = loot(&mut app)[..] else { panic!("{:?}", loot(&mut app)) };
    // Picked up, it is gone for good.
    let ada = join(&mut app, player(1));
    inventories(&mut app, move |all| {
        all.transact(|tx| {
            let stacks = tx.take_if(there, |_| true)?;
            stacks.into_iter().try_for_each(|stack| tx.insert(ada, stack))
        })
    })
    .unwrap();
    updates(&mut app, 3);
    assert_eq!((loot(&mut app).len(), stored_coins(&store, player(1))), (0, Some(10)));
    assert_eq!(store.contents().len(), 1, "{:?}", store.contents());
}

#[derive(Resource, Default)]
struct Destroyed(Vec<(ItemId, i64)>);

fn record_destroyed(
    mut flows: MessageReader<ItemsCreatedOrDestroyed>,
    mut destroyed: ResMut<Destroyed>,
) {
    let deleted = flows.read().filter(|flow| flow.cause == Cause::Deleted);
    destroyed.0.extend(deleted.map(|flow| (flow.item, flow.net)));
}

#[test]
fn deleted_inventory_is_gone_and_its_items_are_reported() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let bank = join(&mut app, chest(1));
    updates(&mut app, 2);
    app.init_resource::<Destroyed>().add_systems(Last, record_destroyed);
    app.world_mut().trigger(DeleteInventory { entity: bank });
    updates(&mut app, 3);
    assert!(app.world().get_entity(bank).is_err() && store.contents().is_empty());
    let flows = core::mem::take(&mut app.world_mut().resource_mut::<Destroyed>().0);
    assert_eq!(flows, [(COIN, -10)]);
    let again = spawn(&mut app, chest(1));
    updates(&mut app, 3);
    let failed = &take_reports(&mut app).failed;
    assert_eq!(failed[0].error, StoreError::Deleted { id: chest(1) });
    assert_eq!(coins(&app, again), None);
}

#[test]
fn inventory_that_is_deleted_while_loading_is_deleted_once_claimed() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    join(&mut app, chest(1));
    let there = app.world().resource::<InventoryIds>().get(chest(1)).unwrap();
    app.world_mut().despawn(there);
    updates(&mut app, 3);
    assert_eq!(stored_coins(&store, chest(1)), Some(10));
    let bank = spawn(&mut app, chest(1));
    app.world_mut().trigger(DeleteInventory { entity: bank });
    updates(&mut app, 4);
    assert!(app.world().get_entity(bank).is_err() && store.contents().is_empty());
}

#[test]
fn disabled_inventory_that_is_deleted_while_loading_is_deleted_once_claimed() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    join(&mut app, chest(1));
    let there = app.world().resource::<InventoryIds>().get(chest(1)).unwrap();
    app.world_mut().despawn(there);
    updates(&mut app, 3);
    let bank = spawn(&mut app, chest(1));
    app.world_mut().entity_mut(bank).insert(bevy::ecs::entity_disabling::Disabled);
    app.world_mut().trigger(DeleteInventory { entity: bank });
    updates(&mut app, 4);
    assert!(app.world().get_entity(bank).is_err() && store.contents().is_empty());
}
