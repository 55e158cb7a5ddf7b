//! The state of the world as a tick record, for readers that missed ticks.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};

use crate::{
    model::{catalog::ItemCatalog, container::Slot, data::DataPool, id::InventoryId},
    server::{baseline::Baseline, inspect},
    shared::{
        containers::ContainerRegistry,
        events::{Cause, Commit},
    },
};

use super::{
    collect::{add_data, structure},
    public::PublicViews,
    record::TickRecord,
};

/// Returns a record of the last tick in which all inventories and their contents are new.
pub(crate) fn appeared(world: &mut World) -> TickRecord {
    let mut inventories =
        world.query_filtered::<(Entity, &InventoryId, &Baseline), Allow<Disabled>>();
    let mut record = TickRecord::new(inspect::tick(world), world.resource::<ItemCatalog>().clone());
    let registry = world.resource::<ContainerRegistry>();
    let committed = inventories.iter(world).filter(|(.., baseline)| baseline.version() > 0);
    for (entity, id, baseline) in committed {
        record.structures.push(structure(entity, *id, baseline, registry));
        for container in baseline.state().containers() {
            let appeared = container.slots.iter().map(|(index, stack)| Commit {
                entity,
                inventory: *id,
                slot: Slot::at(registry.as_slice(), container.kind, index),
                old: None,
                new: Some(stack),
                version: baseline.version(),
                cause: Cause::Spawned,
            });
            record.slots.extend(appeared);
        }
    }
    record.public = PublicViews::shown(world);
    add_data(&mut record, world.resource::<DataPool>());
    record
}
