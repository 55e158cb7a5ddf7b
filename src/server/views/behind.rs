//! Which viewers have not been sent the newest version.

use bevy::{ecs::entity::EntityHashMap, prelude::*};

use crate::model::id::InventoryId;

use super::{
    clients::Clients,
    subscriptions::{Subscription, Subscriptions},
    throttle::Throttle,
};

/// Returns how many inventories each client is behind on.
pub(crate) fn count_behind(
    subscriptions: &Subscriptions,
    clients: &Clients,
    throttle: &Throttle,
) -> EntityHashMap<u64> {
    let mut behind = EntityHashMap::default();
    for client in clients.iter() {
        let queued = clients.get(client).map_or(0, |state| state.queue.len());
        if queued > 0 {
            behind.insert(client, queued as u64);
        }
    }
    for viewers in throttle.waiting().iter().filter_map(|inventory| subscriptions.get(*inventory)) {
        for viewer in &viewers.subscriptions {
            if viewer.is_unqueued(viewers.version, clients) {
                *behind.entry(viewer.slot.client).or_default() += 1;
            }
        }
    }
    behind
}

/// Lists the clients that have not been sent the newest version of an inventory, in order. `version` returns
/// the newest version of each inventory.
pub(crate) fn list_behind(
    subscriptions: &Subscriptions,
    clients: &Clients,
    version: impl Fn(Entity) -> u64,
) -> Vec<(Entity, InventoryId)> {
    let mut behind = Vec::new();
    for (inventory, viewers) in subscriptions.iter() {
        let newest = version(inventory);
        let is_behind = |viewer: &&Subscription| viewer.sent.is_none_or(|sent| sent < newest);
        let is_ready = |client| clients.get(client).is_some_and(|state| state.ready);
        let late = viewers.subscriptions.iter().filter(is_behind).map(|viewer| viewer.slot.client);
        behind.extend(late.filter(|client| is_ready(*client)).map(|client| (client, viewers.id)));
    }
    behind.sort_unstable();
    behind
}

/// Panics if a viewer is behind and no list contains it. Runs in every tick of debug builds.
#[cfg(debug_assertions)]
pub(super) fn check_behind(
    inventories: Query<
        &crate::server::baseline::Baseline,
        bevy::ecs::query::Allow<bevy::ecs::entity_disabling::Disabled>,
    >,
    subscriptions: Res<Subscriptions>,
    clients: Res<Clients>,
    throttle: Res<Throttle>,
) {
    for (inventory, viewers) in subscriptions.iter() {
        let newest = inventories.get(inventory).map_or(0, |baseline| baseline.version());
        for viewer in viewers.subscriptions.iter().filter(|viewer| viewer.is_behind(newest)) {
            let throttled = clients.outbox(viewer.slot).is_some_and(|outbox| outbox.throttled);
            let queued = !viewer.is_unqueued(newest, &clients);
            let listed = viewers.waits() || (throttled && queued);
            assert!(listed, "no list contains a viewer of {inventory} that is behind: {viewer:?}");
        }
    }
    let waiting = throttle.waiting().iter().filter_map(|inventory| subscriptions.get(*inventory));
    let listed = waiting.filter(|viewers| viewers.waits()).count();
    let all = subscriptions.iter().filter(|(_, viewers)| viewers.waits()).count();
    assert_eq!(listed, all, "each inventory that waits is listed once");
}
