//! Who sees what, as the server remembers it: every open view by unit and by client.

mod client;
mod clients;
mod resync;

use core::time::Duration;
use std::collections::VecDeque;

use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::{bytes::Bytes, prelude::*};
use smallvec::SmallVec;

use crate::{
    model::{
        id::{DataId, InventoryId},
        rights::Rights,
    },
    wire::CloseCause,
};

use client::ClientViews;
use clients::Clients;

pub(super) use clients::{Outgoing, Seat};

use super::{
    baseline::Baseline,
    pace::{LOG_MAX, Logged, Moment, Pace, Timer},
};

/// All open views, by unit and by client.
#[derive(Resource, Default, Debug)]
pub(crate) struct Views {
    units: EntityHashMap<UnitViews>,
    clients: Clients,
    /// Handles that were given back, the longest ago first.
    free: VecDeque<u32>,
    handles: u32,
    /// Units whose access must be looked at again.
    stale: Vec<Entity>,
    /// Clients for whom something waits to be sent.
    pub(super) touched: Vec<Seat>,
    /// Whether the local player has ever seen a unit.
    pub(super) local: bool,
    /// Clients that asked for everything once more.
    resyncing: Vec<Entity>,
    /// Clients that believe something wrong, with the unit.
    healing: Vec<(Entity, Entity)>,
    /// Requests that came before they could be heard, at most one of each client.
    early: Vec<(Entity, Bytes)>,
    /// Clients to whom something goes in chunks.
    pub(super) bulky: Vec<Entity>,
    /// Units with a viewer who has not been told all, each once.
    pub(super) waiting: Vec<Entity>,
    /// Ticks that have been batched.
    ticks: u64,
}

/// Who sees one unit.
#[derive(Debug)]
pub(super) struct UnitViews {
    pub(super) id: InventoryId,
    pub(super) handle: u32,
    pub(super) watchers: SmallVec<[Watcher; 1]>,
    /// What changed since the first viewer who waits was told, as far as it is remembered.
    pub(super) log: Vec<Logged>,
    /// Whether it is on the list of those with a viewer who waits.
    waits: bool,
    /// What the local player of a host or of a single-player game may do, if it sees the unit.
    pub(super) local: Option<Access>,
}

/// One client that sees a unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    pub(super) seat: Seat,
    pub(super) view: u32,
    pub(super) access: Access,
    /// The version that the client holds or is about to; `None` until its full copy is on the way.
    pub(super) told: Option<u64>,
    /// How soon it wants to be told; `None` as the inventory says.
    pub(super) pace: Option<Pace>,
    pub(super) timer: Timer,
    /// Whether the client knows the view, from this or an earlier full copy.
    pub(super) known: bool,
}

impl Watcher {
    /// The version that the client holds, if there is a newer one to tell it of now.
    pub(super) fn due_from(&self, version: u64, now: Moment) -> Option<u64> {
        self.told.filter(|told| *told < version && self.timer.is_due(now))
    }
}

impl UnitViews {
    /// The unit has just changed: whoever has been told all before waits for its turn now, and what changed is
    /// remembered for those whose turn it is not. Says whether there are any.
    pub(super) fn note_commit(
        &mut self,
        baseline: &Baseline,
        now: Moment,
        debounce: Duration,
    ) -> bool {
        let version = baseline.version();
        let mut late = false;
        for watcher in &mut self.watchers {
            if watcher.told.is_some_and(|told| told + 1 == version) {
                watcher.timer.wait(now, debounce);
            }
            late |= watcher.told.is_some() && watcher.due_from(version, now).is_none();
        }
        if late {
            let changes = baseline.last_changes();
            if self.log.len() + changes.len() > LOG_MAX {
                self.log.clear();
            }
            self.log.extend(changes.take(LOG_MAX));
        }
        late
    }
}

/// What someone may do with a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    pub(super) rights: Rights,
    pub(super) owner: bool,
}

