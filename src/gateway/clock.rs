//! The clock of the gateway's thread. The game does not depend on it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Returns the current time for measuring durations.
#[expect(clippy::disallowed_methods, reason = "only callers of the gateway see it")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Returns the current time in milliseconds since the Unix epoch.
pub(super) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
