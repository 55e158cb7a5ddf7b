//! The only module that uses bincode. Encodes everything that is serialized, except the sync
//! messages.

use bincode::{
    config::{Configuration, Limit, LittleEndian, Varint, standard},
    error::{DecodeError, EncodeError},
    serde::{decode_from_slice, encode_to_vec},
};
use serde::{Serialize, de::DeserializeOwned};

use super::limits::DATA_BYTES_MAX;

/// Maximum size of a value that is decoded, in bytes.
pub(crate) const DECODE_BYTES_MAX: usize = 1024;

fn config() -> Configuration<LittleEndian, Varint, Limit<DECODE_BYTES_MAX>> {
    standard().with_limit::<DECODE_BYTES_MAX>()
}

pub(crate) fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    encode_to_vec(value, config())
}

/// Reads a value that must occupy all of `bytes`.
pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > DECODE_BYTES_MAX {
        return Err(DecodeError::LimitExceeded);
    }
    match decode_from_slice(bytes, config())? {
        (value, read) if read == bytes.len() => Ok(value),
        _ => Err(DecodeError::Other("trailing bytes after the value")),
    }
}

/// Writes instance data. The caller that stores it checks the size.
pub(crate) fn to_data<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    encode_to_vec(value, standard())
}

/// Maximum size of an instance data value in memory, in bytes as counted by bincode.
const DATA_MEMORY_MAX: usize = 4 * DATA_BYTES_MAX;

/// Reads instance data that must occupy all of `bytes`.
pub(crate) fn from_data<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match decode_from_slice(bytes, standard().with_limit::<DATA_MEMORY_MAX>())? {
        (value, read) if read == bytes.len() => Ok(value),
        _ => Err(DecodeError::Other("trailing bytes after the value")),
    }
}

/// Converts serialized instance data to JSON. `None` if it has no form in JSON.
#[cfg(feature = "gateway")]
pub(crate) fn data_to_json<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
) -> Option<serde_json::Value> {
    serde_json::to_value(from_data::<T>(bytes).ok()?).ok()
}

/// Maximum size of a stored record in memory, in bytes as counted by bincode.
#[cfg(feature = "redis")]
const RECORD_MEMORY_MAX: usize = 256 << 20;

/// Writes the record of a store.
#[cfg(feature = "redis")]
pub(crate) fn to_record<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    encode_to_vec(value, standard())
}

/// Reads the record of a store, which must occupy all of `bytes`.
#[cfg(feature = "redis")]
pub(crate) fn from_record<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match decode_from_slice(bytes, standard().with_limit::<RECORD_MEMORY_MAX>())? {
        (value, read) if read == bytes.len() => Ok(value),
        _ => Err(DecodeError::Other("trailing bytes after the value")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_and_oversized_bytes_are_rejected() {
        let mut bytes = to_bytes(&(7u32, 9u64)).unwrap();
        assert_eq!(from_bytes::<(u32, u64)>(&bytes).unwrap(), (7, 9));
        bytes.push(0);
        assert!(from_bytes::<(u32, u64)>(&bytes).is_err());
        assert!(from_bytes::<Vec<u8>>(&[0; DECODE_BYTES_MAX + 1]).is_err());
        assert!(from_bytes::<Vec<u64>>(&[253, 255, 255, 255, 255, 255, 255, 255, 127]).is_err());
    }
}
