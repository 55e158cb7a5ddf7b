//! One server at a time changes an inventory.

use bevy_inventory_sync::store::sqlite::rusqlite::Connection;
use bevy_inventory_sync::store::{Store, error::StoreError};

use crate::common::*;

#[test]
fn second_game_server_on_the_same_file_is_stopped() {
    let place = Place::new();
    let store = place.open("a").unwrap();
    let in_use = StoreError::InUse { path: place.file() };
    assert_eq!(place.open("b").map(drop), Err(in_use.clone()));
    assert_eq!(place.open("a").map(drop), Err(in_use), "not even of the same name");
    drop(store);
    assert!(place.open("b").is_ok());
}

#[test]
fn tools_read_the_file_while_a_server_uses_it() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fence = create(&mut store, player(1), &everything());
    let tool = Connection::open(place.file()).unwrap();
    let coins = || {
        let sum = "SELECT sum(count) FROM who_has WHERE item = 'coin' AND container <> ''";
        tool.query_row(sum, [], |row| row.get::<_, Option<i64>>(0)).unwrap()
    };
    assert_eq!(coins(), Some(i64::from(u32::MAX)));
    let rejected = commit(
        &mut store,
        2,
        vec![write(player(1), fence, 2, &inventory(vec![stack(1, "coin", 7)]))],
    );
    assert_eq!((rejected, coins()), (vec![], Some(7)));
    commit(&mut store, 3, vec![delete(player(1), fence, 3)]);
    assert_eq!(coins(), None);
}

#[test]
fn claims_end_with_the_process() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fence = create(&mut store, player(1), &everything());
    // Not released, as after a crash.
    drop(store);
    let mut store = place.open("b").unwrap();
    let claim = store.claim(player(1)).unwrap();
    assert!(claim.fence > fence);
    assert_eq!(claim.found, Some(everything()));
}
