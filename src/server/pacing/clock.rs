//! Compact times of the app's clock. One is kept per viewer.

use core::time::Duration;

/// Time since the app started, in microseconds. A single integer, because it is compared for every viewer of every
/// change.
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

/// Minimum time between two updates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    micros: u64,
}

impl Interval {
    /// Returns an interval that is slightly shorter than a period, because ticks do not occur at exact
    /// milliseconds.
    pub(crate) fn of(period: Duration) -> Self {
        Self { micros: AppInstant::new(period.saturating_sub(TOLERANCE)).0 }
    }
}

/// When a viewer's next update is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    /// Zero if the next update is due regardless of priority.
    due_at: AppInstant,
}

impl Timer {
    pub(crate) fn is_due(self, now: AppInstant) -> bool {
        now >= self.due_at
    }

    /// Starts the debounce delay for a pending update. Zero for no delay.
    pub(crate) fn wait(&mut self, now: AppInstant, debounce_delay: Duration) {
        if !debounce_delay.is_zero() && self.due_at != AppInstant(0) {
            self.due_at = self
                .due_at
                .max(AppInstant(now.0.saturating_add(Interval::of(debounce_delay).micros)));
        }
    }

    /// Records that an update was sent. The next one is due after this interval.
    pub(crate) fn record_sent(&mut self, now: AppInstant, span: Interval) {
        self.due_at = AppInstant(now.0.saturating_add(span.micros)).max(AppInstant(1));
    }

    /// Makes the next update due regardless of priority, as the result of an action.
    pub(crate) fn hurry(&mut self) {
        self.due_at = AppInstant(0);
    }

    /// Returns `true` if the next update is the result of an action.
    pub(crate) fn hurries(self) -> bool {
        self.due_at == AppInstant(0)
    }
}

/// How much shorter an interval is than its period.
const TOLERANCE: Duration = Duration::from_millis(1);

impl Default for Timer {
    fn default() -> Self {
        Self { due_at: AppInstant(1) }
    }
}
