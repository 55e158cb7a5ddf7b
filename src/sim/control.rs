//! Faults of a [`Simulation`]: apps that pause or are replaced, and connections that are cut.

use bevy::{prelude::*, time::TimeUpdateStrategy};
use bevy_replicon::{bytes::Bytes, prelude::*};

use crate::{
    client::debug::CorruptCopy,
    model::{id::InventoryId, stack::Stack},
    server::inspect,
    shared::random::InventoryRng,
};

use super::{NetworkCounts, Pause, SEED, STEP, Simulation, link::Link, set_client_state};

impl Pause {
    /// Returns `true` if the app is not updated in this tick.
    pub(super) fn holds(&mut self, tick: u64) -> bool {
        let holds = tick < self.until;
        self.missed += u32::from(holds);
        holds
    }

    /// Updates the app. The time of the updates that it missed passes in this one.
    pub(super) fn update(&mut self, app: &mut App) {
        let missed = core::mem::take(&mut self.missed);
        if missed == 0 {
            return app.update();
        }
        app.insert_resource(TimeUpdateStrategy::ManualDuration(STEP * (missed + 1)));
        app.update();
        app.insert_resource(TimeUpdateStrategy::ManualDuration(STEP));
    }

    fn extend(&mut self, until: u64) {
        self.until = self.until.max(until);
    }
}

impl Simulation {
    /// Closes a client's connection. Messages in transit are lost.
    ///
    /// # Panics
    ///
    /// If the client is not connected.
    pub fn disconnect(&mut self, client: usize) {
        let there = &mut self.clients[client];
        let entity = there.entity.take().expect("the client must be connected");
        self.server.world_mut().despawn(entity);
        (there.down, there.up) = (Link::default(), Link::default());
        set_client_state(&mut there.app, ClientState::Disconnected);
        there.app.update();
    }

    /// Corrupts one slot of a client's confirmed copy, like a memory error.
    pub fn corrupt(&mut self, client: usize, id: InventoryId, slot: usize, stack: Option<Stack>) {
        let corrupt = CorruptCopy { inventory: id, slot, stack };
        self.clients[client].app.world_mut().trigger(corrupt);
    }

    /// Returns all the server's state about views in debug format, to check for leftovers.
    #[must_use]
    pub fn server_views(&self) -> String {
        inspect::debug_state(self.server.world())
    }

    /// Sets a function that modifies messages from the server to clients.
    pub fn tamper(&mut self, tamper: impl FnMut(usize, usize, Bytes) -> Vec<Bytes> + 'static) {
        self.tamper = Some(Box::new(tamper));
    }

    /// Sets a function that modifies messages from clients to the server.
    pub fn tamper_requests(
        &mut self,
        tamper: impl FnMut(usize, usize, Bytes) -> Vec<Bytes> + 'static,
    ) {
        self.tamper_requests = Some(Box::new(tamper));
    }

    /// Removes both functions.
    pub fn stop_tampering(&mut self) {
        (self.tamper, self.tamper_requests) = (None, None);
    }

    /// Returns the number of ticks so far.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// Returns what the network did to messages so far.
    #[must_use]
    pub fn counts(&self) -> NetworkCounts {
        self.counts
    }

    /// Returns `true` if the server was updated in this tick.
    pub(super) fn server_is_updated(&self) -> bool {
        self.tick >= self.pause.until
    }

    /// Returns `true` if a client's app was updated in this tick.
    pub(super) fn is_updated(&self, client: usize) -> bool {
        self.is_connected(client) && self.tick >= self.clients[client].pause.until
    }

    /// Returns `true` if a client is connected.
    #[must_use]
    pub fn is_connected(&self, client: usize) -> bool {
        self.clients[client].entity.is_some()
    }

    /// Skips the next updates of a client's app. Messages arrive when it continues.
    pub fn freeze(&mut self, client: usize, ticks: u64) {
        self.clients[client].pause.extend(self.tick + 1 + ticks);
    }

    /// Skips the next updates of the server's app.
    pub fn freeze_server(&mut self, ticks: u64) {
        self.pause.extend(self.tick + 1 + ticks);
    }

    /// Cuts the connection to a client in both directions. Reliable messages arrive afterwards, others are lost.
    pub fn cut(&mut self, client: usize, ticks: u64) {
        let until = self.tick + 1 + ticks;
        self.clients[client].down.cut(until);
        self.clients[client].up.cut(until);
    }

    /// Returns the tick by which everything now in transit has arrived.
    pub(super) fn arrived_by(&self) -> u64 {
        let connected = self.clients.iter().filter(|client| client.entity.is_some());
        let links = connected.flat_map(|client| [&client.down, &client.up]);
        links.map(Link::arrived_by).max().unwrap_or(0)
    }

    /// Ends all pauses and cuts.
    pub fn end_faults(&mut self) {
        self.pause.until = 0;
        for client in &mut self.clients {
            client.pause.until = 0;
            client.down.end_cut(self.tick + 1);
            client.up.end_cut(self.tick + 1);
        }
    }

    /// Replaces the app of a client that is not connected, as after a crash.
    ///
    /// # Panics
    ///
    /// If the client is connected.
    pub fn replace_client(&mut self, client: usize, mut app: App) {
        let there = &mut self.clients[client];
        assert!(there.entity.is_none(), "client {client} is connected");
        app.insert_resource(InventoryRng::seeded(SEED ^ self.tick ^ client as u64));
        there.app = app;
        there.pause = Pause::default();
    }

    /// Replaces the server, as after a crash. All clients lose their connections first.
    pub fn replace_server(&mut self, mut app: App) {
        for client in 0..self.clients.len() {
            if self.is_connected(client) {
                self.disconnect(client);
            }
        }
        app.insert_resource(InventoryRng::seeded(SEED ^ self.tick));
        app.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
        app.update();
        self.server = app;
        self.pause = Pause::default();
    }
}
