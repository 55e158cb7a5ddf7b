//! Byte budgets. A client whose budget is exhausted gets its updates later, with several changes merged.

use core::time::Duration;

use super::clock::AppInstant;

/// Kind of an update, for the client that receives it. A lower one is sent first, and may exceed the byte budget
/// further.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum UpdateKind {
    /// The result of an action of its player.
    Action,
    /// A change of an inventory that it owns.
    Own,
    /// A change of another inventory.
    Other,
}

/// Maximum burst after a pause, as the time in which its bytes are earned.
const BURST: Duration = Duration::from_millis(250);

/// How far the updates of a player's own inventories may exceed the burst, as time.
const OWN_OVERDRAFT: Duration = Duration::from_millis(250);

/// How far the results of a player's own actions may exceed the burst, as time. More than [`OWN_OVERDRAFT`], so that
/// they do not wait for updates.
const ACTION_OVERDRAFT: Duration = Duration::from_millis(500);

/// Part of the burst that chunks leave unused, so that other messages do not wait for them.
const KEPT: Duration = Duration::from_millis(125);

/// Rate at which bytes are earned, as the time for one byte. Zero for unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Rate {
    nanos_per_byte: u64,
}

impl Rate {
    /// Returns a rate in bytes per second. `u32::MAX` is unlimited, and 0 counts as 1.
    pub(crate) fn new(bytes_per_second: u32) -> Self {
        let limited = bytes_per_second < u32::MAX;
        let nanos_per_byte = 1_000_000_000 / u64::from(bytes_per_second.max(1));
        Self { nanos_per_byte: if limited { nanos_per_byte.max(1) } else { 0 } }
    }

    /// Returns the time in which this many bytes are earned, in nanoseconds.
    pub(crate) fn nanos(self, bytes: usize) -> u64 {
        self.nanos_per_byte.saturating_mul(bytes as u64)
    }
}

/// The rates at which bytes are earned.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Rates {
    /// Of one client.
    pub(crate) client: Rate,
    /// Of all clients together.
    pub(crate) total: Rate,
}

impl Rates {
    /// Returns what it costs to send this many bytes to a client.
    pub(crate) fn cost(self, bytes: usize) -> SendCost {
        SendCost { client_nanos: self.client.nanos(bytes), total_nanos: self.total.nanos(bytes) }
    }
}

/// The cost of sending bytes to a client: the time in which they are earned, in nanoseconds.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct SendCost {
    /// At the rate of the client.
    pub(crate) client_nanos: u64,
    /// At the rate of all clients together. Zero if that is unlimited.
    pub(crate) total_nanos: u64,
}

/// The current time, and the latest time by which spent bytes must be earned, in nanoseconds since the app
/// started.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Credit {
    pub(super) now: u64,
    /// By [`UpdateKind`].
    pub(super) limits: [u64; 3],
}

impl Credit {
    pub(crate) fn at(now: AppInstant) -> Self {
        let overdrafts = [ACTION_OVERDRAFT, OWN_OVERDRAFT, Duration::ZERO];
        Self {
            now: now.nanos(),
            limits: overdrafts.map(|overdraft| now.plus(BURST + overdraft).nanos()),
        }
    }
}

/// The bytes that were spent of those that are earned. One that has spent less compares as less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) struct Budget {
    /// When all spent bytes will have been earned, in nanoseconds since the app started.
    pub(super) earned_at: u64,
    /// Part of that time that is reserved for messages of this tick, as estimated before they are encoded, in
    /// nanoseconds.
    planned: u64,
}

impl Budget {
    /// Returns `true` if an update may be sent. It is sent as a whole, so the budget may go into debt.
    ///
    /// What is reserved in this tick does not count for the results of actions: the client is sent all of them, or
    /// none. One action may change several inventories, and the client must not show only a part of it.
    #[inline]
    pub(crate) fn has(&self, kind: UpdateKind, credit: Credit) -> bool {
        let reserved = if kind == UpdateKind::Action { self.planned } else { 0 };
        self.earned_at.saturating_sub(reserved) <= credit.limits[kind as usize]
    }

    /// Reserves the estimated cost of a message, in nanoseconds.
    #[inline]
    pub(crate) fn plan(&mut self, nanos: u64, credit: Credit) {
        self.earned_at = self.earned_at.max(credit.now).saturating_add(nanos);
        self.planned = self.planned.saturating_add(nanos);
    }

    /// Replaces what was reserved by the bytes that were actually sent.
    pub(crate) fn spend(&mut self, bytes: usize, rate: Rate, now: AppInstant) {
        self.spend_time(rate.nanos(bytes), now.nanos());
    }

