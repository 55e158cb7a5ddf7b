//! State that the clients panel keeps between frames.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::{ecs::entity::EntityHashMap, prelude::*};

use crate::{client::transfers::TransferProgressed, server::pacing::quality::ConnectionQuality};

/// Number of samples per rate, half a second apart.
const SAMPLES_MAX: usize = 5;

/// Samples of the number of resolved actions of each client.
#[derive(Resource, Default, Debug)]
pub(super) struct ActionRates(EntityHashMap<VecDeque<(Duration, u64)>>);

impl ActionRates {
    pub(super) fn sample(&mut self, client: Entity, now: Duration, decided: u64) {
        let samples = self.0.entry(client).or_default();
        if samples.len() == SAMPLES_MAX {
            samples.pop_front();
        }
        samples.push_back((now, decided));
    }

    /// Removes clients for which `is_connected` returns `false`.
    pub(super) fn keep(&mut self, is_connected: impl Fn(Entity) -> bool) {
        self.0.retain(|client, _| is_connected(*client));
    }

    /// Returns the rate per second over the last two seconds.
    pub(super) fn of(&self, client: Entity) -> f64 {
        let samples = self.0.get(&client);
        let ends = samples.and_then(|samples| samples.front().zip(samples.back()));
        let Some(((before, old), (now, new))) = ends else { return 0.0 };
        let seconds = (*now - *before).as_secs_f64();
        if seconds > 0.0 { new.saturating_sub(*old) as f64 / seconds } else { 0.0 }
    }
}

/// On a client: its own connection quality and the latest chunked transfer.
#[derive(Resource, Default, Debug)]
pub(super) struct OwnLink {
    pub(super) quality: ConnectionQuality,
    pub(super) transfer: Option<TransferProgressed>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_covers_the_last_two_seconds() {
        let mut rates = ActionRates::default();
        let client = Entity::PLACEHOLDER;
        assert!(rates.of(client).abs() < 1e-9);
        for n in 0..20u32 {
            rates.sample(client, Duration::from_millis(500) * n, u64::from(n) * 4);
        }
        assert!((rates.of(client) - 8.0).abs() < 1e-9);
        rates.keep(|_| false);
        assert!(rates.of(client).abs() < 1e-9);
    }
}
