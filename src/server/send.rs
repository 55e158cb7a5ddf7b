//! Hands the bytes to the messaging backend: a client's own message first, then what it shares.

use bevy::prelude::*;
use bevy_replicon::{prelude::*, shared::message::registry::RemoteMessageRegistry};
use bytes::Bytes;

use crate::{protocol::SyncBatch, stats::InventoryStats};

use super::{batch::Batched, encode::Encoded, views::Views};

pub(super) fn send_messages(
    registry: Res<RemoteMessageRegistry>,
    batched: Res<Batched>,
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
    let mut send = |client, bytes: Bytes| {
        stats.messages_sent += 1;
        stats.bytes_sent += bytes.len() as u64;
        messages.send(client, channel, bytes);
    };
    let mut touched = core::mem::take(&mut views.touched);
    for seat in touched.drain(..) {
        let Some(outgoing) = views.outgoing(seat) else { continue };
        outgoing.finish();
        if core::mem::take(&mut outgoing.listing) {
            outgoing.message.flag(false);
        }
        if !outgoing.message.is_empty() {
            send(seat.client, Bytes::copy_from_slice(outgoing.message.finish()));
            outgoing.message.clear();
        }
    }
    views.touched = touched;
    for (targets, bytes) in encoded.shared.drain(..) {
        for (seat, _) in &batched.targets[targets] {
            if views.outgoing(*seat).is_some() {
                send(seat.client, bytes.clone());
            }
        }
    }
}