    /// As [`spend`](Self::spend), with the time that it takes to earn the bytes and the current time, in
    /// nanoseconds. For bytes that many clients are sent.
    #[inline]
    pub(crate) fn spend_time(&mut self, nanos: u64, now: u64) {
        let earned_at = self.earned_at.saturating_sub(core::mem::take(&mut self.planned));
        self.earned_at = earned_at.max(now).saturating_add(nanos);
    }

    /// Changes the rate. Debt remains the same number of bytes.
    pub(crate) fn convert(&mut self, from: Rate, to: Rate, now: AppInstant) {
        let owed = self.earned_at.saturating_sub(now.nanos());
        let bytes = owed.checked_div(from.nanos_per_byte).unwrap_or(0);
        let nanos = to.nanos_per_byte.saturating_mul(bytes);
        self.earned_at = now.nanos().saturating_add(nanos);
    }

    /// Returns the number of bytes that chunks may use.
    pub(crate) fn left(&self, rate: Rate, now: AppInstant) -> usize {
        self.left_until(now.plus(BURST.saturating_sub(KEPT)).nanos(), rate, now.nanos())
    }

    /// Returns the number of bytes that may be spent until those up to this time are spent.
    pub(super) fn left_until(&self, limit: u64, rate: Rate, now: u64) -> usize {
        let nanos = limit.saturating_sub(self.earned_at.max(now));
        let bytes = nanos.checked_div(rate.nanos_per_byte);
        bytes.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spent_bytes_are_earned_back() {
        let (rate, mut budget) = (Rate::new(1000), Budget::default());
        let at = |millis| AppInstant::new(Duration::from_millis(millis));
        let credit = |millis| Credit::at(at(millis));
        let has = |budget: Budget, millis| budget.has(UpdateKind::Other, credit(millis));
        assert_eq!(budget.left(rate, at(0)), 125, "half of a burst is kept for other messages");
        budget.plan(rate.nanos(251), credit(0));
        assert!(!has(budget, 0), "reserved bytes count");
        budget.spend(250, rate, at(0));
        assert!(has(budget, 0), "the last byte can be spent");
        budget.spend(1000, rate, at(0));
        assert!(!has(budget, 999));
        assert!(has(budget, 1000));
        assert_eq!(budget.left(rate, at(1100)), 0);
        assert_eq!(budget.left(rate, at(1200)), 75);
        assert_eq!(budget.left(rate, at(60_000)), 125, "no more than a burst accumulates");
        budget.plan(rate.nanos(251), credit(60_000));
        assert!(!has(budget, 60_000), "a long pause does not enlarge the burst");
        budget.spend(0, rate, at(60_000));
        budget.spend(1 << 40, Rate::new(u32::MAX), at(60_000));
        assert!(has(budget, 60_000), "an unlimited rate spends nothing");
    }

    #[test]
    fn actions_may_exceed_the_burst_further_than_other_updates() {
        let (rate, mut budget) = (Rate::new(1000), Budget::default());
        let at = |millis| AppInstant::new(Duration::from_millis(millis));
        let has = |budget: Budget, kind, millis| budget.has(kind, Credit::at(at(millis)));
        budget.spend(800, rate, at(0));
        for (kind, millis) in
            [(UpdateKind::Action, 50), (UpdateKind::Own, 300), (UpdateKind::Other, 550)]
        {
            assert!(!has(budget, kind, millis - 1), "{kind:?}");
            assert!(has(budget, kind, millis), "{kind:?}");
        }
        budget.plan(rate.nanos(5000), Credit::at(at(50)));
        assert!(has(budget, UpdateKind::Action, 50), "all actions of the tick are sent");
        assert!(!has(budget, UpdateKind::Own, 550));
        budget.spend(5000, rate, at(50));
        assert!(!has(budget, UpdateKind::Action, 1000), "they count in the next tick");
    }

    #[test]
    fn rate_change_keeps_debt_in_bytes() {
        let at = |millis| AppInstant::new(Duration::from_millis(millis));
        let [slow, fast, unlimited] = [1, 1000, u32::MAX].map(Rate::new);
        let has = |budget: Budget, millis| budget.has(UpdateKind::Other, Credit::at(at(millis)));
        let mut budget = Budget::default();
        budget.spend(1500, slow, at(0));
        budget.convert(slow, fast, at(0));
        assert!(!has(budget, 1249));
        assert!(has(budget, 1250));
        budget.convert(fast, slow, at(500));
        assert!(!has(budget, 999_000), "debt is kept at the slower rate");
        budget.convert(slow, unlimited, at(500));
        assert!(has(budget, 500));
        budget.convert(unlimited, slow, at(90_000));
        assert_eq!(budget.left(fast, at(90_000)), 125, "an unlimited rate leaves no debt");
    }
}
