//! The sync state of the connection, and the resync request without an answer.

use crate::{
    model::id::InventoryId,
    shared::random::InventoryRng,
    wire::{DecodeError, handshake::ProtocolMismatch},
};
use bevy::prelude::*;
use core::time::Duration;
use log::{debug, warn};

/// State of a client's connection to the server. On the authority it stays at
/// [`Connecting`](Self::Connecting).
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum SyncState {
    /// Not connected, or the server has not answered yet.
    #[default]
    Connecting,
    /// The server sends the inventories that this client may see.
    Synced,
    /// The server rejected the handshake because of a protocol mismatch. The client does not retry.
    Rejected(ProtocolMismatch),
}

/// Pause before a request is first repeated.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// Maximum pause before a request is repeated, without jitter.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// Maximum jitter, as a fraction of the pause that it lengthens.
const JITTER_MAX: f32 = 0.5;

/// Time without a request after which pauses start at the minimum again.
const BACKOFF_RESET_AFTER: Duration = Duration::from_secs(10);

/// Resync state: whether a resync is needed, and when the next request is due.
#[derive(Resource, Default, Debug)]
pub(crate) struct ResyncState {
    pub(crate) needed: bool,
    /// Number of the last player request sent before this resync was first requested.
    pub(crate) requested_after: Option<u64>,
    /// Number of the last player request sent before a resync was last requested.
    last_requested_after: u64,
    /// Whether a reset may have been one of the messages that could not be decoded. The next one is requested without
    /// listing copies, so that it depends on nothing that this client has.
    pub(crate) without_copies: bool,
    attempts: u32,
    next: Option<Duration>,
}

impl ResyncState {
    /// Requests a resync of all views. Returns `true` if none was requested before.
    pub(crate) fn request_resync(&mut self) -> bool {
        !core::mem::replace(&mut self.needed, true)
    }

    /// Called when a resync is requested after request number `last`.
    pub(crate) fn begin_resync(&mut self, last: u64) {
        self.needed = true;
        self.requested_after.get_or_insert(last);
        self.last_requested_after = last;
    }

    /// Logs that a message is dropped, and requests a resync of all views.
    pub(crate) fn drop_message(&mut self, error: &DecodeError) {
        if self.request_resync() {
            warn!("dropping a message from the server: {error}; requesting full updates");
        } else {
            self.without_copies |= !matches!(
                error,
                DecodeError::Gap { .. }
                    | DecodeError::UnknownView { .. }
                    | DecodeError::OutOfOrder { .. }
                    | DecodeError::Altered
            );
            debug!("dropping a message from the server: {error}; full updates already requested");
        }
    }

    /// Called when the server has sent everything. Pauses keep growing if another resync is needed soon.
    pub(crate) fn end_resync(&mut self) {
        self.needed = false;
        self.requested_after = None;
        self.without_copies = false;
    }

    /// Makes another resync due at once if a request that was sent before the latest resync request is still
    /// unanswered. `oldest` is the number of the oldest unanswered request.
    pub(crate) fn retry_if_left(&mut self, oldest: Option<u64>) {
        if oldest.is_some_and(|oldest| oldest <= self.last_requested_after) {
            self.next = None;
        }
    }

    /// Called when the server has answered the handshake. The next request is sent without a pause.
    pub(crate) fn on_handshake(&mut self) {
        *self = Self::default();
    }

    /// Returns the maximum total length of the next two pauses, including jitter.
    pub(crate) fn next_two_pauses(&self) -> Duration {
        let pauses = [self.attempts.saturating_sub(1), self.attempts].map(pause);
        pauses.into_iter().map(|pause| pause.mul_f32(1.0 + JITTER_MAX)).sum()
    }

    /// Returns `true` if a request is due, and schedules the next one. The pause doubles with each attempt, and
    /// jitter lengthens it by up to half, so that many clients do not send requests in the same tick.
    pub(crate) fn is_due(&mut self, now: Duration, random: &mut InventoryRng) -> bool {
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        if self.next.is_some_and(|next| now > next + BACKOFF_RESET_AFTER) {
            self.attempts = 0;
        }
        let jitter = 1.0 + random.fraction() * JITTER_MAX;
        self.next = Some(now + pause(self.attempts).mul_f32(jitter));
        self.attempts = (self.attempts + 1).min(8);
        true
    }
}

/// Returns the pause after a number of attempts, without jitter.
fn pause(attempts: u32) -> Duration {
    (PAUSE_MIN * 2u32.saturating_pow(attempts)).min(PAUSE_MAX)
}

/// Client: an incorrect copy was replaced by the server's.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyRepaired {
    /// Id of the inventory.
    pub inventory: InventoryId,
    /// Size of the new copy in the server's message.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_maximum_with_jitter_up_to_half() {
        for seed in 0..50 {
            let mut random = InventoryRng::seeded(seed);
            let mut resync = ResyncState::default();
            let mut now = Duration::from_secs(1);
            for milliseconds in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000, 16_000] {
                let pause = Duration::from_millis(milliseconds);
                let both = resync.next_two_pauses();
                assert!(resync.is_due(now, &mut random));
                let next = resync.next.unwrap();
                assert!(now + pause <= next && next <= now + pause.mul_f32(1.5), "{pause:?}");
                assert!(next - now <= both);
                assert!(!resync.is_due(next - Duration::from_nanos(1), &mut random));
                now = next;
            }
            assert!(resync.is_due(now + Duration::from_secs(40), &mut random));
            assert!(resync.next.unwrap() <= now + Duration::from_secs(41));
        }
    }
}
