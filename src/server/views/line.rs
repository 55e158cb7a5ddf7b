//! Who stands in line because bytes have run out: critical things go first, then what has waited longest.
//!
//! A tick costs what it can afford to tell, however much waits.

use core::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use bevy::{platform::collections::HashSet, prelude::*};

use crate::server::{
    budget::{Budget, Credit, Rate},
    pace::{Moment, Pace},
};

use super::{Views, clients::Clients, clients::Seat};

/// The clients that have to wait because bytes ran out.
#[derive(Default, Debug)]
pub(in crate::server) struct Line {
    /// What all clients have spent together.
    pub(in crate::server) total: Budget,
    /// At which bytes are earned: by one client, and by all.
    rates: [Rate; 2],
    /// The last tick in which that did not suffice.
    total_choked_at: u64,
    /// Clients with something in their [`Queue`], each once.
    clients: Vec<Seat>,
    /// The first in each of their queues, while they are served.
    heads: BinaryHeap<Reverse<Head>>,
    /// Updates that were put off in this tick.
    pub(in crate::server) choked: u64,
    /// Whether nobody has to wait, for the server is about to stop.
    pub(super) flushing: bool,
}

/// The place of a view in line: what is less goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::server) struct Place {
    pub(in crate::server) pace: Pace,
    pub(in crate::server) since: Moment,
}

type Head = (Place, Seat);

/// The views of one client that wait for its bytes, or for those of all.
#[derive(Default, Debug)]
pub(super) struct Queue {
    /// By pace, the one that has waited longest first.
    places: [VecDeque<(Moment, u32)>; 3],
    /// Each is in one place.
    views: HashSet<u32>,
}

impl Queue {
    /// Whether a view waits.
    pub(super) fn contains(&self, view: u32) -> bool {
        self.views.contains(&view)
    }

    pub(super) fn len(&self) -> usize {
        self.views.len()
    }

    fn head(&self) -> Option<Place> {
        let firsts = [Pace::Critical, Pace::Normal, Pace::Low].into_iter().zip(&self.places);
        let mut heads = firsts.filter_map(|(pace, there)| Some((pace, there.front()?.0)));
        heads.next().map(|(pace, since)| Place { pace, since })
    }

    fn take(&mut self, pace: Pace) -> Option<u32> {
        let (_, view) = self.places[pace as usize].pop_front()?;
        self.views.remove(&view);
        Some(view)
    }

    /// Puts a view last, or back to where it was taken from. Says no if it is there.
    fn put(&mut self, view: u32, Place { pace, since }: Place) -> bool {
        let news = self.views.insert(view);
        if news {
            let there = &mut self.places[pace as usize];
            match there.front() {
                Some((first, _)) if *first > since => there.push_front((since, view)),
                _ => there.push_back((since, view)),
            }
        }
        news
    }
}

impl Line {
    /// Whether the bytes of all together have run out in this tick or in the one before.
    pub(super) fn is_total_choked(&self, tick: u64) -> bool {
        self.total_choked_at != 0 && self.total_choked_at + 1 >= tick
    }

    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Puts off an update of a client that stood in line before, or has no bytes left now.
    pub(super) fn put_off(
        &mut self,
        clients: &mut Clients,
        (seat, view): (Seat, u32),
        place: Place,
        (tick, credit): (u64, Credit),
    ) {
        let Some((outgoing, views)) = clients.at_mut(seat) else { return };
        if !self.total.has(credit) && outgoing.budget.has(credit) {
            self.total_choked_at = tick;
        }
        if views.queue.put(view, place) {
            outgoing.sums.choked += 1;
            self.choked += 1;
        }
        if !core::mem::replace(&mut outgoing.in_line, true) {
            self.clients.push(seat);
        }
    }

    fn begin(&mut self, clients: &Clients) {
        self.heads.clear();
        let heads = self.clients.iter().filter_map(|seat| {
            let place = clients.get(seat.client)?.queue.head()?;
            Some(Reverse((place, *seat)))
        });
        self.heads.extend(heads);
    }

    /// The next view whose client has bytes left.
    fn next(
        &mut self,
        clients: &mut Clients,
        (tick, credit): (u64, Credit),
    ) -> Option<(Entity, Place)> {
        while let Some(Reverse((place, seat))) = self.heads.pop() {
            if !self.flushing && !self.total.has(credit) {
                self.total_choked_at = tick;
                return None;
            }
            let Some((outgoing, views)) = clients.at_mut(seat) else { continue };
            if !self.flushing && !outgoing.budget.has(credit) {
                continue;
            }
            let view = views.queue.take(place.pace);
            self.heads.extend(views.queue.head().map(|place| Reverse((place, seat))));
            // Nobody is told of a view that was closed while it waited.
            let unit = view.and_then(|view| *views.views.get(view as usize)?);
            if let Some(unit) = unit {
                return Some((unit, place));
            }
        }
        None
    }

    fn end(&mut self, clients: &mut Clients) {
        self.clients.retain(|seat| {
            let Some((outgoing, views)) = clients.at_mut(*seat) else { return false };
            outgoing.in_line = views.queue.len() > 0;
            outgoing.in_line
        });
    }
}

impl Views {
    /// The settings may have changed.
    pub(in crate::server) fn set_rates(&mut self, rates: [Rate; 2], now: Moment) {
        let [one_before, all_before] = core::mem::replace(&mut self.line.rates, rates);
        let [one, all] = rates;
        if one != one_before {
            self.clients.budgets().for_each(|budget| budget.convert(one_before, one, now));
        }
        if all != all_before {
            self.line.total.convert(all_before, all, now);
        }
    }

    /// Lets those who stand in line be told, as far as bytes last: gives units one after the other.
    pub(in crate::server) fn begin_line(&mut self) {
        self.line.begin(&self.clients);
    }

    pub(in crate::server) fn next_in_line(&mut self, credit: Credit) -> Option<(Entity, Place)> {
        self.line.next(&mut self.clients, (self.ticks, credit))
    }

    pub(in crate::server) fn end_line(&mut self) -> u64 {
        self.line.end(&mut self.clients);
        core::mem::take(&mut self.line.choked)
    }

    /// Whether the bytes of all clients together have run out.
    pub(in crate::server) fn is_total_choked(&self) -> bool {
        self.line.is_total_choked(self.ticks)
    }

    /// Whether something waits for bytes of a client.
    pub(in crate::server) fn is_in_line(&self, client: Entity) -> bool {
        self.clients.get(client).is_some_and(|views| views.queue.len() > 0)
    }
}
