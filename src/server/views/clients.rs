//! All clients, found by a look-up once and by their place from then on.

use bevy::{ecs::entity::EntityHashMap, prelude::*};

use crate::{
    server::{budget::Budget, quality::Grade},
    wire::bits::BitWriter,
};

use super::ClientViews;

/// A client with its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::server) struct Seat {
    pub(in crate::server) client: Entity,
    at: u32,
}

/// What goes out to a client in this tick. Apart from the rest, and in a pair of lines of the cache, which are
/// fetched together: nothing else of a client is looked at for an ordinary change.
#[derive(Debug)]
#[repr(align(128))]
pub(in crate::server) struct Outgoing {
    client: Entity,
    /// It is on the list of those for whom something waits.
    pub(super) touched: bool,
    /// It is to hear more than updates.
    pub(in crate::server) eventful: bool,
    /// Whether its message is a list of updates, which must be ended.
    pub(in crate::server) listing: bool,
    /// Whether it ends with digests.
    pub(in crate::server) digests: bool,
    /// Whether the next update is the first one of a plain message, which has no bit before it.
    pub(in crate::server) first: bool,
    /// Parts that others get as well.
    pub(in crate::server) shared_parts: u32,
    pub(in crate::server) private_updates: u32,
    /// Its own message.
    pub(in crate::server) message: BitWriter,
    pub(in crate::server) budget: Budget,
    /// Whether something waits for its bytes.
    pub(super) in_line: bool,
    pub(in crate::server) grade: Grade,
    pub(in crate::server) sums: Sums,
}

/// What a client was told so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in crate::server) struct Sums {
    pub(in crate::server) updates: u64,
    pub(in crate::server) merged: u64,
    pub(in crate::server) choked: u64,
    pub(in crate::server) messages: u64,
    pub(in crate::server) bytes: u64,
}

impl Outgoing {
    fn new(client: Entity) -> Self {
        Self {
            client,
            touched: false,
            eventful: false,
            listing: false,
            digests: false,
            first: false,
            shared_parts: 0,
            private_updates: 0,
            message: BitWriter::default(),
            budget: Budget::default(),
            in_line: false,
            grade: Grade::default(),
            sums: Sums::default(),
        }
    }

    /// A message has been handed over.
    pub(in crate::server) fn sent(&mut self, bytes: usize) {
        self.sums.messages += 1;
        self.sums.bytes += bytes as u64;
    }

    /// Whether there is nothing to say but what one part says that all get, or updates of its own.
    pub(in crate::server) fn is_plain(&self) -> bool {
        !self.eventful
            && (self.shared_parts == 0 || (self.shared_parts == 1 && self.private_updates == 0))
    }

    /// Has everything sent, or nothing to send.
    pub(in crate::server) fn finish(&mut self) {
        (self.touched, self.eventful) = (false, false);
        (self.shared_parts, self.private_updates) = (0, 0);
    }
}

#[derive(Default, Debug)]
pub(super) struct Clients {
    seats: EntityHashMap<u32>,
    outgoing: Vec<Outgoing>,
    views: Vec<ClientViews>,
    free: Vec<u32>,
}

impl Clients {
    pub(super) fn insert(&mut self, client: Entity) {
        self.remove(client);
        let at = self.free.pop().unwrap_or_else(|| {
            self.outgoing.push(Outgoing::new(client));
            self.views.push(ClientViews::default());
            u32::try_from(self.views.len() - 1).expect("fewer clients than entities")
        });
        self.outgoing[at as usize] = Outgoing::new(client);
        self.seats.insert(client, at);
    }

    pub(super) fn remove(&mut self, client: Entity) -> Option<ClientViews> {
        let at = self.seats.remove(&client)?;
        self.free.push(at);
        // Whoever still names the place finds nobody there.
        self.outgoing[at as usize] = Outgoing::new(Entity::PLACEHOLDER);
        Some(core::mem::take(&mut self.views[at as usize]))
    }

    pub(super) fn seat(&self, client: Entity) -> Option<Seat> {
        Some(Seat { client, at: *self.seats.get(&client)? })
    }

    pub(super) fn get(&self, client: Entity) -> Option<&ClientViews> {
        self.views.get(*self.seats.get(&client)? as usize)
    }

    pub(super) fn get_mut(&mut self, client: Entity) -> Option<&mut ClientViews> {
        self.views.get_mut(*self.seats.get(&client)? as usize)
    }

    /// What goes out to the client at a place, unless it has left.
    #[inline]
    pub(super) fn outgoing(&mut self, seat: Seat) -> Option<&mut Outgoing> {
        self.outgoing.get_mut(seat.at as usize).filter(|there| there.client == seat.client)
    }

    #[inline]
    pub(super) fn look(&self, seat: Seat) -> Option<&Outgoing> {
        self.outgoing.get(seat.at as usize).filter(|there| there.client == seat.client)
    }

    /// The same with what the client sees.
    pub(super) fn at_mut(&mut self, seat: Seat) -> Option<(&mut Outgoing, &mut ClientViews)> {
        let outgoing = self.outgoing.get_mut(seat.at as usize);
        let outgoing = outgoing.filter(|there| there.client == seat.client)?;
        Some((outgoing, self.views.get_mut(seat.at as usize)?))
    }

    pub(super) fn budgets(&mut self) -> impl Iterator<Item = &mut Budget> {
        self.outgoing.iter_mut().map(|outgoing| &mut outgoing.budget)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entity> + '_ {
        self.seats.keys().copied()
    }
}
