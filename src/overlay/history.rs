//! The last minute of all counters, from which rates and plots are computed.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;

use crate::shared::stats::InventoryStats;

/// Sampling interval.
const PERIOD: Duration = Duration::from_millis(500);

/// Number of samples per minute, plus the initial one.
const SAMPLES_MAX: usize = 121;

/// Hypothetical cost of sending full updates only.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct FullCost {
    /// Number of updates: one per commit and viewer.
    pub(super) updates: u64,
    /// Size of these updates as full updates, in bits.
    pub(super) bits: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    stats: InventoryStats,
    full: FullCost,
}

/// Samples of all counters.
#[derive(Resource, Default, Debug)]
pub(super) struct History {
    samples: VecDeque<Sample>,
    /// Total since the start.
    pub(super) full: FullCost,
}

impl History {
    /// Takes a sample if one is due.
    pub(super) fn sample(&mut self, now: Duration, stats: &InventoryStats) {
        let last = self.samples.back().map(|last| now.saturating_sub(last.at));
        if last.is_some_and(|past| past < PERIOD) {
            return;
        }
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at: now, stats: *stats, full: self.full });
    }

    /// Returns `true` if a counter did not change within the last minute.
    pub(super) fn is_quiet(&self, read: impl Fn(&InventoryStats) -> u64) -> bool {
        let ends = self.samples.front().zip(self.samples.back());
        ends.is_none_or(|(old, new)| read(&old.stats) == read(&new.stats))
    }

    /// Returns the rate of a counter per second, over the last second.
    pub(super) fn rate(&self, read: impl Fn(&InventoryStats) -> u64) -> f64 {
        self.rate_of(|sample| read(&sample.stats))
    }

    /// Returns the hypothetical rate with full updates only, in bits per second.
    pub(super) fn full_rate(&self) -> f64 {
        self.rate_of(|sample| sample.full.bits)
    }

    /// Returns the points of the last minute: x is the time in seconds (zero or negative), y the rate per second.
    pub(super) fn plot(&self, read: impl Fn(&InventoryStats) -> u64) -> Vec<[f64; 2]> {
        self.plot_of(|sample| read(&sample.stats))
    }

    pub(super) fn full_plot(&self) -> Vec<[f64; 2]> {
        self.plot_of(|sample| sample.full.bits)
    }

    fn rate_of(&self, read: impl Fn(&Sample) -> u64) -> f64 {
        let newest = self.samples.len().saturating_sub(1);
        let (Some(new), Some(old)) =
            (self.samples.back(), self.samples.get(newest.saturating_sub(2)))
        else {
            return 0.0;
        };
        per_second(old, new, &read)
    }

    fn plot_of(&self, read: impl Fn(&Sample) -> u64) -> Vec<[f64; 2]> {
        let Some(newest) = self.samples.back() else { return Vec::new() };
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        let ago = |sample: &Sample| -(newest.at - sample.at).as_secs_f64();
        pairs.map(|(old, new)| [ago(new), per_second(old, new, &read)]).collect()
    }
}

fn per_second(old: &Sample, new: &Sample, read: impl Fn(&Sample) -> u64) -> f64 {
    let seconds = (new.at - old.at).as_secs_f64();
    if seconds > 0.0 { (read(new) - read(old)) as f64 / seconds } else { 0.0 }
}

/// Breakdown of the bytes sent to clients: label, counter in bits, tooltip.
pub(super) const KINDS: [(&str, fn(&InventoryStats) -> u64, &str); 8] = [
    ("deltas", |s| s.bits_deltas, "Updates with only the changed slots."),
    (
        "full",
        |s| s.bits_full_updates,
        "Full updates, because more than half of the slots had changed.",
    ),
    ("opens", |s| s.bits_opens, "New views, and full updates that repair a copy."),
    ("chunks", |s| s.bytes_chunks * 8, "Transfers too large for one message."),
    ("data", |s| s.bits_data, "Instance data, sent once per client."),
    ("answers", |s| s.bits_answers, "Answers to player requests."),
    (
        "checksums",
        |s| s.bits_checksums,
        "Checksums of inventories that have not changed for some time.",
    ),
    ("headers", heads, "Message headers, and padding of the last byte."),
];

fn heads(s: &InventoryStats) -> u64 {
    let known = s.bits_deltas + s.bits_full_updates + s.bits_opens + s.bits_data;
    let known = known + s.bits_answers + s.bits_checksums + s.bytes_chunks * 8;
    (s.bytes_sent * 8).saturating_sub(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(bytes_sent: u64) -> InventoryStats {
        InventoryStats { bytes_sent, ..default() }
    }

    #[test]
    fn rates_and_plots_are_differences() {
        let mut history = History::default();
        for n in 0..5 {
            history.sample(PERIOD * n, &sent(1000 + 50 * u64::from(n)));
        }
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(history.rate(|stats| stats.bytes_sent), 100.0));
        let plot = history.plot(|stats| stats.bytes_sent);
        assert_eq!(plot.len(), 4);
        assert!(near(plot[0][0], -1.5) && near(plot[3][0], 0.0));
        assert!(plot.iter().all(|point| near(point[1], 100.0)));
    }

    #[test]
    fn keeps_one_minute() {
        let mut history = History::default();
        for n in 0..500 {
            history.sample(PERIOD * n, &sent(0));
        }
        assert_eq!(history.samples.len(), SAMPLES_MAX);
        assert!(history.rate(|stats| stats.bytes_sent).abs() < 1e-9);
    }

    #[test]
    fn uncategorized_bits_are_headers() {
        let stats = InventoryStats { bytes_sent: 10, bits_deltas: 70, ..default() };
        assert_eq!(heads(&stats), 10);
        let sum: u64 = KINDS.iter().map(|(_, read, _)| read(&stats)).sum();
        assert_eq!(sum, 80);
    }
}
