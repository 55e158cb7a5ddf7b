//! Counts what the game creates and destroys, and compares it with what is in the world.

use std::collections::BTreeMap;

use bevy::{prelude::*, time::common_conditions::on_real_timer};
use bevy_inventory_sync::prelude::*;

use crate::{game::Eat, pipe::ServerStats};

/// Number of wrong counts that are reported.
const REPORTED_MAX: usize = 20;

/// Items created minus items destroyed, by item.
#[derive(Resource, Default)]
pub struct ItemsMade(BTreeMap<ItemId, i64>);

impl ItemsMade {
    /// Records items that were created (`net` above zero) or destroyed.
    pub fn add(&mut self, item: ItemId, net: i64) {
        *self.0.entry(item).or_default() += net;
    }

    /// Records a stack that was destroyed.
    pub fn remove(&mut self, stack: Stack) {
        self.add(stack.item, -i64::from(stack.count()));
    }

    /// Returns the number of an item that should exist.
    pub fn of(&self, item: ItemId) -> i64 {
        self.0.get(&item).copied().unwrap_or(0)
    }
}

pub fn plugin(app: &mut App) {
    app.init_resource::<ItemsMade>()
        .add_observer(count_eaten)
        .add_observer(count_crafted)
        .add_systems(Last, count.run_if(on_real_timer(super::SECOND)));
}

fn count_eaten(eaten: On<ActionApplied<Eat>>, mut made: ResMut<ItemsMade>) {
    made.remove(eaten.output);
}

fn count_crafted(
    done: On<ActionApplied<InventoryAction>>,
    catalog: Res<ItemCatalog>,
    mut made: ResMut<ItemsMade>,
) {
    let InventoryAction::Craft { recipe, times, .. } = done.action else { return };
    let Some(recipe) = catalog.recipe(recipe) else { return };
    let signed = |count: u32| i64::from(count) * i64::from(times);
    recipe.takes.iter().for_each(|(item, count)| made.add(*item, -signed(*count)));
    recipe.gives.iter().for_each(|(item, count)| made.add(*item, signed(*count)));
}

fn count(
    world: Query<(Option<&Inventory>, Option<&Hotbar>)>,
    catalog: Res<ItemCatalog>,
    made: Res<ItemsMade>,
    mut stats: ResMut<ServerStats>,
) {
    stats.counts += 1;
    stats.items = 0;
    for def in catalog.defs() {
        let item = def.id();
        let in_slots = |slots: Option<&Slots>| slots.map_or(0, |slots| slots.count(item));
        let there: u64 = world
            .iter()
            .map(|(inventory, hotbar)| {
                in_slots(inventory.map(|there| &there.0))
                    + in_slots(hotbar.map(|there| &there.slots))
            })
            .sum();
        stats.items += there;
        let expected = made.of(item);
        if i64::try_from(there) != Ok(expected) && stats.wrong_counts.len() < REPORTED_MAX {
            let wrong = format!("{}: {there} exist, {expected} were made", def.key);
            stats.wrong_counts.push(wrong);
        }
    }
}
