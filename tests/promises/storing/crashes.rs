//! A store or a process that ends at any operation loses at most the last ticks, and never half of one.

use super::*;
use crate::common::random::{self, sample};
use bevy_inventory_sync::store::{Store, restore::RestoreWorld};

/// Number of operations after which nothing new happens in [`play`].
const OPERATIONS: u64 = 45;

/// Plays until the store fails for good: players exchange coins, drop them, pick them up, leave and come back. Coins are
/// neither created nor destroyed.
fn play(store: &MemoryStore, server: &str, seed: u64, ticks: usize) -> App {
    let mut app = world(store, server);
    play_on(&mut app, store, seed, ticks, false);
    app
}

/// Plays in a world. With `claims_end`, an operator ends claims at random.
fn play_on(app: &mut App, store: &MemoryStore, seed: u64, ticks: usize, claims_end: bool) {
    app.world_mut().trigger(RestoreWorld);
    let mut random = fastrand::Rng::with_seed(seed);
    for tick in 0..ticks {
        for _ in 0..random.usize(1..4) {
            act(app, &mut random);
        }
        app.update();
        let ids: Vec<InventoryId> = store.contents().into_keys().collect();
        if claims_end && random.u8(0..8) == 0 && !ids.is_empty() {
            let id = ids[random.usize(0..ids.len())];
            println!("the claim of {id} ends");
            store.end_claim(id);
        }
        if claims_end {
            match random.u8(0..12) {
                0 => store.fail_after(Some(random.u64(0..3)), random.bool()),
                1..4 => store.fail_after(None, false),
                _ => {}
            }
        }
        println!("tick {tick}: {:?}", counts(store));
        check(store, &format!("seed {seed}, tick {tick}"));
    }
}

/// Number of coins in each inventory in the store.
fn counts(store: &MemoryStore) -> Vec<(InventoryId, u64)> {
    let ids = store.contents().into_keys();
    ids.map(|id| (id, stored_coins(store, id).unwrap_or(0))).collect()
}

/// Does something random.
fn act(app: &mut App, random: &mut fastrand::Rng) {
    let n = random.u64(0..3);
    let mut all = app.world_mut().query_filtered::<Entity, (With<Inventory>, With<Persist>)>();
    let others: Vec<Entity> = all.iter(app.world()).collect();
    match app.world().resource::<InventoryIds>().get(player(n)) {
        None => println!("player {n} joins as {}", spawn(app, player(n))),
        Some(there) if random.u8(0..8) == 0 => {
            println!("player {n} leaves");
            app.world_mut().despawn(there);
        }
        Some(there) => {
            let count = random.u32(1..6);
            let other = others.get(random.usize(0..others.len().max(1))).copied();
            let drops = random.u8(0..4) == 0;
            let done = inventories(app, move |all| {
                all.transact(|tx| match other {
                    _ if drops => {
                        tx.take(there, COIN, count)?.into_iter().for_each(|s| tx.drop(s));
                        Ok(())
                    }
                    Some(other) => {
                        let stacks = tx.take(other, COIN, count)?;
                        stacks.into_iter().try_for_each(|stack| tx.insert(there, stack))
                    }
                    None => Ok(()),
                })
            });
            let what = if drops { "drops" } else { "takes" };
            println!("player {n} {what} {count} from {other:?}: {}", done.is_ok());
        }
    }
}

/// Checks that the store has 10 coins for each player that it knows.
fn check(store: &MemoryStore, what: &str) {
    let players = store.contents().into_keys().filter(|id| (0..3).any(|n| *id == player(n)));
    let expected = 10 * players.count() as u64;
    assert_eq!(
        totals(store).get("coin").copied().unwrap_or(0),
        expected,
        "{what}: {:?}",
        counts(store)
    );
    history::check(store, what);
}

#[test]
fn coins_are_conserved_when_the_store_fails_at_any_operation() {
    for answer_lost in [false, true] {
        for operation in sample(0..OPERATIONS, 12) {
            let what = format!("operation {operation}, answer lost: {answer_lost}");
            let store = MemoryStore::default();
            store.fail_after(Some(operation), answer_lost);
            let app = play(&store, "a", operation, 60);
            assert!(store.operations() >= operation, "{what}: {}", store.operations());
            check(&store, &what);
            // The process ends without storing anything more.
            drop(app);
            check(&store, &what);
            store.of_server("a").end_claims();
            // The next one fails during the recovery.
            for again in sample(0..12, 4) {
                store.fail_after(Some(again), answer_lost);
                drop(play(&store, "b", again, 12));
                store.of_server("b").end_claims();
                check(&store, &format!("{what}, then {again}"));
            }
            store.fail_after(None, false);
            drop(play(&store, "c", 3, 60));
            check(&store, &what);
        }
    }
}

