//! Collects the changes of each tick, and passes them to the worker.

use bevy::{
    ecs::{entity_disabling::Disabled, lifecycle::Remove, query::Allow, system::SystemState},
    prelude::*,
};

use crate::{
    changes::{ChangeSystems, ChangeTracker},
    model::{saved::UnknownItems, state::InventoryState},
    server::{baseline::Baseline, inspect::CommitInspect, mark::MarkSystems, returns::ReturnsTo},
    shared::{authority::authority_is_here, schedule::InventoryServerSystems},
};

use super::{
    changes::{CollectSystems, Leaving, TickBuffer, TickChanges, TickPhase},
    exchanges::{ExchangeLog, LeftBy},
    leaving,
    link::StoreLink,
    notes::NoteLog,
    tracked::{Holders, Tracked},
    worker::Order,
};

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<TickBuffer>()
        .configure_sets(
            PostUpdate,
            (CollectSystems::Components, CollectSystems::Tick)
                .chain()
                .after(ChangeSystems::Record)
                .in_set(InventoryServerSystems::Last),
        )
        .add_systems(
            PostUpdate,
            (
                begin_tick.in_set(MarkSystems::Begin),
                end_comparison.in_set(MarkSystems::End),
                (collect_committed, collect_fully_changed, hand_over)
                    .chain()
                    .in_set(CollectSystems::Tick),
                hand_over_rest.run_if(not(authority_is_here)),
            ),
        )
        .add_observer(record_last_container);
}

/// Records that an inventory has lost its last container.
fn record_last_container(
    gone: On<Remove, Baseline>,
    tracked: Query<(), (With<Tracked>, Allow<Disabled>)>,
    mut buffer: ResMut<TickBuffer>,
) {
    if tracked.contains(gone.entity) {
        buffer.fully_changed.push(gone.entity);
    }
}

/// Inventories that leave from now on belong to the next tick, as do changes of slots.
fn begin_tick(mut buffer: ResMut<TickBuffer>) {
    let buffer = &mut *buffer;
    buffer.phase = TickPhase::Comparing;
    buffer.leaving_this_tick.append(&mut buffer.leaving_next_tick);
}

fn end_comparison(mut buffer: ResMut<TickBuffer>) {
    buffer.phase = TickPhase::Collecting;
}

/// The changes of the tick that is being collected.
#[derive(Resource, Default)]
pub(super) struct Collected {
    changes: TickChanges,
    /// Inventories of which anything may have changed.
    fully_changed: Vec<Entity>,
}

/// Collects the inventories that were committed.
fn collect_committed(
    commits: CommitInspect,
    inventories: Query<(Entity, &Tracked), Allow<Disabled>>,
    returning: Query<&ReturnsTo, (With<Baseline>, Allow<Disabled>)>,
    unknown: Query<Entity, (Changed<UnknownItems>, With<Tracked>, Allow<Disabled>)>,
    mut collected: ResMut<Collected>,
) {
    let Collected { changes, fully_changed } = &mut *collected;
    changes.tick = commits.tick();
    let tracked = inventories.iter_many(commits.inventories());
    changes.committed.extend(tracked.map(|(entity, Tracked { id })| (entity, *id)));
    if !returning.is_empty() {
        // Their items are stored with the inventory to which they belong.
        fully_changed
            .extend(returning.iter_many(commits.inventories()).map(|returning| returning.to));
    }
    fully_changed.extend(commits.resized().iter().copied().chain(&unknown));
}

/// Collects inventories in which more than slots has changed.
fn collect_fully_changed(
    world: &mut World,
    tracked: &mut SystemState<Query<(&Tracked, Option<&Baseline>), Allow<Disabled>>>,
) {
    let mut collected = core::mem::take(&mut *world.resource_mut::<Collected>());
    collected.fully_changed.append(&mut world.resource_mut::<TickBuffer>().fully_changed);
    collected.fully_changed.sort_unstable();
    collected.fully_changed.dedup();
    let empty = InventoryState::default();
    let tracked = tracked.get(world).expect("a query is always valid");
    for entity in collected.fully_changed.drain(..) {
        let Ok((Tracked { id }, baseline)) = tracked.get(entity) else { continue };
        let slots = baseline.map_or(&empty, Baseline::state);
        if let Some(state) = leaving::full_state(world, entity, slots, leaving::committed_slots) {
            collected.changes.fully_changed.push((*id, state));
        }
    }
    *world.resource_mut::<Collected>() = collected;
}

