//! A server with many stub clients. They only send what a messaging backend sees of a client: the handshake and
//! acknowledgements.

use core::time::Duration;
use std::{collections::VecDeque, time::Instant};

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::{
    bytes::Bytes,
    prelude::*,
    shared::backend::channels::{ClientChannel, ServerChannel},
};
use serde::{Deserialize, Serialize};
use stats_alloc::INSTRUMENTED_SYSTEM;

use super::{
    ops::{self, Cells},
    peers::{Greeting, Peer},
};

/// Viewers of the inventories.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Seen {
    /// Each inventory is seen by its own client.
    Privately,
    /// All inventories are seen by this many clients.
    By(usize),
}

/// Contents of a fleet.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub inventories: usize,
    pub seen: Seen,
    /// Whether every client also has an avatar that is replicated to all clients.
    pub avatars: bool,
}

/// A replicated component that does not change.
#[derive(Component, Clone, Copy, Serialize, Deserialize)]
struct Avatar(Vec2);

/// Measures the systems between `begin_watch` and `end_watch`.
#[derive(Resource, Default)]
struct ClientWatch {
    begun: Option<(Instant, usize)>,
    took: Duration,
    allocations: usize,
}

fn allocations() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.allocations + stats.reallocations
}

fn begin_watch(mut watch: ResMut<ClientWatch>) {
    watch.begun = Some((Instant::now(), allocations()));
}

fn end_watch(mut watch: ResMut<ClientWatch>) {
    let now = (Instant::now(), allocations());
    let Some(begun) = watch.begun.take() else { return };
    watch.took += now.0 - begun.0;
    watch.allocations += now.1 - begun.1;
}

/// Cost of one tick.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tick {
    /// Duration of the whole update of the server's app.
    pub whole: Duration,
    /// Duration of the systems that sync inventories: this crate's, or replicon's for the other peers.
    pub systems: Duration,
    /// Allocations in these systems.
    pub allocations: usize,
    pub messages: usize,
    pub bytes: usize,
    /// Bytes sent by the clients.
    pub answered: usize,
}

pub struct Fleet {
    pub app: App,
    cells: Vec<Cells>,
    dice: ops::Dice,
    greeting: Option<Greeting>,
    mutations: usize,
    acks: usize,
    /// Ticks until an acknowledgement arrives.
    pub ack_ticks: usize,
    flying: VecDeque<Vec<(Entity, usize, Bytes)>>,
}

impl Fleet {
    /// Creates a fleet whose clients have received all inventories.
    pub fn new<P: Peer>(layout: Layout) -> Self {
        let mut app = P::app_with(|app| {
            app.replicate::<Avatar>().init_resource::<ClientWatch>();
            let ours = P::NAME == "ours";
            let begin = begin_watch.after(ServerSystems::IncrementTick);
            if ours {
                // The other peers have no byte budget, which a client that sees everything could exhaust.
                let unlimited = SyncSettings { bytes_per_second: u32::MAX, ..default() };
                app.insert_resource(unlimited);
                app.add_systems(PostUpdate, begin.before(InventoryServerSystems::Mark))
                    .add_systems(
                        PostUpdate,
                        end_watch.after(InventoryServerSystems::Send).before(ServerSystems::Send),
                    );
            } else {
                app.add_systems(PostUpdate, begin.before(ServerSystems::Send)).add_systems(
                    PostUpdate,
                    end_watch.after(ServerSystems::Send).before(ServerSystems::SendPackets),
                );
            }
        });
        app.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
        app.update();
        let clients = match layout.seen {
            Seen::Privately => layout.inventories,
            Seen::By(clients) => clients,
        };
        let stub = |_| (ConnectedClient { max_size: 1200 }, AuthorizedClient);
        let clients: Vec<Entity> =
            app.world_mut().spawn_batch((0..clients).map(stub).collect::<Vec<_>>()).collect();
        let greeting = P::greeting();
        if let Some(Greeting { channel, hello, .. }) = &greeting {
            let mut messages = app.world_mut().resource_mut::<ServerMessages>();
            clients.iter().for_each(|c| messages.insert_received(*c, *channel, hello.clone()));
        }
        let cells = ops::inventories(layout.inventories);
        let ids: Vec<ClientId> = clients.iter().map(|client| ClientId::Client(*client)).collect();
        for (at, cells) in cells.iter().enumerate() {
            let id = at as u64;
            match layout.seen {
                Seen::Privately => {
                    P::spawn(app.world_mut(), id, cells, &ids[at..=at]);
                    P::hide_from_others(app.world_mut(), id, clients[at]);
                }
                Seen::By(_) => P::spawn(app.world_mut(), id, cells, &ids),
            }
        }
        if layout.avatars {
            for _ in &clients {
                app.world_mut().spawn((Replicated, Avatar(Vec2::ONE)));
            }
        }
        let dice = ops::Dice::new(3);
        let (mutations, acks) =
            (ServerChannel::Mutations.into(), ClientChannel::MutationAcks.into());
        let (ack_ticks, flying) = (0, VecDeque::new());
        let mut fleet = Self { app, cells, dice, greeting, mutations, acks, ack_ticks, flying };
        // Inventories are sent within a budget, so run until no messages are sent.
        let mut quiet = 0;
        while quiet < 8 {
            quiet = if fleet.tick_with(update).messages == 0 { quiet + 1 } else { 0 };
        }
        fleet
    }

