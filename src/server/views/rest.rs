//! Which inventories have come to rest, so that their viewers are told a digest.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;
use smallvec::SmallVec;

use crate::server::pace::Moment;

use super::{UnitViews, Views};

/// A unit that does not come to rest is looked at after so many times the pause that it is to rest.
const REST_MOST: u32 = 8;

impl UnitViews {
    /// Somebody is told of the unit; some time after that has happened last it has come to rest.
    pub(super) fn note_told(
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
}

impl Views {
    /// A client begins with a copy that it has kept, and that may have gone wrong meanwhile.
    pub(in crate::server) fn note_kept(&mut self, unit: Entity, now: Moment, after: Duration) {
        if let Some(watched) = self.units.get_mut(&unit) {
            watched.note_told(unit, (now, after), &mut self.resting);
        }
    }

    /// Whether it is time to look for a unit that has come to rest.
    pub(in crate::server) fn rest_is_due(&self, now: Moment) -> bool {
        self.resting.front().is_some_and(|(due, _)| *due <= now)
    }

    /// A unit that has come to rest, or has not for long; `None` if it is not time for the next one.
    pub(in crate::server) fn next_at_rest(
        &mut self,
        now: Moment,
        after: Duration,
    ) -> Option<Entity> {
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
    pub(in crate::server) fn tell_digest(&mut self, unit: Entity, version: u64, digest: u64) {
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
}
