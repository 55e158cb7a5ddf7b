//! A server that has lost an inventory cannot store it, and what exchanged items with it is undone.

use super::*;
use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Change, Fenced, Union, Write},
};
use std::sync::Arc;

/// A world in which another server has taken over a player, and a chest without `Persist`.
fn taken_over() -> (MemoryStore, App, [Entity; 3]) {
    let store = MemoryStore::default();
    let mut app = world_with(&store, "a", Durability::Interval(Duration::from_secs(1)));
    let ada = join(&mut app, player(1));
    let bank = join(&mut app, chest(1));
    let slots = Inventory([Some(COIN.stack(10)), None].into_iter().collect());
    let plain = app.world_mut().spawn((chest(2), slots)).id();
    updates(&mut app, 120);
    assert_eq!(totals(&store)["coin"], 20);
    take_reports(&mut app);
    store.end_claim(player(1));
    store.of_server("b").claim(player(1)).unwrap();
    (store, app, [ada, bank, plain])
}

fn give(app: &mut App, from: Entity, to: Entity, count: u32) {
    inventories(app, move |all| {
        all.transact(|tx| {
            let stacks = tx.take(from, COIN, count)?;
            stacks.into_iter().try_for_each(|stack| tx.insert(to, stack))
        })
    })
    .unwrap();
    app.update();
}

#[test]
fn late_commit_is_rejected_together_with_what_it_exchanged_with() {
    let (store, mut app, [ada, bank, plain]) = taken_over();
    let other = join(&mut app, player(2));
    give(&mut app, ada, plain, 4);
    give(&mut app, plain, bank, 9);
    // Independent of the player.
    inventories(&mut app, move |all| all.insert(other, COIN.stack(7))).unwrap();
    updates(&mut app, 120);
    let reverted = take_reports(&mut app).reverted;
    let mut inventories = vec![player(1), chest(1), chest(2)];
    inventories.sort();
    let (rejected, reason) = (player(1), Fenced::NotOwned);
    assert_eq!(reverted, [InventoriesReverted { rejected, reason, inventories, notes: vec![] }]);
    assert_eq!(
        [ada, bank, plain, other].map(|e| coins(&app, e)),
        [None, Some(10), Some(10), Some(17)]
    );
    updates(&mut app, 120);
    assert_eq!(stored_coins(&store, player(2)), Some(17));
    assert_eq!(
        (stored_coins(&store, player(1)), stored_coins(&store, chest(1))),
        (Some(10), Some(10))
    );
    // What was reverted is stored again from now on.
    give(&mut app, bank, other, 3);
    updates(&mut app, 120);
    assert_eq!(
        (stored_coins(&store, chest(1)), stored_coins(&store, player(2))),
        (Some(7), Some(20))
    );
    assert_eq!(take_reports(&mut app).reverted, []);
}

#[test]
fn exchange_after_the_commit_was_sent_is_undone_too() {
    let (store, mut app, [ada, bank, _]) = taken_over();
    let other = join(&mut app, player(2));
    updates(&mut app, 120);
    give(&mut app, ada, bank, 4);
    // The chest passes them on, until and while the rejection arrives.
    for _ in 0..14 {
        give(&mut app, bank, other, 1);
    }
    assert_eq!(take_reports(&mut app).reverted, []);
    updates(&mut app, 120);
    assert_eq!([bank, other].map(|entity| coins(&app, entity)), [Some(10), Some(10)]);
    assert_eq!(totals(&store)["coin"], 30);
}

