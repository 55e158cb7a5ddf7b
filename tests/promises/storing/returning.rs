//! What belongs to a stored inventory while it is in another one: offers in a trade, the grid of a workbench.

use super::*;
use bevy_inventory_sync::store::Store;

/// A world with two players, each with 10 coins of which 4 are in an offer, as it is stored.
fn offering() -> (MemoryStore, App, [Entity; 2], [Entity; 2]) {
    let store = MemoryStore::default();
    let mut app = world_with(&store, "a", Durability::Interval(Duration::from_secs(1)));
    // The game tries again at once.
    app.add_observer(|failed: On<InventoryLoadFailed>, mut commands: Commands| {
        commands.entity(failed.entity).insert(Persist);
    });
    let players = [1, 2].map(|n| join(&mut app, player(n)));
    let offers = players.map(|to| {
        let slots = Inventory([None, None].into_iter().collect());
        app.world_mut().spawn((slots, ReturnsTo { to })).id()
    });
    for n in 0..2 {
        move_coins(&mut app, players[n], offers[n], 4);
    }
    updates(&mut app, 200);
    assert_eq!(totals(&store)["coin"], 20);
    take_reports(&mut app);
    (store, app, players, offers)
}

fn move_coins(app: &mut App, from: Entity, to: Entity, count: u32) {
    let moved = inventories(app, move |all| {
        all.transact(|tx| {
            let stacks = tx.take(from, COIN, count)?;
            stacks.into_iter().try_for_each(|stack| tx.insert(to, stack))
        })
    });
    moved.unwrap();
}

/// The coins of each player in the world, without and with its offer.
fn in_world(app: &App, players: [Entity; 2], offers: [Entity; 2]) -> [(u64, u64); 2] {
    let of = |entity| coins(app, entity).unwrap_or(0);
    [0, 1].map(|n| (of(players[n]), of(players[n]) + of(offers[n])))
}

/// What a player has, with what returns to it.
fn stored(store: &MemoryStore, number: u64) -> u64 {
    let contents = store.contents();
    let saved = &contents[&player(number)].inventory;
    let stacks = saved.containers.iter().flat_map(|there| &there.slots).chain(&saved.returned);
    stacks.map(|stack| u64::from(stack.count)).sum()
}

#[test]
fn offers_of_a_player_that_is_loaded_again_are_not_doubled() {
    let (store, mut app, players, offers) = offering();
    store.end_claim(player(1));
    // Nothing that concerns the offer.
    app.world_mut().get_mut::<Inventory>(players[0]).unwrap().set(3, AXE.stack(1)).unwrap();
    updates(&mut app, 200);
    assert_eq!(take_reports(&mut app).reverted.len(), 1);
    assert_eq!(in_world(&app, players, offers), [(10, 10), (6, 10)]);
    updates(&mut app, 200);
    assert_eq!((totals(&store)["coin"], totals(&store).get("axe")), (20, None));
}

/// Only the offers are part of the trade, but the players are stored with them.
#[test]
fn trade_is_undone_for_both_players() {
    for lost in [1, 2] {
        let (store, mut app, players, offers) = offering();
        move_coins(&mut app, offers[0], offers[1], 3);
        store.end_claim(player(lost));
        updates(&mut app, 200);
        assert_eq!(take_reports(&mut app).reverted.len(), 1);
        assert_eq!(in_world(&app, players, offers), [(10, 10), (10, 10)], "player {lost}");
        updates(&mut app, 200);
        assert_eq!([1, 2].map(|n| stored(&store, n)), [10, 10], "player {lost}");
    }
}

#[test]
fn trade_is_stored_for_both_players() {
    let (store, mut app, players, offers) = offering();
    move_coins(&mut app, offers[0], offers[1], 3);
    updates(&mut app, 200);
    assert_eq!([1, 2].map(|n| stored(&store, n)), [7, 13]);
    assert_eq!(in_world(&app, players, offers), [(6, 7), (6, 13)]);
}

#[test]
fn drop_from_an_offer_is_undone_with_its_player() {
    let (store, mut app, players, offers) = offering();
    let offer = offers[0];
    let dropped = inventories(&mut app, move |all| {
        all.transact(|tx| {
            tx.take(offer, COIN, 2)?.into_iter().for_each(|stack| tx.drop(stack));
            Ok(())
        })
    });
    dropped.unwrap();
    store.end_claim(player(1));
    updates(&mut app, 200);
    assert_eq!(take_reports(&mut app).reverted.len(), 1);
    assert_eq!(in_world(&app, players, offers)[0], (10, 10));
    updates(&mut app, 200);
    assert_eq!(totals(&store)["coin"], 20);
    let mut loot = app.world_mut().query_filtered::<Entity, With<Loot>>();
    assert_eq!(loot.iter(app.world()).count(), 0);
}

/// It has a separate record.
#[test]
fn stored_inventory_that_returns_to_another_is_stored_once() {
    let (store, mut app, players, offers) = offering();
    app.world_mut().entity_mut(offers[0]).insert((chest(7), Persist));
    updates(&mut app, 200);
    move_coins(&mut app, players[0], offers[0], 1);
    updates(&mut app, 200);
    assert_eq!(totals(&store)["coin"], 20);
    drop(app);
    store.of_server("a").end_claims();
    let found = store.of_server("b").load(chest(7)).unwrap().unwrap();
    assert_eq!(found.inventory.containers[0].slots[0].count, 5);
}
