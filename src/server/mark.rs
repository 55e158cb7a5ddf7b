//! Finds changes: compares every container that was mutated with the last commit, and commits the slots that
//! differ.
//!
//! The game sets no dirty flags. A slot that changed and changed back within a tick is not a change.

use crate::{
    model::{
        catalog::ItemCatalog,
        container::{Container, Slot, selected_in},
        data::DataPool,
        id::InventoryId,
        limits::INVENTORY_SLOTS_MAX,
        slots::Slots,
        stack::Stack,
    },
    shared::{
        authority::Authority,
        containers::ContainerRegistry,
        events::{Cause, Commit},
        ids::InventoryIds,
        schedule::InventoryServerSystems,
        stats::InventoryStats,
    },
};

use super::{
    baseline::Baseline,
    faults::{InventoryFault, Unsynced},
    marked::{self, Marked},
    views::subscriptions::Subscriptions,
};
use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Insert, Remove},
        query::Allow,
    },
    prelude::*,
};
use log::error;

/// The steps within [`InventoryServerSystems::Mark`], in order.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MarkSystems {
    /// Begins the commit of a tick. What is written from now on belongs to the next one, except to slots.
    Begin,
    /// Compares the slots with those of the last commit.
    Slots,
    /// Ends the commit.
    End,
}

pub(crate) fn plugin(app: &mut App) {
    app.configure_sets(
        PostUpdate,
        (MarkSystems::Begin, MarkSystems::Slots, MarkSystems::End)
            .chain()
            .in_set(InventoryServerSystems::Mark),
    )
    .add_observer(marked::record_gone::<Remove, Baseline>)
    .add_observer(marked::record_gone::<Discard, InventoryId>)
    .add_observer(marked::record_renamed::<Insert, InventoryId>)
    .add_observer(marked::record_renamed::<Remove, Unsynced>)
    .add_systems(
        PostUpdate,
        (begin_mark.in_set(MarkSystems::Begin), end_mark.in_set(MarkSystems::End)),
    );
}

