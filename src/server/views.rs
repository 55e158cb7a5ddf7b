//! Who sees what, as the server remembers it: every open view by unit and by client.

mod client;
mod clients;
mod line;
mod resync;
mod rest;
mod waiting;
#[cfg(feature = "overlay")]
mod look;

use std::collections::VecDeque;

use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::{bytes::Bytes, prelude::*};
use smallvec::SmallVec;

use crate::{
    hello::Named,
    model::{
        id::{DataId, InventoryId},
        rights::Rights,
    },
    wire::CloseCause,
};

use clients::Clients;

pub(super) use client::ClientViews;
pub(super) use clients::{Outgoing, Seat, Sums};
pub(super) use line::{Line, Place};
#[cfg(feature = "overlay")]
pub(crate) use look::Told;
#[cfg(debug_assertions)]
pub(super) use waiting::check_waiting;
pub(super) use waiting::{Cost, Touching};

use super::{
    health::{ClientSync, Watch},
    pace::{Logged, Moment, Pace, Timer},
    quality::Grade,
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
    /// Clients that asked for everything once more, with the copies that they have.
    resyncing: Vec<(Entity, Named)>,
    /// Clients that believe something wrong, with the unit.
    healing: Vec<(Entity, Entity)>,
    /// Requests that came before they could be heard, at most one of each client.
    early: Vec<(Entity, Bytes)>,
    /// Clients to whom something goes in chunks.
    pub(super) bulky: Vec<Entity>,
    /// Units with a viewer whose turn has not come, each once. Those that wait for bytes are in [`Line`].
    waiting: Vec<Entity>,
    /// Units that changed and are to come to rest, with the time to look, the earliest first.
    resting: VecDeque<(Moment, Entity)>,
    /// Clients to whom more is to be said in the next tick.
    unfinished: Vec<Entity>,
    /// Ticks that have been batched.
    ticks: u64,
    epoch: Epoch,
    pub(super) line: Line,
    /// Until when everything that waits is told at once, for the server is about to stop.
    pub(super) flush_until: Option<Moment>,
}

/// Names this run of the server: versions and digests are of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Epoch(pub(super) u64);

impl Default for Epoch {
    fn default() -> Self {
        Self(fastrand::u64(1..))
    }
}

/// Who sees one unit.
#[derive(Debug)]
pub(super) struct UnitViews {
    pub(super) id: InventoryId,
    pub(super) handle: u32,
    pub(super) watchers: SmallVec<[Watcher; 1]>,
    /// What changed since the first viewer who waits was told, as far as it is remembered.
    pub(super) log: Vec<Logged>,
    /// Whether it is on the list of those with a viewer whose turn has not come.
    pub(super) waits: bool,
    /// The newest version that is known of while somebody waits.
    version: u64,
    /// When somebody was last told of it, and since when it has been on the list of those that are to come to rest.
    told_at: Moment,
    /// Whether somebody waits, on that list or in line.
    late: bool,
    rests_since: Option<Moment>,
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

/// What someone may do with a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    pub(super) rights: Rights,
    pub(super) owner: bool,
}

/// So many handles rest before one is used again, so that a message about an old unit cannot be taken
/// for one about a new unit.
const HANDLES_RESTING: usize = 32;

