//! Inventories of players in a store, and changes of their slots.

use std::collections::BTreeMap;

use bevy_inventory_sync::{
    model::saved::{SavedContainer, SavedInventory, SavedStack},
    prelude::InventoryId,
    store::{history::StoredChange, record::StoredInventory},
};

/// Number of slots of an inventory.
pub const SLOTS: u16 = 36;

/// Returns an inventory in which every second slot is filled.
pub fn record(random: &mut fastrand::Rng) -> StoredInventory {
    let stack = |slot| SavedStack {
        slot,
        item: format!("item_{}", random.u32(0..512)),
        count: random.u32(1..100),
        wear: 0,
        data: None,
    };
    let slots = (0..SLOTS).step_by(2).map(stack).collect();
    let containers = vec![SavedContainer { name: "inventory".into(), len: SLOTS, slots }];
    let inventory = SavedInventory { containers, ..Default::default() };
    StoredInventory { inventory, components: BTreeMap::from([("position".into(), vec![7; 8])]) }
}

/// Changes one slot of a player's inventory. Returns the entry of the history.
pub fn change(
    inventory: InventoryId,
    record: &mut StoredInventory,
    random: &mut fastrand::Rng,
) -> StoredChange {
    let slots = &mut record.inventory.containers[0].slots;
    let at = random.usize(0..slots.len());
    let old = slots[at].clone();
    slots[at].count = random.u32(1..100);
    StoredChange {
        inventory,
        container: "inventory".into(),
        slot: old.slot,
        new: Some(slots[at].clone()),
        old: Some(old),
        cause: "acted".into(),
        actor: Some(inventory),
    }
}
