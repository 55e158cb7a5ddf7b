//! The authority's half: a dedicated server, a listen server, a single player's own world.

pub mod access;
pub mod faults;
pub mod sessions;
pub(crate) mod validate;
pub mod rules;
pub(crate) mod act;
pub(crate) mod open;
pub mod pace;
pub mod quality;
pub(crate) mod budget;
pub mod loot;
pub mod pages;
pub mod crafter;
pub mod baseline;
pub mod mark;
pub mod audit;
pub(crate) mod local;
pub(crate) mod views;
pub(crate) mod viewers;
pub mod batch;
pub(crate) mod bulk;
pub mod encode;
pub(crate) mod send;
pub mod health;
pub mod flush;

use bevy::prelude::*;
use bevy_replicon::{prelude::*, server::server_tick::ServerTick};

use crate::{
    authority::{Authority, authority_is_here},
    model::items::Catalogue,
    systems::InventorySystems,
};

/// The server half of [`InventoryPlugins`](crate::InventoryPlugins).
///
/// An app that can only ever be a client may leave it out.
pub struct InventoryServerPlugin;

impl Plugin for InventoryServerPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<batch::SyncSettings>()
            .register_type::<batch::SyncSettings>()
            .register_type::<pace::Pace>()
            .init_resource::<views::Views>()
            .init_resource::<batch::Batched>()
            .init_resource::<encode::Encoded>()
            .configure_sets(
                PreUpdate,
                InventorySystems::Validate
                    .after(ServerSystems::Receive)
                    .run_if(in_state(ServerState::Running)),
            )
            .configure_sets(
                PostUpdate,
                (
                    InventorySystems::Mark,
                    InventorySystems::Batch,
                    InventorySystems::Encode,
                    InventorySystems::Send,
                )
                    .chain()
                    .after(ServerSystems::IncrementTick)
                    .before(ServerSystems::Send)
                    .run_if(sync_is_due)
                    .run_if(resource_exists::<Catalogue>),
            )
            .configure_sets(
                PostUpdate,
                GameSystems
                    .before(InventorySystems::Mark)
                    .run_if(authority_is_here)
                    .run_if(resource_exists::<Catalogue>),
            )
            .add_plugins((
                viewers::plugin,
                mark::plugin,
                audit::plugin,
                health::plugin,
                flush::plugin,
            ))
            .add_plugins((sessions::plugin, open::plugin, crafter::plugin, loot::plugin))
            .add_plugins(quality::plugin)
            .add_systems(
                PreUpdate,
                (
                    validate::validate_requests,
                    validate::act_on_requests.run_if(resource_exists::<Catalogue>),
                )
                    .chain()
                    .in_set(InventorySystems::Validate),
            )
            .add_systems(
                PostUpdate,
                (
                    local::notify_local
                        .in_set(InventorySystems::Mark)
                        .after(mark::MarkSystems::Slots),
                    (viewers::update_views, batch::batch_changes)
                        .chain()
                        .in_set(InventorySystems::Batch),
                    encode::encode_messages.in_set(InventorySystems::Encode),
                    (send::send_messages, bulk::send_chunks)
                        .chain()
                        .run_if(in_state(ServerState::Running))
                        .in_set(InventorySystems::Send),
                ),
            );
    }
}

/// What the crate does to inventories in a game's stead, before they are marked.
#[derive(SystemSet, Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct GameSystems;

/// Once per server tick; every frame where no server runs, for the tick stands still there. Never on a
/// client, connected or trying to: it is not the authority.
pub(crate) fn sync_is_due(
    authority: Authority,
    server: Res<State<ServerState>>,
    tick: Option<Res<ServerTick>>,
) -> bool {
    let ticked = tick.is_some_and(|tick| tick.is_changed());
    authority.is_here() && (*server == ServerState::Stopped || ticked)
}
