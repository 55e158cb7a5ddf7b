//! A server and its clients in one process, for tests of games and of this crate. Simulates latency
//! in ticks and loss, without sockets or wall-clock time. The same seed gives the same run.
//!
//! ```
//! use bevy::prelude::*;
//! use bevy_inventory_sync::{prelude::*, sim::Simulation};
//!
//! const TORCH: ItemId = ItemId::of("torch");
//!
//! let mut sim = Simulation::new(1, |app| {
//!     app.insert_items(Items::<()>::from_ron(r#"(items: [(key: "torch")])"#).unwrap());
//! });
//! let owner = Owner(sim.client_id(0));
//! let id = InventoryId::named("player", 1);
//! let player = sim.server.world_mut().spawn((id, Inventory::default(), owner)).id();
//! sim.steps(3);
//!
//! sim.server.world_mut().get_mut::<Inventory>(player).unwrap().set(4, TORCH.stack(5)).unwrap();
//! sim.steps(2);
//! assert_eq!(sim.shown::<Inventory>(0, id).unwrap().get(4), Some(TORCH.stack(5)));
//! ```

mod admin_ops;
mod agreement;
mod bounds;
mod breakage;
mod canary;
mod contents;
mod control;
mod coverage;
pub mod fault;
pub mod feed;
pub mod game;
mod invariants;
mod link;
mod smelting;
mod mirror;
mod needs;
mod network;
pub mod op;
pub mod oracle;
pub mod places;
pub mod plain;
mod players;
mod recovery;
pub mod report;
mod restart;
pub mod run;
pub mod scene;
pub mod script;
mod sent;
mod server_ops;
pub mod shrink;
mod storing;
mod stranger;
mod transport;
mod versions;

use crate::{
    model::{container::Container, id::InventoryId, slots::Slots},
    plugins::InventoryPlugins,
    server::inspect,
    shared::{
        ids::InventoryIds,
        messages::{SyncBatch, SyncChunk, SyncRequest},
        random::InventoryRng,
    },
};

use link::{Link, Sent};
pub use network::{Network, NetworkCounts};

use core::time::Duration;

use bevy::{prelude::*, state::app::StatesPlugin, time::TimeUpdateStrategy};
use bevy_replicon::{bytes::Bytes, prelude::*, shared::message::registry::RemoteMessageRegistry};

/// Duration of one step on the apps' clocks.
pub const STEP: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// The seed of a simulation that is not seeded otherwise.
const SEED: u64 = 7;

/// Traffic of one client, as passed to the messaging layer.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Traffic {
    /// Messages from the server.
    pub messages_down: u64,
    /// Bytes from the server.
    pub bytes_down: u64,
    /// Messages to the server.
    pub messages_up: u64,
    /// Bytes to the server.
    pub bytes_up: u64,
}

/// One client of a [`Simulation`].
pub struct SimulatedClient {
    /// The client's app.
    pub app: App,
    /// Traffic so far.
    pub traffic: Traffic,
    /// Every message from the server with its channel, if [`Simulation::record`] is set.
    pub record: Vec<(usize, Bytes)>,
    entity: Option<Entity>,
    down: Link,
    up: Link,
    pause: Pause,
}

/// An app that is not updated for some ticks.
#[derive(Clone, Copy, Default, Debug)]
struct Pause {
    until: u64,
    /// Number of updates missed so far.
    missed: u32,
}

/// Modifies messages in transit. Receives client, channel and message, and returns the messages
/// that arrive instead.
pub type Tamper = Box<dyn FnMut(usize, usize, Bytes) -> Vec<Bytes>>;

/// A server with its clients. See the [module documentation](self).
pub struct Simulation {
    /// The server's app.
    pub server: App,
    /// The clients, connected or not.
    pub clients: Vec<SimulatedClient>,
    /// The network; may be changed at any time.
    pub network: Network,
    /// Whether every message to a client is recorded in [`SimulatedClient::record`]; `false` by default.
    pub record: bool,
    tamper: Option<Tamper>,
    tamper_requests: Option<Tamper>,
    tick: u64,
    pause: Pause,
    counts: NetworkCounts,
    random: fastrand::Rng,
}

impl Simulation {
    /// Creates a server and `clients` connected clients. `setup` is called on each app, starting
    /// with the server's; it registers containers and inserts the items.
    #[must_use]
    pub fn new(clients: usize, setup: impl Fn(&mut App)) -> Self {
        Self::from_apps(Self::app(&setup), (0..clients).map(|_| Self::app(&setup)))
    }

