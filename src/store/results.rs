//! Takes the reports of the worker at the start of each frame.

use std::collections::BTreeSet;

use bevy::{platform::collections::HashMap, prelude::*};
use log::{info, warn};

use crate::{
    model::{catalog::ItemCatalog, id::InventoryId, state::InventoryState},
    params::inventories::Inventories,
    server::{inspect, loot::Loot, send::flush::FlushInventories},
    shared::{
        authority::authority_is_here,
        events::{Cause, emit},
        schedule::InventoryServerSystems,
        stats::InventoryStats,
        storing::StoreHealth,
    },
};

use super::{
    batch::Fenced,
    changes::{Exit, TickBuffer},
    error::StoreError,
    exchanges::{ExchangeLog, LeftBy, Undone},
    leaving::Deleting,
    link::StoreLink,
    loading,
    migrate::{self, MigrationError},
    notes::NoteLog,
    persist::{
        DeleteInventory, HistoryRead, InventoriesReverted, InventoryStored, ReadHistory,
        StoreStatus, StoreStatusChanged,
    },
    restore,
    tracked::{Holders, Tracked},
    worker::{Order, RejectedUnion, Report},
};

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<ReturnedIfNotStored>()
        .add_observer(flush)
        .add_observer(read_history)
        .add_systems(
            PreUpdate,
            take_reports
                .before(InventoryServerSystems::Validate)
                .run_if(authority_is_here)
                .run_if(resource_exists::<ItemCatalog>),
        );
}

/// The contents of inventories whose deletion is being undone. Those that were never stored are returned to the game.
#[derive(Resource, Default)]
struct ReturnedIfNotStored(HashMap<InventoryId, Contents>);

/// What an inventory contained.
struct Contents {
    entity: Entity,
    state: InventoryState,
    /// The entity that drops the contents if the inventory is gone.
    lost_by: Option<Entity>,
}

fn read_history(read: On<ReadHistory>, mut buffer: ResMut<TickBuffer>) {
    buffer.history.push(read.0.clone());
}

fn flush(_: On<FlushInventories>, mut buffer: ResMut<TickBuffer>, mut health: ResMut<StoreHealth>) {
    (buffer.flush, health.flushing) = (true, true);
}

fn take_reports(world: &mut World) {
    let now = world.resource::<Time<Real>>().elapsed();
    for report in world.resource_mut::<StoreLink>().receive(now) {
        match report {
            Report::Loaded { id, request, result } => {
                loading::finish_loading(world, id, request, result);
            }
            Report::Stored { tick, rejected } => on_stored(world, tick, rejected),
            Report::Flushed => world.resource_mut::<StoreHealth>().flushing = false,
            Report::Listed(id, result) => {
                world.resource_mut::<ReturnedIfNotStored>().0.remove(&id);
                restore::spawn(world, id, result);
            }
            Report::NotStored(id) => return_contents(world, id),
            Report::ListEnds => restore::end(world),
            Report::Stays { departure, error } => {
                migrate::cancel_departure(world, &departure, error)
            }
            Report::Departed { id, from } => migrate::on_departed(world, id, &from),
            Report::History(query, result) => emit(world, HistoryRead { query, result }),
            Report::Redeemed { account, ticket, result } => {
                migrate::on_redeemed(world, account, &ticket, result);
            }
            Report::Status(error) => on_status(world, error),
        }
    }
}

fn on_status(world: &mut World, error: Option<StoreError>) {
    match &error {
        Some(error) => warn!("the store is not available: {error}"),
        None => info!("the store is available again"),
    }
    world.resource_mut::<StoreHealth>().failing = error.is_some();
    world.resource_mut::<InventoryStats>().store_failures += u64::from(error.is_some());
    world.resource_mut::<StoreStatus>().error.clone_from(&error);
    emit(world, StoreStatusChanged { error });
}

fn on_stored(world: &mut World, tick: u64, rejected: Vec<RejectedUnion>) {
    let members = rejected.iter().flat_map(|rejected| &rejected.members);
    let members: BTreeSet<InventoryId> = members.copied().collect();
    world.resource_mut::<ExchangeLog>().forget_stored(tick, &members);
    world.resource_mut::<NoteLog>().forget_stored(tick, |id| members.contains(&id));
    world.resource_mut::<StoreStatus>().stored = tick;
    world.resource_mut::<InventoryStats>().store_commits += 1;
    for rejected in rejected {
        revert(world, rejected);
    }
    emit(world, InventoryStored { tick });
}

