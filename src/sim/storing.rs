//! A simulated game whose inventories are stored: the server is killed, the store fails, and claims end.

use std::collections::{BTreeMap, VecDeque};

use bevy::prelude::*;

use crate::{
    model::id::InventoryId,
    server::loot::{Dropped, Loot},
    store::{
        InventoryStorePlugin,
        memory::MemoryStore,
        persist::{InventoriesReverted, InventoryLoadFailed, InventoryStored, Persist},
        restore::{RestoreAppExt, StoredEntry},
    },
};

use super::{
    oracle::Oracle,
    plain::{PlainInventory, Totals},
};

/// The store of a simulated game, and what must be in it.
pub struct Storing {
    pub(super) store: MemoryStore,
    /// Tick of the store when the server opened it.
    pub(super) base: u64,
    /// The state at the end of each tick since the last stored one.
    pub(super) snapshots: VecDeque<Snapshot>,
    /// The last tick that was followed.
    pub(super) followed: u64,
    /// Chests that are not in the world. `None` if their contents are unknown.
    pub(super) away: BTreeMap<usize, Option<PlainInventory>>,
    /// Inventories that are being reverted to their stored state, until all of them are loaded again.
    pub(super) reverting: Option<Reverting>,
    /// When the store works again.
    pub(super) fails_until: Option<u64>,
    /// Whether a claim has ended, so that commits may be rejected.
    pub(super) claim_ended: bool,
    /// Number of kills after which the stored state was checked.
    pub(super) kills_checked: u64,
    /// Number of reverted inventories whose state was checked.
    pub(super) reverted_checked: u64,
}

/// The state at the end of a tick.
pub(super) struct Snapshot {
    pub(super) tick: u64,
    pub(super) oracle: Oracle,
    /// The entities of the places.
    pub(super) entities: Vec<Option<Entity>>,
    pub(super) away: BTreeMap<usize, Option<PlainInventory>>,
}

pub(super) struct Reverting {
    /// The tick that was stored before the rejected commit, and the tick of that commit. Inventories that exchanged
    /// items with the rejected union only later are stored as of the latter. `None` if there were several reverts at
    /// once.
    pub(super) to: Option<[u64; 2]>,
    pub(super) inventories: Vec<InventoryId>,
}

/// What inventories contain: by place, and on the ground.
pub(super) struct StoredState {
    pub(super) places: Vec<Option<PlainInventory>>,
    pub(super) ground: Totals,
}

/// The inventories of the game that are not loot.
#[derive(Resource)]
struct Places(Vec<InventoryId>);

/// What the store has reported.
#[derive(Resource, Default)]
pub(super) struct StoreReports {
    /// The last tick that is stored.
    pub(super) stored: u64,
    /// The inventories that were reverted since the last tick, and the tick to which they were reverted.
    pub(super) reverted: Vec<(InventoryId, u64)>,
}

impl Storing {
    pub(super) fn new() -> Self {
        Self {
            store: MemoryStore::default().of_server("server"),
            base: 0,
            snapshots: VecDeque::new(),
            followed: 0,
            away: BTreeMap::new(),
            reverting: None,
            fails_until: None,
            claim_ended: false,
            kills_checked: 0,
            reverted_checked: 0,
        }
    }

    /// Adds this store to an app.
    pub(super) fn set_up(&self, app: &mut App, places: Vec<InventoryId>) {
        let store = self.store.clone();
        app.add_plugins(InventoryStorePlugin::new(move || Ok(store.clone())).without_thread())
            .restore_world_with(spawn_loot)
            .insert_resource(Places(places))
            .init_resource::<StoreReports>()
            .add_observer(|dropped: On<Dropped>, mut commands: Commands| {
                commands.entity(dropped.entity).insert(Persist);
            })
            .add_observer(|stored: On<InventoryStored>, mut reports: ResMut<StoreReports>| {
                reports.stored = stored.tick;
            })
            .add_observer(|on: On<InventoriesReverted>, mut reports: ResMut<StoreReports>| {
                // The tick of the rejected commit is reported afterwards.
                let to = reports.stored;
                reports.reverted.extend(on.inventories.iter().map(|id| (*id, to)));
            })
            // The game retries immediately.
            .add_observer(|failed: On<InventoryLoadFailed>, mut commands: Commands| {
                commands.entity(failed.entity).insert(Persist);
            });
    }

    /// Returns the state at the end of a tick.
    pub(super) fn snapshot(&self, tick: u64) -> Option<&Snapshot> {
        self.snapshots.iter().rfind(|snapshot| snapshot.tick <= tick)
    }
}

/// Spawns loot that was on the ground. The scene spawns the rest.
fn spawn_loot(In(entry): In<StoredEntry>, places: Res<Places>, mut commands: Commands) {
    if !places.0.contains(&entry.inventory) {
        commands.spawn((entry.inventory, Loot, Persist));
    }
}
