//! Types and registrations that the client half and the server half share.

pub mod actions;
pub(crate) mod authority;
pub mod containers;
pub mod events;
pub(crate) mod fingerprint;
pub mod ids;
pub(crate) mod items_asset;
pub mod markers;
pub(crate) mod messages;
pub mod random;
pub mod rate;
pub mod schedule;
pub(crate) mod sealed;
pub mod stats;
pub(crate) mod storing;

use bevy::prelude::*;

use crate::model::{
    builtin::{Hotbar, Inventory},
    data::DataPool,
};

/// Registers the messages, resources and events that both halves use.
pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<containers::ContainerRegistry>()
        .init_resource::<stats::InventoryStats>()
        .init_resource::<DataPool>()
        .init_resource::<random::InventoryRng>()
        .init_resource::<rate::RequestLimits>()
        .add_message::<events::InventoryOpened>()
        .add_message::<events::InventoryResized>()
        .add_message::<events::InventoryClosed>()
        .add_message::<events::SlotChanged>()
        .add_message::<events::SelectedChanged>()
        .add_message::<events::SyncRejected>()
        .register_type::<stats::InventoryStats>()
        .register_type::<rate::RequestLimits>()
        .register_type::<Inventory>()
        .register_type::<Hotbar>()
        .add_plugins((messages::plugin, ids::plugin));
}
