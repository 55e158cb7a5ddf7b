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

use super::state::{ResyncState, SyncState};

/// Received messages that [`apply_messages`](super::apply) has not processed yet.
#[derive(Resource, Default, Debug)]
pub(crate) struct Received {
    /// Complete groups, oldest first.
    pub(crate) groups: Vec<Vec<Bytes>>,
    /// A group whose shared parts have not all arrived.
    partial: Vec<Bytes>,
    missing: usize,
    /// Check of everything that was received since the last reset.
    pub(super) stream: StreamCheck,
}

impl Received {
    /// Adds one message. Returns `false` if the message cut off an incomplete group.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the check of the message is wrong.
    fn collect(&mut self, bytes: Bytes) -> Result<bool, DecodeError> {
        let bytes = self.stream.verify(bytes).inspect_err(|_| {
            self.partial.clear();
            self.missing = 0;
        })?;
        let mut undisturbed = true;
        if self.missing > 0 && decode::is_shared(&bytes) {
            self.missing -= 1;
        } else {
            undisturbed = self.missing == 0;
            self.partial.clear();
            // Invalid bytes are reported when the group is applied.
            self.missing = decode::follows(&bytes).unwrap_or(0);
        }
        self.partial.push(bytes);
        if self.missing == 0 {
            self.groups.push(core::mem::take(&mut self.partial));
        }
        Ok(undisturbed)
    }
}

pub(crate) fn receive_messages(
    protocol: LocalProtocol,
    mut messages: ResMut<Messages<SyncBatch>>,
    mut received: ResMut<Received>,
    mut resync: ResMut<ResyncState>,
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
                // Ours was corrupted on its way. `submit_requests` sends it again.
                warn!("the handshake of this client was corrupted on its way to the server");
                stats.decode_errors += 1;
                continue;
            }
            let mismatch = ProtocolMismatch { server, client };
            warn!("the server rejected this client, inventories are not synced: {mismatch}");
            *state = SyncState::Rejected(mismatch);
            let peer = bevy_replicon::shared::client_id::ClientId::Server;
            let rejection = SyncRejected { peer, mismatch };
            rejections.write(rejection);
            commands.trigger(rejection);
            continue;
        }
        match received.collect(bytes) {
            Ok(true) => {}
            Ok(false) => {
                stats.decode_errors += 1;
                resync.request_resync();
            }
            Err(error) => {
                stats.gaps += 1;
                resync.drop_message(&error);
            }
        }
    }
}
