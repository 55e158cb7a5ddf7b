//! Finds what changed: for every container that was touched, compare with the last commit, note which
//! slots differ, and commit.
//!
//! Nobody sets a dirty bit, so nobody can forget one, and what changed and changed back is silent.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Insert, Remove},
        query::Allow,
    },
    platform::collections::HashMap,
    prelude::*,
};
use log::error;

use crate::{
    model::{
        catalog::Catalogue,
        container::{Container, Slot},
        data::DataPool,
        id::InventoryId,
        limits::UNIT_SLOTS_MAX,
        slots::Slots,
        stack::Stack,
    },
    shared::{
        authority::Authority,
        containers::Kinds,
        events::{Cause, Commit},
        ids::InventoryIds,
        schedule::InventoryServerSystems,
        stats::InventoryStats,
    },
};

use super::{
    baseline::Baseline,
    faults::{InventoryFault, Unsynced},
    views::{clients::Clients, subscriptions::Subscriptions},
};

/// The units that were committed in this pass, and what is known about why.
#[derive(Resource, Default, Debug)]
pub(crate) struct Marked {
    pass: u64,
    units: Vec<Entity>,
    /// Units whose containers went between two passes.
    restructured: Vec<Entity>,
    /// Units that were given a container, with what is in it, before this pass.
    given_containers: Vec<Entity>,
    /// By entity, kind and index.
    causes: HashMap<(Entity, u8, usize), Cause>,
    /// How many pairs of lists have been compared.
    comparisons: u32,
    /// The highest version of an inventory that is gone, or has another name now: of drawn names and of given ones.
    gone_versions: [u64; 2],
}

impl Marked {
    /// How many ticks have been marked.
    pub(crate) fn pass(&self) -> u64 {
        self.pass
    }

    pub(crate) fn units(&self) -> &[Entity] {
        &self.units
    }

    pub(crate) fn given_containers(&self) -> &[Entity] {
        &self.given_containers
    }

    /// Says why a slot is about to differ.
    pub(crate) fn declare(&mut self, entity: Entity, kind: u8, index: usize, cause: Cause) {
        self.causes.insert((entity, kind, index), cause);
    }

    fn cause(&self, entity: Entity, kind: u8, index: usize) -> Option<Cause> {
        // Most changes in most games are plain mutations.
        if self.causes.is_empty() { None } else { self.causes.get(&(entity, kind, index)).copied() }
    }

    /// A mark that no other two lists have; zero for none once they have run out.
    fn next_comparison(&mut self) -> u32 {
        let Some(next) = self.comparisons.checked_add(1) else { return 0 };
        self.comparisons = next;
        next
    }

    /// Has every viewer get a full copy.
    pub(crate) fn restructure(&mut self, entity: Entity) {
        self.restructured.push(entity);
    }
}

/// The order within [`InventoryServerSystems::Mark`].
#[derive(SystemSet, Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum MarkSystems {
    Begin,
    Slots,
    End,
}

pub(crate) fn plugin(app: &mut App) {
    app.configure_sets(
        PostUpdate,
        (MarkSystems::Begin, MarkSystems::Slots, MarkSystems::End)
            .chain()
            .in_set(InventoryServerSystems::Mark),
    )
    .add_observer(note_gone::<Remove, Baseline>)
    .add_observer(note_gone::<Discard, InventoryId>)
    .add_observer(note_renamed::<Insert, InventoryId>)
    .add_observer(note_renamed::<Remove, Unsynced>)
    .add_systems(
        PostUpdate,
        (begin_mark.in_set(MarkSystems::Begin), end_mark.in_set(MarkSystems::End)),
    );
}

