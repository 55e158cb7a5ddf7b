//! Faults that tests and the debug overlay inject into a client.

use bevy::prelude::*;

use crate::model::{id::InventoryId, stack::Stack};

use super::{confirmed::ConfirmedInventories, state::ResyncState};

/// Client: trigger it to overwrite one slot of a confirmed copy, as faulty memory would. The checksum of the
/// copy reveals it, and the client requests a repair.
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct CorruptCopy {
    /// The inventory.
    pub inventory: InventoryId,
    /// The slot, counted through all containers of the inventory.
    pub slot: usize,
    /// The wrong contents.
    pub stack: Option<Stack>,
}

/// Client: trigger it to request everything from the server again, as a client does that is out of sync.
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestResync;

pub(super) fn plugin(app: &mut App) {
    app.add_observer(corrupt_copy).add_observer(request_resync);
}

fn corrupt_copy(corrupt: On<CorruptCopy>, mut confirmed: ResMut<ConfirmedInventories>) {
    confirmed.corrupt(corrupt.inventory, corrupt.slot, corrupt.stack);
}

fn request_resync(_: On<RequestResync>, mut submission: ResMut<ResyncState>) {
    submission.request_resync();
}
