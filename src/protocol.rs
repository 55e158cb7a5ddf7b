//! The network messages, as raw bytes, registered identically on both sides.

use bevy::prelude::*;
use bevy_replicon::{
    bytes::Bytes,
    prelude::*,
    shared::message::ctx::{ClientReceiveCtx, ClientSendCtx, ServerReceiveCtx, ServerSendCtx},
};

use crate::{
    actions,
    containers::Kinds,
    events::{
        InventoryClosed, InventoryOpened, InventoryResized, SelectedChanged, SlotChanged,
        SyncRefused,
    },
    ids,
    model::{
        container::{Hotbar, Inventory},
        data::DataPool,
    },
    prelude::InventoryAppExt,
    server::sessions::RequestLimits,
    stats::InventoryStats,
};

/// Server to client: one message in the [`wire`](crate::wire) format.
#[derive(Message, Debug)]
pub(crate) struct SyncBatch(pub(crate) Bytes);

/// Server to client: one chunk in the [`wire::bulk`](crate::wire::bulk) format.
#[derive(Message, Debug)]
pub(crate) struct SyncChunk(pub(crate) Bytes);

/// Client to server: one request in the [`wire::request`](crate::wire::request) format.
#[derive(Message, Debug)]
pub(crate) struct SyncRequest(pub(crate) Bytes);

/// The shared parts of [`InventoryPlugins`](crate::InventoryPlugins) for server and client.
pub struct InventorySharedPlugin;

impl Plugin for InventorySharedPlugin {
    fn build(&self, app: &mut App) {
        // Independent of replication: a message is self-contained and must not wait for a
        // replication tick.
        app.add_server_message_with(Channel::Ordered, write_batch, read_batch)
            .make_message_independent::<SyncBatch>()
            .add_server_message_with(Channel::Unordered, write_chunk, read_chunk)
            .make_message_independent::<SyncChunk>()
            .add_client_message_with(Channel::Ordered, write_request, read_request)
            .init_resource::<Kinds>()
            .init_resource::<InventoryStats>()
            .add_message::<InventoryOpened>()
            .add_message::<InventoryResized>()
            .add_message::<InventoryClosed>()
            .add_message::<SlotChanged>()
            .add_message::<SelectedChanged>()
            .add_message::<SyncRefused>()
            .register_type::<InventoryStats>()
            .register_type::<Inventory>()
            .register_type::<Hotbar>()
            .init_resource::<DataPool>()
            .init_resource::<RequestLimits>()
            .register_type::<RequestLimits>()
            .add_plugins((ids::plugin, actions::plugin))
            .add_container::<Inventory>()
            .add_container::<Hotbar>();
    }
}

fn write_batch(_: &mut ServerSendCtx, batch: &SyncBatch, bytes: &mut Vec<u8>) -> Result {
    bytes.extend_from_slice(&batch.0);
    Ok(())
}

fn read_batch(_: &mut ClientReceiveCtx, bytes: &mut Bytes) -> Result<SyncBatch> {
    Ok(SyncBatch(bytes.split_off(0)))
}

fn write_chunk(_: &mut ServerSendCtx, chunk: &SyncChunk, bytes: &mut Vec<u8>) -> Result {
    bytes.extend_from_slice(&chunk.0);
    Ok(())
}

fn read_chunk(_: &mut ClientReceiveCtx, bytes: &mut Bytes) -> Result<SyncChunk> {
    Ok(SyncChunk(bytes.split_off(0)))
}

fn write_request(_: &mut ClientSendCtx, request: &SyncRequest, bytes: &mut Vec<u8>) -> Result {
    bytes.extend_from_slice(&request.0);
    Ok(())
}

fn read_request(_: &mut ServerReceiveCtx, bytes: &mut Bytes) -> Result<SyncRequest> {
    Ok(SyncRequest(bytes.split_off(0)))
}
