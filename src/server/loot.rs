//! What lies on the ground: entities with an inventory of one slot.

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

/// On a stack that lies on the ground: an entity with an [`Inventory`] of one slot. It goes when it is
/// empty.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Loot;

/// Authority: a stack was dropped and lies on the ground, on an entity of its own. Observe it to say
/// where: insert a position, [`Viewers`](crate::prelude::Viewers), whatever it takes.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// The new entity.
    pub entity: Entity,
    /// The inventory that it was dropped from or for.
    pub by: Option<Entity>,
    /// The player who did it; [`ClientId::Server`] also if it was the game.
    pub client: ClientId,
    /// What lies there.
    pub stack: Stack,
}

pub(crate) fn plugin(app: &mut App) {
    app.add_message::<Dropped>()
        .add_systems(PostUpdate, despawn_empty_loot.in_set(InventoryServerSystems::Features));
}

/// Puts a stack on the ground.
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
