//! The history: what was changed, when, why and by whom.

use core::time::Duration;

use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Fence, Union},
    error::StoreError,
    history::{Gap, History, HistoryQuery, StoredChange, StoredNote, StoredTick},
};

use crate::common::*;

/// A change of slot 0 of an inventory by its own player.
fn change(number: u64, old: Option<u32>, new: Option<u32>) -> StoredChange {
    let coins = |count: u32| stack(0, "coin", count);
    StoredChange {
        inventory: player(number),
        container: "inventory".into(),
        slot: 0,
        old: old.map(coins),
        new: new.map(coins),
        cause: "acted".into(),
        actor: Some(player(number)),
    }
}

fn tick(tick: u64, changes: Vec<StoredChange>) -> StoredTick {
    StoredTick { tick, time: 1_000 * tick, changes, notes: Vec::new() }
}

fn note(number: u64, text: &str) -> StoredNote {
    StoredNote { inventory: player(number), note: text.into() }
}

/// A batch that writes inventories and their history. All belong to one union.
fn batch(number: u64, writes: &[(u64, Fence, u64)], history: Vec<StoredTick>) -> Batch {
    let write = |(id, fence, version): &(u64, Fence, u64)| {
        write(player(*id), *fence, *version, &inventory(vec![stack(0, "coin", 1)]))
    };
    let last = history.last().map_or(number, |tick| tick.tick);
    Batch {
        id: number,
        from: history.first().map_or(number, |tick| tick.tick),
        tick: last,
        time: 1_000 * last,
        unions: vec![Union { writes: writes.iter().map(write).collect(), history }],
        gap: None,
    }
}

fn read(store: &mut dyn Store, query: HistoryQuery) -> History {
    store.history(&query).unwrap()
}

#[test]
fn history_is_found_by_tick_inventory_player_and_item() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let (a, b) = (Fence::NEW, Fence::NEW);
        let sword = everything().inventory.containers[0].slots[2].clone();
        let given = StoredChange {
            container: "hotbar".into(),
            slot: 26,
            old: None,
            new: Some(sword),
            cause: "transacted".into(),
            actor: None,
            ..change(2, None, None)
        };
        let taken = StoredChange { actor: Some(player(1)), ..change(2, Some(5), None) };
        let ticks = vec![
            tick(3, vec![change(1, None, Some(10)), given]),
            StoredTick {
                notes: vec![note(1, "a block at 3, 4"), note(2, "ü")], ..tick(5, vec![])
            },
            tick(8, vec![change(1, Some(10), Some(15)), taken]),
        ];
        assert_eq!(store.commit(&batch(1, &[(1, a, 1), (2, b, 1)], ticks.clone())), Ok(vec![]));
        let all = read(store, HistoryQuery::default());
        assert_eq!(all, History { ticks: ticks.clone(), gaps: vec![], next: None });
        let in_range = read(store, HistoryQuery { from: 4, to: 7, ..HistoryQuery::default() });
        assert_eq!(in_range.ticks, [ticks[1].clone()]);
        let of = |store: &mut dyn Store, number| {
            let inventory = Some(player(number));
            let found = read(store, HistoryQuery { inventory, ..HistoryQuery::default() });
            let count = |tick: &StoredTick| (tick.tick, tick.changes.len(), tick.notes.len());
            found.ticks.iter().map(count).collect::<Vec<_>>()
        };
        assert_eq!(of(store, 1), [(3, 1, 0), (5, 0, 1), (8, 2, 0)], "also what its player took");
        assert_eq!(of(store, 2), [(3, 1, 0), (5, 0, 1), (8, 1, 0)]);
        assert_eq!(of(store, 9), []);
        let item = Some("sword".into());
        let swords = read(store, HistoryQuery { item: item.clone(), ..HistoryQuery::default() });
        assert_eq!(swords.ticks, [tick(3, vec![ticks[0].changes[1].clone()])]);
        let inventory = Some(player(1));
        let none = read(store, HistoryQuery { item, inventory, ..HistoryQuery::default() });
        assert_eq!(none, History::default());
        let backwards = HistoryQuery { from: 8, to: 3, ..HistoryQuery::default() };
        assert_eq!(read(store, backwards), History::default());
    });
}

#[test]
fn rejected_and_repeated_batches_do_not_change_the_history() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let stale = create(store, player(1), &everything());
        let fence = store.claim(player(1)).unwrap().fence;
        let rejected = batch(5, &[(1, stale, 2)], vec![tick(5, vec![change(1, None, Some(1))])]);
        assert_eq!(store.commit(&rejected).unwrap().len(), 1);
        assert_eq!(read(store, HistoryQuery::default()), History::default());
        let ticks = vec![tick(6, vec![change(1, None, Some(1))])];
        let again = batch(6, &[(1, fence, 2)], ticks.clone());
        assert_eq!(store.commit(&again), Ok(vec![]));
        assert_eq!(store.commit(&again), Ok(vec![]));
        assert_eq!(read(store, HistoryQuery::default()).ticks, ticks);
    });
}

