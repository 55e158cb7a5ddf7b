//! What was changed, when, why and by whom.

use super::*;
use bevy_inventory_sync::{
    model::{limits::DATA_BYTES_MAX, saved::SavedStack},
    store::{
        Store,
        history::{HistoryQuery, StoredChange, StoredNote},
        notes::AddNote,
        persist::{HistoryRead, ReadHistory},
    },
};

/// Checks that the history of each inventory leads from nothing to what is stored.
pub fn check(store: &MemoryStore, what: &str) {
    let mut found: BTreeMap<InventoryId, BTreeMap<(String, u16), SavedStack>> = BTreeMap::new();
    let mut last = 0;
    let recorded = store.recorded();
    for tick in &recorded.ticks {
        assert!(tick.tick > last, "{what}: tick {} follows {last}", tick.tick);
        last = tick.tick;
        for change in &tick.changes {
            let StoredChange { inventory, container, slot, old, new, .. } = change;
            let slots = found.entry(*inventory).or_default();
            let place = (container.clone(), *slot);
            assert_eq!(slots.get(&place), old.as_ref(), "{what}: {change:?} in tick {last}");
            match new {
                Some(stack) => slots.insert(place, stack.clone()),
                None => slots.remove(&place),
            };
        }
    }
    found.retain(|_, slots| !slots.is_empty());
    let stored = store.contents().into_iter().map(|(id, stored)| {
        let containers = stored.inventory.containers.into_iter();
        let slots = containers.flat_map(|container| {
            let name = container.name;
            container.slots.into_iter().map(move |stack| ((name.clone(), stack.slot), stack))
        });
        (id, slots.collect::<BTreeMap<_, _>>())
    });
    let stored: BTreeMap<_, _> = stored.filter(|(_, slots)| !slots.is_empty()).collect();
    assert_eq!(found, stored, "{what}");
}

/// The changes of an inventory: cause, the inventory of the player, counts before and after.
type Row = (String, Option<InventoryId>, u32, u32);

fn rows(store: &MemoryStore, id: InventoryId) -> Vec<Row> {
    let ticks = store.recorded().ticks;
    let changes = ticks.iter().flat_map(|tick| &tick.changes).filter(|c| c.inventory == id);
    let count = |stack: &Option<SavedStack>| stack.as_ref().map_or(0, |stack| stack.count);
    let row = |c: &StoredChange| (c.cause.to_string(), c.actor, count(&c.old), count(&c.new));
    changes.map(row).collect()
}

#[test]
fn history_has_causes_and_players() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    app.world_mut().entity_mut(ada).insert(Owner(ClientId::Server));
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 3);
    let request = |mut actions: InventoryActions, player: Query<Entity, With<Owner>>| {
        let player = player.single().unwrap();
        actions
            .request(InventoryAction::Drop { from: (player, Inventory::slot(0)), count: Some(4) });
    };
    app.world_mut().run_system_once(request).unwrap();
    updates(&mut app, 3);
    app.world_mut().get_mut::<Inventory>(ada).unwrap().set(0, COIN.stack(3)).unwrap();
    updates(&mut app, 3);
    let row = |cause: &str, actor, old, new| (cause.to_owned(), actor, old, new);
    let expected = [
        row("spawned", None, 0, 10),
        row("inserted", None, 10, 15),
        row("acted", Some(player(1)), 15, 11),
        row("undeclared", None, 11, 3),
    ];
    assert_eq!(rows(&store, player(1)), expected);
    check(&store, "after changes");
    app.world_mut().trigger(DeleteInventory { entity: ada });
    updates(&mut app, 4);
    assert_eq!(rows(&store, player(1)).last(), Some(&row("deleted", None, 3, 0)));
    check(&store, "after the deletion");
}

#[test]
fn joining_and_leaving_are_not_in_the_history() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    app.world_mut().despawn(ada);
    updates(&mut app, 3);
    let before = store.recorded();
    let ada = join(&mut app, player(1));
    app.world_mut().entity_mut(ada).remove::<Persist>();
    updates(&mut app, 3);
    assert_eq!(store.recorded(), before);
    // The last changes are there, even if no tick has compared them.
    app.world_mut().entity_mut(ada).insert(Persist);
    updates(&mut app, 3);
    app.world_mut().get_mut::<Inventory>(ada).unwrap().set(1, COIN.stack(7)).unwrap();
    app.world_mut().despawn(ada);
    updates(&mut app, 3);
    assert_eq!(stored_coins(&store, player(1)), Some(17));
    check(&store, "after leaving");
}

#[test]
fn container_that_is_put_on_and_taken_off_is_in_the_history() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    let mut hotbar = Hotbar::default();
    hotbar.set(2, AXE.stack(1)).unwrap();
    app.world_mut().entity_mut(ada).insert(hotbar);
    updates(&mut app, 3);
    check(&store, "put on");
    app.world_mut().entity_mut(ada).remove::<Hotbar>();
    updates(&mut app, 3);
    check(&store, "taken off");
    let axes = rows(&store, player(1)).into_iter().filter(|(.., old, new)| old + new == 1);
    assert_eq!(axes.count(), 2);
}

