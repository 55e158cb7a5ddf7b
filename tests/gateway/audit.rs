//! The history: from the store, or from what the gateway still keeps.

use bevy_inventory_sync::{
    gateway::json::Audit,
    store::{InventoryStorePlugin, memory::MemoryStore, notes::AddNote, persist::Persist},
};

use crate::common::*;

/// Changes inventories in several ticks.
fn play(game: &mut Game, persist: bool) {
    let persisted = |game: &mut Game, entity: Entity| {
        if persist {
            game.world().entity_mut(entity).insert(Persist);
        }
    };
    let ada = game.spawn((player(1), Owner(ClientId::Server), slots([])));
    let bank = game.spawn((chest(1), slots([COIN.stack(10), AXE.stack(1)])));
    persisted(game, ada);
    persisted(game, bank);
    game.ticks(3);
    for _ in 0..4 {
        let moved = game.world().run_system_cached_with(
            |In((from, to)): In<(Entity, Entity)>, mut inventories: Inventories| {
                inventories.transact(|tx| {
                    tx.take(from, COIN, 1)?;
                    tx.insert(to, COIN.stack(1))
                })
            },
            (bank, ada),
        );
        moved.unwrap().unwrap();
        game.tick();
    }
    if persist {
        game.world().trigger(AddNote { entity: ada, note: "a block was placed".into() });
        game.tick();
    }
}

#[test]
fn history_without_a_store_is_what_the_gateway_keeps() {
    let mut game = Game::new(0);
    play(&mut game, false);
    let all: Audit = game.operate("/audit").json();
    assert_eq!((all.source.as_str(), all.next), ("memory", None));
    let of = |query: &str| -> Audit { game.operate(&format!("/audit?{query}")).json() };
    let changes = |audit: &Audit| audit.ticks.iter().map(|tick| tick.changes.len()).sum::<usize>();
    assert_eq!(changes(&of(&format!("inventory={}", player(1)))), 4);
    assert_eq!(changes(&of("item=coin&limit=10000")), 9);
    assert_eq!(changes(&of("item=axe")), 1);
    assert_eq!(changes(&of("item=nothing")), 0);
    // In pages, everything is there once.
    let (mut from, mut ticks) = (all.earliest, Vec::new());
    loop {
        let page = of(&format!("from={from}&limit=2"));
        ticks.extend(page.ticks);
        match page.next {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(ticks, all.ticks);
}

#[test]
fn history_is_read_from_the_store() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("world.db");
    let path = file.clone();
    let store = move |app: &mut App| {
        app.add_plugins(InventoryStorePlugin::sqlite(&path).without_thread());
    };
    let mut game = Game::with(0, |plugin| plugin, store);
    assert_eq!(game.operate("/audit").problem().status, 503, "there is no file yet");
    play(&mut game, true);
    // The store commits at intervals.
    std::thread::sleep(std::time::Duration::from_millis(300));
    game.ticks(3);
    let all: Audit = game.operate("/audit").json();
    assert_eq!(all.source, "store");
    let notes: Vec<_> = all.ticks.iter().flat_map(|tick| &tick.notes).collect();
    assert_eq!(notes[0].note, "a block was placed");
    let ada: Audit = game.operate(&format!("/audit?inventory={}", player(1))).json();
    let changes: Vec<_> = ada.ticks.iter().flat_map(|tick| &tick.changes).collect();
    assert!(changes.iter().all(|change| change.inventory == player(1).to_string()), "{changes:?}");
    assert_eq!(changes.last().unwrap().new.as_ref().unwrap().count, 4);
    assert_eq!(changes.last().unwrap().cause, "transacted");
    let late: Audit = game.operate(&format!("/audit?from={}", all.latest + 100)).json();
    assert!(late.ticks.is_empty());
    assert_eq!(game.operate("/servers").status, 404, "a file has one server");
}

#[test]
fn store_that_cannot_be_read_is_reported() {
    let store = MemoryStore::default();
    let shared = store.clone();
    let add = move |app: &mut App| {
        let (open, read) = (shared.clone(), shared.clone());
        let plugin = InventoryStorePlugin::new(move || Ok(open.clone()));
        app.add_plugins(plugin.reader(move || Ok(read.clone())).without_thread());
    };
    let game = Game::with(0, |plugin| plugin, add);
    assert_eq!(game.operate("/audit").json::<Audit>().source, "store");
    store.fail_after(Some(0), false);
    let problem = game.operate("/audit").problem();
    assert_eq!((problem.status, problem.retry_after), (503, Some(1)));
    store.fail_after(None, false);
    assert_eq!(game.operate("/audit").status, 200);
}
