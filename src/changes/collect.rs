//! Collects the changes of each tick.

use bevy::{
    ecs::{entity_disabling::Disabled, lifecycle::Remove, message::MessageCursor, query::Allow},
    prelude::*,
};

use crate::{
    model::{catalog::ItemCatalog, data::DataPool, id::InventoryId},
    server::{
        baseline::Baseline,
        inspect::{ActorInspect, CommitInspect},
    },
    shared::{
        authority::Authority,
        containers::ContainerRegistry,
        events::{Cause, Commit},
        schedule::InventoryServerSystems,
    },
};

use super::{
    record::{DataValue, PublicChange, SelectedChange, StructureChange, TickRecord},
    tracker::ChangeTracker,
};

/// Records the changes of each tick in [`ChangeTracker`]. Add it after
/// [`InventoryPlugins`](crate::prelude::InventoryPlugins).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChangeTrackerPlugin {
    /// Maximum size of the records, in bytes. The last record is kept in any case. If the plugin is added several times,
    /// the largest size counts. Default: 16 MiB.
    pub window: usize,
}

impl Default for ChangeTrackerPlugin {
    fn default() -> Self {
        Self { window: 16 << 20 }
    }
}

/// The systems that record a tick, at the end of [`InventoryServerSystems::Last`].
#[derive(SystemSet, Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ChangeSystems {
    /// Records the changes of public views.
    Public,
    /// Records everything else, and finishes the record.
    Record,
}

/// The changes of the tick that is being recorded.
#[derive(Resource, Default)]
pub(crate) struct Recording {
    slots: Vec<Commit>,
    /// Inventories that no longer exist.
    gone: Vec<(Entity, InventoryId)>,
    pub(super) public: Vec<PublicChange>,
}

impl Plugin for ChangeTrackerPlugin {
    fn is_unique(&self) -> bool {
        false
    }

    fn build(&self, app: &mut App) {
        let is_new = !app.world().contains_resource::<ChangeTracker>();
        app.init_resource::<ChangeTracker>();
        app.world_mut().resource_mut::<ChangeTracker>().widen(self.window);
        if is_new {
            app.init_resource::<Recording>()
                .configure_sets(
                    PostUpdate,
                    (ChangeSystems::Public, ChangeSystems::Record)
                        .chain()
                        .in_set(InventoryServerSystems::Last),
                )
                .add_systems(
                    PostUpdate,
                    (
                        // Removals are committed in any frame, and messages are kept for two frames only.
                        collect_slots
                            .after(InventoryServerSystems::Mark)
                            .before(InventoryServerSystems::Last),
                        finish.in_set(ChangeSystems::Record),
                    ),
                )
                .add_observer(record_gone);
        }
    }
}

fn collect_slots(
    commits: Res<Messages<Commit>>,
    mut read: Local<MessageCursor<Commit>>,
    mut recording: ResMut<Recording>,
) {
    // A cursor is slow per message, and nearly all messages are from this frame.
    let (of_this_frame, unread) = (commits.iter_current_update_messages(), read.len(&commits));
    match of_this_frame.len().checked_sub(unread) {
        Some(before) => {
            recording.slots.extend(of_this_frame.skip(before));
            read.clear(&commits);
        }
        None => recording.slots.extend(read.read(&commits)),
    }
}

fn record_gone(
    gone: On<Remove, Baseline>,
    inventories: Query<&InventoryId, Allow<Disabled>>,
    authority: Authority,
    mut recording: ResMut<Recording>,
) {
    if let (true, Ok(id)) = (authority.is_here(), inventories.get(gone.entity)) {
        recording.gone.push((gone.entity, *id));
    }
}

/// Finishes the record of the tick.
fn finish(
    commits: CommitInspect,
    inventories: Query<(Entity, &InventoryId, &Baseline), Allow<Disabled>>,
    actors: ActorInspect,
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    pool: Res<DataPool>,
    mut recording: ResMut<Recording>,
    mut tracker: ResMut<ChangeTracker>,
) {
    let mut record = TickRecord::new(commits.tick(), catalog.clone());
    let recording = &mut *recording;
    record.slots = core::mem::take(&mut recording.slots);
    record.public = core::mem::take(&mut recording.public);
    for (entity, inventory) in recording.gone.drain(..) {
        let (containers, selected) = (Vec::new(), None);
        record.structures.push(StructureChange { entity, inventory, containers, selected });
    }
    for (entity, id, baseline) in inventories.iter_many(commits.resized()) {
        record.structures.push(structure(entity, *id, baseline, &registry));
    }
    for (entity, id, baseline) in inventories.iter_many(commits.selected()) {
        let (old, new) = (baseline.selected_before(), baseline.state().selected);
        record.selected.push(SelectedChange { entity, inventory: *id, old, new });
    }
    add_data(&mut record, &pool);
    for change in &record.slots {
        if let Cause::Acted(client) = change.cause
            && record.actors.iter().all(|(of, _)| *of != client)
            && let Some(actor) = actors.acting_inventory(client)
        {
            record.actors.push((client, actor));
        }
    }
    tracker.push(record);
}

/// Returns the structure of an inventory.
pub(super) fn structure(
    entity: Entity,
    inventory: InventoryId,
    baseline: &Baseline,
    registry: &ContainerRegistry,
) -> StructureChange {
    let containers = baseline.state().containers().iter().map(|container| {
        (registry.as_slice()[usize::from(container.kind)].key, container.slots.len())
    });
    let (containers, selected) = (containers.collect(), baseline.state().selected);
    StructureChange { entity, inventory, containers, selected }
}

/// Adds the instance data of the changed slots.
pub(super) fn add_data(record: &mut TickRecord, pool: &DataPool) {
    for change in &record.slots {
        for data in [change.old, change.new].into_iter().flatten().filter_map(|stack| stack.data) {
            if let Some((name, bytes)) = pool.raw(data) {
                record.data.push((data, DataValue { name, bytes: bytes.clone() }));
            }
        }
    }
    record.data.sort_unstable_by_key(|(id, _)| *id);
    record.data.dedup_by_key(|(id, _)| *id);
}
