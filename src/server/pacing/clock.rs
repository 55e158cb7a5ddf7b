//! Times of the app's clock, small enough to keep one for each viewer.

use core::time::Duration;

/// Time since the app began, in microseconds: one number is compared faster than two, for every viewer of
/// what changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) struct AppInstant(u64);

impl AppInstant {
    pub(crate) fn new(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    pub(crate) fn nanos(self) -> u64 {
        self.0.saturating_mul(1000)
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::new(duration).0))
    }
}

/// A time between two updates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    micros: u64,
}

impl Interval {
    /// A little shorter than a period, for ticks do not fall on the millisecond.
    pub(crate) fn of(period: Duration) -> Self {
        Self { micros: AppInstant::new(period.saturating_sub(TOLERANCE)).0 }
    }
}

/// When a viewer may be told next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    /// Zero for once in any case.
    due_at: AppInstant,
}

impl Timer {
    pub(crate) fn is_due(self, now: AppInstant) -> bool {
        now >= self.due_at
    }

    /// Something waits to be told from now on.
    pub(crate) fn wait(&mut self, now: AppInstant, debounce_delay: Duration) {
        if !debounce_delay.is_zero() && self.due_at != AppInstant(0) {
            self.due_at = self
                .due_at
                .max(AppInstant(now.0.saturating_add(Interval::of(debounce_delay).micros)));
        }
    }

    pub(crate) fn told(&mut self, now: AppInstant, span: Interval) {
        self.due_at = AppInstant(now.0.saturating_add(span.micros)).max(AppInstant(1));
    }

    /// Once, in any case.
    pub(crate) fn hurry(&mut self) {
        self.due_at = AppInstant(0);
    }

    pub(crate) fn hurries(self) -> bool {
        self.due_at == AppInstant(0)
    }
}

const TOLERANCE: Duration = Duration::from_millis(1);

impl Default for Timer {
    fn default() -> Self {
        Self { due_at: AppInstant(1) }
    }
}
