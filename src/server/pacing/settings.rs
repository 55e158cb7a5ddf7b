//! How changes are sent: intervals, budgets, and when a delta gives way to a full update.

use super::budget::Rate;
use bevy::prelude::*;
use core::time::Duration;

/// How changes are sent. May be changed at any time.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[reflect(Resource)]
pub struct SyncSettings {
    /// Sends only the slots that changed. Off: a full copy of the inventory for every change, as the way
    /// back should anything go wrong in production.
    pub deltas_enabled: bool,
    /// When a delta gives way to a full copy.
    pub full_policy: FullPolicy,
    /// How many bytes of a transfer in chunks go to one client in one tick. A chunk that was begun is sent
    /// whole, so that one goes in any case.
    pub chunk_bytes_per_tick: usize,
    /// The time between two updates at [`SyncPriority::Normal`].
    pub normal_interval: Duration,
    /// The time between two updates at [`SyncPriority::Low`].
    pub low_interval: Duration,
    /// So long a change waits for others at least, at any priority.
    pub debounce_delay: Duration,
    /// How many bytes may go to one client in a second, in the long run. What is too much waits and is told of
    /// together with what comes later: first what is [`Critical`](SyncPriority::Critical), then what has waited longest.
    /// Answers to players, openings and closings do not wait; they count.
    pub bytes_per_second: u32,
    /// The same for all clients together; `u32::MAX` for as many as there are.
    pub total_bytes_per_second: u32,
    /// So long after its last change an inventory has come to rest, and its viewers are told a digest of it: who
    /// finds another copy than that asks for a new one. Zero for never.
    pub checksum_delay: Duration,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            deltas_enabled: true,
            full_policy: FullPolicy::AbovePercent(50),
            chunk_bytes_per_tick: 1000,
            normal_interval: Duration::from_millis(50),
            low_interval: Duration::from_millis(200),
            debounce_delay: Duration::ZERO,
            bytes_per_second: 50_000,
            total_bytes_per_second: u32::MAX,
            checksum_delay: Duration::from_secs(5),
        }
    }
}

impl SyncSettings {
    /// How fast bytes are earned: by one client, and by all together.
    pub(crate) fn rates(&self) -> [Rate; 2] {
        [self.bytes_per_second, self.total_bytes_per_second].map(Rate::new)
    }
}

/// When a delta gives way to a full copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[non_exhaustive]
pub enum FullPolicy {
    /// When more than this share of the inventory's slots changed: of 36 at 50 %, 18 are a delta and 19 are
    /// full.
    AbovePercent(u8),
    /// Whichever takes fewer bits. Both are encoded.
    Smaller,
}
