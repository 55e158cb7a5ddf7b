//! Counters of each connected client.

use bevy::prelude::*;

/// Server: what one client was told and has asked, since it connected; a component of every connected client,
/// written twice a second. Bytes are those handed to the messaging backend.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Component)]
#[non_exhaustive]
pub struct ClientSyncStats {
    /// Inventories that it sees.
    pub views: u64,
    /// Of those, the ones whose newest state it has not been told yet: its queue.
    pub behind: u64,
    /// Full copies that wait for a transfer in chunks, or are on their way in one.
    pub bulk: u64,
    /// Updates that it was told.
    pub updates: u64,
    /// Commits that went out in one update with a later one.
    pub merged: u64,
    /// Updates that were put off because bytes had run out.
    pub throttled: u64,
    /// Messages to it.
    pub messages: u64,
    /// Bytes to it.
    pub bytes: u64,
    /// Bytes to it per second, of the last half second.
    pub bytes_per_second: u64,
    /// Its actions, openings and closings that were done.
    pub accepted: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Its requests that nobody honest sends.
    pub malformed: u64,
    /// Its requests that were dropped unread, for it sends too many.
    pub flooded: u64,
    /// Times that it had lost its place, or found a copy to be wrong.
    pub desyncs: u64,
}

/// Clients whose transfer was abandoned since the last health check.
#[derive(Resource, Default, Debug)]
pub(crate) struct AbandonedTransfers(pub(crate) Vec<Entity>);
