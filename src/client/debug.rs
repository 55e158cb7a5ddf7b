//! Faults that tests and the debug overlay inject into a client.

use bevy::prelude::*;

use crate::model::{id::InventoryId, stack::Stack};

use super::{
    confirmed::ConfirmedInventories,
    state::{CopyRepaired, ResyncState},
};

/// Client: overwrites one slot of a confirmed copy when triggered, like a memory error. The checksum of the copy
/// then no longer matches, and the client requests a repair.
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct CorruptCopy {
    /// Id of the inventory. The event has no effect if the client has no copy of it.
    pub inventory: InventoryId,
    /// Index of the slot, counted across all containers of the inventory.
    pub slot: usize,
    /// The incorrect contents.
    pub stack: Option<Stack>,
}

/// Client: requests a resync of all views when triggered, like a client that is out of sync.
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestResync;

pub(super) fn plugin(app: &mut App) {
    app.add_message::<CopyRepaired>().add_observer(corrupt_copy).add_observer(request_resync);
}

fn corrupt_copy(corrupt: On<CorruptCopy>, mut confirmed: ResMut<ConfirmedInventories>) {
    confirmed.corrupt(corrupt.inventory, corrupt.slot, corrupt.stack);
}

fn request_resync(_: On<RequestResync>, mut resync: ResMut<ResyncState>) {
    resync.request_resync();
}
