//! One server at a time changes an inventory.

use bevy_inventory_sync::store::sqlite::rusqlite::Connection;
use bevy_inventory_sync::store::{
    Store,
    batch::{Fence, Fenced},
    error::StoreError,
};

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
fn commit_by_an_earlier_claim_is_rejected() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fence = create(&mut store, player(1), &everything());
    let later = store.claim(player(1)).unwrap().fence;
    let reason = |rejected: Vec<_>| -> Option<Fenced> {
        let [one]: &[bevy_inventory_sync::store::batch::Rejected; 1] =
            rejected.as_slice().try_into().ok()?;
        Some(one.reason)
    };
    let mut try_with = |fence, version| {
        reason(commit(&mut store, 2, vec![write(player(1), fence, version, &everything())]))
    };
    assert_eq!(try_with(fence, 2), Some(Fenced::NotOwned));
    assert_eq!(try_with(Fence(later.0 + 1), 2), Some(Fenced::NotOwned));
    assert_eq!(try_with(later, 1), Some(Fenced::Superseded { stored: 1 }));
    assert_eq!(try_with(later, 3), Some(Fenced::RolledBack { stored: 1 }));
    assert_eq!(try_with(later, 2), None);
    store.release(&[(player(1), later)]).unwrap();
    let released = commit(&mut store, 3, vec![write(player(1), later, 3, &everything())]);
    assert_eq!(reason(released), Some(Fenced::NotOwned));
}

#[test]
fn what_exchanged_items_is_committed_together_or_not_at_all() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let full = inventory(vec![stack(0, "coin", 10)]);
    let empty = inventory(vec![]);
    let from = create(&mut store, player(1), &full);
    let stale = create(&mut store, player(2), &empty);
    let other = create(&mut store, player(3), &empty);
    store.claim(player(2)).unwrap();
    let writes = vec![write(player(1), from, 2, &empty), write(player(2), stale, 2, &full)];
    let alone = vec![write(player(3), other, 2, &full)];
    let unions = [writes, alone].map(|writes| bevy_inventory_sync::store::batch::Union { writes });
    let batch = bevy_inventory_sync::store::batch::Batch { tick: 2, unions: unions.to_vec() };
    let rejected = store.commit(&batch).unwrap();
    assert_eq!(rejected.len(), 1);
    assert_eq!((rejected[0].union, rejected[0].id), (0, player(2)));
    let coins = |store: &mut bevy_inventory_sync::store::sqlite::SqliteStore, n| -> u32 {
        let found = store.claim(player(n)).unwrap().found.unwrap();
        found.inventory.containers[0].slots.iter().map(|stack| stack.count).sum()
    };
    assert_eq!([1, 2, 3].map(|n| coins(&mut store, n)), [10, 0, 10]);
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
