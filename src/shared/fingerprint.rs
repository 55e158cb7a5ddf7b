//! What this build has registered, for the handshake.

use xxhash_rust::xxh3::Xxh3;

use crate::{
    model::{catalog::Catalogue, data::DataPool},
    wire::{PROTOCOL_VERSION, handshake::Hello},
};

use super::{actions::ActionTypes, containers::Kinds};

/// Describes everything that both sides must register alike.
pub(crate) fn local_hello(
    catalogue: &Catalogue,
    kinds: &Kinds,
    actions: &ActionTypes,
    pool: &DataPool,
) -> Hello {
    let mut hasher = Xxh3::new();
    actions.hash_names(&mut hasher);
    pool.hash_types(&mut hasher);
    Hello {
        protocol: PROTOCOL_VERSION,
        items: u32::try_from(catalogue.len()).unwrap_or(u32::MAX),
        catalogue: catalogue.hash(),
        kinds: u8::try_from(kinds.as_slice().len()).unwrap_or(u8::MAX),
        containers: kinds.hash(),
        types: hasher.digest(),
    }
}
