//! The server half: for the app with authority, which is a dedicated server, a listen server or a
//! single-player game.

pub mod audit;
pub mod baseline;
pub mod client_stats;
pub mod data;
pub(crate) mod exchanges;
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
pub mod returns;
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

/// The server half of [`InventoryPlugins`](crate::plugins::InventoryPlugins).
///
/// An app that is only ever a client can omit it.
pub struct InventoryServerPlugin;

impl Plugin for InventoryServerPlugin {
    fn build(&self, app: &mut App) {
        configure_sets(app);
        app.add_plugins((pacing::plugin, views::plugin, requests::plugin, send::plugin))
            .add_plugins((identity::plugin, mark::plugin, audit::plugin, health::plugin))
            .add_plugins((loot::plugin, data::plugin, exchanges::plugin))
            .add_systems(
                PostUpdate,
                local::notify_local
                    .in_set(InventoryServerSystems::Mark)
                    .after(mark::MarkSystems::Slots),
            );
    }

    fn finish(&self, app: &mut App) {
        let registry = app.world().resource::<ContainerRegistry>();
        let names = registry.as_slice().iter().map(|container| container.name);
        let names: Vec<&'static str> = names.collect();
        mark::order_containers(app, &names);
        // Not before the game had a chance to insert a seeded `InventoryRng`.
        app.init_resource::<views::resync::SyncClock>();
    }
}

fn configure_sets(app: &mut App) {
    app.configure_sets(
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
    );
}
