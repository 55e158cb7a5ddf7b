//! Passes the bytes to the messaging backend: the private message of each client first, then shared parts, then
//! chunks.

use bevy::prelude::*;
use bevy_replicon::{prelude::*, shared::message::registry::RemoteMessageRegistry};
use bytes::Bytes;
use log::error;

use crate::{
    server::{
        pacing::{clock::AppInstant, settings::SyncSettings},
        views::{
            clients::{Clients, Outbox},
            throttle::Throttle,
        },
    },
    shared::{
        messages::{SyncBatch, SyncChunk},
        stats::InventoryStats,
    },
    wire::transfer::{ChunkHead, write_chunk},
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
    // Marked as changed once, not for every message.
    let (clients, messages) = (&mut *clients, &mut *messages);
    let now = AppInstant::new(time.elapsed());
    let [rate, total_rate] = settings.rates();
    let (mut sent_messages, mut sent_bytes) = (0, 0);
    let mut send = |outbox: &mut Outbox, client, bytes: Bytes| {
        sent_messages += 1;
        sent_bytes += bytes.len();
        outbox.record_sent(bytes.len());
        outbox.budget.spend(bytes.len(), rate, now);
        messages.send(client, channel, bytes);
    };
    let mut pending = core::mem::take(&mut clients.pending);
    for slot in pending.drain(..) {
        let Some(outbox) = clients.outbox_mut(slot) else { continue };
        outbox.reset();
        if !outbox.message.is_empty() {
            let bytes = outbox.message.take_bytes();
            send(outbox, slot.client, bytes);
        }
    }
    clients.pending = pending;
    for (targets, bytes) in encoded.shared.drain(..) {
        for (slot, _) in &batched.targets[targets] {
            if let Some(outbox) = clients.outbox_mut(*slot) {
                send(outbox, slot.client, bytes.clone());
            }
        }
    }
    stats.messages_sent += sent_messages;
    stats.bytes_sent += sent_bytes as u64;
    throttle.total.spend(sent_bytes, total_rate, now);
}

/// Sends the chunks of transfers, as far as the budgets allow.
pub(crate) fn send_chunks(
    registry: Res<RemoteMessageRegistry>,
    settings: Res<SyncSettings>,
    time: Res<Time<Real>>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut messages: ResMut<ServerMessages>,
    mut stats: ResMut<InventoryStats>,
) {
    if clients.chunked.is_empty() {
        return;
    }
    let Some(channel) = registry.server_message_channel::<SyncChunk>() else {
        return error!("the channel of inventory chunks is not registered");
    };
    let now = AppInstant::new(time.elapsed());
    let [rate, total_rate] = settings.rates();
    let mut chunked = core::mem::take(&mut clients.chunked);
    // Clients take turns to be first.
    chunked.rotate_left(1);
    chunked.retain(|client| {
        let left_in_total = throttle.total.left(total_rate, now);
        let Some((outbox, views)) = clients.by_entity_mut(*client) else { return false };
        let number = views.transfers.last;
        let Some(transfer) = &mut views.transfers.transfer else {
            return !views.transfers.is_idle();
        };
        let mut left = if throttle.is_flushing() {
            usize::MAX
        } else {
            let left = settings.chunk_bytes_per_tick.max(1);
            left.min(outbox.budget.left(rate, now)).min(left_in_total)
        };
        let mut bytes = 0;
        while left > 0 && transfer.sent < transfer.total {
            let (index, total) = (transfer.sent, transfer.total);
            let head = ChunkHead { transfer: number, index, total };
            let chunk = Bytes::from(write_chunk(head, &transfer.bytes));
            stats.chunks_sent += 1;
            bytes += chunk.len();
            left = left.saturating_sub(chunk.len());
            outbox.record_sent(chunk.len());
            messages.send(*client, channel, chunk);
            transfer.sent += 1;
            transfer.sent_at = now;
        }
        stats.bytes_sent += bytes as u64;
        stats.bytes_chunks += bytes as u64;
        outbox.budget.spend(bytes, rate, now);
        throttle.total.spend(bytes, total_rate, now);
        true
    });
    chunked.append(&mut clients.chunked);
    clients.chunked = chunked;
}
