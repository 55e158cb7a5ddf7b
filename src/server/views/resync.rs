//! Full updates for clients that have just connected, are out of sync, or have a wrong copy.

use crate::model::planted::{Bug, planted};
use std::collections::BTreeSet;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};

use crate::{
    model::id::InventoryId,
    server::{baseline::Baseline, requests::inbox::RequestWork},
    shared::random::InventoryRng,
    wire::handshake::{KnownCopies, REPAIRS_MAX},
};

use super::{
    client::RESYNC_TICKS_MIN,
    clients::Clients,
    lifecycle::reopen,
    subscriptions::{Subscription, Subscriptions},
};

/// The run of the server, and the number of ticks in it.
#[derive(Resource, Clone, Copy, Debug)]
pub(crate) struct SyncClock {
    /// Identifies this run of the server. Versions and checksums belong to it.
    pub(crate) epoch: u64,
    /// Number of ticks that have been synced.
    pub(crate) tick: u64,
}

impl FromWorld for SyncClock {
    fn from_world(world: &mut World) -> Self {
        let epoch = world.get_resource_or_init::<InventoryRng>().draw(1..);
        Self { epoch, tick: 0 }
    }
}

/// Server: trigger it to send full updates again, of one inventory or of all, to every client that sees them.
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResendInventories {
    /// The inventory. `None` for all of them.
    pub inventory: Option<Entity>,
}

pub(super) fn resend(
    resend: On<ResendInventories>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
) {
    let inventories: Vec<Entity> = match resend.inventory {
        Some(inventory) => vec![inventory],
        None => subscriptions.iter().map(|(inventory, _)| inventory).collect(),
    };
    for inventory in inventories {
        resend_one(inventory, &mut subscriptions, &mut clients);
    }
}

/// Sends full updates of an inventory to all its viewers.
pub(super) fn resend_one(
    inventory: Entity,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let viewers = subscriptions.get(inventory).map_or(0, |viewers| viewers.subscriptions.len());
    for at in 0..viewers {
        reopen(inventory, at, subscriptions, clients);
    }
}

/// Clients that wait for full updates.
#[derive(Resource, Default, Debug)]
pub(crate) struct Resync {
    /// Clients that requested full updates of everything, with the copies that they have.
    everything: Vec<(Entity, KnownCopies)>,
    /// Clients with an inventory of which they have a wrong copy.
    repairs: BTreeSet<(Entity, Entity)>,
}

impl Resync {
    /// Schedules everything that a client may see to be sent again, as soon as its
    /// [`ResyncTimer`](super::client::ResyncTimer) permits.
    pub(crate) fn request(&mut self, client: Entity, copies: KnownCopies) {
        match self.everything.iter_mut().find(|(listed, _)| *listed == client) {
            Some((_, before)) => *before = copies,
            None => self.everything.push((client, copies)),
        }
    }

    /// Schedules full updates of inventories of which a client has a wrong copy: at most [`REPAIRS_MAX`] every
    /// [`RESYNC_TICKS_MIN`] ticks.
    pub(crate) fn repair(&mut self, client: Entity, inventories: &[Entity]) {
        self.repairs.extend(inventories.iter().map(|inventory| (client, *inventory)));
    }

    /// Schedules full updates of these views, given with their handles. A view that has another handle by now
    /// is skipped.
    pub(crate) fn repair_views(
        &mut self,
        client: Entity,
        views: &[(u32, u32)],
        subscriptions: &Subscriptions,
        clients: &Clients,
    ) {
        let inventory = |(view, handle): &(u32, u32)| {
            let inventory = clients.inventory_of(client, *view)?;
            (subscriptions.get(inventory)?.handle == *handle).then_some(inventory)
        };
        let inventories: Vec<Entity> = views.iter().filter_map(inventory).collect();
        self.repair(client, &inventories);
    }

    pub(super) fn remove_client(&mut self, client: Entity) {
        self.everything.retain(|(listed, _)| *listed != client);
        self.repairs.retain(|(listed, _)| *listed != client);
    }

