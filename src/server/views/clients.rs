//! All clients, found by a look-up once and by their place from then on.

use bevy::{ecs::entity::EntityHashMap, prelude::*};

use super::ClientViews;

/// A client with its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::server) struct Seat {
    pub(in crate::server) client: Entity,
    at: u32,
}

#[derive(Default, Debug)]
pub(super) struct Clients {
    seats: EntityHashMap<u32>,
    all: Vec<Option<(Entity, ClientViews)>>,
    free: Vec<u32>,
}

impl Clients {
    pub(super) fn insert(&mut self, client: Entity) {
        self.remove(client);
        let at = self.free.pop().unwrap_or_else(|| {
            self.all.push(None);
            u32::try_from(self.all.len() - 1).expect("fewer clients than entities")
        });
        self.seats.insert(client, at);
        self.all[at as usize] = Some((client, ClientViews::default()));
    }

    pub(super) fn remove(&mut self, client: Entity) -> Option<ClientViews> {
        let at = self.seats.remove(&client)?;
        self.free.push(at);
        self.all[at as usize].take().map(|(_, views)| views)
    }

    pub(super) fn seat(&self, client: Entity) -> Option<Seat> {
        Some(Seat { client, at: *self.seats.get(&client)? })
    }

    pub(super) fn get(&self, client: Entity) -> Option<&ClientViews> {
        self.at(self.seat(client)?)
    }

    pub(super) fn get_mut(&mut self, client: Entity) -> Option<&mut ClientViews> {
        self.at_mut(self.seat(client)?)
    }

    /// The client at a place, unless it has left and another one may have taken the place.
    pub(super) fn at(&self, seat: Seat) -> Option<&ClientViews> {
        let there = self.all.get(seat.at as usize)?.as_ref();
        there.filter(|(client, _)| *client == seat.client).map(|(_, views)| views)
    }

    pub(super) fn at_mut(&mut self, seat: Seat) -> Option<&mut ClientViews> {
        let there = self.all.get_mut(seat.at as usize)?.as_mut();
        there.filter(|(client, _)| *client == seat.client).map(|(_, views)| views)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entity> + '_ {
        self.all.iter().flatten().map(|(client, _)| *client)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut ClientViews> + '_ {
        self.all.iter_mut().flatten().map(|(_, views)| views)
    }
}
