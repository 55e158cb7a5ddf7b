//! For the overlay: a look at who was told what, and a way to have it told again.

use bevy::prelude::*;

use crate::server::pace::Pace;

use super::{UnitViews, Views};

/// What one client was told of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) client: Entity,
    /// The version; `None` while a full copy is on its way.
    pub(crate) version: Option<u64>,
    pub(crate) pace: Option<Pace>,
}

impl Views {
    /// The clients that see a unit.
    pub(crate) fn told(&self, unit: Entity) -> impl Iterator<Item = Told> + '_ {
        let watchers = self.units.get(&unit).into_iter().flat_map(|watched| &watched.watchers);
        watchers.map(|watcher| Told {
            client: watcher.seat.client,
            version: watcher.told,
            pace: watcher.pace,
        })
    }

    /// Whether the local player sees a unit.
    pub(crate) fn is_seen_here(&self, unit: Entity) -> bool {
        self.units.get(&unit).is_some_and(|watched| watched.local.is_some())
    }

    /// The name that a unit has on the wire.
    pub(crate) fn handle(&self, unit: Entity) -> u32 {
        self.units.get(&unit).map_or(0, |watched: &UnitViews| watched.handle)
    }

    /// Has all who see a unit sent a full copy.
    pub(crate) fn send_again(&mut self, unit: Entity) {
        let watchers = self.units.get(&unit).map_or(0, |watched| watched.watchers.len());
        for at in 0..watchers {
            self.reopen(unit, at);
        }
    }

    /// The same of everything.
    pub(crate) fn send_all_again(&mut self) {
        let units: Vec<Entity> = self.units.keys().copied().collect();
        for unit in units {
            self.send_again(unit);
        }
    }
}
