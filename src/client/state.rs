//! The state of the connection, and what the client has asked the server for.

use crate::{shared::random::InventoryRng, wire::handshake::ProtocolMismatch};
use bevy::prelude::*;
use core::time::Duration;

/// How far a client has come. On the authority it stays at [`Waiting`](Self::Waiting).
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum SyncState {
    /// Not connected, or the server has not answered yet.
    #[default]
    Connecting,
    /// The server sends what this client may see.
    Synced,
    /// The server will not: the two do not fit together.
    Rejected(ProtocolMismatch),
}

/// The pause before a request is made again, the first time.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// After so long without having to ask, pauses are short again.
const CALM: Duration = Duration::from_secs(10);

/// What has been asked for and not been answered.
#[derive(Resource, Default, Debug)]
pub(crate) struct ResyncState {
    pub(crate) resync: bool,
    attempts: u32,
    next: Option<Duration>,
}

impl ResyncState {
    /// Notes that copies are wrong. Says whether that was not known yet.
    pub(crate) fn request_resync(&mut self) -> bool {
        !core::mem::replace(&mut self.resync, true)
    }

    /// The server has sent everything. Pauses go on growing if copies turn out wrong again soon.
    pub(crate) fn answered(&mut self) {
        self.resync = false;
    }

    /// The server has answered the hello; what comes now is asked for without a pause.
    pub(crate) fn on_handshake(&mut self) {
        *self = Self::default();
    }

    /// Whether it is time to ask (again), and until when to wait then. The pause doubles with each
    /// attempt and is up to half as long again, so that many clients do not ask in one tick.
    pub(crate) fn is_due(&mut self, now: Duration, random: &mut InventoryRng) -> bool {
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        if self.next.is_some_and(|next| now > next + CALM) {
            self.attempts = 0;
        }
        let pause = (PAUSE_MIN * 2u32.saturating_pow(self.attempts)).min(PAUSE_MAX);
        self.next = Some(now + pause.mul_f32(1.0 + random.fraction() / 2.0));
        self.attempts = (self.attempts + 1).min(8);
        true
    }
}