    /// Completes the handshake of a client: what it may see is sent in the next tick. A client that repeats its
    /// handshake has not received the answer.
    pub(crate) fn accept_handshake(
        &mut self,
        client: Entity,
        copies: KnownCopies,
        clock: SyncClock,
        subscriptions: &mut Subscriptions,
        clients: &mut Clients,
    ) {
        let Some(state) = clients.get_mut(client) else { return };
        if state.ready {
            self.request(client, copies);
        } else {
            state.resync.restart(clock.tick);
            reset_client(client, copies, clock, subscriptions, clients);
        }
    }

    /// Resets the clients whose request is due. A client's earlier requests are handled first, because after a reset it
    /// treats unanswered requests as lost.
    pub(super) fn serve_due(
        &mut self,
        clock: SyncClock,
        inventories: &Query<&Baseline, Allow<Disabled>>,
        work: &mut RequestWork,
        subscriptions: &mut Subscriptions,
        clients: &mut Clients,
    ) {
        self.everything.retain_mut(|(client, copies)| {
            let Some(state) = clients.get_mut(*client) else { return false };
            let due = state.ready
                && state.resync.is_due(clock.tick)
                && work.inboxes.waiting(*client) == 0
                && !planted(Bug::ResyncNotServed);
            if due {
                state.resync.restart(clock.tick);
                let copies = core::mem::take(copies);
                reset_client(*client, copies, clock, subscriptions, clients);
            }
            !due
        });
        self.serve_due_repairs(clock, inventories, work, subscriptions, clients);
    }

    /// Sends the inventories again, and their instance data. The clients are charged for the work.
    fn serve_due_repairs(
        &mut self,
        clock: SyncClock,
        inventories: &Query<&Baseline, Allow<Disabled>>,
        work: &mut RequestWork,
        subscriptions: &mut Subscriptions,
        clients: &mut Clients,
    ) {
        let repairs: Vec<_> = core::mem::take(&mut self.repairs).into_iter().collect();
        for of_one in repairs.chunk_by(|a, b| a.0 == b.0) {
            let client = of_one[0].0;
            let Some(state) = clients.get_mut(client) else { continue };
            if clock.tick < state.repairs_after || !work.is_left(client) {
                self.repairs.extend(of_one);
                continue;
            }
            state.repairs_after = clock.tick + RESYNC_TICKS_MIN;
            let (now, later) = of_one.split_at(of_one.len().min(REPAIRS_MAX));
            self.repairs.extend(later);
            for (_, inventory) in now {
                // If no update was sent yet, a full one is already due.
                let is_open =
                    |viewer: &Subscription| viewer.slot.client == client && viewer.sent.is_some();
                let viewers = subscriptions.get(*inventory);
                let at = viewers.and_then(|viewers| viewers.subscriptions.iter().position(is_open));
                let (Some(at), Ok(baseline)) = (at, inventories.get(*inventory)) else { continue };
                work.spend(client, baseline.len() as u64);
                if let Some(state) = clients.get_mut(client) {
                    state.resend_data(baseline.data());
                }
                reopen(*inventory, at, subscriptions, clients);
            }
        }
    }
}

/// Opens all views of a client from scratch.
fn reset_client(
    client: Entity,
    known: KnownCopies,
    clock: SyncClock,
    subscriptions: &mut Subscriptions,
    clients: &mut Clients,
) {
    let Some(state) = clients.get_mut(client) else { return };
    let (same_run, incoming) = (known.epoch == clock.epoch, known.transfer);
    let copies = known.copies.into_iter().filter(|_| same_run);
    state.keep_only(copies.map(|(id, version)| (InventoryId::from_bits(id), version)));
    state.queue.clear();
    state.checksums.clear();
    state.ready = true;
    state.reset = true;
    state.closes.clear();
    state.opens.clear();
    state.transfers.reset(incoming.filter(|_| same_run));
    state.known_data.clear();
    state.forgotten_data.clear();
    for (view, inventory) in (0u32..).zip(&state.inventory_by_view) {
        let viewers = inventory.and_then(|inventory| subscriptions.get_mut(inventory));
        let Some(viewers) = viewers else { continue };
        for subscription in &mut viewers.subscriptions {
            if subscription.slot.client == client {
                (subscription.sent, subscription.known) = (None, false);
            }
        }
        if !state.transfers.contains_view(view) {
            state.opens.insert(view);
        }
    }
    clients.mark_eventful(client);
}
