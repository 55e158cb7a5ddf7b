//! What both sides must agree on before the first slot is sent, and what is said when they do not.

use core::fmt;

use serde::{Deserialize, Serialize};

use xxhash_rust::xxh3::Xxh3;

use crate::{
    actions::ActionTypes,
    containers::Kinds,
    model::{data::DataPool, items::Catalogue},
    wire::PROTOCOL_VERSION,
};

/// What a client says first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of this build.
    pub protocol: u16,
    /// How many items the catalogue has.
    pub items: u32,
    /// [`Catalogue::hash`].
    pub catalogue: u64,
    /// How many containers are registered.
    pub kinds: u8,
    /// [`Kinds::hash`].
    pub containers: u64,
    /// A hash of the names of the registered actions and types of item data.
    pub types: u64,
}

impl Hello {
    pub(crate) fn new(
        catalogue: &Catalogue,
        kinds: &Kinds,
        actions: &ActionTypes,
        pool: &DataPool,
    ) -> Self {
        let mut hasher = Xxh3::new();
        actions.hash_names(&mut hasher);
        pool.hash_types(&mut hasher);
        Self {
            protocol: PROTOCOL_VERSION,
            items: u32::try_from(catalogue.len()).unwrap_or(u32::MAX),
            catalogue: catalogue.hash(),
            kinds: u8::try_from(kinds.as_slice().len()).unwrap_or(u8::MAX),
            containers: kinds.hash(),
            types: hasher.digest(),
        }
    }
}

/// Two sides that cannot be synced. Its `Display` says what differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// What the server has.
    pub server: Hello,
    /// What the client has.
    pub client: Hello,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, client } = self;
        if server.protocol != client.protocol {
            return write!(
                f,
                "the inventory protocol differs: the server speaks version {}, the client {}",
                server.protocol, client.protocol
            );
        }
        if server.catalogue != client.catalogue {
            return write!(
                f,
                "the item catalogue differs: the server has {} items (hash {:016x}), the client {} \
                 (hash {:016x})",
                server.items, server.catalogue, client.items, client.catalogue
            );
        }
        if server.containers == client.containers {
            return write!(
                f,
                "the registered actions or types of item data differ; register the same ones in the \
                 same order"
            );
        }
        write!(
            f,
            "the registered containers differ: the server has {} (hash {:016x}), the client {} \
             (hash {:016x}); register the same ones in the same order",
            server.kinds, server.containers, client.kinds, client.containers
        )
    }
}

/// The copies that a client has, from which the server may begin.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Named {
    /// The run of the server that they are of.
    pub(crate) epoch: u64,
    /// Inventories with their versions, at most [`COPIES_MAX`](crate::wire::COPIES_MAX).
    pub(crate) copies: Vec<(u64, u64)>,
    /// The transfer that is coming in, and its first chunk that is not there.
    pub(crate) transfer: Option<(u8, u16)>,
}

/// What a client asks of the server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// I am ready; here is what I know.
    Hello(Hello, Named),
    /// I have lost my place: begin everything that I may see once more.
    Resync(Named),
    /// I have all chunks of this transfer.
    Received(u8),
    /// My copies of these, by view and handle, are not what you say they are: send them anew.
    Heal(Vec<(u32, u32)>),
}

/// So many copies one request heals at most; for the others the client asks again.
pub(crate) const HEALS_MAX: usize = 32;

/// First byte of the message that refuses a client; the server's [`Hello`] follows. It stays the same in
/// every version of the protocol.
pub(crate) const REFUSED: u8 = 0b1111;
