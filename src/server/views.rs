//! Who sees what, as the server remembers it: every open view by unit and by client.

mod client;
mod clients;
mod resync;
#[cfg(feature = "overlay")]
mod look;

use core::time::Duration;
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
#[cfg(feature = "overlay")]
pub(crate) use look::Told;

use super::{
    baseline::Baseline,
    budget::{Budget, Rate, credit_limit},
    flush::Unflushed,
    health::{ClientSync, Watch},
    pace::{LOG_MAX, Logged, Moment, Pace, Timer},
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
    /// Units with a viewer who has not been told all, each once.
    pub(super) waiting: Vec<Entity>,
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
    /// Whether it is on the list of those with a viewer who waits.
    waits: bool,
    /// The newest version that is known of while somebody waits.
    version: u64,
    /// When somebody was last told of it, and since when it has been on the list of those that are to come to rest.
    told_at: Moment,
    /// Since when somebody has been waiting.
    waits_since: Option<Moment>,
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

impl UnitViews {
    /// The unit has just changed: whoever has been told all before waits for more now.
    pub(super) fn wait(&mut self, version: u64, now: Moment, debounce: Duration) {
        for watcher in &mut self.watchers {
            if watcher.told.is_some_and(|told| told + 1 == version) {
                watcher.timer.wait(now, debounce);
            }
        }
    }

    /// Somebody is told of the unit; some time after that has happened last it has come to rest.
    fn note_told(
        &mut self,
        unit: Entity,
        (now, after): (Moment, Duration),
        resting: &mut VecDeque<(Moment, Entity)>,
    ) {
        self.told_at = now;
        if self.rests_since.is_none() && !after.is_zero() {
            self.rests_since = Some(now);
            resting.push_back((now.plus(after), unit));
        }
    }

    /// What has just changed is remembered for those who have to wait.
    fn remember(&mut self, baseline: &Baseline) {
        let changes = baseline.last_changes();
        if self.log.len() + changes.len() > LOG_MAX {
            self.log.clear();
        }
        self.log.extend(changes.take(LOG_MAX));
    }
}

/// What someone may do with a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    pub(super) rights: Rights,
    pub(super) owner: bool,
}

/// The clients, to put them on the list of those for whom something waits.
pub(super) struct Touching<'a> {
    clients: &'a mut Clients,
    touched: &'a mut Vec<Seat>,
    resting: &'a mut VecDeque<(Moment, Entity)>,
    line: &'a mut Line,
    tick: u64,
    now: Moment,
    rates: [Rate; 2],
    limit: u64,
}

/// What an update costs of the budgets of its client and of all.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Cost {
    nanos: u64,
    total_nanos: u64,
    merged: u64,
}

/// Who has to wait because bytes ran out.
#[derive(Default, Debug)]
pub(super) struct Line {
    /// What all clients have spent together.
    pub(super) total: Budget,
    /// The last tick in which that did not suffice.
    total_choked_at: u64,
    /// Whether bytes ran out in this tick, of anybody.
    strained: bool,
    /// Updates that were put off in this tick.
    pub(super) choked: u64,
    /// Whether nobody has to wait, for the server is about to stop.
    flushing: bool,
}

