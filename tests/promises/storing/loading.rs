//! An inventory is in the world only when it is loaded.

use super::*;
use bevy_inventory_sync::{prelude::Loading, store::error::StoreError};

#[test]
fn new_inventory_gets_its_starter_kit_and_a_known_one_gets_what_is_stored() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    assert_eq!(coins(&app, ada), Some(10));
    let loaded = InventoryLoaded { entity: ada, inventory: player(1), found: false };
    assert_eq!(take_reports(&mut app).loaded, [loaded]);
    app.world_mut().get_mut::<Inventory>(ada).unwrap().set(2, AXE.stack(1).with_wear(7)).unwrap();
    app.world_mut().get_mut::<Health>(ada).unwrap().0 = 3;
    updates(&mut app, 2);
    drop(app);
    store.of_server("a").end_claims();

    let mut app = world(&store, "b");
    let ada = join(&mut app, player(1));
    let inventory = app.world().get::<Inventory>(ada).unwrap();
    assert_eq!(
        (inventory.get(0), inventory.get(2)),
        (Some(COIN.stack(10)), Some(AXE.stack(1).with_wear(7)))
    );
    assert_eq!(app.world().get::<Health>(ada), Some(&Health(3)));
    assert!(take_reports(&mut app).loaded[0].found);
}

#[test]
fn containers_and_components_are_off_while_loading() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = spawn(&mut app, player(1));
    for _ in 0..2 {
        let world = app.world();
        assert!(world.get::<Inventory>(ada).is_none() && world.get::<Health>(ada).is_none());
        assert!(world.get::<Loading>(ada).is_some());
        let inserted = inventories(&mut app, move |all| all.insert(ada, COIN.stack(1)));
        assert_eq!(inserted, Err(InventoryError::Loading { entity: ada }));
        let saved = inventories(&mut app, move |all| all.save(ada).map(drop));
        assert_eq!(saved, Err(InventoryError::Loading { entity: ada }));
        if app.world().resource::<Reports>().loaded.is_empty() {
            // A container that is added meanwhile is taken off, too.
            app.world_mut().entity_mut(ada).insert(Hotbar::default());
            assert!(app.world().get::<Hotbar>(ada).is_none());
            app.world_mut().resource_mut::<Reports>().loaded.clear();
        }
        if app.world().get::<Inventory>(ada).is_none() {
            store.fail_after(Some(0), false);
            app.update();
        }
    }
    store.fail_after(None, false);
    updates(&mut app, 20);
    let world = app.world();
    assert!(world.get::<Loading>(ada).is_none());
    assert!(world.get::<Inventory>(ada).is_some() && world.get::<Hotbar>(ada).is_some());
    assert_eq!(world.get::<Health>(ada), Some(&Health(20)));
}

#[test]
fn failed_load_leaves_the_inventory_off_and_is_never_stored() {
    let store = MemoryStore::default();
    let mut first = world(&store, "a");
    join(&mut first, player(1));
    updates(&mut first, 2);
    let mut second = world(&store, "b");
    let ada = spawn(&mut second, player(1));
    updates(&mut second, 5);
    let error = StoreError::Owned { id: player(1), by: "a".into() };
    let failed = InventoryLoadFailed { entity: ada, inventory: player(1), error };
    assert_eq!(take_reports(&mut second).failed, [failed]);
    assert_eq!(coins(&second, ada), None, "never empty");
    assert!(second.world().get::<Unsynced>(ada).is_some());
    second.world_mut().despawn(ada);
    updates(&mut second, 3);
    assert_eq!(stored_coins(&store, player(1)), Some(10));
    // It can be tried again once the other server has released it.
    let ada = spawn(&mut second, player(1));
    updates(&mut second, 3);
    let there = on(&first, player(1));
    first.world_mut().despawn(there);
    updates(&mut first, 3);
    second.world_mut().entity_mut(ada).insert(Persist);
    updates(&mut second, 3);
    assert_eq!(coins(&second, ada), Some(10));
    assert!(second.world().get::<Unsynced>(ada).is_none());
    assert!(second.world().get::<Loading>(ada).is_none());
}

fn on(app: &App, id: InventoryId) -> Entity {
    app.world().resource::<InventoryIds>().get(id).unwrap()
}

#[test]
fn quick_login_sees_what_is_not_stored_yet() {
    let store = MemoryStore::default();
    let mut app = world_with(&store, "a", Durability::Interval(Duration::from_secs(3600)));
    let ada = join(&mut app, player(1));
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 2);
    app.world_mut().get_mut::<Health>(ada).unwrap().0 = 1;
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    app.world_mut().despawn(ada);
    let ada = join(&mut app, player(1));
    assert_eq!((coins(&app, ada), app.world().get::<Health>(ada)), (Some(16), Some(&Health(1))));
    assert_eq!(stored_coins(&store, player(1)), None, "the interval is not over");
    drop(app);
    assert_eq!(stored_coins(&store, player(1)), Some(16), "stored when the game ends");
}

