//! Reverse lookup from hash to key, for display and for formats that people read.

use core::fmt;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

static KEYS: RwLock<Option<HashMap<u32, Box<str>>>> = RwLock::new(None);

/// Makes a hash display as its key from now on, everywhere in this process. The keys are those of
/// the game's own catalog and containers, so there are few.
pub(crate) fn remember(hash: u32, key: &str) {
    let mut keys = KEYS.write().unwrap_or_else(PoisonError::into_inner);
    keys.get_or_insert_default().entry(hash).or_insert_with(|| key.into());
}

/// Returns the key, if it is known.
pub(super) fn get(hash: u32) -> Option<String> {
    let keys = KEYS.read().unwrap_or_else(PoisonError::into_inner);
    keys.as_ref()?.get(&hash).map(ToString::to_string)
}

/// Writes the key, or the hash in hexadecimal if its key is unknown.
pub(super) fn write(hash: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let keys = KEYS.read().unwrap_or_else(PoisonError::into_inner);
    match keys.as_ref().and_then(|keys| keys.get(&hash)) {
        Some(key) => f.write_str(key),
        None => write!(f, "{hash:08x}"),
    }
}
