//! Passes the messages of a tick to the messaging backend: the private message of each client first, then shared
//! parts.

use bevy::prelude::*;
use bevy_replicon::{prelude::*, shared::message::registry::RemoteMessageRegistry};
use bytes::Bytes;
use log::error;

use crate::{
    server::{
        pacing::{budget::SendCost, clock::AppInstant, settings::SyncSettings},
        views::{
            client::SyncedClient,
            clients::{Clients, Outbox},
            throttle::Throttle,
        },
    },
    shared::{messages::SyncBatch, stats::InventoryStats},
};

use super::{encode::Encoded, job::Batched};

pub(crate) fn send_messages(
    registry: Res<RemoteMessageRegistry>,
    batched: Res<Batched>,
    settings: Res<SyncSettings>,
    time: Res<Time<Real>>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut encoded: ResMut<Encoded>,
    mut messages: ResMut<ServerMessages>,
    mut stats: ResMut<InventoryStats>,
) {
    if clients.pending.is_empty() && encoded.shared.is_empty() {
        return;
    }
    let Some(channel) = registry.server_message_channel::<SyncBatch>() else {
        return error!("the channel of inventory updates is not registered");
    };
    // Change detection is triggered once, not for every message.
    let (clients, messages) = (&mut *clients, &mut *messages);
    let now = AppInstant::new(time.elapsed());
    let rates = settings.rates();
    let (mut sent_messages, mut sent_bytes) = (0, 0);
    let now_nanos = now.nanos();
    let Throttle { total, shares, .. } = &mut *throttle;
    let mut send = |(outbox, state): (&mut Outbox, &mut SyncedClient),
                    client,
                    bytes: Bytes,
                    cost: SendCost| {
        sent_messages += 1;
        sent_bytes += bytes.len();
        outbox.record_sent(bytes.len());
        outbox.budget.spend_time(cost.client_nanos, now_nanos);
        if cost.total_nanos > 0 {
            shares.spend(&mut state.share, cost.total_nanos);
        }
        messages.send(client, channel, bytes);
    };
    let mut pending = core::mem::take(&mut clients.pending);
    for slot in pending.drain(..) {
        let Some((outbox, state)) = clients.at_mut(slot) else { continue };
        outbox.reset();
        if !outbox.message.is_empty() {
            let bytes = outbox.stream.seal(outbox.message.take_bytes());
            let cost = rates.cost(bytes.len());
            send((outbox, state), slot.client, bytes, cost);
        }
    }
    clients.pending = pending;
    clients.has_events = false;
    for (targets, bytes) in encoded.shared.drain(..) {
        let cost = rates.cost(bytes.len());
        for (slot, _) in &batched.targets[targets] {
            if let Some(client) = clients.at_mut(*slot) {
                client.0.stream.add(&bytes);
                send(client, slot.client, bytes.clone(), cost);
            }
        }
    }
    stats.messages_sent += sent_messages;
    stats.bytes_sent += sent_bytes as u64;
    total.spend(sent_bytes, rates.total, now);
}
