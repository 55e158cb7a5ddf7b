//! How many bytes may go out. Who has spent too much is told later, and of several changes at once.

use core::time::Duration;

use super::clock::AppInstant;

/// So much time's worth of bytes may go out at once after a pause.
const BURST: Duration = Duration::from_millis(250);

/// So much of it is left over by what fills up the rest, so that nothing else has to wait for it.
const KEPT: Duration = Duration::from_millis(125);

/// How fast bytes are earned, as the nanoseconds that one takes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Rate {
    nanos_per_byte: u64,
}

impl Rate {
    /// So many bytes in a second; `u32::MAX` for as many as there are.
    pub(crate) fn new(bytes_per_second: u32) -> Self {
        let limited = bytes_per_second < u32::MAX;
        let nanos_per_byte = 1_000_000_000 / u64::from(bytes_per_second.max(1));
        Self { nanos_per_byte: if limited { nanos_per_byte.max(1) } else { 0 } }
    }

    /// How long it takes to earn so many bytes, in nanoseconds.
    pub(crate) fn nanos(self, bytes: usize) -> u64 {
        self.nanos_per_byte.saturating_mul(bytes as u64)
    }
}

/// Up to here what was spent may be earned only later.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Credit {
    now: u64,
    limit: u64,
}

impl Credit {
    pub(crate) fn at(now: AppInstant) -> Self {
        Self { now: now.nanos(), limit: now.plus(BURST).nanos() }
    }
}

/// What was spent of what is earned.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Budget {
    /// When all of it will have been earned again, in nanoseconds since the app began.
    earned_at: u64,
    /// So much of that is for what is about to be sent in this tick, as far as it can be told before it is written.
    planned: u64,
}

impl Budget {
    /// Whether something may be sent at all. What is sent as a whole may go into debt.
    #[inline]
    pub(crate) fn has(&self, credit: Credit) -> bool {
        self.earned_at <= credit.limit
    }

    /// Reserves what is about to be written.
    #[inline]
    pub(crate) fn plan(&mut self, nanos: u64, credit: Credit) {
        self.earned_at = self.earned_at.max(credit.now).saturating_add(nanos);
        self.planned = self.planned.saturating_add(nanos);
    }

    /// Takes what was really sent in place of what was planned.
    pub(crate) fn spend(&mut self, bytes: usize, rate: Rate, now: AppInstant) {
        let earned_at = self.earned_at.saturating_sub(core::mem::take(&mut self.planned));
        self.earned_at = earned_at.max(now.nanos()).saturating_add(rate.nanos(bytes));
    }

    /// Bytes are earned at another rate from now on. Whoever owes some owes as many of them.
    pub(crate) fn convert(&mut self, from: Rate, to: Rate, now: AppInstant) {
        let owed = self.earned_at.saturating_sub(now.nanos());
        let bytes = owed.checked_div(from.nanos_per_byte).unwrap_or(0);
        let nanos = to.nanos_per_byte.saturating_mul(bytes);
        self.earned_at = now.nanos().saturating_add(nanos);
    }

    /// How many bytes there are to spend, for what fills up the rest.
    pub(crate) fn left(&self, rate: Rate, now: AppInstant) -> usize {
        let limit = now.plus(BURST.saturating_sub(KEPT)).nanos();
        let nanos = limit.saturating_sub(self.earned_at.max(now.nanos()));
        let bytes = nanos.checked_div(rate.nanos_per_byte);
        bytes.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_earned_again() {
        let (rate, mut budget) = (Rate::new(1000), Budget::default());
        let at = |millis| AppInstant::new(Duration::from_millis(millis));
        let credit = |millis| Credit::at(at(millis));
        assert_eq!(budget.left(rate, at(0)), 125, "half a burst is kept for what is not put off");
        budget.plan(rate.nanos(251), credit(0));
        assert!(!budget.has(credit(0)), "what is planned counts");
        budget.spend(250, rate, at(0));
        assert!(budget.has(credit(0)), "to the last byte");
        budget.spend(1000, rate, at(0));
        assert!(!budget.has(credit(999)));
        assert!(budget.has(credit(1000)));
        assert_eq!(budget.left(rate, at(1100)), 0);
        assert_eq!(budget.left(rate, at(1200)), 75);
        assert_eq!(budget.left(rate, at(60_000)), 125, "no more than a burst is saved up");
        budget.plan(rate.nanos(251), credit(60_000));
        assert!(!budget.has(credit(60_000)), "a long pause is no reason for more in one tick");
        budget.spend(0, rate, at(60_000));
        budget.spend(1 << 40, Rate::new(u32::MAX), at(60_000));
        assert!(budget.has(credit(60_000)), "without a limit nothing is spent");
    }

    #[test]
    fn what_is_owed_is_as_many_bytes_at_another_rate() {
        let at = |millis| AppInstant::new(Duration::from_millis(millis));
        let [slow, fast, unlimited] = [1, 1000, u32::MAX].map(Rate::new);
        let mut budget = Budget::default();
        budget.spend(1500, slow, at(0));
        budget.convert(slow, fast, at(0));
        assert!(!budget.has(Credit::at(at(1249))));
        assert!(budget.has(Credit::at(at(1250))));
        budget.convert(fast, slow, at(500));
        assert!(!budget.has(Credit::at(at(999_000))), "it is not forgiven either");
        budget.convert(slow, unlimited, at(500));
        assert!(budget.has(Credit::at(at(500))));
        budget.convert(unlimited, slow, at(90_000));
        assert_eq!(budget.left(fast, at(90_000)), 125, "there are no debts out of nothing");
    }
}
