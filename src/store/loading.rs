//! Claims and loads inventories. Their containers are not on the entity until they are loaded.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Add, Insert},
        query::Allow,
    },
    prelude::*,
};
use log::error;

use crate::{
    model::{
        catalog::ItemCatalog, data::DataPool, id::InventoryId, saved::UnknownItems, slots::Slots,
        stack::Stack, state::InventoryState,
    },
    params::inventories::Inventories,
    server::{baseline::Baseline, faults::Unsynced, inspect},
    shared::{
        authority::Authority,
        containers::ContainerRegistry,
        events::{Cause, emit},
        ids::InventoryIds,
        markers::{Loading, NewInventory},
        random::InventoryRng,
        stats::InventoryStats,
    },
};

use super::{
    changes::{Exit, Leaving, TickBuffer},
    components::PersistedComponents,
    error::StoreError,
    leaving::{self, Deleting},
    persist::{DeleteInventory, InventoryLoadFailed, InventoryLoaded, Persist},
    record::StoredInventory,
    tracked::{Holders, Reinsert, StarterKit, Tracked},
};

pub(super) fn plugin(app: &mut App) {
    app.add_observer(claim).add_observer(strip_added_containers);
}

fn claim(insert: On<Insert, Persist>, authority: Authority, mut commands: Commands) {
    let entity = insert.entity;
    if authority.is_here() {
        commands.queue(move |world: &mut World| begin_loading(world, entity));
    }
}

/// Removes containers that are added while the inventory is being loaded.
fn strip_added_containers(
    add: On<Add, Baseline>,
    loading: Query<(), (With<StarterKit>, Allow<Disabled>)>,
    mut commands: Commands,
) {
    let entity = add.entity;
    if loading.contains(entity) {
        commands.queue(move |world: &mut World| strip_entity(world, entity));
    }
}

/// Claims the inventory of an entity.
pub(super) fn begin_loading(world: &mut World, entity: Entity) {
    let Ok(entity_ref) = world.get_entity(entity) else { return };
    if entity_ref.contains::<Tracked>() || !entity_ref.contains::<Persist>() {
        return;
    }
    let new = entity_ref.contains::<NewInventory>();
    let id = entity_ref.get::<InventoryId>().copied().filter(|id| id.is_named());
    let Some(id) = id.filter(|_| !new) else { return create(world, entity, id) };
    let other = world.resource::<InventoryIds>().get(id).filter(|first| *first != entity);
    world.entity_mut(entity).insert_if_new(StarterKit::default()).insert(Loading);
    strip_entity(world, entity);
    if other.is_some() {
        return fail_loading(world, id, entity, StoreError::DuplicateEntity { id });
    }
    world.entity_mut(entity).remove::<Unsynced>();
    request(world, id, entity);
}

/// Tracks an inventory with a random id, of which nothing can be stored. `id` is `None` if it has none yet.
fn create(world: &mut World, entity: Entity, id: Option<InventoryId>) {
    let id = id.unwrap_or_else(|| {
        let id = world.resource_scope(|world, mut random: Mut<InventoryRng>| {
            world.resource::<InventoryIds>().draw_random(&mut random)
        });
        if let Some(old) = world.get(entity).copied() {
            inspect::record_new_id(world, entity, old, id);
        }
        world.entity_mut(entity).insert(id);
        id
    });
    world.entity_mut(entity).remove::<NewInventory>().insert(Tracked { id });
    world.resource_mut::<Holders>().request(id, entity);
    world.resource_mut::<TickBuffer>().created.push(id);
    emit(world, InventoryLoaded { entity, inventory: id, found: false });
}

/// Requests an inventory from the store for an entity.
fn request(world: &mut World, id: InventoryId, entity: Entity) {
    let request = world.resource_mut::<Holders>().request(id, entity);
    world.resource_mut::<TickBuffer>().claims.push((id, request));
}

