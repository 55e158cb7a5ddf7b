//! Names of entities with inventories, also of those that no longer exist.

use std::collections::VecDeque;

use bevy::{ecs::system::SystemParam, platform::collections::HashMap, prelude::*};
use bevy_replicon::prelude::*;

use crate::{model::id::InventoryId, server::views::access::Owner};

use super::describe::short;

/// Maximum number of remembered names.
const NAMES_MAX: usize = 256;

/// Names of entities with inventories.
#[derive(SystemParam)]
pub(super) struct Names<'w, 's> {
    all: Query<'w, 's, (Option<&'static Name>, Option<&'static InventoryId>)>,
    owned: Query<'w, 's, (Entity, &'static Owner)>,
}

impl Names<'_, '_> {
    /// Lists the names of the inventories that a client owns.
    pub(super) fn owned_by(&self, client: Entity) -> String {
        let all = self.owned.iter().filter(|(_, owner)| owner.0 == ClientId::Client(client));
        all.map(|(entity, _)| self.of(entity)).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn of(&self, entity: Entity) -> String {
        match self.all.get(entity) {
            Ok((Some(name), _)) => name.to_string(),
            Ok((None, Some(id))) => short(*id),
            _ => entity.to_string(),
        }
    }
}

/// Names of the entities whose inventories were removed last. An entity that was picked up is already despawned when
/// its action is reported.
#[derive(Resource, Default, Debug)]
pub(super) struct FormerNames {
    names: HashMap<Entity, String>,
    /// Insertion order, for eviction.
    order: VecDeque<Entity>,
}

impl FormerNames {
    fn remember(&mut self, entity: Entity, name: String) {
        if self.names.insert(entity, name).is_none() {
            self.order.push_back(entity);
        }
        if self.order.len() > NAMES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    /// Returns the name that an entity has or had.
    pub(super) fn of(&self, entity: Entity, names: &Names) -> String {
        self.names.get(&entity).cloned().unwrap_or_else(|| names.of(entity))
    }
}

pub(super) fn remember_name(
    removed: On<Remove, InventoryId>,
    names: Names,
    mut former: ResMut<FormerNames>,
) {
    former.remember(removed.entity, names.of(removed.entity));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_names_are_kept_after_despawn() {
        let mut app = App::new();
        app.init_resource::<FormerNames>().add_observer(remember_name);
        let mut spawn = |n: usize| {
            let id = InventoryId::named("chest", n as u64);
            let entity = app.world_mut().spawn((id, Name::new(format!("chest {n}")))).id();
            app.world_mut().despawn(entity);
            entity
        };
        let all: Vec<Entity> = (0..NAMES_MAX + 8).map(&mut spawn).collect();
        let former = app.world().resource::<FormerNames>();
        assert!(former.names.len() <= NAMES_MAX);
        let last = all.last().expect("many were spawned");
        assert_eq!(former.names.get(last), Some(&format!("chest {}", NAMES_MAX + 7)));
    }
}
