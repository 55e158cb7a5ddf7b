//! Keeps the open views consistent with [`Owner`] and [`Viewers`], and removes clients that have disconnected.

use bevy::{
    ecs::{
        entity::Entities,
        entity_disabling::Disabled,
        lifecycle::{Add, Insert, Remove},
        query::Allow,
    },
    platform::collections::HashSet,
    prelude::*,
};
use bevy_replicon::prelude::*;
use log::error;
use smallvec::SmallVec;

use crate::{
    model::{id::InventoryId, rights::Rights},
    server::{
        baseline::Baseline,
        faults::{InventoryFault, Unsynced},
        local::{close_local, mark_local, open_local},
        marked::Marked,
        pacing::{priority::SyncPriority, quality::QualityChanged},
        requests::{
            bodies::OwnedInventories,
            inbox::{Inboxes, RequestWork},
            sessions::Sessions,
        },
    },
    shared::{authority::Authority, events::CloseReason, markers::ActingInventory},
};

use super::{
    access::{Owner, Viewers},
    client::SeesTooMuch,
    clients::Clients,
    lifecycle::{
        WantedViewer, remove_client, remove_if_unseen, remove_inventory, update_subscribers,
    },
    resync::{Resync, SyncClock, resend_one},
    subscriptions::{Access, Subscriptions},
    throttle::Throttle,
};

pub(super) fn plugin(app: &mut App) {
    app.add_observer(on_connect)
        .add_observer(on_grade_change)
        .add_observer(on_disconnect)
        .add_observer(on_inventory_removed)
        .add_observer(on_priority_removed)
        .add_observer(mark_stale::<Add, Baseline>)
        .add_observer(mark_stale::<Insert, Owner>)
        .add_observer(mark_stale::<Remove, Owner>)
        .add_observer(mark_stale::<Remove, Viewers>)
        .add_observer(mark_stale::<Insert, ActingInventory>)
        .add_observer(mark_stale::<Remove, ActingInventory>)
        .add_observer(mark_stale::<Insert, Unsynced>)
        .add_observer(mark_stale::<Remove, Unsynced>)
        .add_observer(on_replication_changed::<Add>)
        .add_observer(on_replication_changed::<Remove>)
        .add_systems(OnExit(ServerState::Running), disconnect_all)
        .add_systems(OnEnter(ClientState::Disconnected), mark_all_stale)
        .add_systems(OnExit(ClientState::Disconnected), close_all_local);
}

fn mark_stale<E: EntityEvent, C: Component>(
    event: On<E, C>,
    authority: Authority,
    mut subscriptions: ResMut<Subscriptions>,
) {
    if authority.is_here() {
        subscriptions.mark_stale(event.event_target());
    }
}

/// Sends an inventory again if its entity is replicated from now on, or no longer: clients show it on another entity.
fn on_replication_changed<E: EntityEvent>(
    event: On<E, Replicated>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
) {
    resend_one(event.event_target(), &mut subscriptions, &mut clients);
}

/// Updates the viewers of all inventories. Those that were spawned while this app was a client belong to it
/// from now on.
fn mark_all_stale(
    inventories: Query<Entity, (With<Baseline>, Allow<Disabled>)>,
    mut subscriptions: ResMut<Subscriptions>,
) {
    inventories.iter().for_each(|inventory| subscriptions.mark_stale(inventory));
}

/// Adds a client. A game may have made it a viewer before the backend reported the connection.
fn on_connect(
    add: On<Add, ConnectedClient>,
    owned: Res<OwnedInventories>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut resync: ResMut<Resync>,
    mut sessions: ResMut<Sessions>,
) {
    remove_client(add.entity, &mut subscriptions, &mut clients);
    resync.remove_client(add.entity);
    clients.insert(add.entity);
    sessions.enter(add.entity);
    for inventory in owned.of(ClientId::Client(add.entity)) {
        subscriptions.mark_stale(*inventory);
    }
    for inventory in subscriptions.listing(add.entity) {
        subscriptions.mark_stale(inventory);
    }
}

