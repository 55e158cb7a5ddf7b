//! A bad connection at the press of a key, to see what is shown ahead and what is taken back. It holds up
//! what passes between the messaging backend and the rest of a client.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;
use bevy_replicon::{bytes::Bytes, prelude::*};

use crate::net::RESEND_TIME;

/// How long a message is held up each way, in milliseconds.
const STEPS: [u64; 5] = [0, 50, 100, 200, 500];

/// The share of messages that are lost once and come when they are sent again.
const LOSS: f32 = 0.05;

/// What is held up.
#[derive(Resource, Default)]
pub struct Lag {
    /// One way.
    pub delay: Duration,
    down: Held,
    up: Held,
}

type Held = VecDeque<(Duration, usize, Bytes)>;

impl Lag {
    pub fn new(millis: u64) -> Self {
        Self { delay: Duration::from_millis(millis), ..default() }
    }

    /// How long the next message takes: a fifth more or less, and longer if it is lost once.
    fn next(&self) -> Duration {
        let jittered = self.delay.mul_f32(0.8 + 0.4 * fastrand::f32());
        if !self.delay.is_zero() && fastrand::f32() < LOSS {
            jittered + RESEND_TIME
        } else {
            jittered
        }
    }
}

pub fn plugin(app: &mut App) {
    app.init_resource::<Lag>()
        .add_systems(
            PreUpdate,
            hold_up_received
                .after(ClientSystems::ReceivePackets)
                .before(ClientSystems::Receive)
                .run_if(in_state(ClientState::Connected)),
        )
        .add_systems(
            PostUpdate,
            hold_up_sent
                .after(ClientSystems::Send)
                .before(ClientSystems::SendPackets)
                .run_if(in_state(ClientState::Connected)),
        )
        .add_systems(OnExit(ClientState::Connected), forget);
}

/// The next longer delay, or none again.
pub fn longer(lag: &mut Lag) {
    let now = u64::try_from(lag.delay.as_millis()).unwrap_or_default();
    let next = STEPS.into_iter().find(|step| *step > now).unwrap_or_default();
    lag.delay = Duration::from_millis(next);
}

fn forget(mut lag: ResMut<Lag>) {
    (lag.down, lag.up) = default();
}

/// Puts a message behind those that came before it: a channel keeps its order.
fn hold(held: &mut Held, due: Duration, channel: usize, bytes: Bytes) {
    let before = held.iter().rev().find(|(_, other, _)| *other == channel);
    let due = before.map_or(due, |(before, ..)| due.max(*before));
    held.push_back((due, channel, bytes));
}

fn take_due(held: &mut Held, now: Duration) -> Vec<(usize, Bytes)> {
    let (due, rest) = core::mem::take(held).into_iter().partition(|(due, ..)| *due <= now);
    *held = rest;
    let due: Held = due;
    due.into_iter().map(|(_, channel, bytes)| (channel, bytes)).collect()
}

fn hold_up_received(
    time: Res<Time<Real>>,
    channels: Res<RepliconChannels>,
    mut lag: ResMut<Lag>,
    mut messages: ResMut<ClientMessages>,
) {
    if lag.delay.is_zero() && lag.down.is_empty() {
        return;
    }
    let now = time.elapsed();
    for channel in 0..channels.server_channels().len() {
        let received: Vec<Bytes> = messages.drain_received(channel).collect();
        for bytes in received {
            let due = now + lag.next();
            hold(&mut lag.down, due, channel, bytes);
        }
    }
    for (channel, bytes) in take_due(&mut lag.down, now) {
        messages.insert_received(channel, bytes);
    }
}

fn hold_up_sent(time: Res<Time<Real>>, mut lag: ResMut<Lag>, mut messages: ResMut<ClientMessages>) {
    if lag.delay.is_zero() && lag.up.is_empty() {
        return;
    }
    let now = time.elapsed();
    let sent: Vec<(usize, Bytes)> = messages.drain_sent().collect();
    for (channel, bytes) in sent {
        let due = now + lag.next();
        hold(&mut lag.up, due, channel, bytes);
    }
    for (channel, bytes) in take_due(&mut lag.up, now) {
        messages.send(channel, bytes);
    }
}
