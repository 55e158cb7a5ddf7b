//! Real renet connections without sockets, packet by packet. Measures the size of datagrams, and the time to recover
//! from packet loss.

use std::collections::VecDeque;

use bevy::prelude::*;
use bevy_inventory_sync::{
    renet::{RenetSettings, connection_config},
    sim::{Network, STEP},
};
use bevy_replicon::prelude::*;
use bevy_replicon_renet::renet::{RenetClient, RenetServer};

use super::peers::Peer;

/// IP and UDP headers, and netcode's encryption overhead per packet.
const DATAGRAM_BYTES: u64 = 28 + 19;

const CLIENT: u64 = 1;

/// A server and a client.
pub struct UdpSimulation {
    pub server: App,
    pub client: App,
    pub network: Network,
    /// Bytes of all datagrams, in both directions.
    pub bytes: u64,
    entity: Entity,
    there: RenetServer,
    here: RenetClient,
    down: VecDeque<(u64, Vec<u8>)>,
    up: VecDeque<(u64, Vec<u8>)>,
    tick: u64,
    dice: fastrand::Rng,
}

impl UdpSimulation {
    pub fn new<P: Peer>() -> Self {
        let (mut server, mut client) = (P::server(), P::app());
        let config = connection_config(server.world().resource(), RenetSettings::default());
        let (mut there, mut here) = (RenetServer::new(config.clone()), RenetClient::new(config));
        there.add_connection(CLIENT);
        here.set_connected();
        server.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
        server.update();
        let entity = server.world_mut().spawn(ConnectedClient { max_size: 1200 }).id();
        client.world_mut().resource_mut::<NextState<ClientState>>().set(ClientState::Connected);
        let network = Network::default();
        let (down, up, dice) = (VecDeque::new(), VecDeque::new(), fastrand::Rng::with_seed(11));
        let mut pair = Self {
            server,
            client,
            network,
            bytes: 0,
            entity,
            there,
            here,
            down,
            up,
            tick: 0,
            dice,
        };
        // Runs until the client is authorized.
        pair.steps(10);
        pair
    }

    /// Seeds the network's random generator.
    pub fn seed(&mut self, seed: u64) {
        self.dice.seed(seed);
    }

    pub fn client_id(&self) -> ClientId {
        ClientId::Client(self.entity)
    }

    pub fn steps(&mut self, steps: usize) {
        (0..steps).for_each(|_| self.step());
    }

    /// Runs one tick of the server, then one of the client.
    pub fn step(&mut self) {
        self.tick += 1;
        for packet in arrived(&mut self.up, self.tick) {
            self.there.process_packet_from(&packet, CLIENT).expect("it is connected");
        }
        let channels = self.server.world().resource::<RepliconChannels>().clone();
        let mut messages = self.server.world_mut().resource_mut::<ServerMessages>();
        for channel in 0..channels.client_channels().len() {
            while let Some(bytes) = self.there.receive_message(CLIENT, id(channel)) {
                messages.insert_received(self.entity, channel, bytes);
            }
        }
        self.server.update();
        let mut messages = self.server.world_mut().resource_mut::<ServerMessages>();
        for (_, channel, bytes) in messages.drain_sent() {
            self.there.send_message(CLIENT, id(channel), bytes);
        }
        self.there.update(STEP);
        let packets = self.there.get_packets_to_send(CLIENT).expect("it is connected");
        let arrival = self.tick + self.network.latency_ticks;
        self.bytes += fly(packets, arrival, self.network.loss, &mut self.dice, &mut self.down);

        for packet in arrived(&mut self.down, self.tick) {
            self.here.process_packet(&packet);
        }
        let mut messages = self.client.world_mut().resource_mut::<ClientMessages>();
        for channel in 0..channels.server_channels().len() {
            while let Some(bytes) = self.here.receive_message(id(channel)) {
                messages.insert_received(channel, bytes);
            }
        }
        self.client.update();
        let mut messages = self.client.world_mut().resource_mut::<ClientMessages>();
        for (channel, bytes) in messages.drain_sent() {
            self.here.send_message(id(channel), bytes);
        }
        self.here.update(STEP);
        let packets = self.here.get_packets_to_send();
        let arrival = self.tick + 1 + self.network.latency_ticks;
        self.bytes += fly(packets, arrival, self.network.loss, &mut self.dice, &mut self.up);
    }
}

fn id(channel: usize) -> u8 {
    u8::try_from(channel).expect("few channels")
}

fn arrived(flying: &mut VecDeque<(u64, Vec<u8>)>, now: u64) -> Vec<Vec<u8>> {
    let mut due = Vec::new();
    while let Some((_, packet)) = flying.pop_front_if(|(arrival, _)| *arrival <= now) {
        due.push(packet);
    }
    due
}

/// Sends packets. Returns their size in bytes, including lost ones.
fn fly(
    packets: Vec<Vec<u8>>,
    arrival: u64,
    loss: f32,
    dice: &mut fastrand::Rng,
    to: &mut VecDeque<(u64, Vec<u8>)>,
) -> u64 {
    let mut bytes = 0;
    for packet in packets {
        bytes += packet.len() as u64 + DATAGRAM_BYTES;
        if dice.f32() >= loss {
            to.push_back((arrival, packet));
        }
    }
    bytes
}