/// Passes on the inventories that left in the frame in which this app became a client.
fn hand_over_rest(
    commits: CommitInspect,
    mut buffer: ResMut<TickBuffer>,
    mut link: ResMut<StoreLink>,
) {
    let buffer = &mut *buffer;
    buffer.leaving_this_tick.append(&mut buffer.leaving_next_tick);
    buffer.phase = TickPhase::Between;
    buffer.removed.clear();
    buffer.components.clear();
    buffer.notes.clear();
    if !buffer.leaving_this_tick.is_empty() {
        let (tick, leaving) = (commits.tick() + 1, core::mem::take(&mut buffer.leaving_this_tick));
        link.send(Order::Tick(Box::new(TickChanges { tick, leaving, ..default() })));
    }
}

/// Hands the tick to the worker.
fn hand_over(
    commits: CommitInspect,
    holders: Res<Holders>,
    tracker: Res<ChangeTracker>,
    mut collected: ResMut<Collected>,
    mut buffer: ResMut<TickBuffer>,
    mut log: ResMut<ExchangeLog>,
    mut notes: ResMut<NoteLog>,
    mut link: ResMut<StoreLink>,
) {
    let mut changes = core::mem::take(&mut collected.changes);
    let buffer = &mut *buffer;
    buffer.phase = TickPhase::Between;
    buffer.removed.clear();
    changes.created.append(&mut buffer.created);
    changes.components.append(&mut buffer.components);
    // The components of what leaves in the next tick are part of its last state.
    changes
        .components
        .retain(|(id, ..)| buffer.leaving_next_tick.iter().all(|leaving| leaving.id != *id));
    changes.leaving.append(&mut buffer.leaving_this_tick);
    for Leaving { id, committed, .. } in &mut buffer.leaving_next_tick {
        changes.fully_changed.extend(committed.take().map(|state| (*id, state)));
    }
    changes.notes.append(&mut buffer.notes);
    notes.add(changes.tick, &changes.notes);
    changes.record = tracker.last().cloned();
    let leaving = |id| {
        let mut leaving = changes.leaving.iter().chain(&buffer.leaving_next_tick);
        leaving.any(|leaving| leaving.id == id)
    };
    let is_claimed = |id| holders.get(id).is_some() || leaving(id);
    changes.exchanges = log.record(changes.tick, commits.exchanges(), is_claimed);
    changes.exchanges.append(&mut buffer.exchanges);
    for Leaving { id, exit, .. } in &changes.leaving {
        log.record_gone(changes.tick, *id, LeftBy::by(exit));
    }
    // The store is not opened until there is something to store, because this app may become a client.
    let is_leaving = !changes.leaving.is_empty() || !buffer.leaving_next_tick.is_empty();
    if !holders.is_empty() || is_leaving {
        link.send(Order::Tick(Box::new(changes)));
    }
    if core::mem::take(&mut buffer.list) {
        link.send(Order::List);
    }
    // What leaves in the next tick is claimed again after that.
    let leaves = |id| buffer.leaving_next_tick.iter().any(|leaving| leaving.id == id);
    for (id, request) in buffer.claims.extract_if(.., |(id, _)| !leaves(*id)) {
        link.send(Order::Claim { id, request });
    }
    for query in buffer.history.drain(..) {
        link.send(Order::History(query));
    }
    for (account, ticket) in buffer.tickets.drain(..) {
        link.send(Order::Redeem { account, ticket });
    }
    if core::mem::take(&mut buffer.flush) {
        link.send(Order::Flush);
    }
}