    /// Like [`Self::new`], from apps that were built and finished elsewhere, with or without this
    /// crate.
    #[must_use]
    pub fn from_apps(mut server: App, clients: impl IntoIterator<Item = App>) -> Self {
        server.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
        server.update();
        let mut sim = Self {
            server,
            clients: Vec::new(),
            network: Network::default(),
            record: false,
            tamper: None,
            tamper_requests: None,
            tick: 0,
            pause: Pause::default(),
            counts: NetworkCounts::default(),
            random: fastrand::Rng::with_seed(SEED),
        };
        for app in clients {
            let client = sim.add_app(app);
            sim.connect(client);
        }
        sim.steps(2);
        sim
    }

    /// Creates an app like those of the simulation, for tests without a network: single player or a
    /// host alone.
    pub fn app(setup: impl Fn(&mut App)) -> App {
        let mut app = App::new();
        app.insert_resource(InventoryRng::seeded(SEED))
            .add_plugins((
                MinimalPlugins,
                StatesPlugin,
                RepliconPlugins.set(ServerPlugin::new(PostUpdate)),
                InventoryPlugins,
            ))
            .insert_resource(TimeUpdateStrategy::ManualDuration(STEP));
        setup(&mut app);
        app.finish();
        app.cleanup();
        app
    }

    /// Adds a client that is not connected yet, and returns its index.
    pub fn add_client(&mut self, setup: impl Fn(&mut App)) -> usize {
        self.add_app(Self::app(setup))
    }

    fn add_app(&mut self, mut app: App) -> usize {
        let number = self.clients.len() as u64;
        // Clients do not retry in lockstep.
        app.insert_resource(InventoryRng::seeded(SEED + 1 + number));
        self.clients.push(SimulatedClient {
            app,
            traffic: Traffic::default(),
            record: Vec::new(),
            entity: None,
            down: Link::default(),
            up: Link::default(),
            pause: Pause::default(),
        });
        self.clients.len() - 1
    }

    /// Seeds the losses of the network and the jitter of the clients. The server draws its numbers when it starts, so
    /// its seed is an [`InventoryRng`] that `setup` inserts. The same seeds and the same calls give the same run, byte
    /// for byte.
    pub fn seed(&mut self, seed: u64) {
        self.random.seed(seed);
        for (number, client) in (1..).zip(&mut self.clients) {
            client.app.insert_resource(InventoryRng::seeded(seed.wrapping_add(number)));
        }
    }

    /// Connects a client.
    ///
    /// # Panics
    ///
    /// If the client is already connected.
    pub fn connect(&mut self, client: usize) {
        let there = &mut self.clients[client];
        assert!(there.entity.is_none(), "client {client} is already connected");
        there.entity = Some(self.server.world_mut().spawn(ConnectedClient { max_size: 1200 }).id());
        set_client_state(&mut there.app, ClientState::Connected);
    }

    /// Returns the server's id of a client.
    ///
    /// # Panics
    ///
    /// If the client is not connected.
    #[must_use]
    pub fn client_id(&self, client: usize) -> ClientId {
        ClientId::Client(self.clients[client].entity.expect("the client must be connected"))
    }

    /// Runs one tick of the server, the network and every client, in this order.
    pub fn step(&mut self) {
        self.tick += 1;
        self.update_server();
        let channels = self.server.world().resource::<RepliconChannels>().clone();
        for (from, client) in self.clients.iter_mut().enumerate() {
            if client.entity.is_none() || client.pause.holds(self.tick) {
                continue;
            }
            let mut messages = client.app.world_mut().resource_mut::<ClientMessages>();
            for (channel, bytes) in client.down.arrivals(self.tick) {
                messages.insert_received(channel, bytes);
            }
            client.pause.update(&mut client.app);
            let mut messages = client.app.world_mut().resource_mut::<ClientMessages>();
            for (channel, bytes) in messages.drain_sent() {
                client.traffic.messages_up += 1;
                client.traffic.bytes_up += bytes.len() as u64;
                let kind = channels.client_channels()[channel];
                let arriving = match &mut self.tamper_requests {
                    Some(tamper) => tamper(from, channel, bytes),
                    None => vec![bytes],
                };
                for bytes in arriving {
                    // A message that a client sends in one step reaches the server in the next step at the
                    // earliest.
                    let sent = Sent { kind, channel, bytes, at: self.tick + 1 };
                    client.up.send(sent, self.network, &mut self.random, &mut self.counts);
                }
            }
        }
    }

