//! The maximum request rate of a client, enforced by the server and respected by the client.

use bevy::prelude::*;
use core::time::Duration;

/// Limits on the rate and the work of a client's requests. Use the same values on both sides: a client limits itself,
/// so the server never drops requests of a legitimate client.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[reflect(Resource)]
pub struct RequestLimits {
    /// Maximum average number of requests per second; 100 by default.
    pub per_second: u32,
    /// Maximum number of requests at once after a pause; 200 by default. A client limits itself to half of it,
    /// since requests that it sends at even intervals may arrive all at once.
    pub burst: u32,
    /// Number of malformed requests, which no legitimate client sends, at which
    /// [`ClientViolation`](crate::server::requests::sessions::ClientViolation) is emitted; 8 by default. Zero never
    /// emits it.
    pub malformed: u32,
    /// Maximum average work per second for the requests of one client, in slots that the server reads or searches;
    /// 200,000 by default. Requests above this limit wait. Clients do not limit themselves to it.
    pub work_per_second: u32,
    /// Maximum work at once after a pause, in slots; 20,000 by default. The request that exceeds it is still handled
    /// as a whole.
    pub work_burst: u32,
    /// Maximum number of inventories that one player has open by request; 64 by default. Inventories that the game
    /// shows the player do not count. Requests to open more are rejected as
    /// [`Rejection::TooMuch`](crate::prelude::Rejection::TooMuch).
    pub open_inventories: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            per_second: 100,
            burst: 200,
            malformed: 8,
            work_per_second: 200_000,
            work_burst: 20_000,
            open_inventories: 64,
        }
    }
}

/// A token bucket with a maximum burst and a rate per second. It starts full.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Bucket {
    /// Time at which the bucket is full again.
    full_at: Duration,
}

impl Bucket {
    /// Takes a token. Returns `false` if there is none.
    pub(crate) fn take(&mut self, now: Duration, per_second: u32, burst: u32) -> bool {
        let token = Duration::from_secs(1) / per_second.max(1);
        let full_at = self.full_at.max(now) + token;
        let taken = full_at <= now + token * burst.max(1);
        if taken {
            self.full_at = full_at;
        }
        taken
    }

    /// Returns `true` if no token is missing.
    #[cfg(feature = "gateway")]
    pub(crate) fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}
