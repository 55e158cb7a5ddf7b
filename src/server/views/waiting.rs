//! Who is told at once, and who waits for its turn.

use core::time::Duration;
use std::collections::VecDeque;

#[cfg(debug_assertions)]
use bevy::ecs::{entity_disabling::Disabled, query::Allow};
use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::prelude::*;

use crate::server::{
    baseline::Baseline,
    budget::Credit,
    flush::Unflushed,
    pace::{LOG_MAX, Moment},
    quality::Grade,
};

use super::{
    Outgoing, Seat, UnitViews, Views, Watcher,
    clients::Clients,
    line::{Line, Place},
};

/// The clients, to put them on the list of those for whom something waits.
pub(in crate::server) struct Touching<'a> {
    clients: &'a mut Clients,
    touched: &'a mut Vec<Seat>,
    waiting: &'a mut Vec<Entity>,
    resting: &'a mut VecDeque<(Moment, Entity)>,
    line: &'a mut Line,
    /// Whether everybody has to stand in line.
    total_choked: bool,
    tick: u64,
    now: Moment,
    credit: Credit,
}

/// What an update costs of the budgets of its client and of all.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::server) struct Cost {
    nanos: u64,
    total_nanos: u64,
    merged: u64,
}

impl Touching<'_> {
    /// Whether there are bytes for an update. With `free` there are none for clients that stand in line.
    #[inline]
    pub(in crate::server) fn can_afford(&self, watcher: &Watcher, free: bool) -> bool {
        let Some(outgoing) = self.clients.look(watcher.seat) else { return true };
        let passes = !free || !(outgoing.in_line || self.total_choked);
        let has_credit = outgoing.budget.has(self.credit) && self.line.total.has(self.credit);
        passes && has_credit || watcher.timer.hurries() || self.line.flushing
    }

    /// Reserves bytes for an update, and gives the grade of its viewer's link; `None` if it
    /// [cannot be afforded](Self::can_afford).
    #[inline]
    pub(in crate::server) fn afford(
        &mut self,
        watcher: &Watcher,
        cost: Cost,
        free: bool,
    ) -> Option<Grade> {
        if !self.can_afford(watcher, free) {
            return None;
        }
        let Some(outgoing) = self.clients.outgoing(watcher.seat) else {
            return Some(Grade::default());
        };
        outgoing.budget.plan(cost.nanos, self.credit);
        if cost.total_nanos > 0 {
            self.line.total.plan(cost.total_nanos, self.credit);
        }
        outgoing.sums.updates += 1;
        outgoing.sums.merged += cost.merged;
        let (grade, in_line) = (outgoing.grade, outgoing.in_line);
        if in_line {
            self.leave_line(watcher);
        }
        Some(grade)
    }

    /// What is told does not wait any more, whatever has brought it forward.
    #[cold]
    fn leave_line(&mut self, watcher: &Watcher) {
        if let Some((_, views)) = self.clients.at_mut(watcher.seat) {
            views.queue.remove(watcher.view);
        }
    }

    /// An update that cannot be afforded waits for its turn.
    #[cold]
    pub(in crate::server) fn put_off(&mut self, watcher: &Watcher, place: Place) {
        let of = (watcher.seat, watcher.view);
        self.line.put_off(self.clients, of, place, (self.tick, self.credit));
    }

    /// What about so many bytes cost, with which so many commits are told at once with a later one.
    pub(in crate::server) fn cost(&self, bytes: usize, merged: u64) -> Cost {
        let [nanos, total_nanos] = self.line.rates.map(|rate| rate.nanos(bytes));
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

    #[inline]
    pub(in crate::server) fn touch(&mut self, seat: Seat) -> Option<&mut Outgoing> {
        let outgoing = self.clients.outgoing(seat)?;
        if !core::mem::replace(&mut outgoing.touched, true) {
            self.touched.push(seat);
        }
        Some(outgoing)
    }

    /// Notes who has not been told all of a unit. Says whether that is news.
    #[cold]
    pub(in crate::server) fn note_late(
        &mut self,
        unit: Entity,
        watched: &mut UnitViews,
        baseline: &Baseline,
        committed: bool,
    ) -> bool {
        let version = baseline.version();
        let mut late = watched.watchers.iter().filter(|watcher| watcher.is_behind(version));
        let queued = |watcher: &Watcher| {
            let views = self.clients.get(watcher.seat.client);
            views.is_some_and(|views| views.queue.contains(watcher.view))
        };
        let Some(first) = late.next() else {
            watched.note_all_told();
            return false;
        };
        if !queued(first) || !late.all(queued) {
            watched.wait_on(unit, self.waiting);
        }
        watched.version = version;
        if committed {
            watched.remember(baseline);
        }
        !core::mem::replace(&mut watched.late, true)
    }
}

