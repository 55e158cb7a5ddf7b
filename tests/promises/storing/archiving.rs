//! A store that may lose everything is copied into another one.

use super::*;
use bevy_inventory_sync::store::{
    Store,
    archive::{Restoration, restore},
    error::StoreError,
};

/// A world whose store is copied every 10 ticks.
fn archived(store: &MemoryStore, archive: &MemoryStore) -> App {
    let (store, archive) = (store.of_server("a"), archive.of_server("a"));
    Simulation::app(|app| {
        app.insert_resource(InventoryRng::seeded(1));
        setup(app);
        let opened = store.clone();
        let plugin = InventoryStorePlugin::new(move || Ok(opened.clone()));
        let opened = archive.clone();
        let plugin = plugin.archive_to(10, move || Ok(opened.clone()));
        app.add_plugins(plugin.durability(Durability::EveryTick).without_thread())
            .persist_component::<Health>()
            .init_resource::<Reports>();
    })
}

#[test]
fn archive_brings_back_what_a_store_has_lost() {
    let (store, archive) = (MemoryStore::default(), MemoryStore::default());
    let mut app = archived(&store, &archive);
    let ada = join(&mut app, player(1));
    let bob = join(&mut app, player(2));
    updates(&mut app, 30);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 30);
    assert_eq!(stored_coins(&archive, player(1)), Some(15));
    app.world_mut().trigger(DeleteInventory { entity: bob });
    updates(&mut app, 3);
    // The game ends, which copies the rest.
    drop(app);
    assert_eq!(archive.contents().len(), 1);
    let mut empty = MemoryStore::default();
    let mut worlds = [Restoration { archive: &mut archive.clone(), store: &mut empty }];
    assert_eq!(restore(&mut worlds), Ok(2), "with the deleted one");
    let mut app = world(&empty, "a");
    let ada = join(&mut app, player(1));
    assert_eq!(coins(&app, ada), Some(15));
    spawn(&mut app, player(2));
    updates(&mut app, 3);
    let deleted = StoreError::Deleted { id: player(2) };
    assert_eq!(take_reports(&mut app).failed[0].error, deleted);
}

#[test]
fn player_that_has_moved_is_restored_in_one_world() {
    let (store, archives) = (MemoryStore::default(), MemoryStore::default());
    let [north, south] = ["north", "south"].map(|name| store.of_world(name));
    let [mut in_north, mut in_south] = ["north", "south"].map(|name| archives.of_world(name));
    let (mut a, mut b) = (archived(&north, &in_north), archived(&south, &in_south));
    let ada = join(&mut a, player(1));
    let (account, to, inventories) = ("ada".into(), "south".into(), vec![ada]);
    a.world_mut().trigger(MigratePlayer { account, to, client: None, inventories });
    updates(&mut a, 20);
    let ada = join(&mut b, player(1));
    self::inventories(&mut b, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut b, 20);
    drop((a, b));
    assert_eq!((in_north.contents().len(), in_south.contents().len()), (1, 1));
    let empty = MemoryStore::default();
    let [mut north, mut south] = ["north", "south"].map(|name| empty.of_world(name));
    let mut worlds = [
        Restoration { archive: &mut in_north, store: &mut north },
        Restoration { archive: &mut in_south, store: &mut south },
    ];
    assert_eq!(restore(&mut worlds), Ok(1));
    assert_eq!(empty.claimable(), [(player(1), "south".to_owned())]);
    assert_eq!(stored_coins(&south, player(1)), Some(15));
    // The other world does not create the player again.
    let mut a = world(&north, "a");
    spawn(&mut a, player(1));
    updates(&mut a, 3);
    let elsewhere = StoreError::Elsewhere { id: player(1), world: "south".into() };
    assert_eq!(take_reports(&mut a).failed[0].error, elsewhere);
}

#[test]
fn archive_catches_up_after_the_process_was_killed() {
    let (store, archive) = (MemoryStore::default(), MemoryStore::default());
    let mut app = archived(&store, &archive);
    let [ada, bob] = [1, 2].map(|n| join(&mut app, player(n)));
    updates(&mut app, 30);
    for entity in [ada, bob] {
        inventories(&mut app, move |all| all.insert(entity, COIN.stack(1))).unwrap();
    }
    updates(&mut app, 3);
    assert_eq!([1, 2].map(|n| stored_coins(&archive, player(n))), [Some(11); 2]);
    // A killed process does not copy its last commits.
    archive.fail_after(Some(0), false);
    inventories(&mut app, move |all| {
        all.transact(|tx| {
            let coins = tx.take(ada, COIN, 5)?;
            coins.into_iter().try_for_each(|stack| tx.insert(bob, stack))
        })
    })
    .unwrap();
    updates(&mut app, 3);
    assert_eq!(stored_coins(&store, player(1)), Some(6));
    drop(app);
    archive.fail_after(None, false);
    assert_eq!(stored_coins(&archive, player(1)), Some(11));
    // In the next process, only the other player changes.
    let mut app = archived(&store, &archive);
    let bob = join(&mut app, player(2));
    inventories(&mut app, move |all| all.insert(bob, COIN.stack(1))).unwrap();
    updates(&mut app, 30);
    drop(app);
    assert_eq!([1, 2].map(|n| stored_coins(&archive, player(n))), [Some(6), Some(17)]);
}

#[test]
fn archive_that_fails_does_not_affect_the_store() {
    let (store, archive) = (MemoryStore::default(), MemoryStore::default());
    let mut app = archived(&store, &archive);
    let ada = join(&mut app, player(1));
    archive.fail_after(Some(0), false);
    for count in 1..40 {
        inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
        updates(&mut app, 2);
        assert_eq!(stored_coins(&store, player(1)), Some(10 + count));
    }
    assert!(archive.clone().list().is_err());
    archive.fail_after(None, false);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    updates(&mut app, 12);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    updates(&mut app, 12);
    assert_eq!(stored_coins(&archive, player(1)), Some(51));
}
