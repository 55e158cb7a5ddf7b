//! Writes the client's copies to entities: attaches each copy to the replicated entity or to a mirror, writes
//! the slots that differ, and reverts what game code wrote on a client.

use crate::{
    model::{container::Container, id::InventoryId, state::InventoryState},
    shared::{
        containers::ContainerRegistry,
        events::{CloseReason, InventoryClosed, emit},
        markers::{ActingInventory, InView, LocalInventory},
        schedule::InventoryClientSystems,
        stats::InventoryStats,
    },
    wire::OpenHead,
};

use super::{
    confirmed::{Closed, ConfirmedInventories, inventory::ConfirmedInventory},
    predictions::{Predictions, rebase},
};
use bevy::prelude::*;
use bevy::{ecs::lifecycle::Remove, ecs::world::FilteredEntityMut};
use bevy_replicon::shared::server_entity_map::ServerEntityMap;
use log::warn;

/// Closes, attaches and writes the views that changed. No resource is borrowed while an entity is written, because
/// observers of the game run in between.
pub(crate) fn reconcile_entities(world: &mut World) {
    let confirmations = world.resource::<ConfirmedInventories>();
    let nothing_waits = confirmations.waiting.is_empty() && confirmations.closed.is_empty();
    let answered = !world.resource::<Predictions>().answered.is_empty();
    if confirmations.touched.is_empty() && nothing_waits && !answered {
        return;
    }
    let registry = world.resource::<ContainerRegistry>().clone();
    close_views(world, &registry);
    attach(world, &registry);
    rebase(world);
    let touched = world.resource::<ConfirmedInventories>().touched.clone();
    for view in touched {
        write(world, &registry, view);
    }
}

/// Finds or spawns the entities of views that have none yet.
fn attach(world: &mut World, registry: &ContainerRegistry) {
    let waiting = core::mem::take(&mut world.resource_mut::<ConfirmedInventories>().waiting);
    for view in waiting {
        let confirmations = world.resource::<ConfirmedInventories>();
        let Some(copy) = confirmations.get(view).filter(|copy| copy.entity.is_none()) else {
            continue;
        };
        let entity = match copy.head.entity {
            None => world.spawn_empty().id(),
            Some(server) => {
                let map = world.resource::<ServerEntityMap>();
                match map.to_client().get(&server).copied() {
                    Some(entity) if world.entities().contains(entity) => entity,
                    _ => {
                        world.resource_mut::<ConfirmedInventories>().waiting.push(view);
                        continue;
                    }
                }
            }
        };
        let mut confirmations = world.resource_mut::<ConfirmedInventories>();
        confirmations.touched.push(view);
        let Some(copy) = confirmations.get_mut(view) else { continue };
        copy.attach(entity);
        let (id, state) = (copy.head.id, copy.state.clone());
        if let Ok(mut entity) = world.get_entity_mut(entity) {
            entity.insert(id);
        }
        registry.restructure(world, entity, &state);
    }
}

/// Writes a view's shown state to its entity.
pub(crate) fn write(world: &mut World, registry: &ContainerRegistry, view: u32) {
    let mut confirmations = world.resource_mut::<ConfirmedInventories>();
    let Some(copy) = confirmations.get_mut(view) else { return };
    let (head, resized) = (copy.head, copy.resized);
    let changed = !copy.changes.is_empty() || copy.selected_before.is_some();
    let state = (resized || changed).then(|| copy.shown().clone());
    let reopened = core::mem::take(&mut copy.reopened);
    let Some(entity) = copy.entity else { return };
    if reopened {
        mark_in_view(world, entity, head);
    }
    match state {
        Some(state) if resized => registry.restructure(world, entity, &state),
        Some(state) => {
            if let Ok(mut entity) = world.get_entity_mut(entity) {
                registry.write(&mut FilteredEntityMut::from(&mut entity), &state, |_, _| {});
            }
        }
        None => {}
    }
    if world.get_entity(entity).is_err()
        && let Some(copy) = world.resource_mut::<ConfirmedInventories>().get_mut(view)
    {
        copy.entity = None;
    }
}

