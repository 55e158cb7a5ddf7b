//! The three messages that cross the network, as raw bytes. Both sides register them in the same way.

use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;
use bevy_replicon::prelude::*;
use bevy_replicon::shared::message::ctx::ClientReceiveCtx;
use bevy_replicon::shared::message::ctx::ClientSendCtx;
use bevy_replicon::shared::message::ctx::ServerReceiveCtx;
use bevy_replicon::shared::message::ctx::ServerSendCtx;

pub(super) fn plugin(app: &mut App) {
    // Independent of replication: a message carries all that it needs and never waits for a tick.
    app.add_server_message_with(Channel::Ordered, write_batch, read_batch)
        .make_message_independent::<SyncBatch>()
        .add_server_message_with(Channel::Unordered, write_chunk, read_chunk)
        .make_message_independent::<SyncChunk>()
        .add_client_message_with(Channel::Ordered, write_request, read_request);
}

/// Server to client: one message in the [`wire`](crate::wire) format.
#[derive(Message, Debug)]
pub(crate) struct SyncBatch(pub(crate) Bytes);

/// Server to client: one chunk of a [chunked transfer](crate::wire::transfer).
#[derive(Message, Debug)]
pub(crate) struct SyncChunk(pub(crate) Bytes);

/// Client to server: one request in the [`request`](crate::wire::request) format.
#[derive(Message, Debug)]
pub(crate) struct SyncRequest(pub(crate) Bytes);

pub(crate) fn write_batch(_: &mut ServerSendCtx, batch: &SyncBatch, bytes: &mut Vec<u8>) -> Result {
    bytes.extend_from_slice(&batch.0);
    Ok(())
}

pub(crate) fn read_batch(_: &mut ClientReceiveCtx, bytes: &mut Bytes) -> Result<SyncBatch> {
    Ok(SyncBatch(bytes.split_off(0)))
}

fn write_chunk(_: &mut ServerSendCtx, chunk: &SyncChunk, bytes: &mut Vec<u8>) -> Result {
    bytes.extend_from_slice(&chunk.0);
    Ok(())
}

fn read_chunk(_: &mut ClientReceiveCtx, bytes: &mut Bytes) -> Result<SyncChunk> {
    Ok(SyncChunk(bytes.split_off(0)))
}

pub(crate) fn write_request(
    _: &mut ClientSendCtx,
    request: &SyncRequest,
    bytes: &mut Vec<u8>,
) -> Result {
    bytes.extend_from_slice(&request.0);
    Ok(())
}

pub(crate) fn read_request(_: &mut ServerReceiveCtx, bytes: &mut Bytes) -> Result<SyncRequest> {
    Ok(SyncRequest(bytes.split_off(0)))
}
