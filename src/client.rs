//! The client half: keeps confirmed copies of the inventories that the server sends, and notifies the game of
//! changes.

pub(crate) mod apply;
pub(crate) mod confirmed;
pub mod debug;
pub mod inspect;
pub(crate) mod notify;
pub(crate) mod predict;
pub mod predictions;
pub(crate) mod receive;
pub(crate) mod reconcile;
pub mod state;
pub(crate) mod submit;
pub mod transfers;

use crate::{
    model::{catalog::ItemCatalog, data::DataPool},
    shared::{containers::ContainerRegistry, schedule::InventoryClientSystems},
    wire::Schema,
};

use confirmed::ConfirmedInventories;

use predictions::Predictions;

use receive::Received;

use state::ResyncState;

use transfers::IncomingTransfers;

use bevy::prelude::*;
use bevy_replicon::prelude::*;

/// The client half of [`InventoryPlugins`](crate::plugins::InventoryPlugins).
///
/// A dedicated server can omit it. Inventories are synced while the client is connected and the item catalog is
/// loaded.
pub struct InventoryClientPlugin;

impl Plugin for InventoryClientPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<confirmed::ConfirmedInventories>()
            .init_resource::<predictions::Predictions>()
            .init_resource::<predictions::ActionLatency>()
            .register_type::<predictions::ActionLatency>()
            .init_resource::<receive::Received>()
            .init_resource::<transfers::IncomingTransfers>()
            .add_message::<transfers::TransferProgressed>()
            .init_resource::<state::ResyncState>()
            .init_resource::<state::SyncState>()
            .configure_sets(
                PreUpdate,
                (
                    InventoryClientSystems::Receive,
                    InventoryClientSystems::Apply,
                    InventoryClientSystems::Reconcile,
                    InventoryClientSystems::Notify,
                )
                    .chain()
                    .after(ClientSystems::Receive)
                    .run_if(in_state(ClientState::Connected))
                    .run_if(resource_exists::<ItemCatalog>),
            )
            .configure_sets(
                PostUpdate,
                InventoryClientSystems::Submit
                    .before(ClientSystems::Send)
                    .run_if(in_state(ClientState::Connected))
                    .run_if(resource_exists::<ItemCatalog>),
            )
            .add_plugins(debug::plugin)
            .add_observer(reconcile::detach_gone)
            .add_systems(
                PreUpdate,
                (
                    (receive::receive_messages, transfers::receive_chunks)
                        .chain()
                        .in_set(InventoryClientSystems::Receive),
                    (apply::apply_messages, apply::check_copies)
                        .chain()
                        .in_set(InventoryClientSystems::Apply),
                    reconcile::reconcile_entities.in_set(InventoryClientSystems::Reconcile),
                    notify::notify_game.in_set(InventoryClientSystems::Notify),
                ),
            )
            .add_systems(
                PostUpdate,
                (submit::submit_requests, transfers::confirm_transfers)
                    .in_set(InventoryClientSystems::Submit),
            )
            .add_systems(
                OnExit(ClientState::Connected),
                (disconnect, reconcile::reconcile_entities, notify::notify_game).chain(),
            );
        #[cfg(debug_assertions)]
        app.add_systems(
            PreUpdate,
            predict::check_rebase
                .after(InventoryClientSystems::Notify)
                .run_if(in_state(ClientState::Connected))
                .run_if(resource_exists::<ItemCatalog>),
        );
    }
}

/// Closes all views and resets the client's state when the connection ends. The copies are kept, in case the
/// next connection is to the same server run.
pub(super) fn disconnect(
    catalog: Option<Res<ItemCatalog>>,
    registry: Res<ContainerRegistry>,
    mut confirmations: ResMut<ConfirmedInventories>,
    mut received: ResMut<Received>,
    mut transfers: ResMut<IncomingTransfers>,
    mut resync: ResMut<ResyncState>,
    mut state: ResMut<state::SyncState>,
    mut predictions: ResMut<Predictions>,
    mut pool: ResMut<DataPool>,
) {
    predictions.disconnect();
    pool.end_received();
    // Before the handshake was answered, the versions may be those of another run of the server.
    let synced = *state == state::SyncState::Synced;
    let arrived = catalog.filter(|_| synced).map(|catalog| {
        let schema = Schema { catalog: &catalog, registry: registry.as_slice() };
        transfers.take_copies(schema)
    });
    confirmations.disconnect(arrived.unwrap_or_default());
    *received = Received::default();
    *transfers = IncomingTransfers::default();
    *resync = ResyncState::default();
    *state = state::SyncState::default();
}
