//! Which inventories are stored: the component, and the events about it and its history.

use std::sync::Once;

use bevy::{
    ecs::{lifecycle::HookContext, world::DeferredWorld},
    prelude::*,
};
use log::warn;

use crate::{model::id::InventoryId, shared::authority::Authority};

use super::{
    batch::Fenced,
    error::StoreError,
    history::{History, HistoryQuery, StoredNote},
    tracked::Holders,
};

/// Authority: keeps the inventory of this entity, and its [persisted components](super::components::PersistComponent),
/// in the store.
///
/// When it is inserted, the inventory is claimed and loaded. While it is loading, its containers and persisted
/// components are removed from the entity, which has the component [`Loading`](crate::prelude::Loading). They are
/// inserted together with [`InventoryLoaded`]: with their stored values, or with their initial values if nothing is
/// stored. After [`InventoryLoadFailed`], they stay removed. Insert `Persist` again to retry.
///
/// The stored state determines the containers and their numbers of slots. Containers of the entity that are not stored
/// are inserted empty.
///
/// Give the entity an [`InventoryId::named`], by which it is found again. Otherwise, as for loot on the ground, it gets a
/// random id, and there is nothing to load: it is stored from the first tick on.
///
/// Despawning the entity or removing this component stores the last changes, and releases the inventory, so that another
/// server can claim it. [`Loot`](crate::prelude::Loot) that is despawned empty is deleted from the store. To delete
/// anything else, trigger [`DeleteInventory`].
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[component(immutable, on_insert = check_plugin)]
pub struct Persist;

/// Warns of a missing [`InventoryStorePlugin`](super::InventoryStorePlugin), without which nothing is stored.
fn check_plugin(world: DeferredWorld, context: HookContext) {
    static WARNED: Once = Once::new();
    if !world.contains_resource::<Holders>() && Authority::is_in(&world) {
        WARNED.call_once(|| {
            let entity = context.entity;
            warn!("entity {entity} has `Persist`, but there is no `InventoryStorePlugin`: it is not stored");
        });
    }
}

/// Authority: an inventory was loaded, and its containers and persisted components were inserted.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryLoaded {
    /// The entity.
    pub entity: Entity,
    /// Id of the inventory.
    pub inventory: InventoryId,
    /// Whether something was stored. If not, the entity has what it was spawned with.
    pub found: bool,
}

/// Authority: an inventory could not be loaded. Its entity stays without containers, and none of its changes are
/// stored.
#[derive(EntityEvent, Message, Clone, PartialEq, Eq, Debug)]
pub struct InventoryLoadFailed {
    /// The entity.
    pub entity: Entity,
    /// Id of the inventory.
    pub inventory: InventoryId,
    /// The reason.
    pub error: StoreError,
}

/// Authority: everything up to the end of this tick is stored.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryStored {
    /// Number of ticks since the start, as in
    /// [`CommitInspect::tick`](crate::server::inspect::CommitInspect::tick).
    pub tick: u64,
}

/// Authority: changes were undone, because the store has rejected the commit of an inventory. All inventories that
/// have exchanged items with it since the last commit are as they were at that commit.
///
/// Their views are closed and opened again. Loot dropped since that commit is despawned, and loot picked up since then
/// is dropped again. An inventory without [`Persist`] gets the contents from before the first of these exchanges.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct InventoriesReverted {
    /// The inventory whose commit was rejected. It stays without containers.
    pub rejected: InventoryId,
    /// Why it was rejected.
    pub reason: Fenced,
    /// All inventories whose changes were undone, in ascending order. `rejected` is one of them.
    pub inventories: Vec<InventoryId>,
    /// The [notes](super::notes::AddNote) of the game that belong to these changes, in order. They are not stored. The
    /// game must undo what they describe, in reverse order.
    pub notes: Vec<StoredNote>,
}

/// Authority: trigger it to delete an inventory from the store permanently, and to despawn its entity. Its items are
/// reported as destroyed, with the cause [`Cause::Deleted`](crate::prelude::Cause::Deleted).
#[derive(EntityEvent, Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeleteInventory {
    /// The entity.
    pub entity: Entity,
}

/// Authority: the state of the store.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug)]
pub struct StoreStatus {
    /// The last tick that is stored. See [`InventoryStored`].
    pub stored: u64,
    /// Why the last attempt to open the store or write to it failed. `None` if it succeeded. Failed attempts are
    /// retried with a backoff of up to 5 seconds, and the game keeps running.
    pub error: Option<StoreError>,
}

/// Authority: the store has failed, or works again. Also logged.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct StoreStatusChanged {
    /// The error. `None` if the store works again.
    pub error: Option<StoreError>,
}

/// Authority: trigger it to read the history of the store. [`HistoryRead`] follows.
#[derive(Event, Clone, PartialEq, Eq, Default, Debug)]
pub struct ReadHistory(pub HistoryQuery);

/// Authority: the history was read.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct HistoryRead {
    /// What was requested.
    pub query: HistoryQuery,
    /// What was found. [`StoreError::Gone`] if the range begins before the first tick that is kept.
    pub result: Result<History, StoreError>,
}