#[test]
fn loot_that_was_dropped_vanishes_and_loot_that_was_picked_up_comes_back() {
    let (store, mut app, [ada, bank, _]) = taken_over();
    // Loot that is stored.
    inventories(&mut app, move |all| all.drop_if(bank, |_| true)).unwrap();
    updates(&mut app, 120);
    let loot = |app: &mut App| -> Vec<(Entity, u64)> {
        let mut loot = app.world_mut().query_filtered::<(Entity, &Inventory), With<Loot>>();
        loot.iter(app.world()).map(|(entity, slots)| (entity, slots.count(COIN))).collect()
    };
    let [(old, 10)] = loot(&mut app)[..] else { panic!() };
    give(&mut app, old, ada, 10);
    inventories(&mut app, move |all| all.take(ada, COIN, 3).map(drop)).unwrap();
    inventories(&mut app, move |all| all.drop_if(ada, |_| true)).unwrap();
    updates(&mut app, 10);
    assert!(app.world().get_entity(old).is_err());
    assert_eq!(loot(&mut app).iter().map(|(_, coins)| coins).sum::<u64>(), 17);
    updates(&mut app, 240);
    assert_eq!(take_reports(&mut app).reverted.len(), 1);
    assert_eq!(loot(&mut app).iter().map(|(_, coins)| *coins).collect::<Vec<_>>(), [10]);
    assert_eq!(totals(&store)["coin"], 20, "{:?}", store.contents());
    assert_eq!(stored_coins(&store, player(1)), Some(10));
}

/// Number of coins in each loot entity.
fn loot_coins(app: &mut App) -> Vec<u64> {
    let mut loot = app.world_mut().query_filtered::<&Inventory, With<Loot>>();
    loot.iter(app.world()).map(|slots| slots.count(COIN)).collect()
}

#[test]
fn drop_of_an_inventory_that_is_despawned_before_the_loot_is_spawned_is_undone() {
    let (store, mut app, [ada, ..]) = taken_over();
    let system = move |mut commands: Commands, mut all: Inventories| {
        commands.entity(ada).despawn();
        all.drop_if(ada, |_| true)
    };
    assert_eq!(app.world_mut().run_system_once(system).unwrap(), Ok(1));
    app.update();
    assert_eq!(loot_coins(&mut app), [10]);
    updates(&mut app, 240);
    assert_eq!(take_reports(&mut app).reverted.len(), 1);
    assert_eq!(loot_coins(&mut app), [0; 0]);
    assert_eq!((totals(&store)["coin"], stored_coins(&store, player(1))), (20, Some(10)));
}

#[test]
fn loot_that_was_never_stored_comes_back_when_its_pickup_is_undone() {
    for id in [None, Some(chest(9))] {
        let (store, mut app, [ada, ..]) = taken_over();
        let slot = Inventory([Some(COIN.stack(7))].into_iter().collect());
        let loot = app.world_mut().spawn((slot, Loot)).id();
        if let Some(id) = id {
            app.world_mut().entity_mut(loot).insert(id);
        }
        app.world_mut().entity_mut(loot).insert(Persist);
        updates(&mut app, 3);
        give(&mut app, loot, ada, 7);
        updates(&mut app, 3);
        assert!(app.world().get_entity(loot).is_err());
        updates(&mut app, 240);
        assert_eq!(take_reports(&mut app).reverted.len(), 1);
        assert_eq!(loot_coins(&mut app), [7], "{id:?}");
        updates(&mut app, 120);
        assert_eq!((totals(&store)["coin"], stored_coins(&store, player(1))), (27, Some(10)));
    }
}

#[test]
fn lost_commits_of_the_store_are_detected_and_not_overwritten() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    updates(&mut app, 2);
    let backup = store.backup();
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 2);
    store.roll_back(&backup);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    updates(&mut app, 3);
    let reports = take_reports(&mut app);
    assert_eq!(reports.reverted[0].reason, Fenced::RolledBack { stored: 1 });
    assert_eq!(reports.failed.len(), 1);
    assert_eq!((coins(&app, ada), stored_coins(&store, player(1))), (None, Some(10)));
}

#[test]
fn new_player_whose_exchange_is_undone_does_not_keep_what_it_got() {
    for rolls_back in [false, true] {
        let store = MemoryStore::default();
        let durability = if rolls_back {
            Durability::EveryTick
        } else {
            Durability::Interval(Duration::from_secs(1))
        };
        let mut app = world_with(&store, "a", durability);
        let bank = join(&mut app, chest(1));
        updates(&mut app, 120);
        let backup = store.backup();
        // The player is new, and has never been stored if nothing rolls back.
        let ada = join(&mut app, player(1));
        if !rolls_back {
            store.end_claim(player(1));
        }
        give(&mut app, bank, ada, 4);
        if rolls_back {
            updates(&mut app, 3);
            assert_eq!(stored_coins(&store, player(1)), Some(14));
            store.roll_back(&backup);
            give(&mut app, bank, ada, 1);
        }
        updates(&mut app, 240);
        let reports = take_reports(&mut app);
        assert!(!reports.reverted.is_empty(), "{rolls_back}");
        for entity in [bank, ada] {
            app.world_mut().entity_mut(entity).insert(Persist);
        }
        updates(&mut app, 240);
        // An inventory that the store has lost is not created again.
        let expected = (!rolls_back).then_some(10);
        assert_eq!([bank, ada].map(|of| coins(&app, of)), [Some(10), expected], "{rolls_back}");
    }
}

