//! How fast a furnace may melt.

/// Number of ticks in which a furnace melts one ore, rounded down.
const MELT_TICKS: u64 = 59;

/// When a furnace may melt the next ore.
#[derive(Default)]
pub(super) struct Melting {
    /// The tick in which it may.
    due: u64,
    /// Number of ticks since the last update of the server.
    pause: u64,
    /// Maximum number of ticks between two updates so far. What is melted may be seen that much later than it was.
    longest_pause: u64,
}

impl Melting {
    /// Called in each tick.
    pub(super) fn step(&mut self, server_is_updated: bool) {
        self.pause = if server_is_updated { 0 } else { self.pause + 1 };
        self.longest_pause = self.longest_pause.max(self.pause);
    }

    /// Records that one ore was melted. Returns `true` if it was not too early.
    pub(super) fn melt(&mut self, tick: u64) -> bool {
        let in_time = tick + self.longest_pause + 1 >= self.due;
        self.due = self.due.max(tick) + MELT_TICKS;
        in_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Melts at these ticks. Returns `true` if all were in time.
    fn melts(ticks: impl IntoIterator<Item = u64>) -> bool {
        let mut melting = Melting::default();
        ticks.into_iter().all(|tick| melting.melt(tick))
    }

    #[test]
    fn furnace_melts_once_per_second() {
        assert!(melts([60, 120, 180, 400, 460]));
        assert!(!melts([60, 90]));
    }

    #[test]
    fn paused_server_melts_late() {
        let mut melting = Melting::default();
        (0..30).for_each(|_| melting.step(false));
        assert!([90, 120, 180].into_iter().all(|tick| melting.melt(tick)));
        let mut half_seconds = (1..10).map(|n| 200 + 30 * n);
        assert!(!half_seconds.all(|tick| melting.melt(tick)));
    }
}