#[test]
fn second_entity_with_the_same_id_is_not_loaded() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    let double = spawn(&mut app, player(1));
    updates(&mut app, 3);
    let failed = take_reports(&mut app).failed;
    assert_eq!(failed[0].error, StoreError::DuplicateEntity { id: player(1) });
    assert_eq!((coins(&app, ada), coins(&app, double)), (Some(10), None));
    app.world_mut().despawn(double);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 3);
    assert_eq!(stored_coins(&store, player(1)), Some(15), "the first is still stored");
}

#[test]
fn stored_containers_decide_and_new_ones_are_empty() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    drop(app.world_mut().get_mut::<Inventory>(ada).unwrap().resize(9));
    let boots = Equipment([Some(BOOTS.stack(1))].into_iter().collect());
    app.world_mut().entity_mut(ada).insert(boots.clone());
    updates(&mut app, 2);
    app.world_mut().despawn(ada);
    updates(&mut app, 2);
    // The starter kit has no equipment, and a hotbar that was not there before.
    let mut hotbar = Hotbar::default();
    hotbar.slots.set(0, AXE.stack(1)).unwrap();
    let ada = app.world_mut().spawn((player(1), Persist, hotbar)).id();
    updates(&mut app, 3);
    let world = app.world();
    assert_eq!(world.get::<Inventory>(ada).map(|inventory| inventory.len()), Some(9));
    assert_eq!(world.get::<Equipment>(ada), Some(&boots));
    assert_eq!(world.get::<Hotbar>(ada).map(|hotbar| hotbar.slots.count(AXE)), Some(0));
}

#[test]
fn removing_persist_stores_and_releases_but_keeps_the_inventory_in_the_world() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    app.world_mut().entity_mut(ada).remove::<Persist>();
    updates(&mut app, 2);
    assert_eq!((coins(&app, ada), stored_coins(&store, player(1))), (Some(15), Some(15)));
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 2);
    assert_eq!((coins(&app, ada), stored_coins(&store, player(1))), (Some(20), Some(15)));
    let mut other = world(&store, "b");
    let there = join(&mut other, player(1));
    assert_eq!(coins(&other, there), Some(15));
}

#[test]
fn unknown_items_and_unregistered_components_are_kept() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    join(&mut app, player(1));
    updates(&mut app, 2);
    drop(app);
    store.of_server("a").end_claims();
    // A build without the axe, the container and the component, in which something changes.
    let mut poorer = Simulation::app(|app| {
        app.insert_items(
            Items::<()>::from_ron("(items: [(key: \"torch\", max_stack: 64)])").unwrap(),
        );
        let store = store.of_server("b");
        app.add_plugins(InventoryStorePlugin::new(move || Ok(store.clone())).without_thread());
    });
    let ada = poorer.world_mut().spawn((player(1), Inventory::default(), Persist)).id();
    updates(&mut poorer, 3);
    let mut slots = poorer.world_mut().get_mut::<Inventory>(ada).unwrap();
    slots.set(1, TORCH.stack(3)).unwrap();
    updates(&mut poorer, 2);
    drop(poorer);
    store.of_server("b").end_claims();
    assert_eq!(totals(&store), BTreeMap::from([("coin".into(), 10), ("torch".into(), 3)]));
    let mut app = world(&store, "c");
    let ada = join(&mut app, player(1));
    assert_eq!(coins(&app, ada), Some(10));
    assert_eq!(app.world().get::<Health>(ada), Some(&Health(20)));
}

#[test]
fn offer_in_a_trade_survives_a_crash() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    let slots = Inventory([None, None].into_iter().collect());
    let offer = app.world_mut().spawn((slots, ReturnsTo { to: ada })).id();
    updates(&mut app, 2);
    inventories(&mut app, move |all| {
        all.transact(|tx| {
            for stack in tx.take(ada, COIN, 4)? {
                tx.insert(offer, stack)?;
            }
            Ok(())
        })
    })
    .unwrap();
    updates(&mut app, 2);
    assert_eq!(totals(&store)["coin"], 10, "{:?}", store.contents());
    assert_eq!(stored_coins(&store, player(1)), Some(6));
    core::mem::forget(app);
    store.of_server("a").end_claims();
    let mut app = world(&store, "b");
    let ada = join(&mut app, player(1));
    assert_eq!(coins(&app, ada), Some(10), "returned");
    updates(&mut app, 2);
    assert_eq!((totals(&store)["coin"], stored_coins(&store, player(1))), (10, Some(10)));
}
