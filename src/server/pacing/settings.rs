//! Settings for sending changes: intervals, budgets, and when a full update replaces a delta.

use super::budget::{Rate, Rates};
use bevy::prelude::*;
use core::time::Duration;

/// Server: how changes are sent. May be changed at any time.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[reflect(Resource)]
pub struct SyncSettings {
    /// Whether only the slots that changed are sent. If `false`, every change is sent as a full update, as a
    /// fallback for problems in production. Default: `true`.
    pub deltas_enabled: bool,
    /// When a full update replaces a delta. Default: [`FullPolicy::AbovePercent(50)`](FullPolicy::AbovePercent).
    pub full_policy: FullPolicy,
    /// Maximum bytes of a chunked transfer per client and tick. Chunks are not split, so one is sent even if it is
    /// larger, provided that the budgets are not exhausted. Default: 1000.
    pub chunk_bytes_per_tick: usize,
    /// Minimum time between two updates at [`SyncPriority::Normal`](super::priority::SyncPriority::Normal).
    /// Default: 50 ms.
    pub normal_interval: Duration,
    /// Minimum time between two updates at [`SyncPriority::Low`](super::priority::SyncPriority::Low). Default:
    /// 200 ms.
    pub low_interval: Duration,
    /// Minimum time that a change waits for others to be merged with it, at any priority. The result of a
    /// player's own action does not wait. Default: zero.
    pub debounce_delay: Duration,
    /// Maximum bytes per second to one client, averaged over time; `u32::MAX` for no limit. Updates above it
    /// wait and are merged with later ones. The results of the player's own actions are sent first, then changes of
    /// the inventories that it owns, then [`Critical`](super::priority::SyncPriority::Critical) updates of others,
    /// then those that have waited longest.
    ///
    /// After a pause, up to 250 ms worth of bytes may be sent at once. Updates of the player's own inventories may
    /// exceed this burst by another 250 ms. All results of the player's actions in a tick are sent if the excess before
    /// was below 500 ms; otherwise they wait together with their answers. Other answers, openings and closings do not
    /// wait, but they count. Chunks use what is left. Default: 50,000.
    pub bytes_per_second: u32,
    /// The same for all clients together. Waiting clients share it equally, so that none can use up the bytes of the
    /// others. The results of a player's actions and its own inventories do not wait for other clients. They can put a
    /// client ahead by up to one second of its equal share. Default: `u32::MAX`, no limit.
    pub total_bytes_per_second: u32,
    /// Time after an inventory was opened or last updated at which it is idle, and its viewers are sent a checksum. A
    /// client whose copy differs requests a repair. An inventory that never becomes idle is checked after 8
    /// times this delay. At most 32 inventories are checked in a tick. Zero disables checksums. Default: 5 seconds.
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
    /// Returns the rates at which bytes are earned.
    pub(crate) fn rates(&self) -> Rates {
        let (client, total) = (self.bytes_per_second, self.total_bytes_per_second);
        Rates { client: Rate::new(client), total: Rate::new(total) }
    }
}

/// When a full update replaces a delta.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[non_exhaustive]
pub enum FullPolicy {
    /// When more than this percentage of the inventory's slots has changed. With 36 slots and 50 %, 18 changes are
    /// sent as a delta and 19 as a full update.
    AbovePercent(u8),
    /// When it takes fewer bits than the delta. Both are encoded to compare them.
    Smaller,
}
