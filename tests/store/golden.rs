//! Files of released formats stay readable. `WRITE_GOLDEN=1 cargo test --features sqlite --test store golden` writes the file
//! of a new format.

use std::{fs, path::PathBuf};

use bevy_inventory_sync::store::Store;

use crate::common::*;

/// The last format.
const FORMAT: u32 = 1;

fn golden(format: u32) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("store_{format}.db"))
}

fn write() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fence = create(&mut store, player(1), &everything());
    store.release(&[(player(1), fence)]).unwrap();
    let deleted = create(&mut store, player(2), &inventory(vec![stack(0, "coin", 1)]));
    assert_eq!(commit(&mut store, 7, vec![delete(player(2), deleted, 2)]), []);
    drop(store);
    fs::copy(place.file(), golden(FORMAT)).unwrap();
}

#[test]
fn files_of_all_formats_are_read() {
    if std::env::var("WRITE_GOLDEN").is_ok() {
        write();
    }
    for format in 1..=FORMAT {
        let place = Place::new();
        fs::copy(golden(format), place.file()).unwrap();
        let mut store = place.open("b").unwrap();
        assert_eq!(store.list().unwrap(), [player(1)], "format {format}");
        assert_eq!(store.latest_tick().unwrap(), 7);
        let claim = store.claim(player(1)).unwrap();
        assert_eq!((claim.version, claim.found), (1, Some(everything())));
        assert!(store.claim(player(2)).is_err(), "it was deleted");
    }
}
