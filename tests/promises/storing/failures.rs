//! The game continues while the store fails, and catches up.

use super::*;

#[test]
fn game_goes_on_while_the_store_fails_and_catches_up() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    updates(&mut app, 2);
    take_reports(&mut app);
    store.fail_after(Some(0), false);
    for _ in 0..30 {
        inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
        app.update();
    }
    assert_eq!((coins(&app, ada), stored_coins(&store, player(1))), (Some(40), Some(10)));
    let reports = take_reports(&mut app);
    assert!(reports.stored.len() <= 1, "{reports:?}");
    assert!(reports.status[0].error.is_some() && reports.status.len() == 1);
    store.fail_after(None, false);
    updates(&mut app, 400);
    assert_eq!(stored_coins(&store, player(1)), Some(40));
    let reports = take_reports(&mut app);
    assert!(reports.status[0].error.is_none() && !reports.stored.is_empty());
}

#[test]
fn pauses_between_attempts_grow() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    store.fail_after(Some(0), false);
    let before = store.operations();
    // Ten seconds.
    updates(&mut app, 600);
    let attempts = store.operations() - before;
    assert!((5..12).contains(&attempts), "{attempts}");
}

#[test]
fn inventory_whose_claim_was_not_answered_is_released_when_its_player_leaves() {
    let store = MemoryStore::default();
    let mut a = world(&store, "a");
    let ada = join(&mut a, player(1));
    updates(&mut a, 2);
    a.world_mut().despawn(ada);
    updates(&mut a, 2);
    // The store claims it for this server, and the answer is lost.
    store.fail_after(Some(1), true);
    let ada = spawn(&mut a, player(1));
    updates(&mut a, 2);
    a.world_mut().despawn(ada);
    updates(&mut a, 2);
    let mut b = world(&store, "b");
    store.fail_after(None, false);
    let failing = spawn(&mut b, player(1));
    updates(&mut b, 3);
    assert_eq!(coins(&b, failing), None, "the other server still owns it");
    updates(&mut a, 600);
    b.world_mut().despawn(failing);
    updates(&mut b, 3);
    let ada = join(&mut b, player(1));
    assert_eq!(coins(&b, ada), Some(10));
}

#[test]
fn loads_wait_while_the_store_fails_and_do_not_burden_it() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    join(&mut app, player(0));
    store.fail_after(Some(0), false);
    let entities: Vec<Entity> = (1..6).map(|n| spawn(&mut app, player(n))).collect();
    let before = store.operations();
    updates(&mut app, 600);
    let attempts = store.operations() - before;
    assert!((5..12).contains(&attempts), "{attempts}");
    assert!(entities.iter().all(|entity| coins(&app, *entity).is_none()));
    store.fail_after(None, false);
    updates(&mut app, 310);
    assert!(entities.iter().all(|entity| coins(&app, *entity) == Some(10)));
    assert_eq!(take_reports(&mut app).failed, []);
}

#[test]
fn commit_whose_answer_was_lost_is_not_mistaken_for_another_server() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    updates(&mut app, 2);
    store.fail_after(Some(0), true);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 2);
    assert_eq!(stored_coins(&store, player(1)), Some(15), "carried out");
    store.fail_after(None, false);
    updates(&mut app, 30);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 3);
    let reports = take_reports(&mut app);
    assert_eq!((reports.reverted.len(), stored_coins(&store, player(1))), (0, Some(20)));
}

#[test]
fn interval_limits_the_number_of_commits() {
    let store = MemoryStore::default();
    let mut app = world_with(&store, "a", Durability::Interval(Duration::from_millis(200)));
    let ada = join(&mut app, player(1));
    updates(&mut app, 30);
    let before = store.operations();
    for _ in 0..60 {
        inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
        app.update();
    }
    let commits = store.operations() - before;
    assert!((4..=6).contains(&commits), "{commits} in a second");
    updates(&mut app, 13);
    assert_eq!(stored_coins(&store, player(1)), Some(70));
}

#[test]
fn nothing_is_committed_while_nothing_changes() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    join(&mut app, player(1));
    updates(&mut app, 5);
    let before = store.operations();
    updates(&mut app, 100);
    assert_eq!(store.operations(), before);
}

#[test]
fn flush_waits_for_the_store() {
    let store = MemoryStore::default();
    let mut app = world_with(&store, "a", Durability::Interval(Duration::from_secs(3600)));
    let ada = join(&mut app, player(1));
    #[derive(Resource, Default)]
    struct Flushed(Vec<InventoriesFlushed>);
    app.init_resource::<Flushed>().add_observer(
        |on: On<InventoriesFlushed>, mut all: ResMut<Flushed>| all.0.push(on.clone()),
    );
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    app.world_mut().trigger(FlushInventories { within: Duration::from_secs(5) });
    assert_eq!(app.world().resource::<Flushed>().0, []);
    updates(&mut app, 4);
    let flushed = InventoriesFlushed { remaining: Vec::new(), stored: true };
    assert_eq!(app.world().resource::<Flushed>().0, [flushed]);
    assert_eq!(stored_coins(&store, player(1)), Some(15));

    store.fail_after(Some(0), false);
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    app.world_mut().trigger(FlushInventories { within: Duration::from_secs(1) });
    updates(&mut app, 70);
    let late = InventoriesFlushed { remaining: Vec::new(), stored: false };
    assert_eq!(app.world().resource::<Flushed>().0[1..], [late]);
}