/// Updates the marker components of an inventory in view. Observers of the game run after each step and may
/// despawn the entity.
fn mark_in_view(world: &mut World, entity: Entity, head: OpenHead) {
    let OpenHead { rights, owner, acts, .. } = head;
    if let Ok(mut entity) = world.get_entity_mut(entity) {
        entity.insert(InView { rights });
    }
    set_marker(world, entity, LocalInventory, owner);
    set_marker(world, entity, ActingInventory, acts);
}

fn set_marker<C: Component>(world: &mut World, entity: Entity, marker: C, wanted: bool) {
    let Ok(mut entity) = world.get_entity_mut(entity) else { return };
    if wanted {
        entity.insert(marker);
    } else {
        entity.remove::<C>();
    }
}

/// Schedules the system that reverts what game code writes to containers of type `C` on a client.
pub(crate) fn register<C: Container>(app: &mut App) {
    app.add_systems(
        PreUpdate,
        revert_foreign_writes::<C>
            .after(reconcile_entities)
            .in_set(InventoryClientSystems::Reconcile)
            .run_if(resource_exists::<ConfirmedInventories>),
    );
}

/// Reverts local writes to shown containers: a client cannot change an inventory by writing to it.
fn revert_foreign_writes<C: Container>(
    mut shown: Query<(Entity, &InventoryId, &mut C), (Changed<C>, With<InView>)>,
    confirmations: Res<ConfirmedInventories>,
    registry: Res<ContainerRegistry>,
    mut stats: ResMut<InventoryStats>,
) {
    let Some(kind) = registry.kind_of::<C>() else { return };
    for (entity, id, mut container) in &mut shown {
        let copy = confirmations.by_id(*id).filter(|copy| copy.entity == Some(entity));
        let Some(copy) = copy else { continue };
        let shown = copy.shown();
        let Some(slots) = shown.container(kind) else { continue };
        let selects = registry.selecting(shown) == Some(kind);
        let selected = shown.selected.filter(|_| selects);
        if container.slots() == slots && (!selects || container.selected() == selected) {
            continue;
        }
        let wrong = (0..slots.len()).filter(|n| container.slots().get(*n) != slots.get(*n)).count();
        stats.slots_reverted += wrong as u64;
        warn!(
            "inventory `{id}`: client code wrote to `{}`; reverted, because only the server may \
             write",
            C::NAME
        );
        *container.slots_mut() = slots.clone();
        if let Some(selected) = selected {
            container.select(selected);
        }
    }
}

/// Detaches a copy from an entity that replicon hid or despawned. The view continues.
pub(crate) fn detach_gone(
    remove: On<Remove, InView>,
    ids: Query<&InventoryId>,
    mut confirmations: ResMut<ConfirmedInventories>,
) {
    let Ok(id) = ids.get(remove.entity).copied() else { return };
    let gone = |copy: &&mut ConfirmedInventory| copy.entity == Some(remove.entity);
    let Some(copy) = confirmations.by_id_mut(id).filter(gone) else { return };
    let view = copy.head.view;
    copy.detach();
    let reason = CloseReason::EntityHidden;
    let closed = Closed { entity: remove.entity, id, reason, mirror: false, alive: false };
    confirmations.closed.push(closed);
    confirmations.waiting.push(view);
}

/// Notifies the game of views that ended and cleans up their entities. This runs before new views are attached,
/// because the same entity may show the next view.
fn close_views(world: &mut World, registry: &ContainerRegistry) {
    let closed = core::mem::take(&mut world.resource_mut::<ConfirmedInventories>().closed);
    for closed in closed {
        close(world, registry, &closed);
    }
}

fn close(world: &mut World, registry: &ContainerRegistry, closed: &Closed) {
    let Closed { entity, id, reason, mirror, alive } = *closed;
    emit(world, InventoryClosed { entity, inventory: id, reason });
    // If the entity no longer exists, only global observers received the event.
    if !alive {
        return;
    }
    if mirror {
        world.try_despawn(entity).ok();
        return;
    }
    registry.restructure(world, entity, &InventoryState::default());
    if let Ok(mut entity) = world.get_entity_mut(entity) {
        entity.remove::<(InView, LocalInventory, ActingInventory, InventoryId)>();
    }
}
