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
    subscriptions::{Access, InventoryViewers, Subscription, Subscriptions},
    throttle::Throttle,
};

/// Removes a client with all its subscriptions.
pub(super) fn remove_client(
    client: Entity,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(gone) = clients.remove(client) else { return };
    for inventory in gone.inventory_by_view.into_iter().flatten() {
        if let Some(viewers) = subscriptions.get_mut(inventory) {
            viewers.subscriptions.retain(|subscription| subscription.slot.client != client);
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
    let Some(InventoryViewers { id, slots, subscriptions, .. }) = subscriptions.remove(inventory)
    else {
        return;
    };
    for subscription in subscriptions {
        close(id, slots, &subscription, CloseCause::Despawned, clients);
    }
}

/// Removes an inventory that nobody sees, so that its handle can be used again.
pub(super) fn remove_if_unseen(
    inventory: Entity,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    if subscriptions.get(inventory).is_some_and(InventoryViewers::is_unseen) {
        remove_inventory(inventory, subscriptions, clients);
    }
}

/// A player that may see an inventory.
#[derive(Clone, Copy)]
pub(super) struct WantedViewer {
    pub(super) client: ClientId,
    pub(super) access: Access,
    pub(super) priority: Option<SyncPriority>,
}

/// Subscribes exactly the clients in `wanted` to an inventory with this number of slots. Returns those that would see
/// too much, and do not see it.
pub(super) fn update_subscribers(
    inventory: Entity,
    id: InventoryId,
    slots: usize,
    wanted: &[WantedViewer],
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
    throttle: &mut Throttle,
) -> Vec<(Entity, SeesTooMuch)> {
    let mut excluded = Vec::new();
    let of_clients = wanted.iter().filter_map(|viewer| Some((viewer.client.entity()?, *viewer)));
    let mut missing: EntityHashMap<WantedViewer> = of_clients.collect();
    let viewers = subscriptions.get_or_insert(inventory, id);
    let slots_before = core::mem::replace(&mut viewers.slots, slots);
    for before in core::mem::take(&mut viewers.subscriptions) {
        let client = before.slot.client;
        let resized =
            clients.get_mut(client).map_or(Ok(()), |state| state.resize(slots_before, slots));
        let wanted = missing.remove(&client);
        if let Err(too_much) = resized {
            close(id, slots, &before, CloseCause::Hidden, clients);
            excluded.extend(wanted.map(|_| (client, too_much)));
            continue;
        }
        match wanted {
            None if planted(Bug::HiddenStaysOpen) => viewers.subscriptions.push(before),
            None if planted(Bug::ClosedIsUpdated) => {
                close(id, slots, &before, CloseCause::Hidden, clients);
                viewers.subscriptions.push(before);
            }
            None => close(id, slots, &before, CloseCause::Hidden, clients),
            Some(WantedViewer { access, priority, .. }) if access == before.access => {
                viewers.subscriptions.push(Subscription { priority, ..before });
                if priority != before.priority {
                    throttle.wait(inventory, viewers);
                }
            }
            Some(WantedViewer { access, priority, .. }) => {
                let changed = Subscription { access, priority, sent: None, ..before };
                viewers.subscriptions.push(changed);
                record_owner(&changed, clients);
                open(&changed, clients);
            }
        }
    }
    for client in wanted.iter().filter_map(|viewer| viewer.client.entity()) {
        let Some(WantedViewer { access, priority, .. }) = missing.remove(&client) else { continue };
        let Some(slot) = clients.slot(client) else { continue };
        let Some(state) = clients.get_mut(client) else { continue };
        match state.add(inventory, slots) {
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
                viewers.subscriptions.push(new);
                record_owner(&new, clients);
                open(&new, clients);
            }
            Err(too_much) => excluded.push((client, too_much)),
        }
    }
    excluded
}

/// Schedules a full update of an inventory for the viewer at this position.
pub(crate) fn reopen(
    inventory: Entity,
    at: usize,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(viewers) = subscriptions.get_mut(inventory) else { return };
    viewers.subscriptions[at].sent = None;
    open(&viewers.subscriptions[at], clients);
}

/// Records that a full update of this version is on its way to a client.
pub(crate) fn begin_view(
    inventory: Entity,
    client: Entity,
    version: u64,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(viewers) = subscriptions.get_mut(inventory) else { return };
    let of_client = |subscription: &&mut Subscription| subscription.slot.client == client;
    if let Some(subscription) = viewers.subscriptions.iter_mut().find(of_client) {
        (subscription.sent, subscription.known, subscription.checked) = (Some(version), true, 0);
        subscription.shown = subscription.access;
    }
    if let Some(state) = clients.get_mut(client) {
        state.drop_copy(viewers.id);
    }
}

/// Keeps the views of the inventories that a client owns.
fn record_owner(subscription: &Subscription, clients: &mut Clients) {
    let Some(state) = clients.get_mut(subscription.slot.client) else { return };
    if subscription.access.owner {
        state.own_views.insert(subscription.view);
    } else {
        state.own_views.remove(&subscription.view);
    }
}

fn open(subscription: &Subscription, clients: &mut Clients) {
    let client = subscription.slot.client;
    if let Some(state) = clients.get_mut(client).filter(|state| state.ready) {
        state.queue.remove(subscription.view);
        state.opens.insert(subscription.view);
        clients.mark_eventful(client);
    }
}

fn close(
    id: InventoryId,
    slots: usize,
    subscription: &Subscription,
    cause: CloseCause,
    clients: &mut Clients,
) {
    let client = subscription.slot.client;
    let Some(state) = clients.get_mut(client) else { return };
    state.remove(subscription.view, slots, cause);
    if subscription.known {
        if cause == CloseCause::Hidden {
            // While a full update is on its way the client has no version to continue from.
            state.keep_copy(id, subscription.sent.unwrap_or(0));
        }
        state.closes.push((subscription.view, cause));
        clients.mark_eventful(client);
    }
}
