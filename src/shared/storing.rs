//! What the server half needs to know about a store, if there is one.

use bevy::ecs::resource::Resource;

/// The state of the store.
#[derive(Resource, Default, Debug)]
pub(crate) struct StoreHealth {
    /// Whether the last attempt to write has failed.
    pub(crate) failing: bool,
    /// Whether a flush waits for it.
    pub(crate) flushing: bool,
}
