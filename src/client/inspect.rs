//! Read-only access to a client's state, for tools such as the debug overlay and for tests.

use bevy::{ecs::system::SystemParam, prelude::*};

use crate::{
    model::{container::Slot, data::DataPool, rights::Rights, state::InventoryState},
    wire::{checksum::checksum, stream::StreamCheck},
};

use super::{
    confirmed::{ConfirmedInventories, inventory::ConfirmedInventory},
    predictions::Predictions,
    receive::Received,
};

/// One local copy of an inventory.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CopyState<'a> {
    /// Version of the copy.
    pub version: u64,
    /// Number by which the server and all clients refer to the inventory.
    pub handle: u32,
    /// Rights of the local player to the inventory.
    pub rights: Rights,
    /// The confirmed state.
    pub confirmed: &'a InventoryState,
    /// The shown state: the confirmed state with all pending requests applied.
    pub shown: &'a InventoryState,
    /// Checksum that the server sent for this version; `None` if it has not sent one.
    pub expected_checksum: Option<u64>,
    epoch: u64,
    pool: &'a DataPool,
}

impl<'a> CopyState<'a> {
    fn new(copy: &'a ConfirmedInventory, epoch: u64, pool: &'a DataPool) -> Self {
        let expected = copy.checksum.filter(|(version, _)| *version == copy.version);
        Self {
            version: copy.version,
            handle: copy.head.handle,
            rights: copy.head.rights,
            confirmed: &copy.state,
            shown: copy.shown(),
            expected_checksum: expected.map(|(_, checksum)| checksum),
            epoch,
            pool,
        }
    }

    /// Computes the checksum of the confirmed state.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        checksum(self.confirmed, self.version, self.epoch, self.pool)
    }
}

/// Access to this client's copies and pending requests. Empty on an app without the client half.
#[derive(SystemParam)]
pub struct ClientInspect<'w> {
    confirmed: Option<Res<'w, ConfirmedInventories>>,
    predictions: Option<Res<'w, Predictions>>,
    pool: Option<Res<'w, DataPool>>,
    received: Option<Res<'w, Received>>,
}

impl ClientInspect<'_> {
    /// Returns the copy that an entity shows; `None` if it shows none.
    #[must_use]
    pub fn copy(&self, entity: Entity) -> Option<CopyState<'_>> {
        let confirmed = self.confirmed.as_ref()?;
        Some(CopyState::new(confirmed.by_entity(entity)?, confirmed.epoch, self.pool.as_ref()?))
    }

    /// Iterates over all copies.
    pub fn copies(&self) -> impl Iterator<Item = CopyState<'_>> {
        let client = self.confirmed.as_deref().zip(self.pool.as_deref());
        client.into_iter().flat_map(|(confirmed, pool)| {
            confirmed.iter().map(|copy| CopyState::new(copy, confirmed.epoch, pool))
        })
    }

    /// Returns the number of the next full message from the server, modulo 256.
    #[must_use]
    pub fn next_number(&self) -> u8 {
        self.confirmed.as_ref().map_or(0, |confirmed| confirmed.next_number)
    }

    /// Returns the check of the messages received since the last reset.
    #[must_use]
    pub fn stream(&self) -> StreamCheck {
        self.received.as_ref().map(|received| received.stream.clone()).unwrap_or_default()
    }

    /// Returns `true` if any copy may have changed since the calling system last ran.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.confirmed.as_ref().is_some_and(DetectChanges::is_changed)
    }

    /// Returns `true` if a slot is part of a request without an answer.
    #[must_use]
    pub fn is_pending(&self, entity: Entity, slot: Slot) -> bool {
        self.predictions
            .as_ref()
            .is_some_and(|predictions| predictions.pending_slots.contains(&(entity, slot)))
    }

    /// Returns the number of requests without an answer.
    #[must_use]
    pub fn pending_requests(&self) -> usize {
        self.predictions.as_ref().map_or(0, |predictions| predictions.pending.len())
    }
}
