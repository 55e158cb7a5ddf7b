//! What goes wrong in a simulated game.

use core::cell::RefCell;
use std::rc::Rc;

use bevy::platform::collections::HashMap;
use bevy_replicon::bytes::Bytes;

use super::{
    Network, Simulation,
    fault::{Fault, Tampering},
    game,
    places::PlaceKind,
    scene::{Scene, setup, stats_of},
    stranger::Stranger,
    transport::Transport,
};

/// The connections that a scene will restore, and its transport.
pub struct Breakage {
    transport: Rc<RefCell<Transport>>,
    /// Clients to be connected, with the tick in which that happens.
    reconnects: Vec<(u64, usize)>,
    stranger: Stranger,
}

impl Breakage {
    /// Puts the transport between the apps of a simulation. It changes nothing at first.
    pub fn new(sim: &mut Simulation, seed: u64) -> Self {
        let transport = Rc::new(RefCell::new(Transport::new(seed)));
        let own = [sim.sync_channel(), sim.chunk_channel()];
        let requests = sim.request_channel();
        let stranger = Stranger::new(sim);
        let handshakes = stranger.handshakes();
        let (down, up) = (transport.clone(), transport.clone());
        sim.tamper(move |client, channel, bytes| match own.contains(&channel) {
            true => down.borrow_mut().pass((client, false), channel, bytes),
            false => vec![bytes],
        });
        sim.tamper_requests(move |client, channel, bytes| match channel == requests {
            true if handshakes.are_of(client) => vec![handshakes.pass(bytes)],
            true => up.borrow_mut().pass((client, true), channel, bytes),
            false => vec![bytes],
        });
        Self { transport, reconnects: Vec::new(), stranger }
    }