/// Puts clients on the list of those for whom something waits.
pub(super) struct Touching<'a> {
    clients: &'a mut Clients,
    touched: &'a mut Vec<Seat>,
}

impl Touching<'_> {
    pub(super) fn touch(&mut self, seat: Seat) -> Option<&mut Outgoing> {
        let outgoing = self.clients.outgoing(seat)?;
        if !core::mem::replace(&mut outgoing.touched, true) {
            self.touched.push(seat);
        }
        Some(outgoing)
    }
}

/// So many handles rest before one is used again, so that a message about an old unit cannot be taken
/// for one about a new unit.
const HANDLES_RESTING: usize = 32;

impl Views {
    /// Whether nothing waits for its turn to be sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.bulky.is_empty() && self.waiting.is_empty()
    }

    /// A client has connected; it sees nothing before it says hello.
    pub(super) fn enter(&mut self, client: Entity) {
        self.clients.insert(client);
    }

    /// A client has gone, and so has every entry of it.
    pub(super) fn leave(&mut self, client: Entity) {
        let Some(gone) = self.clients.remove(client) else { return };
        self.touched.retain(|touched| touched.client != client);
        self.resyncing.retain(|resyncing| *resyncing != client);
        self.healing.retain(|(healing, _)| *healing != client);
        self.early.retain(|(early, _)| *early != client);
        self.bulky.retain(|bulky| *bulky != client);
        for unit in gone.views.into_iter().flatten() {
            if let Some(watched) = self.units.get_mut(&unit) {
                watched.watchers.retain(|watcher| watcher.seat.client != client);
            }
            self.tidy(unit);
        }
    }

    /// All clients have gone.
    pub(super) fn leave_all(&mut self) {
        let clients: Vec<Entity> = self.clients.iter().collect();
        for client in clients {
            self.leave(client);
        }
    }

    /// The local player leaves; gives what it saw.
    pub(super) fn leave_local(&mut self) -> Vec<(Entity, InventoryId)> {
        let seen = |(unit, watched): (&Entity, &mut UnitViews)| {
            watched.local.take().map(|_| (*unit, watched.id))
        };
        let left: Vec<_> = self.units.iter_mut().filter_map(seen).collect();
        for (unit, _) in &left {
            self.tidy(*unit);
        }
        left
    }

    /// The units that were to be looked at again. Give the buffer back with [`Self::looked_at`].
    pub(super) fn take_stale(&mut self) -> Vec<Entity> {
        core::mem::take(&mut self.stale)
    }

    pub(super) fn looked_at(&mut self, mut stale: Vec<Entity>) {
        stale.clear();
        self.stale = stale;
    }

    /// Has [`update_views`](super::viewers::update_views) look at a unit again.
    pub(crate) fn look_at(&mut self, unit: Entity) {
        self.stale.push(unit);
    }

    pub(super) fn unit(&self, unit: Entity) -> Option<&UnitViews> {
        self.units.get(&unit)
    }

    pub(super) fn unit_mut(&mut self, unit: Entity) -> Option<&mut UnitViews> {
        self.units.get_mut(&unit)
    }

    /// A unit, and the means to touch those who see it.
    pub(super) fn unit_and_clients(
        &mut self,
        unit: Entity,
    ) -> Option<(&mut UnitViews, Touching<'_>)> {
        let touching = Touching { clients: &mut self.clients, touched: &mut self.touched };
        Some((self.units.get_mut(&unit)?, touching))
    }

    pub(super) fn client(&self, client: Entity) -> Option<&ClientViews> {
        self.clients.get(client)
    }

    pub(super) fn client_mut(&mut self, client: Entity) -> Option<&mut ClientViews> {
        self.clients.get_mut(client)
    }

    /// What goes out to a client, unless it has left.
    pub(super) fn outgoing(&mut self, seat: Seat) -> Option<&mut Outgoing> {
        self.clients.outgoing(seat)
    }

    pub(super) fn client_at(&mut self, seat: Seat) -> Option<(&mut Outgoing, &mut ClientViews)> {
        self.clients.at_mut(seat)
    }

    /// What a player who sees a unit may do with it.
    pub(super) fn access(&self, unit: Entity, client: ClientId) -> Option<Access> {
        let watched = self.units.get(&unit)?;
        match client {
            ClientId::Server => watched.local,
            ClientId::Client(client) => {
                let watcher =
                    watched.watchers.iter().find(|watcher| watcher.seat.client == client)?;
                watcher.known.then_some(watcher.access)
            }
        }
    }

    /// The first inventory that a client owns: the body that rules measure from.
    pub(super) fn owned_by(&self, client: Entity) -> Option<Entity> {
        let units = self.clients.get(client)?.views.iter().flatten().copied();
        let owned = |unit: &Entity| {
            self.access(*unit, ClientId::Client(client)).is_some_and(|access| access.owner)
        };
        units.into_iter().find(owned)
    }

    /// The unit that a client calls so.
    pub(super) fn unit_of(&self, client: Entity, view: u32) -> Option<Entity> {
        *self.clients.get(client)?.views.get(view as usize)?
    }

    /// Instance data is gone. Clients hear of it with the next message that can carry it, or when there is
    /// much of it.
    pub(super) fn forget_data(&mut self, gone: &[DataId]) {
        let clients: Vec<Entity> = self.clients.iter().collect();
        for client in clients {
            let Some(views) = self.clients.get_mut(client) else { continue };
            views.forgets.extend(gone.iter().filter(|id| views.knows.remove(*id)));
            if views.must_forget() {
                self.touch(client);
            }
        }
    }

    /// Puts a client on the list of those for whom something waits that is more than an update.
    pub(super) fn touch(&mut self, client: Entity) {
        let Some(seat) = self.clients.seat(client) else { return };
        let mut touching = Touching { clients: &mut self.clients, touched: &mut self.touched };
        if let Some(outgoing) = touching.touch(seat) {
            outgoing.eventful = true;
        }
    }

    /// Ends all views of a unit that is gone.
    pub(crate) fn forget_unit(&mut self, unit: Entity) {
        let Some(watched) = self.units.remove(&unit) else { return };
        self.free.push_back(watched.handle);
        for watcher in watched.watchers {
            self.close(watcher, CloseCause::Despawned);
        }
    }

    fn close(&mut self, watcher: Watcher, cause: CloseCause) {
        let Some(views) = self.clients.get_mut(watcher.seat.client) else { return };
        views.remove(watcher.view);
        if watcher.known {
            views.closes.push((watcher.view, cause));
            self.touch(watcher.seat.client);
        }
    }

    /// Makes the clients that see a unit those that may.
    pub(super) fn update_unit(
        &mut self,
        unit: Entity,
        id: InventoryId,
        wanted: &[(ClientId, Access, Option<Pace>)],
    ) {
        let clients = wanted.iter().filter_map(|(client, access, pace)| {
            client.entity().map(|client| (client, (*access, *pace)))
        });
        let mut missing: EntityHashMap<(Access, Option<Pace>)> = clients.collect();
        let before = core::mem::take(&mut self.watched(unit, id).watchers);
        for watcher in before {
            match missing.remove(&watcher.seat.client) {
                None => self.close(watcher, CloseCause::Hidden),
                Some((access, pace)) if access == watcher.access => {
                    self.watched(unit, id).watchers.push(Watcher { pace, ..watcher });
                }
                Some((access, pace)) => {
                    let watcher = Watcher { access, pace, told: None, ..watcher };
                    self.watched(unit, id).watchers.push(watcher);
                    self.open(watcher);
                }
            }
        }
        for client in wanted.iter().filter_map(|(client, ..)| client.entity()) {
            let Some((access, pace)) = missing.remove(&client) else { continue };
            let Some(seat) = self.clients.seat(client) else { continue };
            let view = self.clients.get_mut(client).and_then(|views| views.add(unit));
            if let Some(view) = view {
                let (told, known, timer) = (None, false, Timer::default());
                let watcher = Watcher { seat, view, access, told, pace, timer, known };
                self.watched(unit, id).watchers.push(watcher);
                self.open(watcher);
            }
        }
    }

    fn open(&mut self, watcher: Watcher) {
        if let Some(views) = self.clients.get_mut(watcher.seat.client)
            && views.ready
        {
            views.opens.push(watcher.view);
            self.touch(watcher.seat.client);
        }
    }

    /// A full copy of this version is on its way to a client.
    pub(super) fn begin_view(&mut self, unit: Entity, client: Entity, version: u64) {
        let watchers = self.units.get_mut(&unit).map(|watched| &mut watched.watchers);
        let watcher = watchers.and_then(|all| all.iter_mut().find(|w| w.seat.client == client));
        if let Some(watcher) = watcher {
            (watcher.told, watcher.known) = (Some(version), true);
        }
    }

    /// Units with a viewer who has not been told all.
    pub(super) fn take_waiting(&mut self) -> Vec<Entity> {
        let waiting = core::mem::take(&mut self.waiting);
        for unit in &waiting {
            if let Some(watched) = self.units.get_mut(unit) {
                watched.waits = false;
            }
        }
        waiting
    }

    /// Puts a unit on the list of those with a viewer who has not been told all.
    pub(super) fn wait(&mut self, unit: Entity) {
        if let Some(watched) = self.units.get_mut(&unit)
            && !core::mem::replace(&mut watched.waits, true)
        {
            self.waiting.push(unit);
        }
    }

    /// Keeps a unit on the list as long as someone waits. Says whether that is news.
    pub(super) fn keep_waiting(&mut self, unit: Entity, version: u64) -> bool {
        let Some(watched) = self.units.get_mut(&unit) else { return false };
        if !watched.watchers.iter().any(|w| w.told.is_some_and(|told| told < version)) {
            watched.log.clear();
            return false;
        }
        let news = !core::mem::replace(&mut watched.waits, true);
        if news {
            self.waiting.push(unit);
        }
        news
    }

    /// Has a client told of a unit in this tick, whatever its pace: it has acted there.
    pub(super) fn hurry(&mut self, unit: Entity, client: ClientId) {
        let watchers = self.units.get_mut(&unit).map(|watched| &mut watched.watchers);
        for watcher in watchers.into_iter().flatten() {
            if ClientId::Client(watcher.seat.client) == client {
                watcher.timer.hurry();
            }
        }
    }

    /// Has a client get full copies in chunks.
    pub(super) fn send_in_chunks(&mut self, client: Entity, later: Vec<u32>) {
        let Some(views) = self.clients.get_mut(client).filter(|_| !later.is_empty()) else {
            return;
        };
        views.bulk.wanted.extend(later);
        if !self.bulky.contains(&client) {
            self.bulky.push(client);
        }
    }

    /// Has a client get a full copy of one unit it sees.
    pub(super) fn reopen(&mut self, unit: Entity, at: usize) {
        let Some(watched) = self.units.get_mut(&unit) else { return };
        watched.watchers[at].told = None;
        let watcher = watched.watchers[at];
        self.open(watcher);
    }

    fn watched(&mut self, unit: Entity, id: InventoryId) -> &mut UnitViews {
        self.units.entry(unit).or_insert_with(|| {
            let rested = self.free.len() > HANDLES_RESTING;
            let handle = if rested { self.free.pop_front() } else { None }.unwrap_or_else(|| {
                self.handles += 1;
                self.handles - 1
            });
            UnitViews {
                id,
                handle,
                watchers: SmallVec::new(),
                log: Vec::new(),
                waits: false,
                local: None,
            }
        })
    }

    /// Forgets a unit that nobody sees any more, so that its handle can serve another.
    pub(super) fn tidy(&mut self, unit: Entity) {
        let unseen = |watched: &UnitViews| watched.watchers.is_empty() && watched.local.is_none();
        if self.units.get(&unit).is_some_and(unseen) {
            self.forget_unit(unit);
        }
    }
}
