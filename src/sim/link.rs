//! One direction of a simulated connection.

use std::collections::VecDeque;

use bevy_replicon::{bytes::Bytes, prelude::Channel};

use super::network::{Network, NetworkCounts};

/// One direction between the server and a client.
#[derive(Default)]
pub(super) struct Link {
    flying: VecDeque<Flying>,
    sent: u64,
    /// Nothing arrives before this tick.
    cut_until: u64,
}

/// A message that is sent.
pub(super) struct Sent {
    pub(super) kind: Channel,
    pub(super) channel: usize,
    pub(super) bytes: Bytes,
    /// The tick in which it would arrive without latency.
    pub(super) at: u64,
}

struct Flying {
    arrival: u64,
    order: u64,
    channel: usize,
    bytes: Bytes,
}

impl Link {
    pub(super) fn send(
        &mut self,
        Sent { kind, channel, bytes, at }: Sent,
        network: Network,
        random: &mut fastrand::Rng,
        counts: &mut NetworkCounts,
    ) {
        let expected = at + network.latency_ticks;
        let mut arrival = expected;
        if network.jitter_ticks > 0 {
            arrival += random.u64(0..=network.jitter_ticks);
        }
        if arrival < self.cut_until {
            if kind == Channel::Unreliable {
                counts.lost += 1;
                return;
            }
            arrival = self.cut_until;
        }
        while random.f32() < network.loss {
            counts.lost += 1;
            if kind == Channel::Unreliable {
                return;
            }
            arrival += network.resend_ticks;
        }
        if kind == Channel::Ordered {
            let before = self.flying.iter().filter(|flying| flying.channel == channel);
            arrival = before.map(|flying| flying.arrival).fold(arrival, u64::max);
        }
        counts.late += u64::from(arrival >= expected + 2);
        self.sent += 1;
        self.flying.push_back(Flying { arrival, order: self.sent, channel, bytes });
    }

    /// Lets nothing arrive before `tick`.
    pub(super) fn cut(&mut self, tick: u64) {
        self.cut_until = self.cut_until.max(tick);
        for flying in &mut self.flying {
            flying.arrival = flying.arrival.max(tick);
        }
    }

    /// Ends a cut. Waiting messages arrive at `tick`.
    pub(super) fn end_cut(&mut self, tick: u64) {
        let cut = core::mem::take(&mut self.cut_until);
        for flying in self.flying.iter_mut().filter(|flying| flying.arrival == cut) {
            flying.arrival = flying.arrival.min(tick);
        }
    }

    pub(super) fn arrivals(&mut self, now: u64) -> Vec<(usize, Bytes)> {
        if self.flying.iter().all(|flying| flying.arrival > now) {
            return Vec::new();
        }
        let mut due: Vec<Flying> = Vec::new();
        self.flying = core::mem::take(&mut self.flying)
            .into_iter()
            .filter_map(|flying| {
                if flying.arrival <= now {
                    due.push(flying);
                    None
                } else {
                    Some(flying)
                }
            })
            .collect();
        due.sort_by_key(|flying| (flying.arrival, flying.order));
        due.into_iter().map(|flying| (flying.channel, flying.bytes)).collect()
    }

    /// Returns the tick by which everything that was sent has arrived.
    pub(super) fn arrived_by(&self) -> u64 {
        self.flying.iter().map(|flying| flying.arrival).max().unwrap_or(0)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.flying.is_empty()
    }
}