/// Removes the containers and persisted components from an entity.
fn strip_entity(world: &mut World, entity: Entity) {
    let registry = world.resource::<ContainerRegistry>().clone();
    let components = world.resource::<PersistedComponents>().clone();
    let state = registry.read_in(world, entity).unwrap_or_default();
    registry.restructure(world, entity, &InventoryState::default());
    let Ok(mut entity_mut) = world.get_entity_mut(entity) else { return };
    let taken = components.take(&mut entity_mut);
    let Some(mut kit) = entity_mut.get_mut::<StarterKit>() else { return };
    for container in state.containers() {
        kit.state.insert(container.kind, container.slots.clone());
    }
    kit.state.selected = state.selected.or(kit.state.selected);
    kit.components.extend(taken);
}

/// Inserts what was loaded for a request.
pub(super) fn finish_loading(
    world: &mut World,
    id: InventoryId,
    number: u64,
    result: Result<Option<Box<StoredInventory>>, StoreError>,
) {
    let Some(holder) = world.resource::<Holders>().get(id) else {
        // Its entity is gone, so the claim ends.
        return release(world, id);
    };
    if holder.request != number {
        return;
    }
    let entity = holder.entity;
    let is_claimed = result.is_ok();
    let restored = result.and_then(|found| restore(world, id, entity, found.as_deref()));
    match restored {
        Ok(restored) => insert_loaded(world, id, entity, restored),
        Err(error) => {
            world.resource_mut::<Holders>().remove(id, entity);
            if is_claimed {
                // This version of the game cannot read it, but another server's version may.
                release(world, id);
            }
            fail_loading(world, id, entity, error);
        }
    }
}

/// Ends the claim of an inventory that has not changed.
pub(super) fn release(world: &mut World, id: InventoryId) {
    let leaving = Leaving { id, committed: None, last: None, exit: Exit::Release };
    world.resource_mut::<TickBuffer>().leaving_next_tick.push(leaving);
}

/// What to insert.
struct Restored {
    state: InventoryState,
    unknown: Option<UnknownItems>,
    components: Vec<Reinsert>,
    returned: Vec<Stack>,
    found: bool,
}

/// Makes a stored inventory one of this world.
fn restore(
    world: &mut World,
    id: InventoryId,
    entity: Entity,
    found: Option<&StoredInventory>,
) -> Result<Restored, StoreError> {
    let decoded = match found {
        Some(found) => world.resource::<PersistedComponents>().decode(&found.components),
        None => Ok(Vec::new()),
    };
    let unreadable =
        |name| StoreError::Damaged { id, what: format!("the component `{name}` cannot be read") };
    let stored = decoded.map_err(unreadable)?;
    let mut entity = world.entity_mut(entity);
    let kit = entity.take::<StarterKit>().unwrap_or_default();
    let mut components: Vec<Reinsert> = Vec::new();
    let Some(found) = found else {
        components.extend(kit.components.into_iter().map(|(_, reinsert)| reinsert));
        let (state, found) = (kit.state, false);
        return Ok(Restored { state, unknown: None, components, returned: Vec::new(), found });
    };
    // A component that did not exist when the inventory was stored.
    let new = kit.components.into_iter().filter(|(name, _)| !found.components.contains_key(*name));
    components.extend(new.map(|(_, reinsert)| reinsert).chain(stored));
    let registry = world.resource::<ContainerRegistry>().clone();
    let catalog = world.resource::<ItemCatalog>().clone();
    let mut pool = world.resource_mut::<DataPool>();
    let saved = &found.inventory;
    let (mut state, mut unknown) = saved.restore(registry.as_slice(), &catalog, Some(&mut pool));
    let returned = saved.restore_returned(&catalog, Some(&mut pool), &mut unknown);
    for container in kit.state.containers() {
        if state.container(container.kind).is_none() {
            state.insert(container.kind, Slots::new(container.slots.len()));
        }
    }
    state.selected = state.selected.or(kit.state.selected);
    Ok(Restored { state, unknown: Some(unknown), components, returned, found: true })
}

