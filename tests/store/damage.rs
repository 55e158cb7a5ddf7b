//! Damaged files and files of others are named errors, and nothing else is read in their place.

use std::fs;

use bevy_inventory_sync::store::sqlite::rusqlite::Connection;
use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Fence, Union},
    error::StoreError,
    history::{HistoryQuery, StoredChange, StoredNote, StoredTick},
};

use crate::common::*;

/// A history with a change and a note.
fn history() -> Vec<StoredTick> {
    let stacks = everything().inventory.containers.remove(0).slots;
    let change = StoredChange {
        inventory: player(0),
        container: "inventory".into(),
        slot: 26,
        old: None,
        new: stacks.last().cloned(),
        cause: "acted".into(),
        actor: Some(player(2)),
    };
    let note = StoredNote { inventory: player(0), note: "a block at 3, 4".into() };
    vec![StoredTick { tick: 8, time: 5, changes: vec![change], notes: vec![note] }]
}

/// A store with three inventories and a history.
fn place() -> Place {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    for n in 0..3 {
        create(&mut store, player(n), &everything());
    }
    let writes = vec![write(player(0), Fence::FIRST, 2, &everything())];
    let unions = vec![Union { writes, history: history() }];
    assert_eq!(store.commit(&Batch { tick: 9, unions, ..Batch::default() }), Ok(vec![]));
    drop(store);
    // Everything into one file.
    let file = Connection::open(place.file()).unwrap();
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    place
}

#[test]
fn files_of_others_are_left_alone() {
    let place = Place::new();
    fs::write(
        place.file(),
        b"a text that is not a database, and long enough to be one; really".repeat(20),
    )
    .unwrap();
    assert_eq!(place.open("a").map(drop), Err(StoreError::NotAStore { path: place.file() }));
    fs::remove_file(place.file()).unwrap();
    Connection::open(place.file()).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert_eq!(place.open("a").map(drop), Err(StoreError::NotAStore { path: place.file() }));
}

#[test]
fn file_of_a_later_format_is_an_error() {
    let place = place();
    let file = Connection::open(place.file()).unwrap();
    file.pragma_update(None, "user_version", 3).unwrap();
    let later = StoreError::UnsupportedFormat {
        place: place.file().display().to_string(),
        found: 3,
        supported: 2,
    };
    assert_eq!(place.open("a").map(drop), Err(later));
}

#[test]
fn edit_by_hand_is_damage_unless_its_checksum_is_removed() {
    let place = place();
    let file = Connection::open(place.file()).unwrap();
    let edit = "UPDATE slots SET count = 5 WHERE item = 'torch' AND inventory = ?";
    assert_eq!(file.execute(edit, [player(1).to_bits().cast_signed()]).unwrap(), 1);
    let mut store = place.open("a").unwrap();
    let damaged = store.claim(player(1)).unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { id, .. } if id == player(1)), "{damaged}");
    assert_eq!(store.claim(player(2)).unwrap().found, Some(everything()), "no other is affected");
    let accept = "UPDATE inventories SET checksum = NULL WHERE id = ?";
    assert_eq!(file.execute(accept, [player(1).to_bits().cast_signed()]).unwrap(), 1);
    let found = store.claim(player(1)).unwrap().found.unwrap();
    assert_eq!(found.inventory.containers[0].slots[0].count, 5);
}

/// Flips every byte of the file, one at a time, and reads everything.
#[test]
fn every_damaged_byte_is_noticed_or_harmless() {
    let place = place();
    let bytes = fs::read(place.file()).unwrap();
    let (mut noticed, mut harmless) = (0, 0);
    let step = if std::env::var_os("LONG_TESTS").is_some() { 7 } else { 97 };
    for at in (0..bytes.len()).step_by(step) {
        let copy = Place::new();
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xFF;
        fs::write(copy.file(), damaged).unwrap();
        let mut store = match copy.open("a") {
            Ok(store) => store,
            Err(
                StoreError::DamagedFile { .. }
                | StoreError::NotAStore { .. }
                | StoreError::UnsupportedFormat { .. },
            ) => {
                noticed += 1;
                continue;
            }
            Err(error) => panic!("byte {at}: {error}"),
        };
        let mut whole = true;
        for n in 0..3 {
            match store.claim(player(n)) {
                Ok(claim) if claim.found == Some(everything()) => {}
                // The row is gone, or its version.
                Ok(claim) => panic!("byte {at}: {claim:?}"),
                Err(StoreError::Damaged { id, .. }) if id == player(n) => whole = false,
                Err(
                    StoreError::DamagedFile { .. }
                    | StoreError::Owned { .. }
                    | StoreError::Deleted { .. },
                ) => whole = false,
                Err(error) => panic!("byte {at}: {error}"),
            }
        }
        match store.history(&HistoryQuery::default()) {
            Ok(found) if found.ticks == history() => {}
            // A row has another number or tick, or is gone. It is not read as something else.
            Ok(found) => {
                let changes = found.ticks.iter().flat_map(|tick| &tick.changes);
                assert!(changes.into_iter().all(|change| *change == history()[0].changes[0]));
                whole = false;
            }
            Err(
                StoreError::DamagedHistory { .. }
                | StoreError::DamagedFile { .. }
                | StoreError::Gone { .. },
            ) => whole = false,
            Err(error) => panic!("byte {at}: {error}"),
        }
        harmless += usize::from(whole);
        noticed += usize::from(!whole);
    }
    println!("{noticed} noticed, {harmless} harmless");
    assert!(noticed > 0 && harmless > 0);
}
