//! The request rate that a client may use, enforced by the server and kept by the client.

use bevy::prelude::*;
use core::time::Duration;

/// How much a client may ask for. The same on both sides: a client keeps within it by itself, so that an
/// honest one is never cut off.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[reflect(Resource)]
pub struct RequestLimits {
    /// Requests per second in the long run.
    pub per_second: u32,
    /// Requests at once after a pause. A client allows itself half of it, since what it sends evenly may
    /// arrive in a heap.
    pub burst: u32,
    /// Requests that nobody honest sends, after which [`ClientViolation`] is raised.
    pub malformed: u32,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { per_second: 100, burst: 200, malformed: 8 }
    }
}

/// A token bucket: so many at once, and so many per second.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Bucket {
    /// When it will be full again.
    full_at: Duration,
}

impl Bucket {
    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Duration, per_second: u32, burst: u32) -> bool {
        let token = Duration::from_secs(1) / per_second.max(1);
        let full_at = self.full_at.max(now) + token;
        let taken = full_at <= now + token * burst.max(1);
        if taken {
            self.full_at = full_at;
        }
        taken
    }
}