fn on_grade_change(changed: On<QualityChanged>, mut clients: ResMut<Clients>) {
    clients.set_grade(changed.client, changed.to);
}

/// Removes a client from all state, including the [`Owner`] and [`Viewers`] components.
fn on_disconnect(
    remove: On<Remove, ConnectedClient>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut resync: ResMut<Resync>,
    mut sessions: ResMut<Sessions>,
    mut inboxes: ResMut<Inboxes>,
    mut owned: ResMut<OwnedInventories>,
    mut viewed: Query<&mut Viewers, Allow<Disabled>>,
    mut commands: Commands,
) {
    let client = ClientId::Client(remove.entity);
    let listing = subscriptions.take_listing(remove.entity);
    remove_client(remove.entity, &mut subscriptions, &mut clients);
    resync.remove_client(remove.entity);
    sessions.leave(remove.entity);
    inboxes.remove_client(remove.entity);
    for inventory in owned.of(client) {
        commands.entity(*inventory).try_remove::<Owner>();
    }
    owned.forget(client);
    for inventory in listing {
        if let Ok(mut viewers) = viewed.get_mut(inventory) {
            viewers.remove(client);
        }
    }
}

fn on_inventory_removed(
    remove: On<Remove, Baseline>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut commands: Commands,
) {
    let inventory = remove.entity;
    if let Some(viewers) = subscriptions.get(inventory).filter(|viewers| viewers.local.is_some()) {
        close_local(&mut commands, inventory, viewers.id, CloseReason::Despawned);
    }
    remove_inventory(inventory, &mut subscriptions, &mut clients);
}

/// Moves queued updates of an inventory whose priority was removed, because the default priority is critical.
fn on_priority_removed(
    remove: On<Remove, SyncPriority>,
    mut subscriptions: ResMut<Subscriptions>,
    mut throttle: ResMut<Throttle>,
) {
    if let Some(viewers) = subscriptions.get_mut(remove.entity) {
        throttle.wait(remove.entity, viewers);
    }
}

/// Removes all clients when the server stops. Nothing is sent to them, because their connections end.
fn disconnect_all(
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut resync: ResMut<Resync>,
) {
    let all: Vec<Entity> = clients.iter().collect();
    for client in all {
        remove_client(client, &mut subscriptions, &mut clients);
        resync.remove_client(client);
    }
}

/// Closes all local views. A player that joins a server no longer sees the inventories of its own world.
fn close_all_local(
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut commands: Commands,
) {
    for (inventory, id) in subscriptions.remove_local() {
        remove_if_unseen(inventory, &mut subscriptions, &mut clients);
        close_local(&mut commands, inventory, id, CloseReason::Hidden);
    }
}

type Viewed<'w> = (
    &'w InventoryId,
    &'w Baseline,
    Option<&'w Owner>,
    Option<&'w Viewers>,
    Has<ActingInventory>,
    Has<Unsynced>,
);

