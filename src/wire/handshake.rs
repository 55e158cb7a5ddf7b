//! The handshake: what both sides must agree on before the first slot is sent, and the message if
//! they do not.

use core::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

use crate::model::codec;

use super::{COPIES_MAX, DecodeError};

/// First message of a client: the handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handshake {
    /// [`PROTOCOL_VERSION`](super::PROTOCOL_VERSION) of this build.
    pub protocol: u16,
    /// Number of items in the catalog.
    pub item_count: u32,
    /// [`ItemCatalog::hash`](crate::model::catalog::ItemCatalog::hash).
    pub catalog_hash: u64,
    /// Number of registered containers.
    pub container_count: u8,
    /// [`ContainerRegistry::hash`](crate::shared::containers::ContainerRegistry::hash).
    pub containers_hash: u64,
    /// Hash of the names of the registered actions and types of item data.
    pub types_hash: u64,
}

/// A protocol mismatch: server and client cannot be synced. `Display` describes the difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProtocolMismatch {
    /// Handshake values of the server.
    pub server: Handshake,
    /// Handshake values of the client.
    pub client: Handshake,
}

impl fmt::Display for ProtocolMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, client } = self;
        if server.protocol != client.protocol {
            return write!(
                f,
                "inventory protocol mismatch: the server uses version {}, the client {}",
                server.protocol, client.protocol
            );
        }
        if server.catalog_hash != client.catalog_hash {
            return write!(
                f,
                "item catalog mismatch: the server has {} items (hash {:016x}), the client {} \
                 (hash {:016x})",
                server.item_count, server.catalog_hash, client.item_count, client.catalog_hash
            );
        }
        if server.containers_hash == client.containers_hash {
            return write!(
                f,
                "action or item data mismatch; register the same actions and item data types on \
                 both sides"
            );
        }
        write!(
            f,
            "container mismatch: the server has {} (hash {:016x}), the client {} \
             (hash {:016x}); register the same ones on both sides",
            server.container_count,
            server.containers_hash,
            client.container_count,
            client.containers_hash
        )
    }
}

/// The copies that a client has and that the server may use as a base for changes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct KnownCopies {
    /// The server's run that the copies belong to.
    pub epoch: u64,
    /// Inventory ids with versions, at most [`COPIES_MAX`].
    #[serde(deserialize_with = "list")]
    pub copies: Vec<(u64, u64)>,
    /// The transfer being received, and the index of its first missing chunk.
    pub transfer: Option<(u8, u16)>,
}

/// A control request of a client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ControlRequest {
    /// The handshake, with the copies that the client has.
    Handshake(Handshake, KnownCopies),
    /// The client has lost sync and requests that all its views be opened again.
    Resync(KnownCopies),
    /// The client has received all chunks of this transfer.
    Received(u8),
    /// The client's copies of these inventories, by view and handle, do not match the server's
    /// checksums; it requests full updates.
    Repair(#[serde(deserialize_with = "list")] Vec<(u32, u32)>),
}

/// Maximum length of a control request, in bytes.
pub const CONTROL_BYTES_MAX: usize = 1 + codec::DECODE_BYTES_MAX;

/// Writes a control request.
///
/// # Errors
///
/// [`DecodeError::Control`] if it would be too long.
pub fn write_request(request: &ControlRequest) -> Result<Vec<u8>, DecodeError> {
    let bytes = codec::to_bytes(request).map_err(|_| DecodeError::Control)?;
    Ok([&[CONTROL], bytes.as_slice()].concat())
}

/// Reads a control request.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid, or if a list is too long.
pub fn read_request(bytes: &[u8]) -> Result<ControlRequest, DecodeError> {
    let Some((&CONTROL, bytes)) = bytes.split_first() else { return Err(DecodeError::Reserved) };
    let request = codec::from_bytes(bytes).map_err(|_| DecodeError::Control)?;
    let (what, len, max) = match &request {
        ControlRequest::Handshake(_, named) | ControlRequest::Resync(named) => {
            ("number of copies", named.copies.len(), COPIES_MAX)
        }
        ControlRequest::Repair(views) => ("number of views to repair", views.len(), REPAIRS_MAX),
        ControlRequest::Received(_) => return Ok(request),
    };
    if len > max {
        return Err(DecodeError::OutOfRange { what, value: len as u64, max: max as u64 });
    }
    Ok(request)
}

/// Writes the message that rejects a client.
///
/// # Errors
///
/// [`DecodeError::Control`], which does not happen with the handshake of this version.
pub fn write_rejection(server: &Handshake) -> Result<Vec<u8>, DecodeError> {
    let bytes = codec::to_bytes(server).map_err(|_| DecodeError::Control)?;
    Ok([&[REJECTED], bytes.as_slice()].concat())
}

/// Reads the message that rejects a client.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid.
pub fn read_rejection(bytes: &[u8]) -> Result<Handshake, DecodeError> {
    match bytes.split_first() {
        Some((&REJECTED, bytes)) => codec::from_bytes(bytes).map_err(|_| DecodeError::Control),
        _ => Err(DecodeError::Reserved),
    }
}

/// Reads a list. By default, serde reserves up to a megabyte for the length that the first bytes announce.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct Elements<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = seq.next_element()? {
                elements.push(element);
            }
            Ok(elements)
        }
    }

    from.deserialize_seq(Elements(PhantomData))
}

/// Maximum number of copies repaired by one request; the client requests the others again.
pub const REPAIRS_MAX: usize = 32;

/// First byte of the message that rejects a client; the server's [`Handshake`] follows. It is the same
/// in every protocol version.
pub const REJECTED: u8 = 0b1111;

/// First byte of a request that is not about inventories. It is the same in every protocol version.
pub const CONTROL: u8 = 1;
