//! Files of released formats stay readable. `WRITE_GOLDEN=1 cargo test --features sqlite --test store golden` writes the file
//! of a new format.

use std::{fs, path::PathBuf};

use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Fence, Union},
    history::{HistoryQuery, StoredChange, StoredNote, StoredTick},
};

use crate::common::*;

/// The last format.
const FORMAT: u32 = 2;

fn golden(format: u32) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("store_{format}.db"))
}

fn write_file() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fence = create(&mut store, player(1), &everything());
    store.release(&[(player(1), fence)]).unwrap();
    let deleted = create(&mut store, player(2), &inventory(vec![stack(0, "coin", 1)]));
    assert_eq!(commit(&mut store, 7, vec![delete(player(2), deleted, 2)]), []);
    let fence = store.claim(player(3)).unwrap().fence;
    let batch = Batch { tick: 7, unions: vec![changed(fence)], ..Batch::default() };
    assert_eq!(store.commit(&batch), Ok(vec![]));
    drop(store);
    fs::copy(place.file(), golden(FORMAT)).unwrap();
}

/// A union with a history.
fn changed(fence: Fence) -> Union {
    let change = StoredChange {
        inventory: player(3),
        container: "inventory".into(),
        slot: 26,
        old: None,
        new: Some(everything().inventory.containers[0].slots[2].clone()),
        cause: "acted".into(),
        actor: Some(player(1)),
    };
    let note = StoredNote { inventory: player(3), note: "a block at 3, 4".into() };
    let tick = StoredTick { tick: 7, time: 0, changes: vec![change], notes: vec![note] };
    let writes = vec![write(player(3), fence, 1, &everything())];
    Union { writes, history: vec![tick] }
}

#[test]
fn files_of_all_formats_are_read() {
    if std::env::var("WRITE_GOLDEN").is_ok() {
        write_file();
    }
    for format in 1..=FORMAT {
        let place = Place::new();
        fs::copy(golden(format), place.file()).unwrap();
        let mut store = place.open("b").unwrap();
        assert!(store.list().unwrap().contains(&player(1)), "format {format}");
        assert_eq!(store.latest_tick().unwrap(), 7);
        let claim = store.claim(player(1)).unwrap();
        assert_eq!((claim.version, claim.found), (1, Some(everything())));
        assert!(store.claim(player(2)).is_err(), "it was deleted");
        let history = store.history(&HistoryQuery::default()).unwrap();
        let expected = if format == 1 { vec![] } else { changed(Fence::NEW).history };
        assert_eq!(history.ticks, expected, "format {format}");
        let fence = store.claim(player(4)).unwrap().fence;
        let mut later = changed(fence);
        later.writes[0].id = player(4);
        later.history[0].tick = 8;
        let batch = Batch { tick: 8, unions: vec![later.clone()], ..Batch::default() };
        assert_eq!(store.commit(&batch), Ok(vec![]));
        let query = HistoryQuery { from: 8, ..HistoryQuery::default() };
        assert_eq!(store.history(&query).unwrap().ticks, later.history);
    }
}