/// Marks the containers of one type.
#[derive(SystemSet, Clone, PartialEq, Eq, Hash, Debug)]
struct MarkContainer(&'static str);

/// Marks containers in this order, so that the commits of a tick have a defined order.
pub(crate) fn order_containers(app: &mut App, names: &[&'static str]) {
    for pair in names.windows(2) {
        let (first, second) = (MarkContainer(pair[0]), MarkContainer(pair[1]));
        app.configure_sets(PostUpdate, second.after(first));
    }
}

/// Has containers of type `C` marked.
pub(crate) fn register<C: Container>(app: &mut App) {
    app.register_required_components::<C, Baseline>()
        .init_resource::<Marked>()
        .add_message::<Commit>()
        .add_systems(
            PostUpdate,
            // The set is configured by the server half, which a client may leave out.
            mark_slots::<C>
                .in_set(MarkSystems::Slots)
                .in_set(MarkContainer(C::NAME))
                .run_if(resource_exists::<Subscriptions>),
        )
        .add_observer(unmark::<C>);
}

/// A name is free again, and clients may have kept copies under it.
fn note_gone<E: EntityEvent, C: Component>(
    gone: On<E, C>,
    units: Query<(&InventoryId, &Baseline), Allow<Disabled>>,
    mut marked: ResMut<Marked>,
) {
    if let Ok((id, baseline)) = units.get(gone.event_target()) {
        let highest = &mut marked.gone_versions[usize::from(id.is_named())];
        *highest = baseline.version().max(*highest);
    }
}

/// What goes on under another name, or has a name for itself at last, is new to everybody.
fn note_renamed<E: EntityEvent, C: Component>(
    event: On<E, C>,
    units: Query<&Baseline, Allow<Disabled>>,
    mut marked: ResMut<Marked>,
) {
    let unit = event.event_target();
    if units.get(unit).is_ok_and(|baseline| baseline.version() > 0) {
        marked.restructure(unit);
    }
}

fn begin_mark(
    mut marked: ResMut<Marked>,
    mut units: Query<(&InventoryId, &mut Baseline), Allow<Disabled>>,
) {
    let marked = &mut *marked;
    marked.pass += 1;
    marked.units.clear();
    marked.given_containers.clear();
    for entity in marked.restructured.drain(..) {
        if let Ok((id, mut baseline)) = units.get_mut(entity)
            && baseline.begin(marked.pass, marked.gone_versions[usize::from(id.is_named())])
        {
            baseline.stamp_structure();
            marked.units.push(entity);
        }
    }
}

fn end_mark(
    mut marked: ResMut<Marked>,
    mut commits: MessageReader<Commit>,
    mut pool: ResMut<DataPool>,
    mut clients: ResMut<Clients>,
) {
    marked.causes.clear();
    for commit in commits.read() {
        let [old, new] = [commit.old, commit.new].map(|stack| stack.and_then(|stack| stack.data));
        new.into_iter().for_each(|id| pool.hold(id));
        old.into_iter().for_each(|id| pool.release(id));
    }
    let gone = pool.age();
    if !gone.is_empty() {
        clients.forget_data(&gone);
    }
}

type Touched<'w, C> = (Entity, &'w InventoryId, &'w mut C, &'w mut Baseline, Has<Unsynced>);

/// Marks the slots of every touched container of type `C`.
fn mark_slots<C: Container>(
    mut units: Query<Touched<C>, (Changed<C>, Allow<Disabled>)>,
    (catalogue, kinds, ids, pool): (Res<Catalogue>, Res<Kinds>, Res<InventoryIds>, Res<DataPool>),
    mut marked: ResMut<Marked>,
    mut stats: ResMut<InventoryStats>,
    mut commits: MessageWriter<Commit>,
    mut faults: MessageWriter<InventoryFault>,
    mut commands: Commands,
) {
    let Some(kind) = kinds.kind_of::<C>() else { return };
    for (entity, id, mut container, mut baseline, unsynced) in &mut units {
        // What is written here is bookkeeping, not a change.
        let container = container.bypass_change_detection();
        let baseline = baseline.bypass_change_detection();
        let marking =
            Marking { entity, id: *id, kind, kinds: &kinds, catalogue: &catalogue, pool: &pool };
        let mut fault = |fault: InventoryFault| {
            error!("{fault}");
            faults.write(fault);
        };
        let selected = container.selected();
        let result = marking.commit(
            baseline,
            (container.slots_mut(), selected),
            &mut marked,
            &mut stats,
            |commit| {
                commits.write(commit);
            },
            &mut fault,
        );
        let refused_before = baseline.refused();
        baseline.refuse(kind, result.is_err());
        if let Err(found) = result {
            fault(found);
            commands.entity(entity).try_insert(Unsynced);
        } else if baseline.refused() {
            // There may be room for what was refused now.
            if baseline.is_restructured() {
                let kinds = kinds.clone();
                commands.queue(move |world: &mut World| kinds.touch(world, entity));
            }
        } else if unsynced && refused_before && ids.get(*id) == Some(entity) {
            commands.entity(entity).try_remove::<Unsynced>();
        }
    }
}

/// What [`mark_slots`] knows about one container of one unit.
struct Marking<'a> {
    entity: Entity,
    id: InventoryId,
    kind: u8,
    kinds: &'a Kinds,
    catalogue: &'a Catalogue,
    pool: &'a DataPool,
}