#[test]
fn store_that_recovers_gets_everything() {
    for operation in sample(0..OPERATIONS, 12) {
        let store = MemoryStore::default();
        store.fail_after(Some(operation), operation % 2 == 0);
        let mut app = play(&store, "a", operation, 60);
        store.fail_after(None, false);
        updates(&mut app, 400);
        check(&store, &format!("operation {operation}"));
        let world = app.world_mut();
        let mut all = world.query::<(&InventoryId, &Inventory, Has<Persist>)>();
        for (id, inventory, persists) in all.iter(world) {
            assert!(persists);
            assert_eq!(stored_coins(&store, *id), Some(inventory.count(COIN)), "{operation}: {id}");
        }
        assert_eq!(take_reports(&mut app).reverted, []);
    }
}

#[test]
fn coins_are_conserved_when_claims_end_at_any_moment() {
    let mut reverted = 0;
    for seed in 0..if random::is_long() { 300 } else { 40 } {
        let store = MemoryStore::default();
        let durability = Durability::Interval(Duration::from_millis(seed % 4 * 40));
        let mut app = world_with(&store, "a", durability);
        play_on(&mut app, &store, seed, 120, true);
        reverted += take_reports(&mut app).reverted.len();
        drop(app);
        check(&store, &format!("seed {seed}"));
    }
    assert!(reverted > 40, "{reverted}");
}

#[test]
fn items_that_left_with_the_last_container_are_stored_once() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let (from, to) = (join(&mut app, chest(1)), join(&mut app, chest(2)));
    updates(&mut app, 2);
    inventories(&mut app, move |all| {
        all.transact(|tx| {
            let stacks = tx.take_if(from, |_| true)?;
            stacks.into_iter().try_for_each(|stack| tx.insert(to, stack))
        })
    })
    .unwrap();
    app.world_mut().entity_mut(from).remove::<Inventory>();
    updates(&mut app, 3);
    assert_eq!(totals(&store)["coin"], 20);
    assert_eq!(stored_coins(&store, chest(2)), Some(20));
    // Without a transaction, the items are destroyed with the container.
    app.world_mut().entity_mut(to).remove::<Inventory>();
    updates(&mut app, 3);
    assert_eq!(totals(&store).get("coin").copied().unwrap_or(0), 0);
}

/// Despawns an entity after the slots of the tick were compared, and spawns another one with this id.
#[derive(Resource)]
struct Replaced(Entity, Option<InventoryId>);

fn replace(replaced: Option<Res<Replaced>>, mut commands: Commands) {
    let Some(Replaced(entity, id)) = replaced.as_deref() else { return };
    commands.entity(*entity).despawn();
    commands.remove_resource::<Replaced>();
    if let Some(id) = id {
        commands.spawn((*id, Inventory::new(4), Health(20), Persist));
    }
}

/// A world with two players of whom the first gives coins to the second, and leaves during the same tick.
fn left_during_a_tick(store: &MemoryStore, again: Option<InventoryId>) -> App {
    let mut app = world(store, "a");
    app.add_systems(PostUpdate, replace.in_set(InventoryServerSystems::Batch));
    let (from, to) = (join(&mut app, player(1)), join(&mut app, player(2)));
    updates(&mut app, 2);
    inventories(&mut app, move |all| {
        all.transact(|tx| {
            let stacks = tx.take(from, COIN, 4)?;
            stacks.into_iter().try_for_each(|stack| tx.insert(to, stack))
        })
    })
    .unwrap();
    app.insert_resource(Replaced(from, again));
    for tick in 0..6 {
        app.update();
        check(store, &format!("tick {tick}"));
        assert_eq!(totals(store)["coin"], 20, "tick {tick}: {:?}", counts(store));
    }
    app
}

#[test]
fn inventory_that_leaves_during_a_tick_is_stored_with_what_it_exchanged() {
    let store = MemoryStore::default();
    let _app = left_during_a_tick(&store, None);
    assert_eq!(stored_coins(&store, player(1)), Some(6));
    assert!(store.of_server("b").claim(player(1)).is_ok(), "it is released");
}

#[test]
fn inventory_that_leaves_during_a_tick_and_comes_back_is_stored() {
    let store = MemoryStore::default();
    let mut app = left_during_a_tick(&store, Some(player(1)));
    let ada = app.world().resource::<InventoryIds>().get(player(1)).unwrap();
    assert_eq!(coins(&app, ada), Some(6));
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    updates(&mut app, 3);
    assert_eq!(stored_coins(&store, player(1)), Some(7));
}