    /// Changes one slot in each of `changes` randomly chosen inventories.
    pub fn change<P: Peer>(&mut self, changes: usize) {
        for at in self.dice.choose(self.cells.len(), changes) {
            let slot = self.dice.slot();
            let old = self.cells[at][slot];
            let mut new = self.dice.change(old);
            while new == old {
                new = self.dice.change(old);
            }
            self.cells[at][slot] = new;
            P::set(self.app.world_mut(), at as u64, slot, new);
        }
    }

    /// Updates the server, and answers its messages as its clients would.
    pub fn tick(&mut self) -> Tick {
        self.tick_with(counted_update)
    }

    pub fn tick_with(&mut self, update: fn(&mut App)) -> Tick {
        *self.app.world_mut().resource_mut::<ClientWatch>() = ClientWatch::default();
        let begun = Instant::now();
        update(&mut self.app);
        let whole = begun.elapsed();
        let watch = self.app.world().resource::<ClientWatch>();
        let (systems, allocations) = (watch.took, watch.allocations);
        let mut messages = self.app.world_mut().resource_mut::<ServerMessages>();
        let sent: Vec<(Entity, usize, Bytes)> = messages.drain_sent().collect();
        let mut answers = Vec::new();
        for (client, channel, bytes) in &sent {
            if *channel == self.mutations {
                // The message starts with flags (one byte), then its number.
                answers.push((*client, self.acks, bytes.slice(1..3)));
            }
            let greeting = self.greeting.as_ref();
            let answer = greeting.and_then(|there| there.answer(*channel, bytes));
            answers
                .extend(greeting.zip(answer).map(|(there, bytes)| (*client, there.channel, bytes)));
        }
        self.flying.push_back(answers);
        let mut answered = 0;
        while self.flying.len() > self.ack_ticks {
            for (client, channel, bytes) in self.flying.pop_front().into_iter().flatten() {
                answered += bytes.len();
                messages.insert_received(client, channel, bytes);
            }
        }
        let bytes = sent.iter().map(|(.., bytes)| bytes.len()).sum();
        Tick { whole, systems, allocations, messages: sent.len(), bytes, answered }
    }
}

/// An update that is not counted.
pub fn update(app: &mut App) {
    app.update();
}

/// An update that is timed, or whose instructions are counted.
#[inline(never)]
pub fn counted_update(app: &mut App) {
    app.update();
}

/// Returns the median.
pub fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Runs a fleet for 200 ticks after a warm-up, or for about three seconds, with `changes` changes per tick.
pub fn run<P: Peer>(fleet: &mut Fleet, changes: usize) -> Vec<Tick> {
    let begun = Instant::now();
    let mut ticks = Vec::new();
    for warm in 0..220 {
        fleet.change::<P>(changes);
        let tick = fleet.tick();
        if warm >= 20 || begun.elapsed() > Duration::from_secs(1) {
            ticks.push(tick);
        }
        if begun.elapsed() > Duration::from_secs(3) && ticks.len() > 4 {
            break;
        }
    }
    ticks
}
