//! Which clients see which inventory, and what each client has been sent.

pub mod access;
pub(crate) mod behind;
pub(crate) mod client;
pub(crate) mod clients;
pub(crate) mod idle;
pub(crate) mod lifecycle;
pub(crate) mod queue;
pub mod resync;
pub(crate) mod subscriptions;
pub(crate) mod throttle;
pub(crate) mod viewers;

use bevy::prelude::*;

use crate::shared::schedule::InventoryServerSystems;

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<subscriptions::Subscriptions>()
        .init_resource::<clients::Clients>()
        .init_resource::<throttle::Throttle>()
        .init_resource::<idle::IdleChecks>()
        .init_resource::<resync::Resync>()
        .add_observer(resync::resend)
        .add_plugins(viewers::plugin)
        .add_systems(PostUpdate, viewers::update_views.in_set(InventoryServerSystems::Batch));
    #[cfg(debug_assertions)]
    app.add_systems(
        PostUpdate,
        behind::check_behind
            .after(InventoryServerSystems::Batch)
            .before(InventoryServerSystems::Encode),
    );
}
