//! The hashes of what this build has registered, for the handshake.

use bevy::{ecs::system::SystemParam, prelude::*};
use xxhash_rust::xxh3::Xxh3;

use crate::{
    model::{catalog::ItemCatalog, data::DataPool},
    wire::{PROTOCOL_VERSION, handshake::Handshake},
};

use super::{actions::ActionTypes, containers::ContainerRegistry};

/// What this side has registered. Both sides must register the same.
#[derive(SystemParam)]
pub(crate) struct LocalProtocol<'w> {
    catalog: Option<Res<'w, ItemCatalog>>,
    registry: Res<'w, ContainerRegistry>,
    pub(crate) actions: Res<'w, ActionTypes>,
    pool: Res<'w, DataPool>,
}

impl LocalProtocol<'_> {
    /// Returns `true` if the catalog is loaded.
    #[cfg(feature = "server")]
    pub(crate) fn is_loaded(&self) -> bool {
        self.catalog.is_some()
    }

    /// Returns this side's handshake. `None` until the catalog is loaded.
    pub(crate) fn handshake(&self) -> Option<Handshake> {
        let catalog = self.catalog.as_ref()?;
        let mut hasher = Xxh3::new();
        self.actions.hash_names(&mut hasher);
        self.pool.hash_types(&mut hasher);
        Some(Handshake {
            protocol: PROTOCOL_VERSION,
            item_count: u32::try_from(catalog.len()).unwrap_or(u32::MAX),
            catalog_hash: catalog.hash(),
            container_count: u8::try_from(self.registry.as_slice().len()).unwrap_or(u8::MAX),
            containers_hash: self.registry.hash(),
            types_hash: hasher.digest(),
        })
    }
}
