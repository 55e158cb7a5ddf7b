//! Full copies for clients that have just come, or hold something wrong.

use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;

use crate::{hello::Named, model::id::InventoryId};

use super::Views;

/// Fewest ticks between two full copies of everything for one client.
const RESYNC_TICKS_MIN: u64 = 10;

impl Views {
    /// Keeps a request for later, unread. Says no if one of that client waits already.
    pub(in crate::server) fn keep_early(&mut self, client: Entity, request: &Bytes) -> bool {
        let there = self.early.iter().any(|(early, _)| *early == client);
        if !there && self.clients.get(client).is_some() {
            self.early.push((client, request.clone()));
        }
        !there
    }

    /// Gives the requests of those clients that can be heard now.
    pub(in crate::server) fn take_early(
        &mut self,
        heard: impl Fn(Entity) -> bool,
    ) -> Vec<(Entity, Bytes)> {
        self.early.extract_if(.., |(client, _)| heard(*client)).collect()
    }

    /// A client has said hello: what it may see goes out in the next tick. One that says it again has
    /// not had the answer.
    pub(in crate::server) fn greet(&mut self, client: Entity, named: Named) {
        let Some(views) = self.clients.get_mut(client) else { return };
        if views.ready {
            self.ask_resync(client, named);
        } else {
            views.resync_after = self.ticks + RESYNC_TICKS_MIN;
            self.reset_client(client, named);
        }
    }

    /// Counts that a client had lost its place, or found a copy to be wrong.
    pub(in crate::server) fn note_desync(&mut self, client: Entity) {
        if let Some(views) = self.clients.get_mut(client) {
            views.desyncs += 1;
        }
    }

    /// Has a client that lost its place sent everything once more, but not too often.
    pub(in crate::server) fn ask_resync(&mut self, client: Entity, named: Named) {
        match self.resyncing.iter_mut().find(|(there, _)| *there == client) {
            Some((_, before)) => *before = named,
            None => self.resyncing.push((client, named)),
        }
    }

    pub(in crate::server) fn resync_those_due(&mut self) {
        self.ticks += 1;
        for client in core::mem::take(&mut self.unfinished) {
            self.touch(client);
        }
        let mut waiting = core::mem::take(&mut self.resyncing);
        waiting.retain_mut(|(client, named)| {
            let Some(views) = self.clients.get_mut(*client) else { return false };
            let due = views.ready && self.ticks >= views.resync_after;
            if due {
                views.resync_after = self.ticks + RESYNC_TICKS_MIN;
                self.reset_client(*client, core::mem::take(named));
            }
            !due
        });
        self.resyncing = waiting;
        self.heal_those_due();
    }

    /// A client has all chunks of a transfer.
    pub(in crate::server) fn receive_transfer(&mut self, client: Entity, number: u8) {
        if self.clients.get_mut(client).is_some_and(|views| views.bulk.receive(number)) {
            self.touch(client);
        }
    }

    /// Begins all views of a client anew: it has said hello, or its copies are wrong.
    fn reset_client(&mut self, client: Entity, named: Named) {
        let Some(views) = self.clients.get_mut(client) else { return };
        let (same_run, coming) = (named.epoch == self.epoch.0, named.transfer);
        let copies = named.copies.into_iter().filter(|_| same_run);
        views.keep_only(copies.map(|(id, version)| (InventoryId::from_bits(id), version)));
        views.queue.clear();
        views.digests.clear();
        views.ready = true;
        views.reset = true;
        views.closes.clear();
        views.opens.clear();
        views.bulk.reset(coming.filter(|_| same_run));
        views.knows.clear();
        views.forgets.clear();
        for (view, unit) in (0u32..).zip(&views.views) {
            let Some(watched) = unit.and_then(|unit| self.units.get_mut(&unit)) else { continue };
            for watcher in watched.watchers.iter_mut().filter(|w| w.seat.client == client) {
                (watcher.told, watcher.known) = (None, false);
            }
            if !views.bulk.brings(view) {
                views.opens.push(view);
            }
        }
        self.touch(client);
    }

    /// A client found its copies of these views, with their handles, to be wrong.
    pub(in crate::server) fn heal_views(&mut self, client: Entity, views: &[(u32, u32)]) {
        let unit = |(view, handle): &(u32, u32)| {
            let unit = self.unit_of(client, *view)?;
            (self.units.get(&unit)?.handle == *handle).then_some(unit)
        };
        let units: Vec<Entity> = views.iter().filter_map(unit).collect();
        self.heal(client, &units);
    }

    /// Has a client get full copies of units of which it believes something wrong, but not too often.
    pub(in crate::server) fn heal(&mut self, client: Entity, units: &[Entity]) {
        for unit in units {
            if !self.healing.contains(&(client, *unit)) {
                self.healing.push((client, *unit));
            }
        }
    }

    fn heal_those_due(&mut self) {
        let mut healing = core::mem::take(&mut self.healing);
        healing.sort_unstable();
        for of_one in healing.chunk_by(|a, b| a.0 == b.0) {
            let client = of_one[0].0;
            let Some(views) = self.clients.get_mut(client) else { continue };
            if self.ticks < views.resync_after {
                self.healing.extend_from_slice(of_one);
                continue;
            }
            views.resync_after = self.ticks + RESYNC_TICKS_MIN;
            for (_, unit) in of_one {
                let watched = self.units.get(unit);
                let at =
                    watched.and_then(|w| w.watchers.iter().position(|w| w.seat.client == client));
                if let Some(at) = at {
                    self.reopen(*unit, at);
                }
            }
        }
    }
}