impl Marking<'_> {
    fn commit(
        &self,
        baseline: &mut Baseline,
        (slots, selected): (&mut Slots, Option<u8>),
        marked: &mut Marked,
        stats: &mut InventoryStats,
        mut committed: impl FnMut(Commit),
        mut fault: impl FnMut(InventoryFault),
    ) -> Result<(), InventoryFault> {
        self.commit_structure(baseline, slots, marked, stats, &mut committed)?;
        let selects = self.kinds.as_slice()[usize::from(self.kind)].selects;
        let selecting = selects && self.kinds.selecting(baseline.unit()) == Some(self.kind);
        if selecting && baseline.unit().selected != selected {
            self.begin(baseline, marked, stats);
            baseline.commit_selected(selected);
        }
        baseline.forget_unknown(self.kind, slots);
        let there = baseline.unit().section(self.kind);
        let mut within = there.map_or(0..0, |there| slots.touched_since(there));
        let mut all = true;
        while !within.is_empty()
            && let Some(there) = baseline.unit().section(self.kind)
            && let Some(index) = slots.differs_from(there, within.clone())
        {
            within.start = index + 1;
            let (old, new) = (there.get(index), slots.get(index));
            let slot = Slot::at(self.kinds.as_slice(), self.kind, index);
            if let Some(stack) = new
                && !old.is_some_and(|old| stack.stacks_with(&old) && stack.count <= old.count)
                && let Some(found) = self.check(slot, stack)
            {
                let unknown = !matches!(found, InventoryFault::AboveMaxStack { .. });
                if !unknown || baseline.note_unknown(self.kind, index, stack.item) {
                    stats.slots_refused += u64::from(unknown);
                    fault(found);
                }
                if unknown {
                    all = false;
                    continue;
                }
            }
            self.begin(baseline, marked, stats);
            stats.slots_marked += 1;
            let first = baseline.is_restructured() && old.is_none();
            let undeclared = if first { Cause::Spawned } else { Cause::Undeclared };
            let cause = marked.cause(self.entity, self.kind, index).unwrap_or(undeclared);
            baseline.commit_slot((self.kind, index), old, new);
            let (entity, inventory, version) = (self.entity, self.id, baseline.version());
            committed(Commit { entity, inventory, slot, old, new, version, cause });
        }
        if let Some(there) = baseline.section_mut(self.kind) {
            let same = slots.mark() != 0 && slots.mark() == there.mark();
            let mark = match all {
                true if same => slots.mark(),
                true => marked.next_comparison(),
                // What was left out is looked at again.
                false => 0,
            };
            slots.compared(there, mark);
        }
        Ok(())
    }

    fn begin(&self, baseline: &mut Baseline, marked: &mut Marked, stats: &mut InventoryStats) {
        let fresh = baseline.version() == 0;
        let floor = if fresh { marked.gone_versions[usize::from(self.id.is_named())] } else { 0 };
        if baseline.begin(marked.pass, floor) {
            stats.commits += 1;
            marked.units.push(self.entity);
        }
    }

    /// Follows added and resized containers.
    fn commit_structure(
        &self,
        baseline: &mut Baseline,
        slots: &Slots,
        marked: &mut Marked,
        stats: &mut InventoryStats,
        mut committed: impl FnMut(Commit),
    ) -> Result<(), InventoryFault> {
        let len = baseline.unit().section(self.kind).map(Slots::len);
        if len == Some(slots.len()) {
            return Ok(());
        }
        let all = baseline.unit().len() - len.unwrap_or(0) + slots.len();
        if all > UNIT_SLOTS_MAX {
            return Err(InventoryFault::TooManySlots { inventory: self.id, len: all });
        }
        if len.is_none() {
            marked.given_containers.push(self.entity);
        }
        self.begin(baseline, marked, stats);
        let mut there = baseline.unit().section(self.kind).cloned().unwrap_or_default();
        for (index, old) in there.iter().filter(|(index, _)| *index >= slots.len()) {
            committed(self.gone(index, old, baseline.version(), Cause::Undeclared));
        }
        // What lay in the slots that went is the game's to place: resizing gave it back to the game.
        drop(there.resize(slots.len()));
        baseline.restructure(self.kind, Some(there));
        Ok(())
    }

    /// The commit of a slot that is not there any more.
    fn gone(&self, index: usize, old: Stack, version: u64, cause: Cause) -> Commit {
        let slot = Slot::at(self.kinds.as_slice(), self.kind, index);
        let (entity, inventory, old, new) = (self.entity, self.id, Some(old), None);
        Commit { entity, inventory, slot, old, new, version, cause }
    }

    fn check(&self, slot: Slot, stack: Stack) -> Option<InventoryFault> {
        let (inventory, item, count) = (self.id, stack.item, stack.count());
        let Some(def) = self.catalogue.get(item) else {
            return Some(InventoryFault::UnknownItem { inventory, slot, item });
        };
        if let Some(data) = stack.data.filter(|data| !self.pool.contains(*data)) {
            return Some(InventoryFault::UnknownData { inventory, slot, data });
        }
        let max = def.max_stack;
        (count > max).then_some(InventoryFault::AboveMaxStack { inventory, slot, item, count, max })
    }
}

