//! How fast a furnace may smelt.

/// Number of ticks in which a furnace smelts one ore, rounded down.
const SMELT_TICKS: u64 = 59;

/// When a furnace may smelt the next ore.
#[derive(Default)]
pub(super) struct Smelting {
    /// The tick in which it may.
    due: u64,
    /// Number of ticks since the last update of the server.
    pause: u64,
    /// Maximum number of ticks between two updates so far. What is smelted may be seen that much later than it was.
    longest_pause: u64,
}

impl Smelting {
    /// Called in each tick.
    pub(super) fn step(&mut self, server_is_updated: bool) {
        self.pause = if server_is_updated { 0 } else { self.pause + 1 };
        self.longest_pause = self.longest_pause.max(self.pause);
    }

    /// Records that one ore was smelted. Returns `true` if it was not too early.
    pub(super) fn smelt(&mut self, tick: u64) -> bool {
        let in_time = tick + self.longest_pause + 1 >= self.due;
        self.due = self.due.max(tick) + SMELT_TICKS;
        in_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smelts at these ticks. Returns `true` if all were in time.
    fn smelts(ticks: impl IntoIterator<Item = u64>) -> bool {
        let mut smelting = Smelting::default();
        ticks.into_iter().all(|tick| smelting.smelt(tick))
    }

    #[test]
    fn furnace_smelts_once_per_second() {
        assert!(smelts([60, 120, 180, 400, 460]));
        assert!(!smelts([60, 90]));
    }

    #[test]
    fn paused_server_smelts_late() {
        let mut smelting = Smelting::default();
        (0..30).for_each(|_| smelting.step(false));
        assert!([90, 120, 180].into_iter().all(|tick| smelting.smelt(tick)));
        let mut half_seconds = (1..10).map(|n| 200 + 30 * n);
        assert!(!half_seconds.all(|tick| smelting.smelt(tick)));
    }
}