/// The system that marks the containers of one type, given by its name.
#[derive(SystemSet, Clone, PartialEq, Eq, Hash, Debug)]
struct MarkContainer(&'static str);

/// Orders the marking of containers, so that the commits of a tick have a defined order.
pub(crate) fn order_containers(app: &mut App, names: &[&'static str]) {
    for pair in names.windows(2) {
        let (first, second) = (MarkContainer(pair[0]), MarkContainer(pair[1]));
        app.configure_sets(PostUpdate, second.after(first));
    }
}

/// Schedules the marking of containers of type `C`.
pub(crate) fn register<C: Container>(app: &mut App) {
    app.register_required_components::<C, Baseline>()
        .init_resource::<Marked>()
        .add_message::<Commit>()
        .add_systems(
            PostUpdate,
            // The set is configured by the server half, which a client can omit.
            mark_slots::<C>
                .in_set(MarkSystems::Slots)
                .in_set(MarkContainer(C::NAME))
                .run_if(resource_exists::<Subscriptions>),
        )
        .add_observer(unmark::<C>);
}

fn begin_mark(
    mut marked: ResMut<Marked>,
    mut inventories: Query<(&InventoryId, &mut Baseline), Allow<Disabled>>,
    mut commits: MessageWriter<Commit>,
) {
    let marked = &mut *marked;
    marked.pass += 1;
    marked.inventories.clear();
    marked.resized.clear();
    marked.selected.clear();
    marked.given_containers.clear();
    for entity in marked.restructured.drain(..) {
        if let Ok((id, mut baseline)) = inventories.get_mut(entity)
            && baseline.begin(marked.pass, marked.gone_versions[usize::from(id.is_named())])
        {
            baseline.stamp_structure();
            marked.inventories.push(entity);
            marked.resized.push(entity);
        }
    }
    for mut commit in marked.removed.drain(..) {
        if let Ok((_, baseline)) = inventories.get(commit.entity) {
            commit.version = baseline.version();
        }
        commits.write(commit);
    }
}

fn end_mark(mut marked: ResMut<Marked>) {
    marked.causes.clear();
}

type TouchedContainer<'w, C> =
    (Entity, &'w InventoryId, &'w mut C, &'w mut Baseline, Has<Unsynced>);

/// Marks the slots of every touched container of type `C`.
fn mark_slots<C: Container>(
    mut inventories: Query<TouchedContainer<C>, (Changed<C>, Allow<Disabled>)>,
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    ids: Res<InventoryIds>,
    pool: Res<DataPool>,
    mut marked: ResMut<Marked>,
    mut stats: ResMut<InventoryStats>,
    mut commits: MessageWriter<Commit>,
    mut faults: MessageWriter<InventoryFault>,
    mut commands: Commands,
) {
    let Some(kind) = registry.kind_of::<C>() else { return };
    for (entity, id, mut container, mut baseline, unsynced) in &mut inventories {
        // What is written here is bookkeeping, not a change by the game.
        let container = container.bypass_change_detection();
        let baseline = baseline.bypass_change_detection();
        let marking =
            Marking { entity, id: *id, kind, registry: &registry, catalog: &catalog, pool: &pool };
        let mut fault = |fault: InventoryFault| {
            error!("{fault}");
            faults.write(fault);
        };
        let selected = selected_in(&*container);
        let result = marking.commit(
            baseline,
            container.slots_mut(),
            selected,
            &mut marked,
            &mut stats,
            |commit| {
                commits.write(commit);
            },
            &mut fault,
        );
        let skipped_before = baseline.has_skipped();
        baseline.record_skipped(kind, result.is_err());
        if let Err(found) = result {
            fault(found);
            commands.entity(entity).try_insert(Unsynced);
        } else if baseline.has_skipped() {
            // A container that was rejected for its size may fit now, so it is compared again.
            if baseline.is_restructured() {
                let registry = registry.clone();
                commands.queue(move |world: &mut World| registry.touch(world, entity));
            }
        } else if unsynced && skipped_before && ids.get(*id) == Some(entity) {
            commands.entity(entity).try_remove::<Unsynced>();
        }
    }
}

/// What [`mark_slots`] needs to mark one container of one inventory.
struct Marking<'a> {
    entity: Entity,
    id: InventoryId,
    kind: u8,
    registry: &'a ContainerRegistry,
    catalog: &'a ItemCatalog,
    pool: &'a DataPool,
}

impl Marking<'_> {
    fn commit(
        &self,
        baseline: &mut Baseline,
        slots: &mut Slots,
        selected: Option<u8>,
        marked: &mut Marked,
        stats: &mut InventoryStats,
        mut committed: impl FnMut(Commit),
        mut fault: impl FnMut(InventoryFault),
    ) -> Result<(), InventoryFault> {
        self.commit_structure(baseline, slots, marked, stats, &mut committed)?;
        let selects = self.registry.as_slice()[usize::from(self.kind)].has_selection;
        let selecting = selects && self.registry.selecting(baseline.state()) == Some(self.kind);
        if selecting && baseline.state().selected != selected {
            self.begin_commit(baseline, marked, stats);
            baseline.commit_selected(selected);
            marked.selected.push(self.entity);
        }
        baseline.forget_unknown(self.kind, slots);
        let committed_slots = baseline.state().container(self.kind);
        let mut within = committed_slots.map_or(0..0, |before| slots.touched_since(before));
        let mut complete = true;
        while !within.is_empty()
            && let Some(committed_slots) = baseline.state().container(self.kind)
            && let Some(index) = slots.differs_from(committed_slots, within.clone())
        {
            within.start = index + 1;
            let (old, new) = (committed_slots.get(index), slots.get(index));
            let slot = Slot::at(self.registry.as_slice(), self.kind, index);
            if let Some(stack) = new
                && !old.is_some_and(|old| stack.stacks_with(&old) && stack.count <= old.count)
                && !self.may_commit(slot, stack, baseline, stats, &mut fault)
            {
                complete = false;
                continue;
            }
            self.begin_commit(baseline, marked, stats);
            stats.slots_marked += 1;
            let first = baseline.is_restructured() && old.is_none();
            let undeclared = if first { Cause::Spawned } else { Cause::Undeclared };
            let cause = marked.cause(self.entity, self.kind, index).unwrap_or(undeclared);
            baseline.commit_slot(self.kind, index, old, new);
            let (entity, inventory, version) = (self.entity, self.id, baseline.version());
            committed(Commit { entity, inventory, slot, old, new, version, cause });
        }
        self.record_comparison(slots, complete, baseline, marked);
        Ok(())
    }

    /// Reports what is wrong with the new contents of a slot. Returns `false` if they cannot be committed.
    fn may_commit(
        &self,
        slot: Slot,
        stack: Stack,
        baseline: &mut Baseline,
        stats: &mut InventoryStats,
        fault: &mut impl FnMut(InventoryFault),
    ) -> bool {
        let Some(found) = self.check(slot, stack) else { return true };
        if matches!(found, InventoryFault::AboveMaxStack { .. }) {
            fault(found);
            return true;
        }
        if baseline.record_unknown(self.kind, usize::from(slot.index), stack.item) {
            stats.slots_skipped += 1;
            fault(found);
        }
        false
    }

    /// Records that the slots were compared with the committed ones, and whether all that differed are committed.
    fn record_comparison(
        &self,
        slots: &mut Slots,
        complete: bool,
        baseline: &mut Baseline,
        marked: &mut Marked,
    ) {
        let Some(committed_slots) = baseline.container_mut(self.kind) else { return };
        let same = slots.mark() != 0 && slots.mark() == committed_slots.mark();
        let mark = match complete {
            true if same => slots.mark(),
            true => marked.next_comparison(),
            // Slots that were skipped must be compared again.
            false => 0,
        };
        slots.compared(committed_slots, mark);
    }

    fn begin_commit(
        &self,
        baseline: &mut Baseline,
        marked: &mut Marked,
        stats: &mut InventoryStats,
    ) {
        let fresh = baseline.version() == 0;
        let floor = if fresh { marked.gone_versions[usize::from(self.id.is_named())] } else { 0 };
        if baseline.begin(marked.pass, floor) {
            stats.commits += 1;
            marked.inventories.push(self.entity);
        }
    }

    /// Commits an added or resized container.
    fn commit_structure(
        &self,
        baseline: &mut Baseline,
        slots: &Slots,
        marked: &mut Marked,
        stats: &mut InventoryStats,
        mut committed: impl FnMut(Commit),
    ) -> Result<(), InventoryFault> {
        let len = baseline.state().container(self.kind).map(Slots::len);
        if len == Some(slots.len()) {
            return Ok(());
        }
        let all = baseline.state().len() - len.unwrap_or(0) + slots.len();
        if all > INVENTORY_SLOTS_MAX {
            return Err(InventoryFault::TooManySlots { inventory: self.id, len: all });
        }
        if len.is_none() {
            marked.given_containers.push(self.entity);
        }
        marked.resized.push(self.entity);
        self.begin_commit(baseline, marked, stats);
        let mut resized = baseline.state().container(self.kind).cloned().unwrap_or_default();
        for (index, old) in resized.iter().filter(|(index, _)| *index >= slots.len()) {
            committed(self.gone(index, old, baseline.version(), Cause::Undeclared));
        }
        // Resizing already returned the contents of the removed slots to the game.
        drop(resized.resize(slots.len()));
        baseline.restructure(self.kind, Some(resized));
        Ok(())
    }

    /// Returns the commit for a slot that no longer exists.
    fn gone(&self, index: usize, old: Stack, version: u64, cause: Cause) -> Commit {
        let slot = Slot::at(self.registry.as_slice(), self.kind, index);
        let (entity, inventory, old, new) = (self.entity, self.id, Some(old), None);
        Commit { entity, inventory, slot, old, new, version, cause }
    }

    fn check(&self, slot: Slot, stack: Stack) -> Option<InventoryFault> {
        let (inventory, item, count) = (self.id, stack.item, stack.count());
        let Some(def) = self.catalog.get(item) else {
            return Some(InventoryFault::UnknownItem { inventory, slot, item });
        };
        if let Some(data) = stack.data.filter(|data| !self.pool.contains(*data)) {
            return Some(InventoryFault::UnknownData { inventory, slot, data });
        }
        let max = def.max_stack;
        (count > max).then_some(InventoryFault::AboveMaxStack { inventory, slot, item, count, max })
    }
}

/// Removes a container from the baseline when it is removed or its entity is despawned.
fn unmark<C: Container>(
    remove: On<Remove, C>,
    mut inventories: Query<(&InventoryId, &mut Baseline), Allow<Disabled>>,
    authority: Authority,
    catalog: Option<Res<ItemCatalog>>,
    registry: Res<ContainerRegistry>,
    pool: Res<DataPool>,
    mut marked: ResMut<Marked>,
    mut commands: Commands,
) {
    if !authority.is_here() {
        return;
    }
    let Ok((id, mut baseline)) = inventories.get_mut(remove.entity) else { return };
    let (Some(kind), Some(catalog)) = (registry.kind_of::<C>(), catalog) else { return };
    let (entity, registry, catalog, pool) = (remove.entity, &*registry, &*catalog, &*pool);
    let marking = Marking { entity, id: *id, kind, registry, catalog, pool };
    // If the inventory is not despawned, `begin_mark` enters the version, which may be higher.
    let version = baseline.version() + 1;
    for (index, old) in baseline.state().container(kind).into_iter().flat_map(Slots::iter) {
        marked.removed.push(marking.gone(index, old, version, Cause::Removed));
    }
    if registry.selecting(baseline.state()) == Some(kind) {
        baseline.commit_selected(None);
    }
    baseline.restructure(kind, None);
    baseline.record_skipped(kind, false);
    marked.restructure(remove.entity);
    let registry = registry.clone();
    commands.queue(move |world: &mut World| {
        if let Ok(mut entity) = world.get_entity_mut(entity)
            && !registry.components().any(|container| entity.contains_id(container))
        {
            entity.remove::<Baseline>();
        }
    });
}
