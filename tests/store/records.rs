//! What was committed is read again, exactly.

use std::{collections::BTreeMap, sync::Arc};

use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Change, Fence, Fenced, Union, Write},
    error::StoreError,
    record::StoredInventory,
};

use crate::common::*;

#[test]
fn everything_in_a_record_is_read_again() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fence = create(&mut store, player(1), &everything());
    create(&mut store, player(2), &StoredInventory::default());
    store.release(&[(player(1), fence)]).unwrap();
    drop(store);
    let mut store = place.open("b").unwrap();
    let claim = store.claim(player(1)).unwrap();
    assert_eq!((claim.version, claim.found), (1, Some(everything())));
    assert!(claim.fence > fence);
    assert_eq!(store.claim(player(2)).unwrap().found, Some(StoredInventory::default()));
    let mut ids = vec![player(1), player(2)];
    ids.sort();
    assert_eq!(store.list().unwrap(), ids);
    assert_eq!(store.latest_tick().unwrap(), 1);
}

#[test]
fn random_changes_of_slots_are_stored_like_whole_records() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let mut stored = everything();
    stored.inventory.containers[1].slots.truncate(1);
    let mut fence = create(&mut store, player(1), &stored);
    let mut random = fastrand::Rng::with_seed(1);
    let items = ["torch", "coin", "sword"];
    for version in 2..200 {
        let mut changed = Vec::new();
        for _ in 0..random.usize(0..4) {
            let container = &mut stored.inventory.containers[random.usize(0..2)];
            let slot = random.u16(0..container.len);
            container.slots.retain(|stack| stack.slot != slot);
            if random.bool() {
                container.slots.push(stack(slot, items[random.usize(0..3)], random.u32(1..99)));
                container.slots.sort_by_key(|stack| stack.slot);
            }
            changed.push((container.name.clone(), slot));
        }
        if random.u8(0..4) == 0 {
            stored.components.insert("health".into(), vec![random.u8(..)]);
        }
        if random.u8(0..8) == 0 {
            stored.components.remove("position");
        }
        stored.inventory.selected = random.bool().then(|| random.u8(0..9));
        let slots = Some(changed);
        let change = Change::Save { stored: Arc::new(stored.clone()), slots };
        let write = Write { id: player(1), fence, version, change };
        assert_eq!(commit(&mut store, version, vec![write]), []);
        let claim = store.claim(player(1)).unwrap();
        assert_eq!((claim.version, claim.found), (version, Some(stored.clone())));
        fence = claim.fence;
    }
}

#[test]
fn ticks_only_grow() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    assert_eq!(store.latest_tick().unwrap(), 0);
    for (tick, latest) in [(5, 5), (9, 9), (7, 9)] {
        assert_eq!(store.commit(&Batch { tick, unions: Vec::new() }).unwrap(), []);
        assert_eq!(store.latest_tick().unwrap(), latest);
    }
}

#[test]
fn deleted_inventory_stays_deleted() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fence = create(&mut store, player(1), &everything());
    let wrong = commit(&mut store, 2, vec![delete(player(1), Fence(fence.0 + 1), 2)]);
    assert_eq!(wrong[0].reason, Fenced::NotOwned);
    assert_eq!(store.load(player(1)).unwrap(), Some(everything()));
    assert_eq!(commit(&mut store, 2, vec![delete(player(1), fence, 2)]), []);
    assert_eq!(store.load(player(1)).unwrap(), None);
    let deleted = Err(StoreError::Deleted { id: player(1) });
    assert_eq!(store.claim(player(1)).map(drop), deleted);
    let late = commit(&mut store, 3, vec![write(player(1), fence, 3, &everything())]);
    assert_eq!(late[0].reason, Fenced::Deleted, "a late commit does not bring it back");
    assert_eq!(store.list().unwrap(), []);
}

#[test]
fn batch_is_one_transaction() {
    let place = Place::new();
    let mut store = place.open("a").unwrap();
    let fences: Vec<Fence> = (0..3).map(|n| create(&mut store, player(n), &everything())).collect();
    let stored = inventory(vec![stack(0, "coin", 1)]);
    let all = |version| -> Vec<Union> {
        let one = |n: u64| write(player(n), fences[usize::try_from(n).unwrap()], version, &stored);
        (0..3).map(|n| Union { writes: vec![one(n)] }).collect()
    };
    assert_eq!(store.commit(&Batch { tick: 2, unions: all(2) }).unwrap(), []);
    // The same again: nothing is higher than what is stored.
    assert_eq!(store.commit(&Batch { tick: 3, unions: all(2) }).unwrap().len(), 3);
    let found: BTreeMap<_, _> =
        (0..3).map(|n| (n, store.claim(player(n)).unwrap().version)).collect();
    assert!(found.values().all(|version| *version == 2), "{found:?}");
}