#[test]
fn history_in_portions_has_every_tick_once() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let mut expected = Vec::new();
        for number in 0..20 {
            let from = 10 * number + 1;
            let ticks = (from..from + 1 + number % 7)
                .map(|at| tick(at, (0..1 + at % 3).map(|_| change(1, None, Some(1))).collect()));
            let ticks: Vec<_> = ticks.collect();
            expected.extend(ticks.clone());
            let fence = if number == 0 { Fence::NEW } else { Fence::FIRST };
            let batch = batch(number + 1, &[(1, fence, number + 1)], ticks);
            assert_eq!(store.commit(&batch), Ok(vec![]));
        }
        for limit in [1, 2, 7, 1000] {
            let (mut found, mut from) = (Vec::new(), 0);
            loop {
                let part = read(store, HistoryQuery { from, limit, ..HistoryQuery::default() });
                let entries: usize = part.ticks.iter().map(|tick| tick.changes.len()).sum();
                assert!(entries <= limit + 3, "{entries} with a limit of {limit}");
                found.extend(part.ticks);
                let Some(next) = part.next else { break };
                assert!(next > from);
                from = next;
            }
            assert!(found == expected, "limit {limit}");
        }
    });
}

#[test]
fn gap_in_the_history_is_told_to_readers_of_the_range() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let gap = Gap { from: 4, to: 90 };
        let ticks = vec![tick(3, vec![change(1, None, Some(1))])];
        let with_gap = Batch { gap: Some(gap), tick: 90, ..batch(1, &[(1, Fence::NEW, 1)], ticks) };
        assert_eq!(store.commit(&with_gap), Ok(vec![]));
        let gaps = |store: &mut dyn Store, from, to| {
            read(store, HistoryQuery { from, to, ..HistoryQuery::default() }).gaps
        };
        assert_eq!(gaps(store, 0, u64::MAX), [gap]);
        assert_eq!(gaps(store, 50, 60), [gap]);
        assert_eq!(gaps(store, 0, 3), []);
        assert_eq!(gaps(store, 91, u64::MAX), []);
    });
}

/// The time of the commits decides, so a clock that is set back deletes nothing that is newer.
#[test]
fn old_history_is_deleted_from_a_file_and_readers_are_told() {
    let place = Place::new();
    let keep = Duration::from_secs(100);
    let mut store = place.open("a").unwrap().keep_history(keep);
    let mut version = 0;
    let mut commit_at = |store: &mut dyn Store, number: u64, seconds: u64| {
        let fence = if version == 0 { Fence::NEW } else { Fence::FIRST };
        version += 1;
        let ticks = vec![tick(number, vec![change(1, None, Some(1))])];
        let batch = Batch { time: 1_000 * seconds, ..batch(number, &[(1, fence, version)], ticks) };
        let unions = batch.unions.into_iter().map(|mut union| {
            union.history.iter_mut().for_each(|tick| tick.time = 1_000 * seconds);
            union
        });
        assert_eq!(store.commit(&Batch { unions: unions.collect(), ..batch }), Ok(vec![]));
    };
    let ticks = |store: &mut dyn Store, from| {
        let found = read(store, HistoryQuery { from, ..HistoryQuery::default() });
        found.ticks.iter().map(|tick| tick.tick).collect::<Vec<_>>()
    };
    for (number, seconds) in [(10, 5_000), (20, 5_050), (30, 5_090)] {
        commit_at(&mut store, number, seconds);
    }
    assert_eq!(ticks(&mut store, 0), [10, 20, 30]);
    // One hour back, and one hour ahead.
    commit_at(&mut store, 40, 1_400);
    assert_eq!(ticks(&mut store, 0), [10, 20, 30, 40]);
    commit_at(&mut store, 50, 8_600);
    assert_eq!(ticks(&mut store, 41), [50]);
    let gone = Err(StoreError::Gone { earliest: 41 });
    assert_eq!(store.history(&HistoryQuery::default()), gone);
    commit_at(&mut store, 60, 5_100);
    assert_eq!(ticks(&mut store, 41), [50, 60]);
    drop(store);
    let mut store = place.open("a").unwrap();
    assert_eq!(store.history(&HistoryQuery::default()), gone, "also after a restart");
}

#[test]
fn file_without_a_history_keeps_none() {
    let place = Place::new();
    let mut store = place.open("a").unwrap().keep_history(Duration::ZERO);
    let ticks = vec![tick(3, vec![change(1, None, Some(1))])];
    assert_eq!(store.commit(&batch(1, &[(1, Fence::NEW, 1)], ticks)), Ok(vec![]));
    assert_eq!(read(&mut store, HistoryQuery::default()), History::default());
}

#[test]
fn view_of_the_items_shows_who_got_what() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let bought = StoredChange {
        old: Some(stack(0, "coin", 30)),
        new: Some(stack(0, "sword", 1)),
        ..change(1, None, None)
    };
    let ticks = vec![
        tick(3, vec![change(1, Some(10), Some(30))]),
        tick(4, vec![bought, change(1, None, Some(2))]),
    ];
    assert_eq!(store.commit(&batch(1, &[(1, Fence::NEW, 1)], ticks)), Ok(vec![]));
    let tools =
        bevy_inventory_sync::store::sqlite::rusqlite::Connection::open(place.file()).unwrap();
    let select = "SELECT tick, at, item, net, cause, inventory, actor FROM item_history";
    let mut select = tools.prepare(select).unwrap();
    let rows = select.query_map([], |row| {
        let text = |at: usize| row.get::<_, String>(at).unwrap();
        let names = [text(1), text(2), text(4), text(5), text(6)];
        Ok(format!("{} {} {}", row.get::<_, i64>(0)?, row.get::<_, i64>(3)?, names.join(" ")))
    });
    let rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
    let name = player(1).to_string();
    let row = |tick: u64, net: i64, item: &str| {
        format!("{tick} {net} 1970-01-01 00:00:0{tick} {item} acted {name} {name}")
    };
    assert_eq!(
        rows,
        [row(3, 20, "coin"), row(4, 1, "sword"), row(4, -30, "coin"), row(4, 2, "coin")]
    );
}
