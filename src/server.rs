//! The authority's half: a dedicated server, a listen server, a single player's own world.

pub mod audit;
pub mod baseline;
pub mod client_stats;
pub mod faults;
pub mod health;
pub(crate) mod identity;
pub mod inspect;
pub(crate) mod local;
pub mod loot;
pub mod mark;
pub(crate) mod marked;
pub mod pacing;
pub mod requests;
pub mod send;
pub mod views;

use crate::{
    model::catalog::ItemCatalog,
    shared::{
        authority::authority_is_here,
        containers::ContainerRegistry,
        schedule::{InventoryServerSystems, sync_is_due},
    },
};
use bevy::prelude::*;
use bevy_replicon::prelude::*;

/// The server half of [`InventoryPlugins`](crate::InventoryPlugins).
///
/// An app that can only ever be a client may leave it out.
pub struct InventoryServerPlugin;

impl Plugin for InventoryServerPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<pacing::settings::SyncSettings>()
            .register_type::<pacing::settings::SyncSettings>()
            .register_type::<pacing::priority::SyncPriority>()
            .init_resource::<send::job::Batched>()
            .init_resource::<send::encode::Encoded>()
            .init_resource::<send::copies::EncodedCopies>()
            .configure_sets(
                PreUpdate,
                InventoryServerSystems::Validate
                    .after(ServerSystems::Receive)
                    .run_if(in_state(ServerState::Running)),
            )
            .configure_sets(
                PostUpdate,
                (
                    InventoryServerSystems::First,
                    InventoryServerSystems::Mark,
                    InventoryServerSystems::Batch,
                    InventoryServerSystems::Encode,
                    InventoryServerSystems::Send,
                    InventoryServerSystems::Last,
                )
                    .chain()
                    .after(ServerSystems::IncrementTick)
                    .before(ServerSystems::Send)
                    .run_if(sync_is_due)
                    .run_if(resource_exists::<ItemCatalog>),
            )
            .configure_sets(
                PostUpdate,
                InventoryServerSystems::Features
                    .before(InventoryServerSystems::First)
                    .run_if(authority_is_here)
                    .run_if(resource_exists::<ItemCatalog>),
            )
            .add_plugins((
                views::plugin,
                mark::plugin,
                audit::plugin,
                health::plugin,
                send::flush::plugin,
            ))
            .add_plugins((
                identity::plugin,
                requests::sessions::plugin,
                requests::open::plugin,
                loot::plugin,
            ))
            .add_plugins(pacing::quality::plugin)
            .add_systems(
                PreUpdate,
                (
                    requests::validate::validate_requests,
                    requests::validate::act_on_requests.run_if(resource_exists::<ItemCatalog>),
                )
                    .chain()
                    .in_set(InventoryServerSystems::Validate),
            )
            .add_systems(
                PostUpdate,
                (
                    local::notify_local
                        .in_set(InventoryServerSystems::Mark)
                        .after(mark::MarkSystems::Slots),
                    (
                        views::viewers::update_views,
                        send::batch::batch_changes,
                        send::openings::select_openings,
                    )
                        .chain()
                        .in_set(InventoryServerSystems::Batch),
                    (
                        send::encode::encode_messages,
                        send::chunks::build_transfers.run_if(in_state(ServerState::Running)),
                    )
                        .chain()
                        .in_set(InventoryServerSystems::Encode),
                    (send::send::send_messages, send::send::send_chunks)
                        .chain()
                        .run_if(in_state(ServerState::Running))
                        .in_set(InventoryServerSystems::Send),
                ),
            );
    }
    fn finish(&self, app: &mut App) {
        let names =
            app.world().resource::<ContainerRegistry>().as_slice().iter().map(|kind| kind.name);
        let names: Vec<&'static str> = names.collect();
        mark::order_containers(app, &names);
    }
}
