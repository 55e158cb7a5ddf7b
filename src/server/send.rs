//! Hands the bytes to the messaging backend: a client's own message first, then what it shares.

use bevy::prelude::*;
use bevy_replicon::{prelude::*, shared::message::registry::RemoteMessageRegistry};
use bytes::Bytes;

use crate::{protocol::SyncBatch, stats::InventoryStats, wire::encode};

use super::{
    batch::{Batched, SyncSettings},
    encode::Encoded,
    pace::Moment,
    views::{Outgoing, Views},
};

pub(super) fn send_messages(
    registry: Res<RemoteMessageRegistry>,
    (batched, settings, time): (Res<Batched>, Res<SyncSettings>, Res<Time<Real>>),
    mut views: ResMut<Views>,
    mut encoded: ResMut<Encoded>,
    mut messages: ResMut<ServerMessages>,
    mut stats: ResMut<InventoryStats>,
) {
    if views.touched.is_empty() && encoded.shared.is_empty() {
        return;
    }
    let Some(channel) = registry.server_message_channel::<SyncBatch>() else { return };
    // Marked as changed once, not for every message.
    let (views, messages, stats) = (&mut *views, &mut *messages, &mut *stats);
    let now = Moment::new(time.elapsed());
    let [rate, total_rate] = settings.rates();
    let (mut sent_messages, mut sent_bytes) = (0, 0);
    let mut send = |outgoing: &mut Outgoing, client, bytes: Bytes| {
        sent_messages += 1;
        sent_bytes += bytes.len();
        outgoing.sent(bytes.len());
        outgoing.budget.spend(bytes.len(), rate, now);
        messages.send(client, channel, bytes);
    };
    let mut touched = core::mem::take(&mut views.touched);
    for seat in touched.drain(..) {
        let Some((outgoing, client)) = views.client_at(seat) else { continue };
        outgoing.finish();
        if core::mem::take(&mut outgoing.listing) {
            outgoing.message.flag(false);
        }
        if core::mem::take(&mut outgoing.digests) {
            stats.digests_encoded += client.digests.len() as u64;
            let before = outgoing.message.len();
            encode::digests(&mut outgoing.message, &client.digests);
            stats.bits_digests += (outgoing.message.len() - before) as u64;
            client.digests.clear();
        }
        if !outgoing.message.is_empty() {
            let bytes = Bytes::copy_from_slice(outgoing.message.finish());
            send(outgoing, seat.client, bytes);
            outgoing.message.clear();
        }
    }
    views.touched = touched;
    for (targets, bytes) in encoded.shared.drain(..) {
        for (seat, _) in &batched.targets[targets] {
            if let Some(outgoing) = views.outgoing(*seat) {
                send(outgoing, seat.client, bytes.clone());
            }
        }
    }
    stats.messages_sent += sent_messages;
    stats.bytes_sent += sent_bytes as u64;
    views.line.total.spend(sent_bytes, total_rate, now);
}
