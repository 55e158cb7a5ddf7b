//! Which inventories have been idle long enough to send their viewers a checksum.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;

use crate::server::pacing::clock::AppInstant;

use super::{
    clients::Clients,
    subscriptions::{InventoryViewers, Subscriptions},
};

/// An inventory that never becomes idle is checked after this multiple of the delay.
pub(crate) const BUSY_DELAYS: u32 = 8;

/// Maximum number of inventories that are checked in one tick, so that many that opened at once cause no burst.
const CHECKS_PER_TICK: usize = 32;

/// Inventories that opened or changed and have not been checked since.
#[derive(Resource, Default, Debug)]
pub(crate) struct IdleChecks {
    /// Inventories with the time of their check, the earliest first.
    queue: VecDeque<(AppInstant, Entity)>,
}

impl IdleChecks {
    /// Records that an inventory, or an update of it, was sent. It is checked once none has been sent for `delay`.
    /// With a `delay` of zero it is never checked.
    pub(crate) fn record_sent(
        &mut self,
        inventory: Entity,
        viewers: &mut InventoryViewers,
        now: AppInstant,
        delay: Duration,
    ) {
        viewers.sent_at = now;
        if viewers.checked_since.is_none() && !delay.is_zero() {
            viewers.checked_since = Some(now);
            self.enqueue(inventory, viewers, now.plus(delay));
        }
    }

    fn enqueue(&mut self, inventory: Entity, viewers: &mut InventoryViewers, due: AppInstant) {
        viewers.check_due = due;
        self.queue.push_back((due, inventory));
    }

    /// Returns `true` if it is time to check an inventory.
    pub(crate) fn is_due(&self, now: AppInstant) -> bool {
        self.queue.front().is_some_and(|(due, _)| *due <= now)
    }

    /// Returns the inventories that are idle, or have been busy for too long, at most [`CHECKS_PER_TICK`].
    pub(crate) fn take_due(
        &mut self,
        now: AppInstant,
        delay: Duration,
        subscriptions: &mut Subscriptions,
    ) -> Vec<Entity> {
        core::iter::from_fn(|| self.next(now, delay, subscriptions)).take(CHECKS_PER_TICK).collect()
    }

    fn next(
        &mut self,
        now: AppInstant,
        delay: Duration,
        subscriptions: &mut Subscriptions,
    ) -> Option<Entity> {
        while let Some((due, inventory)) = self.queue.pop_front_if(|(due, _)| *due <= now) {
            let Some(viewers) = subscriptions.get_mut(inventory) else { continue };
            // If it was closed and opened again, it has another entry.
            let queued = viewers.checked_since.filter(|_| viewers.check_due == due);
            let Some(since) = queued else { continue };
            let idle = viewers.sent_at.plus(delay) <= now;
            let busy_for_long = since.plus(delay * BUSY_DELAYS) <= now;
            // An update that was sent in this tick has not been received yet.
            if idle || (busy_for_long && viewers.sent_at != now) {
                viewers.checked_since = None;
                return Some(inventory);
            }
            let due = if busy_for_long {
                now.plus(Duration::from_micros(1))
            } else {
                viewers.sent_at.plus(delay)
            };
            self.enqueue(inventory, viewers, due);
        }
        None
    }
}

/// Schedules a checksum for every viewer that has been sent this version, and has not been sent its checksum.
pub(crate) fn send_checksum(
    inventory: Entity,
    version: u64,
    checksum: u64,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(viewers) = subscriptions.get_mut(inventory) else { return };
    for viewer in viewers.subscriptions.iter_mut() {
        if viewer.sent != Some(version) || viewer.checked == version {
            continue;
        }
        viewer.checked = version;
        let client = viewer.slot.client;
        if let Some(state) = clients.get_mut(client) {
            state.checksums.push((viewer.view, checksum));
            clients.mark_eventful(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::InventoryId;

    #[test]
    fn inventory_that_is_opened_again_and_again_does_not_fill_the_queue() {
        let (mut checks, mut subscriptions) = (IdleChecks::default(), Subscriptions::default());
        let (inventory, delay) = (Entity::from_raw_u32(1).unwrap(), Duration::from_millis(10));
        let mut checked = 0;
        for millis in 0..1000 {
            let now = AppInstant::new(Duration::from_millis(millis));
            let viewers = subscriptions.get_or_insert(inventory, InventoryId::sequential(1));
            if millis % 2 == 0 {
                checks.record_sent(inventory, viewers, now, delay);
            }
            checked += checks.take_due(now, delay, &mut subscriptions).len();
            assert!(checks.queue.len() <= 11, "{} entries", checks.queue.len());
            if millis < 500 {
                subscriptions.remove(inventory);
            }
        }
        assert!(checked > 0, "an inventory that stays open is checked");
    }
}