/// Looks in every tick whether anybody is behind for whom nothing is kept.
#[cfg(debug_assertions)]
pub(in crate::server) fn check_waiting(
    units: Query<&Baseline, Allow<Disabled>>,
    views: Res<Views>,
) {
    views.assert_nobody_is_forgotten(|unit| units.get(unit).map_or(0, Baseline::version));
}

impl Watcher {
    /// Whether there is something newer than what it was told.
    pub(in crate::server) fn is_behind(&self, version: u64) -> bool {
        self.told.is_some_and(|told| told < version)
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

    /// Nobody waits for more.
    #[inline]
    pub(in crate::server) fn note_all_told(&mut self) {
        if core::mem::take(&mut self.late) {
            self.log.clear();
        }
    }

    fn wait_on(&mut self, unit: Entity, waiting: &mut Vec<Entity>) {
        if !core::mem::replace(&mut self.waits, true) {
            waiting.push(unit);
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
    #[inline]
    pub(in crate::server) fn unit_and_clients(
        &mut self,
        unit: Entity,
        now: Moment,
    ) -> Option<(&mut UnitViews, Touching<'_>)> {
        let touching = Touching {
            clients: &mut self.clients,
            touched: &mut self.touched,
            waiting: &mut self.waiting,
            resting: &mut self.resting,
            total_choked: self.line.is_total_choked(self.ticks),
            line: &mut self.line,
            tick: self.ticks,
            now,
            credit: Credit::at(now),
        };
        Some((self.units.get_mut(&unit)?, touching))
    }

    /// Of how many units clients have not been told all, by client.
    pub(in crate::server) fn behind(&self) -> EntityHashMap<u64> {
        let mut behind = EntityHashMap::default();
        for client in self.clients.iter() {
            let queued = self.clients.get(client).map_or(0, |views| views.queue.len());
            if queued > 0 {
                behind.insert(client, queued as u64);
            }
        }
        for watched in self.waiting.iter().filter_map(|unit| self.units.get(unit)) {
            for Watcher { seat, view, .. } in
                watched.watchers.iter().filter(|watcher| watcher.is_behind(watched.version))
            {
                let views = self.clients.get(seat.client);
                if !views.is_some_and(|views| views.queue.contains(*view)) {
                    *behind.entry(seat.client).or_default() += 1;
                }
            }
        }
        behind
    }

    /// Whoever has not been told all stands in line, or waits for its turn.
    #[cfg(debug_assertions)]
    fn assert_nobody_is_forgotten(&self, version: impl Fn(Entity) -> u64) {
        for (unit, watched) in &self.units {
            let newest = version(*unit);
            for watcher in watched.watchers.iter().filter(|watcher| watcher.is_behind(newest)) {
                let stands = self.clients.look(watcher.seat).is_some_and(|there| there.in_line);
                let views = self.clients.get(watcher.seat.client);
                let queued = views.is_some_and(|views| views.queue.contains(watcher.view));
                assert!(watched.waits || (stands && queued), "{unit} is forgotten: {watcher:?}");
            }
        }
        let waiting = self.waiting.iter().filter_map(|unit| self.units.get(unit));
        let waiting = waiting.filter(|watched| watched.waits).count();
        let all = self.units.values().filter(|watched| watched.waits).count();
        assert_eq!(waiting, all, "each that waits is on the list once");
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

    /// Begins a tick: gives the units with a viewer whose turn had not come, in place of an empty list.
    pub(in crate::server) fn begin_batch(&mut self, waiting: &mut Vec<Entity>) {
        self.line.flushing = self.flush_until.is_some();
        core::mem::swap(&mut self.waiting, waiting);
    }

    /// Puts a unit on the list of those with a viewer whose turn has not come.
    pub(in crate::server) fn wait(&mut self, unit: Entity) {
        if let Some(watched) = self.units.get_mut(&unit) {
            watched.wait_on(unit, &mut self.waiting);
        }
    }

    /// Whether nobody waits for a turn or for bytes.
    pub(in crate::server) fn nobody_waits(&self) -> bool {
        self.waiting.is_empty() && self.line.is_empty()
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
