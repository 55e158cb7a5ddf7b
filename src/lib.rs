//! Guide to come.
#![doc = include_str!("README.md")]

pub mod systems;
pub mod model;
pub mod containers;
pub mod ids;
pub mod events;
pub mod app;
pub mod inventories;
pub mod public_view;
pub mod hello;
mod protocol;
mod codec;
pub mod wire;
pub mod server;
pub mod client;
pub mod stats;
pub mod test_pair;

use bevy::app::{PluginGroup, PluginGroupBuilder};

/// Everything that a game names.
pub mod prelude {
    pub use crate::{
        InventoryPlugins,
        app::InventoryAppExt,
        client::{InventoryClientPlugin, SyncState},
        events::{
            Cause, CloseReason, Commit, InView, InventoryClosed, InventoryOpened, InventoryResized,
            LocalInventory, SelectedChanged, SlotCause, SlotChanged, SyncRefused,
        },
        ids::InventoryIds,
        inventories::{Inventories, Leftover},
        model::{
            container::{Container, Hotbar, Inventory, Slot},
            id::{ContainerKey, DataId, InventoryId, ItemId},
            items::{Catalogue, CatalogueError, ItemDef, Items},
            rights::Rights,
            saved::{SavedInventory, UnknownItems},
            slots::{SlotError, Slots},
            stack::Stack,
            tx::{InventoryError, Tx},
        },
        protocol::InventorySharedPlugin,
        public_view::{HeldItem, PublicView},
        server::{
            InventoryServerPlugin,
            access::{Owner, Viewers},
            batch::{FullPolicy, SyncSettings},
            faults::{InventoryFault, Unsynced},
        },
        stats::InventoryStats,
        systems::InventorySystems,
    };
}

/// Both halves of the crate. Add it after `RepliconPlugins`.
pub struct InventoryPlugins;

impl PluginGroup for InventoryPlugins {
    fn build(self) -> PluginGroupBuilder {
        PluginGroupBuilder::start::<Self>()
            .add(protocol::InventorySharedPlugin)
            .add(server::InventoryServerPlugin)
            .add(client::InventoryClientPlugin)
    }
}
