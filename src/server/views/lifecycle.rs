//! Opens and closes views, and keeps [`Subscriptions`] and [`Clients`] consistent with each other.

use bevy::{ecs::entity::EntityHashMap, prelude::*};
use bevy_replicon::prelude::*;

use crate::model::planted::{Bug, planted};
use crate::{
    model::id::InventoryId,
    server::pacing::{clock::Timer, priority::SyncPriority},
    wire::CloseCause,
};

use super::{
    client::SeesTooMuch,
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
    let Some(InventoryViews { id, slots, subscriptions, .. }) = subscriptions.remove(inventory)
    else {
        return;
    };
    for subscription in subscriptions {
        close((id, slots), &subscription, CloseCause::Despawned, clients);
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

/// Subscribes exactly the clients in `wanted` to an inventory with this number of slots. Returns those that would see
/// too much, and do not see it.
pub(super) fn update_subscribers(
    (inventory, id, slots): (Entity, InventoryId, usize),
    wanted: &[(ClientId, Access, Option<SyncPriority>)],
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
    throttle: &mut Throttle,
) -> Vec<(Entity, SeesTooMuch)> {
    let mut refused = Vec::new();
    let of_clients = wanted.iter().filter_map(|(client, access, priority)| {
        client.entity().map(|client| (client, (*access, *priority)))
    });
    let mut missing: EntityHashMap<(Access, Option<SyncPriority>)> = of_clients.collect();
    let views = subscriptions.get_or_insert(inventory, id);
    let slots_before = core::mem::replace(&mut views.slots, slots);
    for before in core::mem::take(&mut views.subscriptions) {
        let client = before.slot.client;
        let resized =
            clients.get_mut(client).map_or(Ok(()), |there| there.resize(slots_before, slots));
        let access = missing.remove(&client);
        if let Err(too_much) = resized {
            close((id, slots), &before, CloseCause::Hidden, clients);
            refused.extend(access.map(|_| (client, too_much)));
            continue;
        }
        match access {
            None if planted(Bug::HiddenStaysOpen) => views.subscriptions.push(before),
            None if planted(Bug::ClosedIsUpdated) => {
                close((id, slots), &before, CloseCause::Hidden, clients);
                views.subscriptions.push(before);
            }
            None => close((id, slots), &before, CloseCause::Hidden, clients),
            Some((access, priority)) if access == before.access => {
                views.subscriptions.push(Subscription { priority, ..before });
                if priority != before.priority {
                    throttle.wait(inventory, views);
                }
            }
            Some((access, priority)) => {
                let changed = Subscription { access, priority, sent: None, ..before };
                views.subscriptions.push(changed);
                record_owner(&changed, clients);
                open(&changed, clients);
            }
        }
    }
    for client in wanted.iter().filter_map(|(client, ..)| client.entity()) {
        let Some((access, priority)) = missing.remove(&client) else { continue };
        let Some(slot) = clients.slot(client) else { continue };
        let Some(there) = clients.get_mut(client) else { continue };
        match there.add(inventory, slots) {
            Ok(view) => {
                let (sent, known, checked, timer) = (None, false, 0, Timer::default());
                let new = Subscription {
                    slot,
                    view,
                    access,
                    shown: access,
                    sent,
                    priority,
                    timer,
                    known,
                    checked,
                };
                views.subscriptions.push(new);
                record_owner(&new, clients);
                open(&new, clients);
            }
            Err(too_much) => refused.push((client, too_much)),
        }
    }
    refused
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
        (subscription.sent, subscription.known, subscription.checked) = (Some(version), true, 0);
        subscription.shown = subscription.access;
    }
    if let Some(there) = clients.get_mut(client) {
        there.drop_copy(views.id);
    }
}

/// Keeps the views of the inventories that a client owns.
fn record_owner(subscription: &Subscription, clients: &mut Clients) {
    let Some(views) = clients.get_mut(subscription.slot.client) else { return };
    if subscription.access.owner {
        views.own.insert(subscription.view);
    } else {
        views.own.remove(&subscription.view);
    }
}

fn open(subscription: &Subscription, clients: &mut Clients) {
    let client = subscription.slot.client;
    if let Some(views) = clients.get_mut(client).filter(|views| views.ready) {
        views.queue.remove(subscription.view);
        views.opens.insert(subscription.view);
        clients.mark_eventful(client);
    }
}

fn close(
    (id, slots): (InventoryId, usize),
    subscription: &Subscription,
    cause: CloseCause,
    clients: &mut Clients,
) {
    let client = subscription.slot.client;
    let Some(views) = clients.get_mut(client) else { return };
    views.remove(subscription.view, slots);
    if subscription.known {
        if cause == CloseCause::Hidden {
            // While a full update is on its way the client has no version to continue from.
            views.keep_copy(id, subscription.sent.unwrap_or(0));
        }
        views.closes.push((subscription.view, cause));
        clients.mark_eventful(client);
    }
}