#[test]
fn inventory_that_this_version_of_the_game_cannot_read_is_free_for_others() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    app.world_mut().despawn(ada);
    updates(&mut app, 3);
    let mut stored = store.contents()[&player(1)].clone();
    stored.components.insert("health".into(), Vec::new());
    let mut other = store.of_server("b");
    let claim = other.claim(player(1)).unwrap();
    let change = Change::Save { stored: Arc::new(stored), slots: None };
    let (id, fence, version) = (player(1), claim.fence, claim.version + 1);
    let unions =
        vec![Union { writes: vec![Write { id, fence, version, change }], ..Union::default() }];
    assert_eq!(other.commit(&Batch { tick: 1, unions, ..Batch::default() }), Ok(vec![]));
    other.release(&[(player(1), claim.fence)]).unwrap();
    spawn(&mut app, player(1));
    updates(&mut app, 6);
    assert_eq!(take_reports(&mut app).failed.len(), 1);
    assert!(other.claim(player(1)).is_ok());
}

#[test]
fn at_most_one_of_two_servers_stores_an_inventory() {
    let store = MemoryStore::default();
    let mut random = fastrand::Rng::with_seed(1);
    let mut apps = ["a", "b"].map(|name| world(&store, name));
    let mut highest = 10;
    for _ in 0..60 {
        let n = random.usize(0..2);
        if random.u8(0..3) == 0 {
            store.end_claim(player(1));
        }
        let app = &mut apps[n];
        match app.world().resource::<InventoryIds>().get(player(1)) {
            Some(there) if random.u8(0..3) == 0 => drop(app.world_mut().despawn(there)),
            Some(there) => drop(inventories(app, move |all| all.insert(there, COIN.stack(1)))),
            None => drop(spawn(app, player(1))),
        }
        apps.iter_mut().for_each(|app| updates(app, random.usize(0..3)));
        if let Some(stored) = stored_coins(&store, player(1)) {
            assert!(stored >= highest, "{stored} after {highest}");
            highest = stored;
        }
    }
    assert!(highest > 12, "{highest}");
}

#[test]
fn player_that_comes_back_after_a_revert_is_stored() {
    // The store answers some operations at different times after the player has come back, before it works again.
    for (frames, operations) in (0..24).flat_map(|frames| (0..4).map(move |n| (frames, n))) {
        let what = format!("{frames} frames, {operations} operations");
        let store = MemoryStore::default();
        let mut app = world(&store, "a");
        let (ada, ben) = (join(&mut app, player(1)), join(&mut app, player(2)));
        updates(&mut app, 2);
        store.end_claim(player(2));
        give(&mut app, ada, ben, 3);
        while take_reports(&mut app).reverted.is_empty() {
            app.update();
        }
        // The store fails before it can answer what Ada has.
        store.fail_after(Some(0), false);
        updates(&mut app, 2 + frames);
        app.world_mut().despawn(ada);
        let ada = spawn(&mut app, player(1));
        store.fail_after(Some(operations), false);
        updates(&mut app, 8);
        store.fail_after(None, false);
        updates(&mut app, 400);
        let mut slots = app.world_mut().get_mut::<Inventory>(ada).expect("it is loaded");
        slots.set(0, COIN.stack(7)).expect("there are four slots");
        updates(&mut app, 4);
        assert_eq!(stored_coins(&store, player(1)), Some(7), "{what}");
        app.world_mut().despawn(ada);
        updates(&mut app, 4);
        assert!(store.of_server("b").claim(player(1)).is_ok(), "{what}: it is released");
    }
}