    /// Returns the number of messages that were tampered with, by kind.
    pub fn tampered(&self) -> HashMap<&'static str, u64> {
        self.transport.borrow().acted.clone()
    }

    /// Starts a fault. Returns `false` if it was not possible.
    pub fn start(&mut self, scene: &mut Scene, fault: &Fault) -> bool {
        let tick = scene.sim.tick();
        match *fault {
            Fault::Network { latency, jitter, loss } => {
                scene.sim.network = Network {
                    latency_ticks: latency.into(),
                    jitter_ticks: jitter.into(),
                    loss: f32::from(loss) / 100.0,
                    ..Network::default()
                };
            }
            Fault::Partition { client, ticks } => {
                scene.sim.cut(scene.client(client), ticks.into());
            }
            Fault::Reconnect { client, ticks } => {
                return self.disconnect(scene, client, tick + 1 + u64::from(ticks)).is_some();
            }
            Fault::Freeze { client, ticks } => {
                scene.sim.freeze(scene.client(client), ticks.into());
            }
            Fault::Overrun { ticks } => scene.sim.freeze_server(ticks.into()),
            Fault::Crash { client } => {
                let Some(client) = self.disconnect(scene, client, tick + 1) else { return false };
                scene.retired.clients.push(stats_of(&scene.sim.clients[client].app));
                scene.sim.replace_client(client, Simulation::app(setup));
                scene.forget_requests(client);
            }
            Fault::Tamper { client, to_server, how, percent, ticks } => {
                let direction = (scene.client(client), to_server);
                let altered = &mut scene.altered[direction.0];
                if to_server {
                    altered.requests |= how == Tampering::Alter;
                } else {
                    altered.messages |= how == Tampering::Alter;
                    // After a lost update, another one may seem to fit until the copy is repaired.
                    altered.copy = true;
                }
                self.transport.borrow_mut().start(direction, how, percent, ticks.into());
            }
            Fault::RandomRequests { client, messages } => {
                let altered = scene.client(client);
                // Random bytes can be a valid request.
                scene.altered[altered].requests = true;
                for _ in 0..messages {
                    let bytes = self.transport.borrow_mut().random_bytes();
                    scene.inject(client, bytes);
                }
            }
            Fault::AlteredRequests { client, messages } => {
                let direction = (scene.client(client), true);
                scene.altered[direction.0].requests = true;
                for _ in 0..messages {
                    let altered = self.transport.borrow_mut().altered_message(direction);
                    let Some(altered) = altered else { return false };
                    scene.inject(client, altered);
                }
            }
            Fault::Flood { client, messages } => {
                for _ in 0..messages {
                    scene.inject(client, Bytes::from_static(&[0]));
                }
            }
            Fault::Corrupt { client, inventory, slot } => {
                let client = scene.client(client);
                let shown = scene.in_view(client);
                let Some(n) = usize::from(inventory).checked_rem(shown.len()) else { return false };
                let stack = game::stack(0, 13, 0);
                scene.altered[client].copy = true;
                scene.sim.corrupt(client, shown[n].0, usize::from(slot) % 8, Some(stack));
            }
            _ => return self.start_on_server(scene, fault),
        }
        true
    }

    /// Starts a fault of the server or its store, or the attempt of another version to connect.
    fn start_on_server(&mut self, scene: &mut Scene, fault: &Fault) -> bool {
        let tick = scene.sim.tick();
        match *fault {
            Fault::Restart | Fault::Kill if scene.storing.is_some() => self.kill(scene),
            Fault::Restart => self.restart(scene),
            Fault::StoreFails { operations, answer_lost, ticks } => {
                return scene.break_store(operations, answer_lost, tick + u64::from(ticks));
            }
            Fault::EndClaim { place } => {
                return scene.end_claim(usize::from(place) % scene.places.len());
            }
            Fault::OldVersion => return self.stranger.connect(scene),
            _ => return false,
        }
        true
    }

    /// Disconnects a client until a tick. Returns its index, or `None` if it is not connected.
    fn disconnect(&mut self, scene: &mut Scene, client: u8, until: u64) -> Option<usize> {
        let client = scene.client(client);
        if !scene.sim.is_connected(client) {
            return None;
        }
        scene.sim.disconnect(client);
        self.transport.borrow_mut().disconnected(client);
        scene.disconnected(client);
        self.reconnects.push((until, client));
        Some(client)
    }

    /// Saves all inventories, and loads them in a new server.
    fn restart(&mut self, scene: &mut Scene) {
        let saved = scene.save_all();
        // Loot on the ground is gone, but offered items that do not fit into their player's inventory are dropped.
        scene.oracle.ground.clear();
        let before = scene.after_returns();
        let ground = core::mem::take(&mut scene.oracle.ground);
        self.replace_server(scene);
        scene.load_all(saved, &before);
        scene.oracle.ground = ground;
    }

    /// Kills the server, and starts a new one with the same store.
    fn kill(&mut self, scene: &mut Scene) {
        let stored = scene.kill_server();
        self.replace_server(scene);
        scene.load_stored(stored.as_ref());
    }

    /// Replaces the server with a new one without inventories. All clients connect again.
    fn replace_server(&mut self, scene: &mut Scene) {
        let tick = scene.sim.tick();
        for client in 0..scene.players {
            if scene.sim.is_connected(client) {
                self.transport.borrow_mut().disconnected(client);
                self.reconnects.push((tick + 1 + client as u64, client));
            }
        }
        self.stranger.disconnected();
        // Never the seed of the first server, whose epoch would be the same.
        scene.replace_server(!tick);
    }

    /// Does what is due in this tick.
    pub fn step(&mut self, scene: &mut Scene) {
        let tick = scene.sim.tick();
        self.transport.borrow_mut().begin_tick(tick);
        let due: Vec<usize> = self
            .reconnects
            .extract_if(.., |(due, _)| *due <= tick)
            .map(|(_, client)| client)
            .collect();
        for client in due {
            scene.connect(client);
        }
        self.stranger.step(scene, &mut self.transport.borrow_mut());
    }

    /// Ends all faults.
    pub fn end(&mut self, scene: &mut Scene) {
        for (_, client) in core::mem::take(&mut self.reconnects) {
            scene.connect(client);
        }
        self.transport.borrow_mut().end();
        scene.mend_store();
        scene.sim.end_faults();
        scene.sim.network =
            Network { latency_ticks: scene.sim.network.latency_ticks, ..Network::default() };
    }
}

impl Scene {
    /// Connects a client and gives it back what it owned and saw.
    fn connect(&mut self, client: usize) {
        self.sim.connect(client);
        for place in 0..self.places.len() {
            self.apply_access(place);
        }
    }

    /// Called when a client has lost its connection. Its offered items have been returned to it.
    pub(super) fn disconnected(&mut self, client: usize) {
        let kind = PlaceKind::Offer(client);
        let offer = self.places.iter().position(|place| place.kind == kind);
        if let (Some(offer), Some(player)) =
            (offer.and_then(|n| self.entity(n)), self.entity(client))
        {
            self.oracle.returns(offer, player);
        }
    }

    /// Makes the server receive a request from a client.
    fn inject(&mut self, client: u8, bytes: Bytes) {
        let channel = self.sim.request_channel();
        self.sim.inject(self.client(client), channel, bytes);
    }
}
