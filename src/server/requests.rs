//! Requests of clients: decoding, validation, rules and answers.

pub(crate) mod act;
pub(crate) mod bodies;
pub(crate) mod inbox;
pub(crate) mod open;
pub(crate) mod rights;
pub mod rules;
pub mod sessions;
pub(crate) mod validate;

use bevy::prelude::*;

use crate::{model::catalog::ItemCatalog, shared::schedule::InventoryServerSystems};

pub(super) fn plugin(app: &mut App) {
    app.add_plugins((sessions::plugin, open::plugin, bodies::plugin)).add_systems(
        PreUpdate,
        (
            validate::validate_requests,
            validate::act_on_requests.run_if(resource_exists::<ItemCatalog>),
        )
            .chain()
            .in_set(InventoryServerSystems::Validate),
    );
}