/// Opens and closes the views of inventories whose viewers or containers have changed since the last tick, and resets
/// the clients that requested it.
pub(crate) fn update_views(
    changed: Query<Entity, (Changed<Viewers>, With<Baseline>, Allow<Disabled>)>,
    inventories: Query<Viewed, Allow<Disabled>>,
    baselines: Query<&Baseline, Allow<Disabled>>,
    marked: Res<Marked>,
    entities: &Entities,
    mut clock: ResMut<SyncClock>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut resync: ResMut<Resync>,
    mut work: RequestWork,
    mut faults: MessageWriter<InventoryFault>,
    mut commands: Commands,
) {
    let mut stale = subscriptions.take_stale();
    stale.extend(&changed);
    stale.extend(&marked.resized);
    let mut reported = HashSet::<(Entity, Entity)>::default();
    for inventory in stale.iter().copied() {
        let Ok((id, baseline, owner, viewers, acts, unsynced)) = inventories.get(inventory) else {
            continue;
        };
        let wanted = if unsynced { SmallVec::new() } else { wanted_access(owner, acts, viewers) };
        let before = subscriptions.get(inventory);
        if wanted.is_empty() && before.is_none() {
            continue;
        }
        if let Some(renamed) = before.filter(|viewers| viewers.id != *id) {
            if renamed.local.is_some() {
                close_local(&mut commands, inventory, renamed.id, CloseReason::Hidden);
            }
            remove_inventory(inventory, &mut subscriptions, &mut clients);
        }
        let may_connect = |client: Entity| {
            // A game may add a client before the backend reports the connection.
            clients.slot(client).is_some() || entities.contains(client)
        };
        if let Some(Owner(ClientId::Client(client))) = owner
            && !may_connect(*client)
        {
            // It was inserted when the client had disconnected already.
            commands.entity(inventory).try_remove::<Owner>();
        }
        for gone in subscriptions.record_listing(inventory, viewers, may_connect) {
            // It was added when the client had disconnected already.
            commands.entity(inventory).queue(move |mut inventory: EntityWorldMut| {
                if let Some(mut viewers) = inventory.get_mut::<Viewers>() {
                    viewers.remove(ClientId::Client(gone));
                }
            });
        }
        let excluded = update_subscribers(
            inventory,
            *id,
            baseline.len(),
            &wanted,
            &mut subscriptions,
            &mut clients,
            &mut throttle,
        );
        for (client, SeesTooMuch { views, slots }) in excluded {
            // An inventory may be listed several times.
            if !reported.insert((inventory, client)) {
                continue;
            }
            let fault = InventoryFault::ClientSeesTooMuch { inventory: *id, client, views, slots };
            error!("{fault}");
            faults.write(fault);
        }
        let local = wanted.iter().find(|viewer| viewer.client == ClientId::Server);
        let local = local.map(|viewer| viewer.access);
        update_local(&mut subscriptions, inventory, *id, local, &mut commands);
        remove_if_unseen(inventory, &mut subscriptions, &mut clients);
    }
    subscriptions.return_stale(stale);
    clock.tick += 1;
    clients.resume_unfinished();
    resync.serve_due(*clock, &baselines, &mut work, &mut subscriptions, &mut clients);
}

/// Lists the players that may see an inventory, each once.
fn wanted_access(
    owner: Option<&Owner>,
    acts: bool,
    viewers: Option<&Viewers>,
) -> SmallVec<[WantedViewer; 2]> {
    let owned = Access { rights: Rights::all(), owner: true, acts };
    let owner_viewer =
        owner.map(|owner| WantedViewer { client: owner.0, access: owned, priority: None });
    let mut wanted: SmallVec<[WantedViewer; 2]> = owner_viewer.into_iter().collect();
    for (client, rights, priority) in viewers.into_iter().flat_map(Viewers::iter_with_priority) {
        if owner != Some(&Owner(client)) {
            let access = Access { rights, owner: false, acts: false };
            wanted.push(WantedViewer { client, access, priority });
        }
    }
    wanted
}

fn update_local(
    subscriptions: &mut Subscriptions,
    inventory: Entity,
    id: InventoryId,
    local: Option<Access>,
    commands: &mut Commands,
) {
    let Some(viewers) = subscriptions.get_mut(inventory) else { return };
    match (core::mem::replace(&mut viewers.local, local), local) {
        (before, after) if before == after => {}
        (before, Some(access)) => {
            mark_local(commands, inventory, access);
            if before.is_none() {
                open_local(commands, inventory, id, access);
            }
        }
        (_, None) => close_local(commands, inventory, id, CloseReason::Hidden),
    }
    subscriptions.seen_locally |= local.is_some();
}
