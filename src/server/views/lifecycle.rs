//! Opens and closes views, and keeps [`Subscriptions`] and [`Clients`] consistent with each other.

use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::prelude::*;

use crate::{
    model::id::InventoryId,
    server::pacing::{clock::Timer, priority::SyncPriority},
    wire::CloseCause,
};

use super::{
    clients::Clients,
    subscriptions::{Access, InventoryViews, Subscription, Subscriptions},
    throttle::Throttle,
};

/// Removes a client with all its subscriptions.
pub(super) fn remove_client(
    client: Entity,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(gone) = clients.remove(client) else { return };
    for inventory in gone.views.into_iter().flatten() {
        if let Some(views) = subscriptions.get_mut(inventory) {
            views.subscriptions.retain(|subscription| subscription.slot.client != client);
        }
        remove_if_unseen(inventory, subscriptions, clients);
    }
}

/// Closes all views of an inventory that is gone.
pub(super) fn remove_inventory(
    inventory: Entity,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(InventoryViews { id, subscriptions, .. }) = subscriptions.remove(inventory) else {
        return;
    };
    for subscription in subscriptions {
        close(id, &subscription, CloseCause::Despawned, clients);
    }
}

/// Removes an inventory that nobody sees, so that its handle can be used again.
pub(super) fn remove_if_unseen(
    inventory: Entity,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    if subscriptions.get(inventory).is_some_and(InventoryViews::is_unseen) {
        remove_inventory(inventory, subscriptions, clients);
    }
}

/// Subscribes exactly the clients in `wanted` to an inventory.
pub(super) fn update_subscribers(
    (inventory, id): (Entity, InventoryId),
    wanted: &[(ClientId, Access, Option<SyncPriority>)],
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
    throttle: &mut Throttle,
) {
    let of_clients = wanted.iter().filter_map(|(client, access, priority)| {
        client.entity().map(|client| (client, (*access, *priority)))
    });
    let mut missing: EntityHashMap<(Access, Option<SyncPriority>)> = of_clients.collect();
    let views = subscriptions.get_or_insert(inventory, id);
    for before in core::mem::take(&mut views.subscriptions) {
        match missing.remove(&before.slot.client) {
            None => close(id, &before, CloseCause::Hidden, clients),
            Some((access, priority)) if access == before.access => {
                views.subscriptions.push(Subscription { priority, ..before });
                if priority != before.priority {
                    throttle.wait(inventory, views);
                }
            }
            Some((access, priority)) => {
                let changed = Subscription { access, priority, sent: None, ..before };
                views.subscriptions.push(changed);
                open(&changed, clients);
            }
        }
    }
    for client in wanted.iter().filter_map(|(client, ..)| client.entity()) {
        let Some((access, priority)) = missing.remove(&client) else { continue };
        let Some(slot) = clients.slot(client) else { continue };
        let view = clients.get_mut(client).and_then(|there| there.add(inventory));
        if let Some(view) = view {
            let (sent, known, timer) = (None, false, Timer::default());
            let new = Subscription { slot, view, access, sent, priority, timer, known };
            views.subscriptions.push(new);
            open(&new, clients);
        }
    }
}

/// Schedules a full update of an inventory for the viewer at this position.
pub(crate) fn reopen(
    inventory: Entity,
    at: usize,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(views) = subscriptions.get_mut(inventory) else { return };
    views.subscriptions[at].sent = None;
    open(&views.subscriptions[at], clients);
}

/// Records that a full update of this version is on its way to a client.
pub(crate) fn begin_view(
    inventory: Entity,
    client: Entity,
    version: u64,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(views) = subscriptions.get_mut(inventory) else { return };
    let of_client = |subscription: &&mut Subscription| subscription.slot.client == client;
    if let Some(subscription) = views.subscriptions.iter_mut().find(of_client) {
        (subscription.sent, subscription.known) = (Some(version), true);
    }
    if let Some(there) = clients.get_mut(client) {
        there.drop_copy(views.id);
    }
}

fn open(subscription: &Subscription, clients: &mut Clients) {
    let client = subscription.slot.client;
    if let Some(views) = clients.get_mut(client).filter(|views| views.ready) {
        views.queue.remove(subscription.view);
        views.opens.push(subscription.view);
        clients.mark_eventful(client);
    }
}

fn close(id: InventoryId, subscription: &Subscription, cause: CloseCause, clients: &mut Clients) {
    let client = subscription.slot.client;
    let Some(views) = clients.get_mut(client) else { return };
    views.remove(subscription.view);
    if subscription.known {
        if cause == CloseCause::Hidden {
            // While a full update is on its way the client has no version to continue from.
            views.keep_copy(id, subscription.sent.unwrap_or(0));
        }
        views.closes.push((subscription.view, cause));
        clients.mark_eventful(client);
    }
}