impl Views {
    /// Whether nothing waits for its turn to be sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.bulky.is_empty() && self.nobody_waits()
    }

    /// A client has connected; it sees nothing before it says hello.
    pub(super) fn enter(&mut self, client: Entity) {
        self.clients.insert(client);
    }

    /// A client has gone, and so has every entry of it.
    pub(super) fn leave(&mut self, client: Entity) {
        let Some(gone) = self.clients.remove(client) else { return };
        self.touched.retain(|touched| touched.client != client);
        self.resyncing.retain(|(resyncing, _)| *resyncing != client);
        self.unfinished.retain(|unfinished| *unfinished != client);
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

    /// What a client was told so far, and what waits for it.
    pub(super) fn sync_of(&mut self, client: Entity) -> Option<ClientSync> {
        let (outgoing, views) = self.clients.at_mut(self.clients.seat(client)?)?;
        let Sums { updates, merged, choked, messages, bytes } = outgoing.sums;
        let (units, desyncs) = (views.views.iter().flatten().count() as u64, views.desyncs);
        let (views, bulk) = (units, views.bulk.len() as u64);
        let told = ClientSync { views, bulk, updates, merged, choked, ..default() };
        Some(ClientSync { messages, bytes, desyncs, ..told })
    }

    /// What health has seen of a client.
    pub(super) fn watch_of(&mut self, client: Entity) -> Option<&mut Watch> {
        Some(&mut self.clients.get_mut(client)?.watch)
    }

    pub(super) fn client(&self, client: Entity) -> Option<&ClientViews> {
        self.clients.get(client)
    }

    pub(super) fn client_mut(&mut self, client: Entity) -> Option<&mut ClientViews> {
        self.clients.get_mut(client)
    }

    /// The link to a client has another grade now.
    pub(super) fn set_grade(&mut self, client: Entity, grade: Grade) {
        if let Some((outgoing, _)) = self.at(client) {
            outgoing.grade = grade;
        }
    }

    /// A client by its entity, if it is there.
    pub(super) fn at(&mut self, client: Entity) -> Option<(&mut Outgoing, &mut ClientViews)> {
        self.clients.at_mut(self.clients.seat(client)?)
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
        let Some(outgoing) = self.clients.outgoing(seat) else { return };
        outgoing.eventful = true;
        if !core::mem::replace(&mut outgoing.touched, true) {
            self.touched.push(seat);
        }
    }

    /// Ends all views of a unit that is gone.
    pub(crate) fn forget_unit(&mut self, unit: Entity) {
        let Some(watched) = self.units.remove(&unit) else { return };
        self.free.push_back(watched.handle);
        for watcher in watched.watchers {
            self.close(watched.id, watcher, CloseCause::Despawned);
        }
    }

    fn close(&mut self, id: InventoryId, watcher: Watcher, cause: CloseCause) {
        let Some(views) = self.clients.get_mut(watcher.seat.client) else { return };
        views.remove(watcher.view);
        views.queue.remove(watcher.view);
        views.digests.retain(|(view, _)| *view != watcher.view);
        views.bulk.forget(watcher.view);
        if watcher.known {
            if cause == CloseCause::Hidden {
                // Whatever it holds while a new copy is on the way is no version to begin from.
                views.keep_copy(id, watcher.told.unwrap_or(0));
            }
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
                None => self.close(id, watcher, CloseCause::Hidden),
                Some((access, pace)) if access == watcher.access => {
                    self.watched(unit, id).watchers.push(Watcher { pace, ..watcher });
                    if pace != watcher.pace {
                        self.wait(unit);
                    }
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
            views.queue.remove(watcher.view);
            views.opens.push(watcher.view);
            self.touch(watcher.seat.client);
        }
    }

    /// A full copy of this version is on its way to a client.
    pub(super) fn begin_view(&mut self, unit: Entity, client: Entity, version: u64) {
        let Some(watched) = self.units.get_mut(&unit) else { return };
        let watcher = watched.watchers.iter_mut().find(|w| w.seat.client == client);
        if let Some(watcher) = watcher {
            (watcher.told, watcher.known) = (Some(version), true);
        }
        if let Some(views) = self.clients.get_mut(client) {
            views.drop_copy(watched.id);
        }
    }

    /// The server's run.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.0
    }

    /// More is to be said to a client in the next tick.
    pub(super) fn leave_unfinished(&mut self, client: Entity) {
        self.unfinished.push(client);
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
                version: 0,
                told_at: Moment::default(),
                late: false,
                rests_since: None,
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