/// Undoes the changes of a rejected union, and of everything that has exchanged items with it since.
fn revert(world: &mut World, RejectedUnion { id: lost, reason, members }: RejectedUnion) {
    // Those of this tick have not been collected yet.
    let (tick, pending) = inspect::take_pending_exchanges(world);
    let exchanges = world.resource_mut::<ExchangeLog>().record(tick, &pending, |_| true);
    let mut undone = world.resource_mut::<ExchangeLog>().take(&members);
    let is_undone = |id: &InventoryId| undone.iter().any(|undone| undone.id == *id);
    let exchanges = exchanges.into_iter().filter(|members| !members.iter().any(is_undone));
    let exchanges: Vec<_> = exchanges.collect();
    let undone_ids: Vec<InventoryId> = undone.iter().map(|undone| undone.id).collect();
    let departures = migrate::departures_of(world, &undone_ids);
    let mut buffer = world.resource_mut::<TickBuffer>();
    let buffer = &mut *buffer;
    buffer.exchanges.extend(exchanges);
    for leaving in buffer.leaving_this_tick.iter_mut().chain(&mut buffer.leaving_next_tick) {
        if let Some(undone) = undone.iter_mut().find(|undone| undone.id == leaving.id) {
            undone.left_by = Some(LeftBy::by(&leaving.exit));
            // It is only released.
            (leaving.last, leaving.exit) = (None, Exit::Release);
        } else if departures.iter().any(|departure| departure.inventories.contains(&leaving.id)) {
            // Its player stays.
            leaving.exit = Exit::Release;
        }
    }
    undo_renamed_once(&mut undone);
    let pending = buffer.notes.extract_if(.., |note| undone_ids.contains(&note.inventory));
    let pending: Vec<_> = pending.collect();
    let mut notes = world.resource_mut::<NoteLog>().take(&undone_ids);
    notes.extend(pending);
    let ids = undone_ids;
    warn!("the commit of inventory `{lost}` was rejected: {reason}; undone: {ids:?}");
    world.resource_mut::<InventoryStats>().store_reverts += 1;
    let order = Order::Revert { ids: ids.clone(), lost };
    world.resource_mut::<StoreLink>().send(order);
    let lost_by = world.resource::<Holders>().get(lost).map(|holder| holder.entity);
    // Removing an inventory also removes its items in other inventories, which are stored with it.
    let (stored, other): (Vec<_>, Vec<_>) =
        undone.into_iter().partition(|it| world.resource::<Holders>().get(it.id).is_some());
    other.into_iter().for_each(|undone| undo_other(world, undone, lost_by));
    for undone in stored {
        match world.resource::<Holders>().get(undone.id) {
            Some(holder) if undone.id == lost => {
                world.resource_mut::<Holders>().remove(lost, holder.entity);
                loading::unload(world, holder.entity);
                let rolled_back = matches!(reason, Fenced::RolledBack { .. });
                // The contents that remain if nothing is stored. After a rollback, others may have them again.
                let kit = if rolled_back { Some(InventoryState::default()) } else { undone.before };
                loading::replace_kit(world, holder.entity, kit);
                let error = StoreError::Lost { id: lost, reason };
                loading::fail_loading(world, lost, holder.entity, error);
            }
            Some(holder) => undo_stored(world, holder.entity, undone),
            None => {}
        }
    }
    for departure in &departures {
        migrate::cancel_departure(world, departure, MigrationError::Rejected(reason));
    }
    emit(world, InventoriesReverted { rejected: lost, reason, inventories: ids, notes });
}

/// The contents of an inventory that was renamed and is gone are returned only once, under its old id.
fn undo_renamed_once(undone: &mut [Undone]) {
    let old = undone.iter().filter(|it| it.left_by.is_none()).filter_map(|it| it.entity);
    let old: Vec<Entity> = old.collect();
    for it in undone.iter_mut().filter(|it| it.left_by == Some(LeftBy::Deleted)) {
        it.entity.take_if(|entity| old.contains(entity));
    }
}

/// Undoes the changes of an inventory in the world that is stored.
fn undo_stored(world: &mut World, entity: Entity, undone: Undone) {
    let Undone { id, before, created, .. } = undone;
    if created && world.get::<Loot>(entity).is_some() {
        if world.get::<Tracked>(entity).is_some() {
            world.entity_mut(entity).insert(Deleting);
            world.despawn(entity);
        } else {
            world.trigger(DeleteInventory { entity });
        }
        return;
    }
    let Some(request) = loading::reload(world, id, before) else { return };
    let claims = &mut world.resource_mut::<TickBuffer>().claims;
    // A claim that was not passed on yet loads it as well.
    match claims.iter_mut().find(|(claimed, _)| *claimed == id) {
        Some((_, number)) => *number = request,
        None => world.resource_mut::<StoreLink>().send(Order::Reload { id, request }),
    }
}

/// Undoes the changes of an inventory that is not stored, or no longer in the world.
fn undo_other(
    world: &mut World,
    Undone { id, entity, before, created, left_by }: Undone,
    lost_by: Option<Entity>,
) {
    match left_by {
        // Its record is still there, if it was ever stored.
        Some(LeftBy::Deleted) => {
            if let (Some(entity), Some(state)) = (entity, before) {
                let mut returned = world.resource_mut::<ReturnedIfNotStored>();
                returned.0.insert(id, Contents { entity, state, lost_by });
            }
            return world.resource_mut::<StoreLink>().send(Order::Read(id));
        }
        Some(LeftBy::Released) => return,
        None => {}
    }
    let Some(entity) = entity else { return };
    match before {
        // It was dropped in the exchange that is undone.
        None if created && world.get::<Loot>(entity).is_some() => {
            world.despawn(entity);
        }
        None => {}
        Some(state) => put_back(world, Contents { entity, state, lost_by }),
    }
}

/// Returns the contents of an inventory that is not in the store.
fn return_contents(world: &mut World, id: InventoryId) {
    if let Some(contents) = world.resource_mut::<ReturnedIfNotStored>().0.remove(&id) {
        put_back(world, contents);
    }
}

fn put_back(world: &mut World, Contents { entity, state, lost_by }: Contents) {
    let exists = world.get_entity(entity).is_ok();
    let by = (!exists).then(|| lost_by.unwrap_or(entity));
    let undo = world.run_system_cached_with(restore_contents, (entity, state, by));
    undo.expect("the system has no conditions");
}

/// Puts the contents of an inventory back. If its entity is gone, another one drops them.
fn restore_contents(
    In((entity, before, by)): In<(Entity, InventoryState, Option<Entity>)>,
    mut inventories: Inventories,
) {
    match by {
        None => inventories.replace(entity, before, Cause::Reverted),
        Some(by) => before.iter().flatten().for_each(|stack| inventories.drop_at(by, stack)),
    }
}
