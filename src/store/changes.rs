//! The changes of one tick, as they are passed to the worker.

use std::sync::Arc;

use bevy::{ecs::entity::EntityHashMap, prelude::*};
use smallvec::SmallVec;

use crate::{
    changes::TickRecord,
    model::{id::InventoryId, saved::SavedInventory},
};

use super::{
    history::{HistoryQuery, StoredNote},
    ticket::{Departure, Ticket},
};

/// Name of a component, and its stored form. `None` if the entity does not have it.
pub(super) type ComponentChange = (&'static str, Option<Vec<u8>>);

/// Order of the systems that collect the changes of a tick.
#[derive(SystemSet, Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum CollectSystems {
    /// Collects changed components.
    Components,
    /// Collects everything else, and passes it to the worker.
    Tick,
}

/// The changes of one tick.
#[derive(Default)]
pub(super) struct TickChanges {
    /// Number of the tick.
    pub(super) tick: u64,
    /// New inventories, of which nothing can be stored.
    pub(super) created: Vec<InventoryId>,
    /// The stored inventories that were committed.
    pub(super) committed: Vec<(Entity, InventoryId)>,
    /// Inventories of which anything may have changed.
    pub(super) fully_changed: Vec<(InventoryId, FullState)>,
    /// Changed components.
    pub(super) components: Vec<(InventoryId, &'static str, Option<Vec<u8>>)>,
    /// Inventories that are no longer in this world.
    pub(super) leaving: Vec<Leaving>,
    /// Inventories that have exchanged items, with and without a claim.
    pub(super) exchanges: Vec<SmallVec<[InventoryId; 2]>>,
    /// Notes of the game.
    pub(super) notes: Vec<StoredNote>,
    /// The record of the tick. `None` if it has changed nothing.
    pub(super) record: Option<Arc<TickRecord>>,
}

/// All of an inventory, except its components.
pub(super) struct FullState {
    /// The containers of the entity come first, in the order of flat positions.
    pub(super) saved: SavedInventory,
    /// For each container of the entity, the number of stacks that have a slot. Stacks after them cannot be placed.
    pub(super) placed: Vec<usize>,
}

/// An inventory that is no longer in this world.
pub(super) struct Leaving {
    pub(super) id: InventoryId,
    /// Its contents as of the tick that is being collected, if it leaves in the meantime. Changes since then are stored
    /// with the next tick.
    pub(super) committed: Option<FullState>,
    /// Its last contents and components. `None` if it was not loaded.
    pub(super) last: Option<(FullState, Vec<ComponentChange>)>,
    pub(super) exit: Exit,
}

/// How an inventory leaves the world.
#[derive(Clone, Debug)]
pub(super) enum Exit {
    /// Its claim ends.
    Release,
    /// It is deleted from the store.
    Delete,
    /// It moves to another world.
    Depart(Arc<Departure>),
}

/// Progress of a tick.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum TickPhase {
    /// The last tick was handed over, and the next one has not begun.
    #[default]
    Between,
    /// The slots are being compared with those of the last tick.
    Comparing,
    /// The slots have been compared, but the tick is not handed over yet.
    Collecting,
}

/// What is collected between two ticks.
#[derive(Resource, Default)]
pub(super) struct TickBuffer {
    pub(super) phase: TickPhase,
    /// Contents, as of the tick that is being collected, of inventories whose components are being removed.
    pub(super) removed: EntityHashMap<FullState>,
    /// Changed components.
    pub(super) components: Vec<(InventoryId, &'static str, Option<Vec<u8>>)>,
    /// New inventories, of which nothing can be stored.
    pub(super) created: Vec<InventoryId>,
    /// Inventories that have left since the slots of the last tick were compared.
    pub(super) leaving_next_tick: Vec<Leaving>,
    /// Those that left before the slots of this tick were compared.
    pub(super) leaving_this_tick: Vec<Leaving>,
    /// Inventories that have exchanged items, apart from those that are collected at the end of the tick.
    pub(super) exchanges: Vec<SmallVec<[InventoryId; 2]>>,
    /// Inventories to be claimed, with the numbers of the requests.
    pub(super) claims: Vec<(InventoryId, u64)>,
    /// Inventories of which anything may have changed.
    pub(super) fully_changed: Vec<Entity>,
    /// Tickets to be redeemed, with the accounts that show them.
    pub(super) tickets: Vec<(String, Ticket)>,
    /// Notes of the game.
    pub(super) notes: Vec<StoredNote>,
    /// Parts of the history to be read.
    pub(super) history: Vec<HistoryQuery>,
    /// Whether all inventories in the store are to be listed.
    pub(super) list: bool,
    /// Whether the store is to be flushed after this tick.
    pub(super) flush: bool,
}
