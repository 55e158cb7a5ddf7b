//! The bytes of a record in Redis: format, version, checksum, and the inventory as written by bincode.

use crate::{
    model::{codec, id::InventoryId},
    store::{error::StoreError, record::StoredInventory},
};

/// Version of the records, and of the keys.
pub(super) const FORMAT: u8 = 1;

/// Number of bytes before the inventory.
const HEADER: usize = 17;

pub(super) fn encode(
    id: InventoryId,
    version: u64,
    stored: &StoredInventory,
) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![FORMAT];
    bytes.extend(version.to_le_bytes());
    bytes.extend(stored.checksum(id, version).to_le_bytes());
    let body = codec::to_record(stored).map_err(|error| {
        StoreError::Failed(format!("inventory `{id}` cannot be serialized: {error}"))
    })?;
    bytes.extend(body);
    Ok(bytes)
}

/// Reads a record, which must have this version.
pub(super) fn decode(
    id: InventoryId,
    version: u64,
    bytes: &[u8],
) -> Result<StoredInventory, StoreError> {
    let damaged = |what: String| StoreError::Damaged { id, what };
    let Some((&[format, ref header @ ..], body)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(damaged(format!("it has {} bytes", bytes.len())));
    };
    if format != FORMAT {
        return Err(damaged(format!("it has format {format}, and this version reads {FORMAT}")));
    }
    let (stored_version, checksum) = header.split_at(8);
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    if number(stored_version) != version {
        return Err(damaged(format!("it has version {}, not {version}", number(stored_version))));
    }
    let stored: StoredInventory =
        codec::from_record(body).map_err(|error| damaged(error.to_string()))?;
    if stored.checksum(id, version) != number(checksum) {
        return Err(damaged("it does not match its checksum".into()));
    }
    Ok(stored)
}
