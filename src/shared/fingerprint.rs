//! The hashes of what this build has registered, for the handshake.

use xxhash_rust::xxh3::Xxh3;

use crate::{
    model::{catalog::ItemCatalog, data::DataPool},
    wire::{PROTOCOL_VERSION, handshake::Handshake},
};

use super::{actions::ActionTypes, containers::ContainerRegistry};

/// Returns this side's handshake, which describes everything that both sides must register alike.
pub(crate) fn local_handshake(
    catalog: &ItemCatalog,
    registry: &ContainerRegistry,
    actions: &ActionTypes,
    pool: &DataPool,
) -> Handshake {
    let mut hasher = Xxh3::new();
    actions.hash_names(&mut hasher);
    pool.hash_types(&mut hasher);
    Handshake {
        protocol: PROTOCOL_VERSION,
        item_count: u32::try_from(catalog.len()).unwrap_or(u32::MAX),
        catalog_hash: catalog.hash(),
        container_count: u8::try_from(registry.as_slice().len()).unwrap_or(u8::MAX),
        containers_hash: registry.hash(),
        types_hash: hasher.digest(),
    }
}
