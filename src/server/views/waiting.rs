//! Who waits for its turn: because of its pace, or because bytes have run out.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::prelude::*;

use crate::server::{
    baseline::Baseline,
    budget::{Budget, Rate, credit_limit},
    flush::Unflushed,
    pace::{LOG_MAX, Moment},
    quality::Grade,
};

use super::{Outgoing, Seat, UnitViews, Views, Watcher, clients::Clients};

/// The clients, to put them on the list of those for whom something waits.
pub(in crate::server) struct Touching<'a> {
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
pub(in crate::server) struct Cost {
    nanos: u64,
    total_nanos: u64,
    merged: u64,
}

/// Who has to wait because bytes ran out.
#[derive(Default, Debug)]
pub(in crate::server) struct Line {
    /// What all clients have spent together.
    pub(in crate::server) total: Budget,
    /// The last tick in which that did not suffice.
    total_choked_at: u64,
    /// Whether bytes ran out in this tick, of anybody.
    strained: bool,
    /// Updates that were put off in this tick.
    pub(in crate::server) choked: u64,
    /// Whether nobody has to wait, for the server is about to stop.
    flushing: bool,
}

impl Touching<'_> {
    /// Reserves bytes for an update, and gives the grade of its viewer's link; `None` if there are no bytes left. With
    /// `free` none are given to clients that have run out before: those stand in line.
    pub(in crate::server) fn afford(
        &mut self,
        watcher: &Watcher,
        cost: Cost,
        free: bool,
    ) -> Option<Grade> {
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
    pub(in crate::server) fn cost(&self, bytes: usize, merged: u64) -> Cost {
        let [nanos, total_nanos] = self.rates.map(|rate| rate.nanos(bytes));
        Cost { nanos, total_nanos, merged }
    }

    /// Whether nobody has to wait, for the server is about to stop.
    pub(in crate::server) fn is_flushing(&self) -> bool {
        self.line.flushing
    }

    /// Viewers have been told of a unit; some time after the last change they are told a digest.
    pub(in crate::server) fn note_told(
        &mut self,
        unit: Entity,
        watched: &mut UnitViews,
        after: Duration,
    ) {
        watched.note_told(unit, (self.now, after), self.resting);
    }

    pub(in crate::server) fn touch(&mut self, seat: Seat) -> Option<&mut Outgoing> {
        let outgoing = self.clients.outgoing(seat)?;
        if !core::mem::replace(&mut outgoing.touched, true) {
            self.touched.push(seat);
        }
        Some(outgoing)
    }
}

impl UnitViews {
    /// The unit has just changed: whoever has been told all before waits for more now.
    pub(in crate::server) fn wait(&mut self, version: u64, now: Moment, debounce: Duration) {
        for watcher in &mut self.watchers {
            if watcher.told.is_some_and(|told| told + 1 == version) {
                watcher.timer.wait(now, debounce);
            }
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

impl Views {
    /// A unit, and the means to touch those who see it.
    pub(in crate::server) fn unit_and_clients(
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
    pub(in crate::server) fn is_total_choked(&self) -> bool {
        self.line.total_choked_at != 0 && self.line.total_choked_at + 1 >= self.ticks
    }

    /// Of how many units clients have not been told all, by client.
    pub(in crate::server) fn behind(&self) -> EntityHashMap<u64> {
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
    pub(in crate::server) fn untold(&self, version: impl Fn(Entity) -> u64) -> Vec<Unflushed> {
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

    /// Begins a tick. Says whether bytes ran out in the one before.
    pub(in crate::server) fn begin_batch(&mut self) -> bool {
        self.line.flushing = self.flush_until.is_some();
        core::mem::take(&mut self.line.strained)
    }

    /// Units with a viewer who has not been told all; if they stand in line, the one that has waited longest first.
    pub(in crate::server) fn take_waiting(&mut self, in_line: bool) -> Vec<Entity> {
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
    pub(in crate::server) fn wait(&mut self, unit: Entity) {
        if let Some(watched) = self.units.get_mut(&unit)
            && !core::mem::replace(&mut watched.waits, true)
        {
            self.waiting.push(unit);
        }
    }

    /// Keeps a unit on the list as long as someone waits. Says whether that is news.
    pub(in crate::server) fn keep_waiting(
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
    pub(in crate::server) fn hurry(&mut self, unit: Entity, client: ClientId) {
        let watchers = self.units.get_mut(&unit).map(|watched| &mut watched.watchers);
        for watcher in watchers.into_iter().flatten() {
            if ClientId::Client(watcher.seat.client) == client {
                watcher.timer.hurry();
            }
        }
    }
}
