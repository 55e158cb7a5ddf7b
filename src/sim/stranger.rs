//! A client with another version of the game, which tries to take part.

use core::cell::Cell;
use std::rc::Rc;

use bevy::{ecs::system::RunSystemOnce, prelude::*};
use bevy_replicon::bytes::Bytes;

use crate::{
    client::{confirmed::ConfirmedInventories, state::SyncState},
    server::views::access::Viewers,
    shared::fingerprint::LocalProtocol,
    wire::handshake::{CONTROL, ControlRequest, Handshake, read_request, write_request},
};

use super::{Simulation, report::Violation, scene::Scene, transport::Transport};

/// Number of ticks for which the client stays connected.
const STAYS: u64 = 120;

/// Number of ticks between two of its requests.
const PAUSE: u64 = 5;

/// The connections of the client.
pub(super) struct Stranger {
    /// When the client is disconnected, if it is connected.
    until: Option<u64>,
    handshakes: Handshakes,
}

/// What the client says about its version. In every other connection, only its protocol is another one.
#[derive(Clone)]
pub(super) struct Handshakes {
    client: usize,
    other_protocol: Rc<Cell<bool>>,
    of_server: Handshake,
}

impl Handshakes {
    /// Returns `true` if a client is the one with another version.
    pub(super) fn are_of(&self, client: usize) -> bool {
        client == self.client
    }

    /// Returns the message that arrives instead of one.
    pub(super) fn pass(&self, bytes: Bytes) -> Bytes {
        match read_request(&bytes) {
            Ok(ControlRequest::Handshake(_, copies)) if self.other_protocol.get() => {
                let protocol = self.of_server.protocol + 1;
                let handshake = Handshake { protocol, ..self.of_server };
                write_request(&ControlRequest::Handshake(handshake, copies))
                    .map_or(bytes, Bytes::from)
            }
            _ => bytes,
        }
    }
}

impl Stranger {
    /// The last client of a simulation is the one with another version.
    pub(super) fn new(sim: &mut Simulation) -> Self {
        let world = sim.server.world_mut();
        let of_server = world.run_system_once(|protocol: LocalProtocol| protocol.handshake());
        let of_server = of_server.ok().flatten().expect("the catalog is loaded");
        let client = sim.clients.len() - 1;
        let handshakes = Handshakes { client, other_protocol: Rc::default(), of_server };
        Self { until: None, handshakes }
    }

    pub(super) fn handshakes(&self) -> Handshakes {
        self.handshakes.clone()
    }

    /// Connects the client. Returns `false` if it is connected already.
    pub(super) fn connect(&mut self, scene: &mut Scene) -> bool {
        if scene.sim.is_connected(scene.players) {
            return false;
        }
        scene.sim.connect(scene.players);
        self.until = Some(scene.sim.tick() + STAYS);
        let other_protocol = &self.handshakes.other_protocol;
        other_protocol.set(!other_protocol.get());
        true
    }

    /// Called after the server has lost all connections.
    pub(super) fn disconnected(&mut self) {
        self.until = None;
    }

    /// Sends requests of the players as its own, and ends the connection.
    pub(super) fn step(&mut self, scene: &mut Scene, transport: &mut Transport) {
        let tick = scene.sim.tick();
        match self.until {
            Some(until) if until <= tick => {
                self.until = None;
                scene.sim.disconnect(scene.players);
            }
            Some(_) if tick.is_multiple_of(PAUSE) => {
                let turn = usize::try_from(tick / PAUSE).unwrap_or_default();
                let of = (turn % scene.players, true);
                let altered = (turn / scene.players).is_multiple_of(2);
                let message = match altered {
                    true => transport.altered_message(of),
                    false => transport.earlier_message(of),
                };
                // The handshake of a player would say that it has the same version.
                let is_request = |bytes: &Bytes| bytes.first() != Some(&CONTROL);
                if let Some(message) = message.filter(is_request) {
                    let channel = scene.sim.request_channel();
                    scene.sim.inject(scene.players, channel, message);
                }
            }
            _ => {}
        }
    }
}

/// Checks that the client with another version takes part in nothing. Returns `true` if it knows that it was rejected.
///
/// # Errors
///
/// What it takes part in.
pub(super) fn check_stranger(scene: &Scene) -> Result<bool, Violation> {
    let stranger = scene.players;
    let world = scene.sim.clients[stranger].app.world();
    if world.resource::<ConfirmedInventories>().iter().next().is_some() {
        return Err("a client with another version has copies".into());
    }
    if scene.sim.is_connected(stranger) {
        let id = scene.sim.client_id(stranger);
        let server = scene.sim.server.world();
        let sees =
            |entity| server.get::<Viewers>(entity).is_some_and(|it| it.rights_of(id).is_some());
        if let Some(seen) =
            (0..scene.places.len()).filter_map(|n| scene.entity(n)).find(|it| sees(*it))
        {
            return Err(format!("a client with another version may see {seen}"));
        }
    }
    match world.resource::<SyncState>() {
        SyncState::Synced => Err("a client with another version is synced".into()),
        SyncState::Rejected(_) => Ok(true),
        SyncState::Connecting => Ok(false),
    }
}