fn note(app: &mut App, entity: Entity, note: &str) {
    app.world_mut().trigger(AddNote { entity, note: note.into() });
}

#[test]
fn notes_are_stored_with_their_tick() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    note(&mut app, ada, "a block at 3, 4");
    inventories(&mut app, move |all| all.take(ada, COIN, 1)).unwrap();
    updates(&mut app, 3);
    // Nothing but a note.
    note(&mut app, ada, "a sign");
    updates(&mut app, 3);
    let ticks = store.recorded().ticks;
    let notes: Vec<_> = ticks.iter().filter(|tick| !tick.notes.is_empty()).collect();
    let texts = notes.iter().flat_map(|tick| &tick.notes).map(|note| note.note.as_str());
    assert_eq!(texts.collect::<Vec<_>>(), ["a block at 3, 4", "a sign"]);
    assert_eq!(notes[0].changes.len(), 1, "the coin was taken in the same tick");
    app.world_mut().trigger(ReadHistory(HistoryQuery { from: notes[1].tick, ..default() }));
    updates(&mut app, 3);
    let read = app.world_mut().resource_mut::<Messages<HistoryRead>>().drain().next().unwrap();
    assert_eq!(read.result.unwrap().ticks, [notes[1].clone()]);
}

#[test]
fn notes_of_what_is_undone_are_returned_and_not_stored() {
    let store = MemoryStore::default();
    let mut app = world_with(&store, "a", Durability::Interval(Duration::from_secs(1)));
    let ada = join(&mut app, player(1));
    let bob = join(&mut app, player(2));
    updates(&mut app, 120);
    note(&mut app, ada, "stored");
    updates(&mut app, 120);
    store.end_claim(player(1));
    store.of_server("b").claim(player(1)).unwrap();
    note(&mut app, ada, "first");
    updates(&mut app, 5);
    note(&mut app, bob, "independent");
    note(&mut app, ada, "second");
    let mut reverted = Vec::new();
    for _ in 0..120 {
        app.update();
        reverted = take_reports(&mut app).reverted;
        if !reverted.is_empty() {
            break;
        }
    }
    let notes = ["first", "second"]
        .map(|text| StoredNote { inventory: player(1), note: text.into() })
        .to_vec();
    assert_eq!(reverted[0].notes, notes);
    updates(&mut app, 120);
    let ticks = store.recorded().ticks;
    let stored = ticks.iter().flat_map(|tick| &tick.notes).map(|note| note.note.as_str());
    assert_eq!(stored.collect::<Vec<_>>(), ["stored", "independent"]);
    check(&store, "after the revert");
}

#[test]
fn notes_without_a_stored_inventory_are_ignored() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    let plain = app.world_mut().spawn((chest(2), Inventory::default())).id();
    updates(&mut app, 3);
    note(&mut app, plain, "not stored");
    note(&mut app, ada, &"x".repeat(DATA_BYTES_MAX + 1));
    updates(&mut app, 3);
    assert!(store.recorded().ticks.iter().all(|tick| tick.notes.is_empty()));
}

/// The contents are stored in any case. The history has a limit, and says what is missing.
#[test]
fn store_that_fails_for_long_leaves_a_gap_in_the_history() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let ada = join(&mut app, player(1));
    store.fail_after(Some(0), false);
    let long = "x".repeat(DATA_BYTES_MAX);
    for _ in 0..1_100 {
        note(&mut app, ada, &long);
        inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
        app.update();
    }
    store.fail_after(None, false);
    updates(&mut app, 400);
    assert_eq!(stored_coins(&store, player(1)), Some(1_110));
    let recorded = store.recorded();
    let [gap] = recorded.gaps.as_slice() else { panic!("{:?}", recorded.gaps) };
    let before = recorded.ticks.last().unwrap().tick;
    assert_eq!(gap.from, before, "in the middle of a tick");
    assert!((1_000..1_100).contains(&gap.from) && gap.to >= 1_100, "{gap:?}");
    // Later ticks are recorded again.
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    updates(&mut app, 3);
    assert!(store.recorded().ticks.last().unwrap().tick > gap.to);
}

#[test]
fn reading_the_history_of_a_store_that_fails_waits() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    join(&mut app, player(1));
    store.fail_after(Some(0), false);
    app.world_mut().trigger(ReadHistory::default());
    updates(&mut app, 30);
    let reads = |app: &mut App| {
        app.world_mut().resource_mut::<Messages<HistoryRead>>().drain().collect::<Vec<_>>()
    };
    assert_eq!(reads(&mut app), []);
    store.fail_after(None, false);
    for _ in 0..400 {
        app.update();
        if let [read] = reads(&mut app).as_slice() {
            let found = read.result.as_ref().unwrap();
            return assert_eq!(found.ticks, store.recorded().ticks);
        }
    }
    panic!("it was not read");
}
