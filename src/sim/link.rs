//! One direction of a simulated connection.

use std::collections::VecDeque;

use bevy_replicon::{bytes::Bytes, prelude::Channel};

use super::Network;

/// One direction between the server and a client.
#[derive(Default)]
pub(super) struct Link {
    flying: VecDeque<Flying>,
    sent: u64,
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
        kind: Channel,
        channel: usize,
        bytes: Bytes,
        mut arrival: u64,
        network: Network,
        random: &mut fastrand::Rng,
    ) {
        while random.f32() < network.loss {
            if kind == Channel::Unreliable {
                return;
            }
            arrival += network.resend_ticks;
        }
        if kind == Channel::Ordered {
            let before = self.flying.iter().filter(|flying| flying.channel == channel);
            arrival = before.map(|flying| flying.arrival).fold(arrival, u64::max);
        }
        self.sent += 1;
        self.flying.push_back(Flying { arrival, order: self.sent, channel, bytes });
    }

    pub(super) fn arrivals(&mut self, now: u64) -> Vec<(usize, Bytes)> {
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

    pub(super) fn is_idle(&self) -> bool {
        self.flying.is_empty()
    }
}
