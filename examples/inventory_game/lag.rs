//! Simulates a bad connection, to show predictions and rollbacks. It delays
//! messages between the messaging backend and the rest of a client.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;
use bevy_inventory_sync::overlay::SimulatedLink;
use bevy_replicon::{bytes::Bytes, prelude::*};

use crate::net::RESEND_TIME;

/// The simulated network conditions, and the delayed messages.
#[derive(Resource)]
pub struct Lag {
    /// One-way delay of messages.
    pub delay: Duration,
    /// Maximum deviation from the delay, in either direction, as a fraction of it.
    pub jitter: f32,
    /// Fraction of messages that are lost once and arrive after a resend.
    pub loss: f32,
    down: Held,
    up: Held,
}

type Held = VecDeque<(Duration, usize, Bytes)>;

impl Default for Lag {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Lag {
    pub const DELAY_MAX: Duration = Duration::from_millis(500);
    pub const LOSS_MAX: f32 = 0.3;

    /// Creates a connection with delay, jitter and loss, or a perfect one if `millis` is zero.
    pub fn new(millis: u64) -> Self {
        let (down, up) = default();
        let loss = if millis == 0 { 0.0 } else { 0.05 };
        Self { delay: Duration::from_millis(millis), jitter: 0.2, loss, down, up }
    }

    fn is_off(&self) -> bool {
        self.delay.is_zero() && self.loss == 0.0
    }

    fn link(&self) -> SimulatedLink {
        let jitter = self.delay.mul_f32(self.jitter);
        SimulatedLink { latency: self.delay, jitter, loss: self.loss }
    }

    /// Returns the delay of the next message, including a resend if it is lost.
    fn next(&self) -> Duration {
        let jittered = self.delay.mul_f32(1.0 - self.jitter + 2.0 * self.jitter * fastrand::f32());
        if fastrand::f32() < self.loss { jittered + RESEND_TIME } else { jittered }
    }
}

pub fn plugin(app: &mut App) {
    app.init_resource::<Lag>()
        .add_systems(Update, follow_overlay.run_if(resource_exists::<SimulatedLink>))
        .add_systems(OnEnter(ClientState::Connected), offer_link)
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

/// Keeps these settings and the overlay's sliders in sync.
fn follow_overlay(
    mut link: ResMut<SimulatedLink>,
    mut lag: ResMut<Lag>,
    mut before: Local<SimulatedLink>,
) {
    if *link == *before {
        *link = lag.link();
    } else {
        lag.delay = link.latency;
        lag.jitter = if link.latency.is_zero() {
            lag.jitter
        } else {
            link.jitter.div_duration_f32(link.latency).min(1.0)
        };
        lag.loss = link.loss;
    }
    *before = *link;
}

/// Provides the resource for the overlay's sliders. Only guests have a link.
fn offer_link(lag: Res<Lag>, mut commands: Commands) {
    commands.insert_resource(lag.link());
}

fn forget(mut lag: ResMut<Lag>, mut commands: Commands) {
    (lag.down, lag.up) = default();
    commands.remove_resource::<SimulatedLink>();
}

/// Queues a message. It is due no earlier than previous messages on the same channel, which keeps their order.
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
    if lag.is_off() && lag.down.is_empty() {
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
    if lag.is_off() && lag.up.is_empty() {
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
