//! Spawns stored inventories when a world starts.

use std::collections::BTreeMap;

use bevy::{ecs::system::SystemId, prelude::*};
use log::error;

use crate::{
    model::{codec, id::InventoryId},
    shared::{events::emit, ids::InventoryIds, sealed::Sealed},
};

use super::{
    changes::TickBuffer, components::PersistComponent, error::StoreError, record::StoredInventory,
};

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Restoring>().add_observer(begin);
}

/// An inventory in the store that is not in the world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEntry {
    /// Its id.
    pub inventory: InventoryId,
    /// What is stored.
    pub stored: StoredInventory,
}

impl StoredEntry {
    /// Returns a component, if it is stored and can be read.
    #[must_use]
    pub fn component<C: PersistComponent>(&self) -> Option<C> {
        codec::from_data(self.stored.components.get(C::NAME)?).ok()
    }
}

/// Authority: trigger it when a world starts. The system of [`RestoreAppExt::restore_world_with`] runs for each inventory
/// in the store that is not in the world. [`WorldRestored`] follows.
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct RestoreWorld;

/// Authority: all stored inventories were passed to the game.
#[derive(Event, Message, Clone, PartialEq, Eq, Default, Debug)]
pub struct WorldRestored {
    /// Number of inventories.
    pub inventories: usize,
    /// The inventories that could not be read. They stay in the store.
    pub failed: BTreeMap<InventoryId, StoreError>,
}

/// Extends [`App`] with the function that spawns stored inventories.
pub trait RestoreAppExt: Sealed {
    /// Sets the system that spawns the entity of a stored inventory, with its id and
    /// [`Persist`](super::persist::Persist). It should spawn nothing for those that the game loads later, such as
    /// players.
    ///
    /// ```
    /// # use bevy::prelude::*;
    /// # use bevy_inventory_sync::prelude::*;
    /// # use bevy_inventory_sync::store::{components::{PersistAppExt, PersistComponent}, persist::Persist};
    /// # use bevy_inventory_sync::store::restore::{RestoreAppExt, StoredEntry};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Component, Serialize, Deserialize)]
    /// struct ChestAt(IVec2);
    ///
    /// impl PersistComponent for ChestAt {
    ///     const NAME: &str = "chest_at";
    /// }
    ///
    /// fn spawn_stored(In(entry): In<StoredEntry>, mut commands: Commands) {
    ///     if let Some(at) = entry.component::<ChestAt>() {
    ///         commands.spawn((entry.inventory, at, Persist, Openable(Rights::USE)));
    ///     }
    /// }
    ///
    /// # let mut app = App::new();
    /// app.persist_component::<ChestAt>().restore_world_with(spawn_stored);
    /// ```
    fn restore_world_with<M>(
        &mut self,
        system: impl IntoSystem<In<StoredEntry>, (), M> + 'static,
    ) -> &mut Self;
}

impl RestoreAppExt for App {
    fn restore_world_with<M>(
        &mut self,
        system: impl IntoSystem<In<StoredEntry>, (), M> + 'static,
    ) -> &mut Self {
        let system = self.register_system(system);
        self.world_mut().get_resource_or_init::<Restoring>().system = Some(system);
        self
    }
}

/// The system that spawns stored inventories, and what it has done so far.
#[derive(Resource, Default)]
struct Restoring {
    system: Option<SystemId<In<StoredEntry>>>,
    so_far: WorldRestored,
}

fn begin(_: On<RestoreWorld>, mut buffer: ResMut<TickBuffer>) {
    buffer.list = true;
}

/// Passes a stored inventory to the game.
pub(super) fn spawn(
    world: &mut World,
    id: InventoryId,
    stored: Result<Box<StoredInventory>, StoreError>,
) {
    // It may have been spawned in the meantime.
    if world.resource::<InventoryIds>().get(id).is_some() {
        return;
    }
    match stored {
        Ok(stored) => {
            world.resource_mut::<Restoring>().so_far.inventories += 1;
            let Some(system) = world.resource::<Restoring>().system else { return };
            let entry = StoredEntry { inventory: id, stored: *stored };
            if let Err(why) = world.run_system_with(system, entry) {
                error!("inventory `{id}` was not restored: {why}");
            }
        }
        Err(error) => {
            error!("inventory `{id}` was not restored: {error}");
            world.resource_mut::<Restoring>().so_far.failed.insert(id, error);
        }
    }
}

/// Reports that all inventories were passed to the game.
pub(super) fn end(world: &mut World) {
    let restored = core::mem::take(&mut world.resource_mut::<Restoring>().so_far);
    emit(world, restored);
}
