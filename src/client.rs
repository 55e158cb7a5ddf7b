//! The client's half: keeps confirmed copies of what the server shows, and tells the game what changed.

pub(crate) mod apply;
pub(crate) mod bulk;
pub(crate) mod confirmed;
pub(crate) mod notify;
pub(crate) mod predict;
pub(crate) mod receive;
pub(crate) mod reconcile;
pub(crate) mod submit;

use bevy::prelude::*;
use bevy_replicon::prelude::*;

use crate::{model::items::Catalogue, systems::InventorySystems};

pub use bulk::TransferProgress;
pub use predict::ActionTimes;
pub use submit::SyncState;

/// The client half of [`InventoryPlugins`](crate::InventoryPlugins).
///
/// A dedicated server may leave it out.
pub struct InventoryClientPlugin;

impl Plugin for InventoryClientPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<confirmed::Confirmations>()
            .init_resource::<predict::Predictions>()
            .init_resource::<ActionTimes>()
            .register_type::<ActionTimes>()
            .init_resource::<receive::Received>()
            .init_resource::<bulk::Transfers>()
            .add_message::<TransferProgress>()
            .init_resource::<submit::Submission>()
            .init_resource::<SyncState>()
            .configure_sets(
                PreUpdate,
                (
                    InventorySystems::Receive,
                    InventorySystems::Apply,
                    InventorySystems::Reconcile,
                    InventorySystems::Notify,
                )
                    .chain()
                    .after(ClientSystems::Receive)
                    .run_if(in_state(ClientState::Connected))
                    .run_if(resource_exists::<Catalogue>),
            )
            .configure_sets(
                PostUpdate,
                InventorySystems::Submit
                    .before(ClientSystems::Send)
                    .run_if(in_state(ClientState::Connected))
                    .run_if(resource_exists::<Catalogue>),
            )
            .add_observer(reconcile::detach_gone)
            .add_systems(
                PreUpdate,
                (
                    (receive::receive_messages, bulk::receive_chunks)
                        .in_set(InventorySystems::Receive),
                    (apply::apply_messages, apply::check_copies)
                        .chain()
                        .in_set(InventorySystems::Apply),
                    reconcile::reconcile_entities.in_set(InventorySystems::Reconcile),
                    notify::notify_game.in_set(InventorySystems::Notify),
                ),
            )
            .add_systems(
                PostUpdate,
                (submit::submit_requests, bulk::tell_received).in_set(InventorySystems::Submit),
            )
            .add_systems(
                OnExit(ClientState::Connected),
                (confirmed::disconnect, reconcile::reconcile_entities, notify::notify_game).chain(),
            );
        #[cfg(debug_assertions)]
        app.add_systems(
            PreUpdate,
            predict::check_rebase
                .after(InventorySystems::Notify)
                .run_if(in_state(ClientState::Connected))
                .run_if(resource_exists::<Catalogue>),
        );
    }
}
