//! The inventories that exist from the start.

use bevy::prelude::*;
use bevy_inventory_sync::{
    features::tabs::{Tab, Tabs},
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::game::{self, Chest, Dice, Engraving, STASHES};

use super::ledger::ItemsMade;

/// Players cannot open the inventory, and it closes for those that have it open.
#[derive(Component)]
pub struct Locked;

/// An inventory that is open to all.
#[derive(Component)]
pub struct Shared;

const WAREHOUSE_SLOTS: usize = 1200;

pub fn build(
    mut pool: ResMut<DataPool>,
    mut made: ResMut<ItemsMade>,
    mut dice: ResMut<Dice>,
    mut commands: Commands,
) -> Result {
    let shared = |id| (id, Shared, Openable::default(), Viewers::new());
    let priorities = [SyncPriority::Critical, SyncPriority::Normal, SyncPriority::Low];
    for (number, priority) in (0..).zip(priorities) {
        let id = InventoryId::named("chest", number);
        commands.spawn((shared(id), Inventory::new(27), priority, Chest, Replicated));
    }
    for number in 0..STASHES {
        commands.spawn((shared(game::stash(number)), Inventory::new(18)));
    }
    let mut warehouse = Inventory::new(WAREHOUSE_SLOTS);
    for slot in (0..WAREHOUSE_SLOTS).filter(|slot| slot % 3 > 0) {
        let text = format!("made for slot {slot}, with number {}", dice.0.u32(..));
        let ring = ItemId::of("ring").stack(1).with_data(pool.insert(&Engraving(text))?);
        warehouse.set(slot, ring)?;
        made.add(ring.item, 1);
    }
    commands.spawn((shared(game::WAREHOUSE), warehouse));
    let icons = ["gold", "coal", "torch", "apple"].map(ItemId::of);
    let tabs =
        icons.into_iter().enumerate().map(|(n, icon)| Tab::new(format!("Page {n}"), icon, 60));
    commands.spawn((game::BANK, Tabs::new(tabs), Viewers::new()));
    Ok(())
}

pub fn locked(In(_): In<AccessRequest>) -> AccessDecision {
    AccessDecision::Deny(Rejection::Locked)
}
