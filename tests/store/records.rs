//! What differs from the last commit is enough.

use std::sync::Arc;

use bevy_inventory_sync::store::{
    Store,
    batch::{Change, Write},
};

use crate::common::*;

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