    fn update_server(&mut self) {
        if self.pause.holds(self.tick) {
            return;
        }
        for client in &mut self.clients {
            let Some(entity) = client.entity else { continue };
            let mut messages = self.server.world_mut().resource_mut::<ServerMessages>();
            for (channel, bytes) in client.up.arrivals(self.tick) {
                messages.insert_received(entity, channel, bytes);
            }
        }
        self.pause.update(&mut self.server);
        self.collect_down();
    }

    /// Makes the server receive bytes from a client, as if the client had sent them.
    pub(crate) fn inject(&mut self, client: usize, channel: usize, bytes: Bytes) {
        let Some(entity) = self.clients[client].entity else { return };
        let mut messages = self.server.world_mut().resource_mut::<ServerMessages>();
        messages.insert_received(entity, channel, bytes);
    }

    fn collect_down(&mut self) {
        let channels = self.server.world().resource::<RepliconChannels>().clone();
        let mut messages = self.server.world_mut().resource_mut::<ServerMessages>();
        let sent: Vec<_> = messages.drain_sent().collect();
        for (entity, channel, bytes) in sent {
            let to = self.clients.iter().position(|client| client.entity == Some(entity));
            let Some(to) = to else { continue };
            let client = &mut self.clients[to];
            client.traffic.messages_down += 1;
            client.traffic.bytes_down += bytes.len() as u64;
            if self.record {
                client.record.push((channel, bytes.clone()));
            }
            let arriving = match &mut self.tamper {
                Some(tamper) => tamper(to, channel, bytes),
                None => vec![bytes],
            };
            for bytes in arriving {
                let kind = channels.server_channels()[channel];
                let sent = Sent { kind, channel, bytes, at: self.tick };
                client.down.send(sent, self.network, &mut self.random, &mut self.counts);
            }
        }
    }

    /// Runs `steps` ticks.
    pub fn steps(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
        }
    }

    /// Runs ticks until nothing has been in transit or waiting to be sent for four ticks in a row,
    /// so that answers to answers have also arrived.
    ///
    /// # Panics
    ///
    /// If this does not happen within `max` ticks.
    pub fn settle(&mut self, max: usize) {
        let mut quiet = 0;
        for _ in 0..max {
            self.step();
            let idle = |client: &SimulatedClient| client.down.is_idle() && client.up.is_idle();
            let all = self.clients.iter().all(idle) && inspect::is_idle(self.server.world());
            quiet = if all { quiet + 1 } else { 0 };
            if quiet > 3 {
                return;
            }
        }
        panic!("messages still in transit or waiting to be sent after {max} steps");
    }

    /// Returns the channel of the messages that carry slots, for [`Self::tamper`] and
    /// [`Self::record`].
    ///
    /// # Panics
    ///
    /// If the plugins are missing.
    #[must_use]
    pub fn sync_channel(&self) -> usize {
        let registry = self.server.world().resource::<RemoteMessageRegistry>();
        registry.server_message_channel::<SyncBatch>().expect("the plugins must be added")
    }

    /// Returns the channel of the chunked transfers.
    ///
    /// # Panics
    ///
    /// If the plugins are missing.
    #[must_use]
    pub fn chunk_channel(&self) -> usize {
        let registry = self.server.world().resource::<RemoteMessageRegistry>();
        registry.server_message_channel::<SyncChunk>().expect("the plugins must be added")
    }

    /// Returns the channel of the messages that clients send.
    ///
    /// # Panics
    ///
    /// If the plugins are missing.
    #[must_use]
    pub fn request_channel(&self) -> usize {
        let registry = self.server.world().resource::<RemoteMessageRegistry>();
        registry.client_message_channel::<SyncRequest>().expect("the plugins must be added")
    }

    /// Returns the slots that a client shows of an inventory; `None` if the client does not see it.
    #[must_use]
    pub fn shown<C: Container>(&self, client: usize, id: InventoryId) -> Option<&Slots> {
        let world = self.clients[client].app.world();
        let entity = world.resource::<InventoryIds>().get(id)?;
        world.get::<C>(entity).map(C::slots)
    }
}

fn set_client_state(app: &mut App, state: ClientState) {
    app.world_mut().resource_mut::<NextState<ClientState>>().set(state);
}
