//! Loot: stacks on the ground, as entities with an inventory of one slot.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    model::{builtin::Inventory, stack::Stack},
    shared::{
        containers::ContainerRegistry,
        events::{Cause, emit},
        schedule::InventoryServerSystems,
    },
};

use super::marked::Marked;

/// Marks a stack on the ground: an entity with an [`Inventory`] of one slot. The entity is despawned when the
/// inventory is empty.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Loot;

/// Authority: a stack was dropped, and an entity was spawned for it. Observe this event to insert what the game
/// needs, such as a position and [`Viewers`](crate::prelude::Viewers).
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// The new entity.
    pub entity: Entity,
    /// The inventory that the stack was dropped from, or on whose behalf it was dropped.
    pub by: Option<Entity>,
    /// The player that dropped it. [`ClientId::Server`] for the local player and for the game itself.
    pub client: ClientId,
    /// The stack.
    pub stack: Stack,
}

pub(crate) fn plugin(app: &mut App) {
    app.add_message::<Dropped>()
        .add_systems(PostUpdate, despawn_empty_loot.in_set(InventoryServerSystems::Features));
}

/// Spawns loot with a stack, and emits [`Dropped`].
pub(crate) fn drop_stack(
    world: &mut World,
    by: Option<Entity>,
    client: ClientId,
    stack: Stack,
    cause: Cause,
) {
    let entity = world.spawn((Inventory([Some(stack)].into_iter().collect()), Loot)).id();
    if let Some(kind) = world.resource::<ContainerRegistry>().kind_of::<Inventory>() {
        world.resource_mut::<Marked>().declare(entity, kind, 0, cause);
    }
    emit(world, Dropped { entity, by, client, stack });
}

fn despawn_empty_loot(
    loot: Query<(Entity, &Inventory), (With<Loot>, Changed<Inventory>, Allow<Disabled>)>,
    mut commands: Commands,
) {
    for (entity, slots) in &loot {
        if slots.iter().next().is_none() {
            commands.entity(entity).try_despawn();
        }
    }
}
