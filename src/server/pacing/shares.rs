//! How clients share the total byte budget.

use core::time::Duration;

use super::budget::{Budget, Credit, Rate};

/// How much a client may be sent before the others that wait, as the time in which all clients together earn it,
/// divided by their number. It may also make up for as much that it has not been sent.
const LEAD: Duration = Duration::from_millis(250);

/// The shares of all clients. The share of one client is a [`Budget`] on another clock than the time: what it was sent
/// is compared with what those that wait were sent.
#[derive(Default, Debug)]
pub(crate) struct Shares {
    /// The clock: the lowest share of a client that waits. In nanoseconds at the rate of all clients together.
    level: u64,
    /// The highest share.
    highest: u64,
    lead: u64,
}

impl Shares {
    /// `exhausted` is `true` if clients wait for bytes of the total. If none do, it does not matter what they were
    /// sent before.
    pub(crate) fn begin_tick(&mut self, clients: usize, exhausted: bool) {
        let nanos = u64::try_from(LEAD.as_nanos()).unwrap_or(u64::MAX);
        self.lead = nanos / (clients as u64).max(1);
        if !exhausted {
            self.level = self.highest;
        }
    }

    /// Returns what a share may be.
    #[inline]
    pub(crate) fn credit(&self) -> Credit {
        let now = self.level.saturating_sub(self.lead);
        Credit { now, limits: [self.level.saturating_add(self.lead); 3] }
    }

    /// Returns `true` if a client was sent less than those that wait.
    pub(crate) fn is_behind(&self, share: &Budget) -> bool {
        share.earned_at < self.level
    }

    /// Gives the turn to the client with the lowest share of those that wait.
    pub(crate) fn give_turn(&mut self, share: Budget) {
        self.level = self.level.max(share.earned_at);
    }

    /// Replaces what was reserved of a share by the bytes that were sent, as the time in which they are earned.
    pub(crate) fn spend(&mut self, share: &mut Budget, nanos: u64) {
        share.spend_time(nanos, self.credit().now);
        self.highest = self.highest.max(share.earned_at);
    }

    /// Returns the number of bytes by which a share is behind those of the clients that wait.
    pub(crate) fn left(&self, share: &Budget, rate: Rate) -> usize {
        share.left_until(self.level, rate, self.credit().now)
    }
}
