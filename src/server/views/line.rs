//! Who stands in line because bytes have run out: critical things go first, then what has waited longest.
//!
//! A tick costs what it can afford to tell, however much waits.

use core::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use bevy::{platform::collections::HashMap, prelude::*};

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
    /// The last tick in which that did not suffice.
    total_choked_at: u64,
    /// At which bytes are earned: by one client, and by all.
    pub(super) rates: [Rate; 2],
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
    views: HashMap<u32, Place>,
}

impl Queue {
    /// Whether a view waits.
    pub(super) fn contains(&self, view: u32) -> bool {
        self.views.contains_key(&view)
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

    /// Puts a view behind those that have waited as long. One that is there keeps its time and follows its pace. Says
    /// whether it is news.
    fn put(&mut self, view: u32, Place { pace, since }: Place) -> bool {
        let before = self.views.get(&view).copied();
        if before.is_some_and(|before| before.pace == pace) {
            return false;
        }
        self.remove(view);
        let since = before.map_or(since, |before| before.since);
        self.views.insert(view, Place { pace, since });
        let there = &mut self.places[pace as usize];
        let at = there.partition_point(|(other, _)| *other <= since);
        there.insert(at, (since, view));
        before.is_none()
    }

    /// A view has no news any more, or is none any more.
    pub(super) fn remove(&mut self, view: u32) {
        let Some(Place { pace, since }) = self.views.remove(&view) else { return };
        let there = &mut self.places[pace as usize];
        let first = there.partition_point(|(other, _)| *other < since);
        let at = there.range(first..).position(|(_, other)| *other == view);
        at.and_then(|at| there.remove(first + at));
    }

    pub(super) fn clear(&mut self) {
        self.places.iter_mut().for_each(VecDeque::clear);
        self.views.clear();
    }
}

impl Line {
    /// Whether the bytes of all together have run out in this tick or in the one before.
    pub(super) fn is_total_choked(&self, tick: u64) -> bool {
        self.total_choked_at != 0 && self.total_choked_at + 1 >= tick
    }

    pub(in crate::server) fn is_empty(&self) -> bool {
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
            let head = views.queue.head();
            let next = if head == Some(place) {
                let view = views.queue.take(place.pace);
                view.and_then(|view| *views.views.get(view as usize)?)
            } else {
                // It was told meanwhile, with another client's.
                None
            };
            self.heads.extend(views.queue.head().map(|place| Reverse((place, seat))));
            if let Some(unit) = next {
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

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn place(pace: Pace, millis: u64) -> Place {
        Place { pace, since: Moment::new(Duration::from_millis(millis)) }
    }

    fn drain(mut queue: Queue) -> Vec<u32> {
        core::iter::from_fn(|| queue.take(queue.head()?.pace)).collect()
    }

    #[test]
    fn who_is_put_back_does_not_go_behind_those_who_came_later() {
        let mut queue = Queue::default();
        for (view, since) in [(1, 5), (2, 5), (3, 9)] {
            assert!(queue.put(view, place(Pace::Normal, since)));
        }
        assert_eq!(queue.take(Pace::Normal), Some(1));
        assert!(queue.put(1, place(Pace::Normal, 5)));
        assert!(queue.put(4, place(Pace::Normal, 7)));
        assert_eq!(drain(queue), [2, 1, 4, 3]);
    }

    #[test]
    fn who_changes_pace_keeps_its_time_and_who_leaves_leaves_nothing() {
        let mut queue = Queue::default();
        for (view, since) in [(1, 1), (2, 2), (3, 2), (4, 3)] {
            queue.put(view, place(Pace::Low, since));
        }
        queue.put(5, place(Pace::Critical, 2));
        assert!(!queue.put(3, place(Pace::Low, 9)), "it is there");
        assert!(!queue.put(4, place(Pace::Critical, 9)), "it is no news");
        assert!(!queue.put(1, place(Pace::Critical, 9)));
        queue.remove(2);
        queue.remove(2);
        assert_eq!(queue.len(), 4);
        assert_eq!(drain(queue), [1, 5, 4, 3]);
    }
}
