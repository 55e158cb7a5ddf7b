//! The index of entities by [`InventoryId`], on the authority and on clients.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Insert},
        query::Allow,
    },
    platform::collections::HashMap,
    prelude::*,
};
use smallvec::SmallVec;

use crate::model::id::InventoryId;

use super::{authority::Authority, random::InventoryRng};

/// Looks up entities by [`InventoryId`].
#[derive(Resource, Default, Debug)]
pub struct InventoryIds {
    holders: HashMap<InventoryId, SmallVec<[Entity; 1]>>,
    next: u64,
}

impl InventoryIds {
    /// Returns the entity with this id. If several have it, the first one is returned.
    #[must_use]
    pub fn get(&self, id: InventoryId) -> Option<Entity> {
        self.holders.get(&id).and_then(|holders| holders.first().copied())
    }

    /// Returns a random id that no entity has. It stays valid after a restart.
    pub(crate) fn draw_random(&self, random: &mut InventoryRng) -> InventoryId {
        loop {
            let id = InventoryId::random(random.draw(..));
            if !self.holders.contains_key(&id) {
                return id;
            }
        }
    }

    /// Returns the next sequential id that no entity has.
    pub(crate) fn draw(&mut self) -> InventoryId {
        loop {
            self.next += 1;
            let id = InventoryId::sequential(self.next);
            if !self.holders.contains_key(&id) {
                return id;
            }
        }
    }
}

/// Authority: an entity was given an id. `first` is the entity that had it before all others.
#[derive(Event, Clone, Copy, Debug)]
pub(crate) struct IdTaken {
    pub(crate) id: InventoryId,
    pub(crate) entity: Entity,
    pub(crate) first: Entity,
}

/// Authority: an entity is the only one left that has its id, or has lost an id that another one has.
#[derive(Event, Clone, Copy, Debug)]
pub(crate) struct IdConflictEnded {
    pub(crate) entity: Entity,
}

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<InventoryIds>().add_observer(add_holder).add_observer(remove_holder);
}

fn add_holder(
    insert: On<Insert, InventoryId>,
    entities: Query<&InventoryId, Allow<Disabled>>,
    authority: Authority,
    mut ids: ResMut<InventoryIds>,
    mut commands: Commands,
) {
    let entity = insert.entity;
    let Ok(id) = entities.get(entity).copied() else { return };
    let holders = ids.holders.entry(id).or_default();
    if !authority.is_here() {
        // Inventories shown by the server take precedence over the client's own entities.
        holders.insert(0, entity);
        return;
    }
    holders.push(entity);
    commands.trigger(IdTaken { id, entity, first: holders[0] });
}

fn remove_holder(
    discard: On<Discard, InventoryId>,
    entities: Query<&InventoryId, Allow<Disabled>>,
    authority: Authority,
    mut ids: ResMut<InventoryIds>,
    mut commands: Commands,
) {
    let Ok(id) = entities.get(discard.entity).copied() else { return };
    let Some(holders) = ids.holders.get_mut(&id) else { return };
    let was_first = holders.first() == Some(&discard.entity);
    holders.retain(|holder| *holder != discard.entity);
    let heir = holders.first().copied();
    if holders.is_empty() {
        ids.holders.remove(&id);
    }
    let freed = if was_first { heir } else { Some(discard.entity) };
    if let Some(entity) = freed.filter(|_| authority.is_here()) {
        commands.trigger(IdConflictEnded { entity });
    }
}
