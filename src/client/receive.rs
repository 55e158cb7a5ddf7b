//! Collects the messages of one server tick: a message may say that parts follow which are only to be
//! applied together with it.

use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;
use log::warn;

use crate::{
    model::{catalog::ItemCatalog, codec, data::DataPool},
    shared::{
        actions::ActionTypes, containers::ContainerRegistry, events::SyncRejected,
        fingerprint::local_handshake, messages::SyncBatch, stats::InventoryStats,
    },
    wire::{
        decode,
        handshake::{Handshake, ProtocolMismatch, REFUSED},
    },
};

use super::state::{ResyncState, SyncState};

/// Messages on their way to [`apply_messages`](super::apply).
#[derive(Resource, Default, Debug)]
pub(crate) struct Received {
    /// Complete groups, oldest first.
    pub(crate) groups: Vec<Vec<Bytes>>,
    /// A group of which parts are still on their way.
    partial: Vec<Bytes>,
    missing: usize,
}

impl Received {
    /// Takes one message in. Says no if it broke off a group that was not complete.
    fn collect(&mut self, bytes: Bytes) -> bool {
        let mut whole = true;
        if self.missing > 0 && decode::is_shared(&bytes) {
            self.missing -= 1;
        } else {
            whole = self.missing == 0;
            self.partial.clear();
            // What is wrong with the bytes is for apply to find.
            self.missing = decode::follows(&bytes).unwrap_or(0);
        }
        self.partial.push(bytes);
        if self.missing == 0 {
            self.groups.push(core::mem::take(&mut self.partial));
        }
        whole
    }
}

pub(crate) fn receive_messages(
    catalog: Res<ItemCatalog>,
    (registry, actions, pool): (Res<ContainerRegistry>, Res<ActionTypes>, Res<DataPool>),
    mut messages: ResMut<Messages<SyncBatch>>,
    mut received: ResMut<Received>,
    mut submission: ResMut<ResyncState>,
    mut state: ResMut<SyncState>,
    mut stats: ResMut<InventoryStats>,
    mut refusals: MessageWriter<SyncRejected>,
    mut commands: Commands,
) {
    for SyncBatch(bytes) in messages.drain() {
        stats.messages_received += 1;
        stats.bytes_received += bytes.len() as u64;
        if bytes.first() == Some(&REFUSED) {
            // A server that has begun does not refuse any more, and who believed it would never ask again.
            let begun = *state == SyncState::Synced;
            let server = codec::from_bytes::<Handshake>(&bytes[1..]).ok().filter(|_| !begun);
            let Some(server) = server else {
                stats.decode_errors += 1;
                continue;
            };
            let mismatch = ProtocolMismatch {
                server,
                client: local_handshake(&catalog, &registry, &actions, &pool),
            };
            warn!("the server does not sync inventories with this client: {mismatch}");
            *state = SyncState::Rejected(mismatch);
            let peer = bevy_replicon::shared::client_id::ClientId::Server;
            let refusal = SyncRejected { peer, mismatch };
            refusals.write(refusal);
            commands.trigger(refusal);
        } else if !received.collect(bytes) {
            stats.decode_errors += 1;
            submission.request_resync();
        }
    }
}