/// Inserts containers and components together.
fn insert_loaded(world: &mut World, id: InventoryId, entity: Entity, restored: Restored) {
    let Restored { state, unknown, components, returned, found } = restored;
    let mut entity_mut = world.entity_mut(entity);
    entity_mut.remove::<Loading>().insert(Tracked { id });
    if let Some(unknown) = unknown {
        entity_mut.insert(unknown);
    }
    components.into_iter().for_each(|reinsert| reinsert(&mut entity_mut));
    let registry = world.resource::<ContainerRegistry>().clone();
    registry.restructure(world, entity, &state);
    if world.get_entity(entity).is_err() {
        return;
    }
    if world.get::<Deleting>(entity).is_some() {
        world.trigger(DeleteInventory { entity });
        return;
    }
    if !returned.is_empty() {
        let given = world.run_system_cached_with(give_back, (entity, returned));
        given.expect("the system has no conditions");
    }
    world.resource_mut::<InventoryStats>().store_loads += 1;
    emit(world, InventoryLoaded { entity, inventory: id, found });
}

fn give_back(In((entity, stacks)): In<(Entity, Vec<Stack>)>, mut inventories: Inventories) {
    inventories.insert_or_drop(entity, stacks);
}

/// Empties an inventory.
fn clear_contents(In(entity): In<Entity>, mut inventories: Inventories) {
    let Some(mut state) = inventories.state(entity) else { return };
    for flat in 0..state.len() {
        state.set(flat, None);
    }
    inventories.replace(entity, state, Cause::Reverted);
}

/// Reports that an inventory could not be loaded. It stays without containers.
pub(super) fn fail_loading(world: &mut World, id: InventoryId, entity: Entity, error: StoreError) {
    error!("entity {entity}: {error}");
    world.resource_mut::<InventoryStats>().store_loads_failed += 1;
    if let Ok(mut entity_mut) = world.get_entity_mut(entity) {
        entity_mut.insert(Unsynced);
        emit(world, InventoryLoadFailed { entity, inventory: id, error });
    }
}

/// Removes an inventory from its entity and reloads it from the store. `kit` is what it gets if nothing is stored.
pub(super) fn reload(
    world: &mut World,
    id: InventoryId,
    kit: Option<InventoryState>,
) -> Option<u64> {
    let entity = world.resource::<Holders>().get(id)?.entity;
    unload(world, entity);
    replace_kit(world, entity, kit);
    world.get_entity(entity).ok()?;
    Some(world.resource_mut::<Holders>().request(id, entity))
}

/// Replaces the contents that an inventory gets if nothing is stored. Containers that `kit` does not have are emptied.
pub(super) fn replace_kit(world: &mut World, entity: Entity, kit: Option<InventoryState>) {
    let (Some(mut starter_kit), Some(mut kit)) = (world.get_mut::<StarterKit>(entity), kit) else {
        return;
    };
    for container in starter_kit.state.containers() {
        if kit.container(container.kind).is_none() {
            kit.insert(container.kind, Slots::new(container.slots.len()));
        }
    }
    starter_kit.state = kit;
}

/// Removes an inventory from its entity. Its changes are no longer stored. Items elsewhere that belong to it are stored
/// with it, so they are removed there.
pub(super) fn unload(world: &mut World, entity: Entity) {
    for from in leaving::stored_elsewhere(world, entity) {
        let emptied = world.run_system_cached_with(clear_contents, from);
        emptied.expect("the system has no conditions");
    }
    if let Ok(mut entity_mut) = world.get_entity_mut(entity) {
        // It may be unloaded a second time before it is loaded again.
        entity_mut.remove::<Tracked>().insert_if_new(StarterKit::default()).insert(Loading);
        strip_entity(world, entity);
    }
}