impl Touching<'_> {
    /// Reserves bytes for an update, and gives the grade of its viewer's link; `None` if there are no bytes left. With
    /// `free` none are given to clients that have run out before: those stand in line.
    pub(super) fn afford(&mut self, watcher: &Watcher, cost: Cost, free: bool) -> Option<Grade> {
        let Some(outgoing) = self.clients.outgoing(watcher.seat) else {
            return Some(Grade::default());
        };
        let recent = |at: u64| at != 0 && at + 1 >= self.tick;
        let in_line = free && (recent(outgoing.choked_at) || recent(self.line.total_choked_at));
        let has_credit = outgoing.budget.has_credit(self.limit);
        let all_have_credit = self.line.total.has_credit(self.limit);
        let at_once = watcher.timer.hurries() || self.line.flushing;
        if at_once || (!in_line && has_credit && all_have_credit) {
            outgoing.budget.plan(cost.nanos);
            self.line.total.plan(cost.total_nanos);
            outgoing.sums.updates += 1;
            outgoing.sums.merged += cost.merged;
            return Some(outgoing.grade);
        }
        self.line.strained = true;
        if !in_line {
            if all_have_credit {
                outgoing.choked_at = self.tick;
            } else {
                self.line.total_choked_at = self.tick;
            }
            outgoing.sums.choked += 1;
            self.line.choked += 1;
        }
        None
    }

    /// What about so many bytes cost, with which so many commits are told at once with a later one.
    pub(super) fn cost(&self, bytes: usize, merged: u64) -> Cost {
        let [nanos, total_nanos] = self.rates.map(|rate| rate.nanos(bytes));
        Cost { nanos, total_nanos, merged }
    }

    /// Whether nobody has to wait, for the server is about to stop.
    pub(super) fn is_flushing(&self) -> bool {
        self.line.flushing
    }

    /// Viewers have been told of a unit; some time after the last change they are told a digest.
    pub(super) fn note_told(&mut self, unit: Entity, watched: &mut UnitViews, after: Duration) {
        watched.note_told(unit, (self.now, after), self.resting);
    }

    pub(super) fn touch(&mut self, seat: Seat) -> Option<&mut Outgoing> {
        let outgoing = self.clients.outgoing(seat)?;
        if !core::mem::replace(&mut outgoing.touched, true) {
            self.touched.push(seat);
        }
        Some(outgoing)
    }
}

