//! The plugin that both halves need, and the plugin group.

#[cfg(feature = "client")]
use crate::client::InventoryClientPlugin;
use crate::{
    app::InventoryAppExt,
    model::builtin::{Hotbar, Inventory},
    params,
    shared::{
        self,
        containers::{ContainerRegistry, check_finished},
    },
};
#[cfg(feature = "server")]
use crate::{features, server::InventoryServerPlugin};
use bevy::{
    app::{PluginGroup, PluginGroupBuilder},
    prelude::*,
};

/// The part of [`InventoryPlugins`] that both halves need.
pub struct InventorySharedPlugin;

impl Plugin for InventorySharedPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins((shared::plugin, params::actions::plugin))
            .add_container::<Inventory>()
            .add_container::<Hotbar>();
        app.add_systems(PreStartup, check_finished);
        #[cfg(feature = "server")]
        app.add_plugins(features::crafter::plugin);
    }

    fn finish(&self, app: &mut App) {
        app.world_mut().resource_mut::<ContainerRegistry>().finish();
        // Its observers access all containers.
        #[cfg(feature = "server")]
        features::returns::plugin(app);
    }
}

/// All plugins of this crate. Add the group after `RepliconPlugins`.
///
/// | plugin | for |
/// |---|---|
/// | [`InventorySharedPlugin`] | both sides: messages, containers, ids |
/// | [`InventoryServerPlugin`] | apps that may be the authority |
/// | [`InventoryClientPlugin`] | apps that may join a server |
pub struct InventoryPlugins;

impl PluginGroup for InventoryPlugins {
    fn build(self) -> PluginGroupBuilder {
        let group = PluginGroupBuilder::start::<Self>().add(InventorySharedPlugin);
        #[cfg(feature = "server")]
        let group = group.add(InventoryServerPlugin);
        #[cfg(feature = "client")]
        let group = group.add(InventoryClientPlugin);
        group
    }
}