/// Takes a container that is being removed (or whose entity is) out of the baseline.
fn unmark<C: Container>(
    remove: On<Remove, C>,
    mut units: Query<(&InventoryId, &mut Baseline), Allow<Disabled>>,
    authority: Authority,
    (catalogue, kinds, pool): (Option<Res<Catalogue>>, Res<Kinds>, Res<DataPool>),
    mut marked: ResMut<Marked>,
    mut commits: MessageWriter<Commit>,
    mut commands: Commands,
) {
    if !authority.is_here() {
        return;
    }
    let Ok((id, mut baseline)) = units.get_mut(remove.entity) else { return };
    let (Some(kind), Some(catalogue)) = (kinds.kind_of::<C>(), catalogue) else { return };
    let (entity, kinds, catalogue, pool) = (remove.entity, &*kinds, &*catalogue, &*pool);
    let marking = Marking { entity, id: *id, kind, kinds, catalogue, pool };
    let version = baseline.version() + 1;
    for (index, old) in baseline.unit().section(kind).into_iter().flat_map(Slots::iter) {
        commits.write(marking.gone(index, old, version, Cause::Removed));
    }
    if kinds.selecting(baseline.unit()) == Some(kind) {
        baseline.commit_selected(None);
    }
    baseline.restructure(kind, None);
    baseline.refuse(kind, false);
    marked.restructure(remove.entity);
    let kinds = kinds.clone();
    commands.queue(move |world: &mut World| {
        if let Ok(mut entity) = world.get_entity_mut(entity)
            && !kinds.components().any(|container| entity.contains_id(container))
        {
            entity.remove::<Baseline>();
        }
    });
}