/// A unit that does not come to rest is looked at after so many times the pause that it is to rest.
const REST_MOST: u32 = 8;

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

    /// A unit, and the means to touch those who see it.
    pub(super) fn unit_and_clients(
        &mut self,
        unit: Entity,
        now: Moment,
        rates: [Rate; 2],
    ) -> Option<(&mut UnitViews, Touching<'_>)> {
        let touching = Touching {
            clients: &mut self.clients,
            touched: &mut self.touched,
            resting: &mut self.resting,
            line: &mut self.line,
            tick: self.ticks,
            now,
            rates,
            limit: credit_limit(now),
        };
        Some((self.units.get_mut(&unit)?, touching))
    }

    /// Whether the bytes of all clients together have run out.
    pub(super) fn is_total_choked(&self) -> bool {
        self.line.total_choked_at != 0 && self.line.total_choked_at + 1 >= self.ticks
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

    /// Of how many units clients have not been told all, by client.
    pub(super) fn behind(&self) -> EntityHashMap<u64> {
        let mut behind = EntityHashMap::default();
        for watched in self.waiting.iter().filter_map(|unit| self.units.get(unit)) {
            let late = |w: &&Watcher| w.told.is_some_and(|told| told < watched.version);
            for watcher in watched.watchers.iter().filter(late) {
                *behind.entry(watcher.seat.client).or_default() += 1;
            }
        }
        behind
    }

    /// What clients have not been told, given the newest version of each unit.
    pub(super) fn untold(&self, version: impl Fn(Entity) -> u64) -> Vec<Unflushed> {
        let mut left = Vec::new();
        for (unit, watched) in &self.units {
            let newest = version(*unit);
            let late = |w: &&Watcher| w.told.is_none_or(|told| told < newest);
            let ready = |client| self.clients.get(client).is_some_and(|views| views.ready);
            let late = watched.watchers.iter().filter(late).map(|w| w.seat.client);
            let inventory = watched.id;
            left.extend(late.filter(|c| ready(*c)).map(|client| Unflushed { client, inventory }));
        }
        left.sort_unstable_by_key(|left| (left.client, left.inventory));
        left
    }

    /// What health has seen of a client.
    pub(super) fn watch_of(&mut self, client: Entity) -> Option<&mut Watch> {
        Some(&mut self.clients.get_mut(client)?.watch)
    }

    /// Begins a tick. Says whether bytes ran out in the one before.
    pub(super) fn begin_batch(&mut self) -> bool {
        self.line.flushing = self.flush_until.is_some();
        core::mem::take(&mut self.line.strained)
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
        let Some(watched) = self.units.get_mut(&unit) else { return };
        let watcher = watched.watchers.iter_mut().find(|w| w.seat.client == client);
        if let Some(watcher) = watcher {
            (watcher.told, watcher.known) = (Some(version), true);
        }
        if let Some(views) = self.clients.get_mut(client) {
            views.drop_copy(watched.id);
        }
    }

    /// A client begins with a copy that it has kept, and that may have gone wrong meanwhile.
    pub(super) fn note_kept(&mut self, unit: Entity, now: Moment, after: Duration) {
        if let Some(watched) = self.units.get_mut(&unit) {
            watched.note_told(unit, (now, after), &mut self.resting);
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

    /// Whether it is time to look for a unit that has come to rest.
    pub(super) fn rest_is_due(&self, now: Moment) -> bool {
        self.resting.front().is_some_and(|(due, _)| *due <= now)
    }

    /// A unit that has come to rest, or has not for long; `None` if it is not time for the next one.
    pub(super) fn next_at_rest(&mut self, now: Moment, after: Duration) -> Option<Entity> {
        while let Some((_, unit)) = self.resting.pop_front_if(|(due, _)| *due <= now) {
            let Some(watched) = self.units.get_mut(&unit) else { continue };
            let Some(since) = watched.rests_since else { continue };
            // What is told in this very tick is on its way.
            let rests = watched.told_at.plus(after) <= now;
            let overdue = since.plus(after * REST_MOST) <= now && watched.told_at != now;
            if rests || overdue {
                watched.rests_since = None;
                return Some(unit);
            }
            let due = if since.plus(after * REST_MOST) <= now {
                now.plus(Duration::from_micros(1))
            } else {
                watched.told_at.plus(after)
            };
            self.resting.push_back((due, unit));
        }
        None
    }

    /// Has all those told a digest who hold the newest version.
    pub(super) fn tell_digest(&mut self, unit: Entity, version: u64, digest: u64) {
        let Some(watched) = self.units.get(&unit) else { return };
        let told = watched.watchers.iter().filter(|watcher| watcher.told == Some(version));
        let told: SmallVec<[(Entity, u32); 4]> =
            told.map(|watcher| (watcher.seat.client, watcher.view)).collect();
        for (client, view) in told {
            if let Some(views) = self.clients.get_mut(client) {
                views.digests.push((view, digest));
                self.touch(client);
            }
        }
    }

    /// Units with a viewer who has not been told all; if they stand in line, the one that has waited longest first.
    pub(super) fn take_waiting(&mut self, in_line: bool) -> Vec<Entity> {
        let mut waiting = core::mem::take(&mut self.waiting);
        for unit in &waiting {
            if let Some(watched) = self.units.get_mut(unit) {
                watched.waits = false;
            }
        }
        if in_line {
            let since = |unit: &Entity| self.units.get(unit).and_then(|there| there.waits_since);
            waiting.sort_by_cached_key(since);
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
    pub(super) fn keep_waiting(
        &mut self,
        unit: Entity,
        baseline: &Baseline,
        now: Moment,
        committed: bool,
    ) -> bool {
        let Some(watched) = self.units.get_mut(&unit) else { return false };
        let behind = |w: &Watcher| w.told.is_some_and(|told| told < baseline.version());
        if !watched.watchers.iter().any(behind) {
            watched.log.clear();
            watched.waits_since = None;
            return false;
        }
        watched.version = baseline.version();
        if committed {
            watched.remember(baseline);
        }
        if !core::mem::replace(&mut watched.waits, true) {
            self.waiting.push(unit);
        }
        let news = watched.waits_since.is_none();
        watched.waits_since.get_or_insert(now);
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
                version: 0,
                told_at: Moment::default(),
                waits_since: None,
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
