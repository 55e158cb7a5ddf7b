//! Inventories that leave the world: their last state is passed to the worker, and their claim ends.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Remove},
        query::Allow,
        world::DeferredWorld,
    },
    prelude::*,
};

use crate::{
    model::planted::{Bug, planted},
    model::{catalog::ItemCatalog, data::DataPool, saved::UnknownItems, state::InventoryState},
    params::inventories::saves::save_with_returned,
    server::{
        audit::ItemsCreatedOrDestroyed,
        baseline::Baseline,
        loot::Loot,
        returns::{AwaitsReturns, ReturnsTo},
    },
    shared::{containers::ContainerRegistry, events::Cause, markers::Loading},
};

use super::{
    changes::{ComponentChange, Exit, FullState, Leaving, TickBuffer, TickPhase},
    components::PersistedComponents,
    persist::{DeleteInventory, Persist},
    tracked::{Holders, StarterKit, Tracked},
};

pub(super) fn plugin(app: &mut App) {
    app.add_observer(keep_committed)
        .add_observer(leave)
        .add_observer(delete)
        .add_observer(record_return);
}

/// Marks an inventory for deletion.
#[derive(Component)]
pub(super) struct Deleting;

/// Keeps the contents as of the tick that is being collected, because a despawn removes the containers first.
fn keep_committed(discard: On<Discard, Persist>, mut world: DeferredWorld) {
    if let Some(state) = committed(&world, discard.entity) {
        world.resource_mut::<TickBuffer>().removed.insert(discard.entity, state);
    }
}

/// Returns the contents of an inventory as of the tick that is being collected.
pub(super) fn committed(world: &World, entity: Entity) -> Option<FullState> {
    world.get::<Tracked>(entity)?;
    let read: fn(&World, Entity) -> Option<InventoryState> =
        match world.get_resource::<TickBuffer>()?.phase {
            TickPhase::Between => return None,
            // They may not have been compared yet.
            TickPhase::Comparing => current_slots,
            TickPhase::Collecting => committed_slots,
        };
    full_state(world, entity, &read(world, entity)?, read)
}

/// Returns the contents of an inventory as of the last comparison.
pub(super) fn committed_slots(world: &World, entity: Entity) -> Option<InventoryState> {
    world.get::<Baseline>(entity).map(|baseline| baseline.state().clone())
}

fn current_slots(world: &World, entity: Entity) -> Option<InventoryState> {
    world.resource::<ContainerRegistry>().read_in(world, entity)
}

/// Records the last state of an inventory whose entity is despawned, or that is no longer stored.
fn leave(leaving: On<Remove, Persist>, mut world: DeferredWorld) {
    let entity = leaving.entity;
    let tracked = world.get::<Tracked>(entity).copied();
    let Some(id) = tracked.map(|tracked| tracked.id).or_else(|| world.get(entity).copied()) else {
        return;
    };
    if !world.get_resource_mut::<Holders>().is_some_and(|mut all| all.remove(id, entity)) {
        return;
    }
    let state = world.resource::<ContainerRegistry>().read_in(&world, entity);
    let spent = world.get::<Loot>(entity).is_some()
        && !planted(Bug::StoredLootStays)
        && state.as_ref().is_some_and(|state| state.iter().all(|stack| stack.is_none()));
    let deleted = tracked.is_some() && (spent || world.get::<Deleting>(entity).is_some());
    let exit = if deleted { Exit::Delete } else { Exit::Release };
    let last = tracked.and_then(|_| last_state(&world, entity, &state.unwrap_or_default()));
    let mut buffer = world.resource_mut::<TickBuffer>();
    let committed = buffer.removed.remove(&entity);
    buffer.leaving_next_tick.push(Leaving { id, committed, last, exit });
    world.commands().entity(entity).try_remove::<(Tracked, StarterKit, Loading)>();
}

/// Returns the last contents and components of an inventory.
pub(super) fn last_state(
    world: &World,
    entity: Entity,
    state: &InventoryState,
) -> Option<(FullState, Vec<ComponentChange>)> {
    let full_state = full_state(world, entity, state, current_slots)?;
    Some((full_state, world.resource::<PersistedComponents>().encode(world, entity)))
}

/// Returns all of an inventory in stored form. `read` reads other inventories whose items are stored with it.
pub(super) fn full_state(
    world: &World,
    entity: Entity,
    state: &InventoryState,
    read: impl Fn(&World, Entity) -> Option<InventoryState>,
) -> Option<FullState> {
    let registry = world.resource::<ContainerRegistry>();
    let catalog = world.get_resource::<ItemCatalog>()?;
    let pool = world.get_resource::<DataPool>();
    let unknown = world.get::<UnknownItems>(entity);
    let elsewhere = stored_elsewhere(world, entity);
    let elsewhere = elsewhere.into_iter().filter_map(|from| read(world, from));
    let kinds = registry.as_slice();
    let saved = save_with_returned(state, kinds, catalog, pool, unknown, elsewhere);
    let placed = state.containers().iter().map(|container| container.slots.iter().count());
    Some(FullState { saved, placed: placed.collect() })
}

/// Returns the inventories whose items are stored with another one, because they return to it.
pub(super) fn stored_elsewhere(world: &World, to: Entity) -> Vec<Entity> {
    if planted(Bug::OffersNotStored) {
        return Vec::new();
    }
    let awaits = world.get::<AwaitsReturns>(to).into_iter().flat_map(AwaitsReturns::iter);
    awaits.filter(|from| world.get::<Persist>(*from).is_none()).collect()
}

fn delete(delete: On<DeleteInventory>, mut commands: Commands) {
    let entity = delete.entity;
    commands.queue(move |world: &mut World| delete_now(world, entity));
}

/// Deletes an inventory and despawns its entity.
fn delete_now(world: &mut World, entity: Entity) {
    let Ok(mut entity_mut) = world.get_entity_mut(entity) else { return };
    entity_mut.insert(Deleting);
    // It is deleted once it is claimed.
    if entity_mut.contains::<Loading>() && entity_mut.contains::<Persist>() {
        return;
    }
    let inventory = entity_mut.get().copied();
    let state = world.resource::<ContainerRegistry>().read_in(world, entity).unwrap_or_default();
    for stack in state.iter().flatten() {
        let (item, net, cause) = (stack.item, -i64::from(stack.count()), Cause::Deleted);
        world.write_message(ItemsCreatedOrDestroyed { item, net, cause, inventory });
    }
    world.despawn(entity);
}

/// Records that the items of an inventory no longer belong to another one.
fn record_return(
    gone: On<Discard, ReturnsTo>,
    returning: Query<&ReturnsTo, Allow<Disabled>>,
    buffer: Option<ResMut<TickBuffer>>,
) {
    if let (Ok(returning), Some(mut buffer)) = (returning.get(gone.entity), buffer) {
        buffer.fully_changed.push(returning.to);
    }
}
