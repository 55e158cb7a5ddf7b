//! The inventories with [`Persist`](super::persist::Persist) in this world.

use bevy::{platform::collections::HashMap, prelude::*};

use crate::model::{id::InventoryId, state::InventoryState};

/// Reinserts a component that was removed.
pub(super) type Reinsert = Box<dyn FnOnce(&mut EntityWorldMut) + Send + Sync>;

/// Marks an inventory that has been loaded, and whose changes are stored.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable)]
pub(super) struct Tracked {
    /// Id of the inventory when it was claimed.
    pub(super) id: InventoryId,
}

/// What was removed from an entity while its inventory is being loaded.
#[derive(Component, Default)]
pub(super) struct StarterKit {
    /// Its containers.
    pub(super) state: InventoryState,
    /// Its persisted components by name.
    pub(super) components: Vec<(&'static str, Reinsert)>,
}

/// A claim of this server, from the time of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Holder {
    /// The entity with the inventory.
    pub(super) entity: Entity,
    /// Number of the request, by which its answer is recognized.
    pub(super) request: u64,
}

/// The entities with inventories that are claimed, by id.
#[derive(Resource, Default, Debug)]
pub(super) struct Holders {
    by_id: HashMap<InventoryId, Holder>,
    requests: u64,
}

impl Holders {
    /// Returns the entity whose inventory has this id.
    pub(super) fn get(&self, id: InventoryId) -> Option<Holder> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Records that an inventory is requested for an entity, and returns the number of the request.
    pub(super) fn request(&mut self, id: InventoryId, entity: Entity) -> u64 {
        self.requests += 1;
        self.by_id.insert(id, Holder { entity, request: self.requests });
        self.requests
    }

    /// Removes an inventory, if this entity holds it. Returns `true` if it did.
    pub(super) fn remove(&mut self, id: InventoryId, entity: Entity) -> bool {
        let held = self.get(id).is_some_and(|holder| holder.entity == entity);
        if held {
            self.by_id.remove(&id);
        }
        held
    }
}
