//! Simulates a bad connection, to show predictions and rollbacks. A guest connects through a relay that delays and
//! drops datagrams, so that renet measures the simulated link and retransmits what is lost.

mod relay;

use core::time::Duration;
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::PoisonError,
};

use bevy::prelude::*;
use bevy_inventory_sync::overlay::SimulatedLink;
use bevy_replicon::prelude::*;

pub use relay::Relay;

use relay::SharedLink;

/// The simulated network conditions. An app that has this resource connects to servers through a [`Relay`].
#[derive(Resource, Default)]
pub struct Lag {
    pub link: SimulatedLink,
    /// What the relay reads.
    shared: SharedLink,
}

impl Lag {
    pub const LATENCY_MAX: Duration = Duration::from_millis(500);
    pub const JITTER_MAX: Duration = Duration::from_millis(200);
    pub const LOSS_MAX: f32 = 0.3;

    /// Creates a connection with this one-way latency, and with jitter and loss; a perfect one if `millis` is zero.
    pub fn new(millis: u64) -> Self {
        let latency = Duration::from_millis(millis);
        let loss = if millis == 0 { 0.0 } else { 0.05 };
        Self { link: SimulatedLink { latency, jitter: latency / 5, loss }, ..default() }
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(
        Update,
        (follow_overlay.run_if(resource_exists::<SimulatedLink>), share)
            .chain()
            .run_if(resource_exists::<Lag>),
    )
    .add_systems(OnEnter(ClientState::Connected), offer_link.run_if(resource_exists::<Lag>))
    .add_systems(OnExit(ClientState::Connected), withdraw_link);
}

/// Returns the address to which a client connects to reach a server: that of a relay if the link is simulated.
pub fn route(world: &mut World, client: &UdpSocket, server: SocketAddr) -> io::Result<SocketAddr> {
    let Some(lag) = world.get_resource::<Lag>() else { return Ok(server) };
    let relay = Relay::start(client.local_addr()?.port(), server, &lag.shared)?;
    let address = relay.address;
    world.insert_resource(relay);
    Ok(address)
}

/// Keeps these settings and the overlay's sliders in sync.
fn follow_overlay(mut link: ResMut<SimulatedLink>, mut lag: ResMut<Lag>) {
    if *link == lag.link {
        return;
    }
    if link.is_changed() {
        lag.link = *link;
    } else {
        *link = lag.link;
    }
}

fn share(lag: Res<Lag>) {
    if lag.is_changed() {
        *lag.shared.lock().unwrap_or_else(PoisonError::into_inner) = lag.link;
    }
}

/// Provides the resource for the overlay's sliders. Only guests have a link.
fn offer_link(lag: Res<Lag>, mut commands: Commands) {
    commands.insert_resource(lag.link);
}

fn withdraw_link(mut commands: Commands) {
    commands.remove_resource::<SimulatedLink>();
}
