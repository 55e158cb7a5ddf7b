//! When and how much is sent: priorities, intervals, budgets and link quality.

pub(crate) mod budget;
pub(crate) mod clock;
pub mod priority;
pub mod quality;
pub mod settings;
pub(crate) mod shares;

use bevy::prelude::*;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<settings::SyncSettings>()
        .register_type::<settings::SyncSettings>()
        .register_type::<priority::SyncPriority>()
        .add_plugins(quality::plugin);
}
