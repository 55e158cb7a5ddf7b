//! Sending: from marked inventories to the bytes of each client.
pub(crate) mod batch;
pub(crate) mod chunks;
pub(crate) mod copies;
pub mod encode;
pub mod flush;
pub(crate) mod job;
pub(crate) mod messages;
pub(crate) mod openings;
pub(crate) mod transfers;

use bevy::prelude::*;
use bevy_replicon::prelude::ServerState;

use crate::shared::schedule::InventoryServerSystems;

use super::views::{clients::Clients, viewers::update_views};

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<job::Batched>()
        .init_resource::<encode::Encoded>()
        .init_resource::<copies::EncodedCopies>()
        .add_plugins(flush::plugin)
        .add_systems(
            PostUpdate,
            (
                (batch::batch_changes, openings::select_openings.run_if(has_events))
                    .chain()
                    .after(update_views)
                    .in_set(InventoryServerSystems::Batch),
                (encode::encode_messages, chunks::build_transfers.run_if(has_chunks))
                    .chain()
                    .in_set(InventoryServerSystems::Encode),
                (
                    messages::send_messages.run_if(in_state(ServerState::Running)),
                    chunks::send_chunks.run_if(has_chunks),
                )
                    .chain()
                    .in_set(InventoryServerSystems::Send),
            ),
        );
}

/// Returns `true` if any client is sent more than updates in this tick.
fn has_events(clients: Res<Clients>) -> bool {
    clients.has_events
}

/// Returns `true` if any client is sent full updates in chunks. Without a running server there are no clients.
fn has_chunks(clients: Res<Clients>) -> bool {
    !clients.chunked.is_empty()
}
