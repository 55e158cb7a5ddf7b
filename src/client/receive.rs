//! Groups the messages of one server tick: a message can announce shared parts that follow it and must be applied
//! together with it.

use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;
use log::warn;

use crate::{
    shared::{
        events::SyncRejected, fingerprint::LocalProtocol, messages::SyncBatch,
        stats::InventoryStats,
    },
    wire::{
        DecodeError, decode,
        handshake::{ProtocolMismatch, REJECTED, read_rejection},
        stream::StreamCheck,
    },
};

use super::state::SyncState;

/// Received messages that [`apply_messages`](super::apply) has not processed yet.
#[derive(Resource, Default, Debug)]
pub(crate) struct Received {
    /// Complete groups, and the errors of messages that were dropped between them, oldest first.
    pub(crate) groups: Vec<Result<Vec<Bytes>, DecodeError>>,
    /// A group whose shared parts have not all arrived.
    partial: Vec<Bytes>,
    missing: usize,
    /// Check of everything that was received since the last reset.
    pub(super) stream: StreamCheck,
}

impl Received {
    /// Adds one message.
    fn collect(&mut self, bytes: Bytes, stats: &mut InventoryStats) {
        let bytes = match self.stream.verify(bytes) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.partial.clear();
                self.missing = 0;
                stats.gaps += 1;
                return self.drop_message(error);
            }
        };
        if self.missing > 0 && decode::is_shared(&bytes) {
            self.missing -= 1;
        } else {
            if self.missing > 0 {
                // The rest of the group was lost.
                stats.decode_errors += 1;
                self.drop_message(DecodeError::Truncated);
            }
            self.partial.clear();
            // Invalid bytes are reported when the group is applied.
            self.missing = decode::follows(&bytes).unwrap_or(0);
        }
        self.partial.push(bytes);
        if self.missing == 0 {
            self.groups.push(Ok(core::mem::take(&mut self.partial)));
        }
    }

    /// Adds the error of a message that is dropped. It is reported after the groups before it have been applied, so
    /// that a reset among these does not hide it.
    pub(super) fn drop_message(&mut self, error: DecodeError) {
        self.groups.push(Err(error));
    }
}

pub(crate) fn receive_messages(
    protocol: LocalProtocol,
    mut messages: ResMut<Messages<SyncBatch>>,
    mut received: ResMut<Received>,
    mut state: ResMut<SyncState>,
    mut stats: ResMut<InventoryStats>,
    mut rejections: MessageWriter<SyncRejected>,
    mut commands: Commands,
) {
    for SyncBatch(bytes) in messages.drain() {
        stats.messages_received += 1;
        stats.bytes_received += bytes.len() as u64;
        if bytes.first() == Some(&REJECTED) {
            // A server that has started to sync does not reject the client. Accepting such a message would
            // stop all requests for good.
            let begun = *state == SyncState::Synced;
            let server = read_rejection(&bytes).ok().filter(|_| !begun);
            let Some(server) = server else {
                stats.decode_errors += 1;
                continue;
            };
            let Some(client) = protocol.handshake() else { continue };
            if server == client {
                // Ours was corrupted in transit. `submit_requests` sends it again.
                warn!("the handshake of this client was corrupted in transit to the server");
                stats.decode_errors += 1;
                continue;
            }
            let mismatch = ProtocolMismatch { server, client };
            warn!("the server rejected this client; inventories are not synced: {mismatch}");
            *state = SyncState::Rejected(mismatch);
            let peer = bevy_replicon::shared::client_id::ClientId::Server;
            let rejection = SyncRejected { peer, mismatch };
            rejections.write(rejection);
            commands.trigger(rejection);
            continue;
        }
        received.collect(bytes, &mut stats);
    }
}
