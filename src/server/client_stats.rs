//! Counters of each connected client.

use bevy::prelude::*;

/// Server: counters of what one client was sent and has requested since it connected. A component of every
/// connected client, updated every 500 ms. Bytes are counted when they are passed to the messaging backend.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Component)]
#[non_exhaustive]
pub struct ClientSyncStats {
    /// Number of inventories that the client currently sees.
    pub views: u64,
    /// Number of those with an update that has not been sent yet, because it is not due or is throttled.
    /// Inventories that wait for a full update are not counted.
    pub behind: u64,
    /// Number of full updates that wait for a chunked transfer or are part of the current one.
    pub chunked: u64,
    /// Number of updates sent.
    pub updates: u64,
    /// Number of commits that were merged into the update of a later commit.
    pub merged: u64,
    /// Number of updates that were delayed because the byte budget was exhausted.
    pub throttled: u64,
    /// Number of messages sent.
    pub messages: u64,
    /// Number of bytes sent.
    pub bytes: u64,
    /// Bytes sent per second, over the last 500 ms.
    pub bytes_per_second: u64,
    /// Number of its requests (actions, opening and closing inventories) that were accepted.
    pub accepted: u64,
    /// Number of those requests that were rejected.
    pub rejected: u64,
    /// Number of its requests that were malformed, which an unmodified client never sends.
    pub malformed: u64,
    /// Number of its requests that were dropped unread because it exceeded the rate limit.
    pub flooded: u64,
    /// Number of times that the client was out of sync or found a wrong copy.
    pub desyncs: u64,
}

/// Clients with a transfer that was abandoned since the last health check, once per transfer.
#[derive(Resource, Default, Debug)]
pub(crate) struct AbandonedTransfers(pub(crate) Vec<Entity>);
