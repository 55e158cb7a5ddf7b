//! Instance data: large and rare attributes of a stack (enchantments, a signed book), stored once
//! no matter how many stacks and viewers refer to it.

use core::num::NonZeroU32;
use std::collections::VecDeque;

use bevy::{ecs::resource::Resource, platform::collections::HashMap};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use xxhash_rust::xxh3::Xxh3;

use super::{codec, id::DataId, limits::DATA_BYTES_MAX};

/// A type of instance data defined by the game. Register it on both sides with
/// [`add_item_data`](crate::prelude::InventoryAppExt::add_item_data).
///
/// ```
/// use bevy_inventory_sync::prelude::*;
/// use bevy_inventory_sync::model::data::DataError;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Engraving { text: String, by: u64 }
///
/// impl ItemData for Engraving {
///     const NAME: &str = "engraving";
/// }
///
/// # const RING: ItemId = ItemId::of("ring");
/// fn engrave(pool: &mut DataPool) -> Result<Stack, DataError> {
///     let data = pool.insert(&Engraving { text: "for you".into(), by: 7 })?;
///     Ok(RING.stack(1).with_data(data))
/// }
/// ```
pub trait ItemData: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Unique name among the game's types; part of saves.
    const NAME: &'static str;
}

/// Error returned when instance data cannot be stored.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The type is not registered.
    #[error("instance data `{name}` is not registered")]
    NotRegistered {
        /// Name of the type.
        name: &'static str,
    },
    /// The encoded value is larger than [`DATA_BYTES_MAX`].
    #[error("instance data `{name}` is larger than {DATA_BYTES_MAX} bytes")]
    TooLarge {
        /// Name of the type.
        name: &'static str,
    },
    /// The serde implementation failed.
    #[error("instance data `{name}` cannot be encoded: {why}")]
    Encode {
        /// Name of the type.
        name: &'static str,
        /// The serde error.
        why: String,
    },
}

/// Number of ticks for which data without a slot is kept, since the game may move a stack from one
/// inventory to another by its own means.
const KEPT_TICKS: u64 = 36_000;

#[derive(Debug)]
struct PoolEntry {
    kind: u8,
    bytes: Bytes,
    /// Number of slots of committed inventories that refer to it.
    held: u32,
    /// Tick since which no slot refers to it.
    idle_since: u64,
}

/// All instance data: on the authority all that exists, on a client all that it received.
///
/// Equal values of one type have one [`DataId`], so stacks can be compared by it.
#[derive(Resource, Default, Debug)]
pub struct DataPool {
    types: Vec<&'static str>,
    entries: HashMap<DataId, PoolEntry>,
    ids: HashMap<(u8, Bytes), DataId>,
    /// On a client connected to a server: the data received, used in place of its own.
    received: Option<HashMap<DataId, PoolEntry>>,
    last: u32,
    /// Data without references, with the tick since when.
    idle: VecDeque<(u64, DataId)>,
    tick: u64,
}

impl DataPool {
    /// Stores a value and returns its id; equal values share one id. A value that no inventory
    /// refers to is removed after 36,000 ticks, ten minutes at 60 ticks per second.
    ///
    /// For use on the authority: values inserted on a client are unknown to all others.
    ///
    /// # Errors
    ///
    /// [`DataError`] if the type is not registered, the value is too large or it cannot be encoded.
    pub fn insert<T: ItemData>(&mut self, value: &T) -> Result<DataId, DataError> {
        let (kind, bytes) = self.encode(value)?;
        Ok(self.intern(kind, bytes))
    }

    /// Returns the value if it exists and is of this type.
    #[must_use]
    pub fn get<T: ItemData>(&self, id: DataId) -> Option<T> {
        let entry = self.entry(id)?;
        (self.types[usize::from(entry.kind)] == T::NAME).then_some(())?;
        codec::from_data(&entry.bytes).ok()
    }

    /// Returns the name of the value's type and the size of the value in bytes.
    #[must_use]
    pub fn describe(&self, id: DataId) -> Option<(&'static str, usize)> {
        let entry = self.entry(id)?;
        Some((self.types[usize::from(entry.kind)], entry.bytes.len()))
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns `true` if there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns `true` if there is a value with this id.
    #[must_use]
    pub fn contains(&self, id: DataId) -> bool {
        self.entry(id).is_some()
    }

    fn entry(&self, id: DataId) -> Option<&PoolEntry> {
        self.received.as_ref().unwrap_or(&self.entries).get(&id)
    }

    /// Registers a type.
    ///
    /// # Panics
    ///
    /// If a type of that name is already registered, or 255 types are.
    pub(crate) fn add_type<T: ItemData>(&mut self) {
        assert!(!self.types.contains(&T::NAME), "item data `{}` is registered twice", T::NAME);
        assert!(self.types.len() < 255, "cannot register more than 255 types of item data");
        // Sorted by name, so that both sides number them alike.
        let at = self.types.partition_point(|known| *known < T::NAME);
        self.types.insert(at, T::NAME);
        let shift = |kind: u8| if usize::from(kind) >= at { kind + 1 } else { kind };
        self.entries.values_mut().for_each(|entry| entry.kind = shift(entry.kind));
        let ids = core::mem::take(&mut self.ids);
        self.ids = ids.into_iter().map(|((kind, bytes), id)| ((shift(kind), bytes), id)).collect();
    }

    /// Hashes everything that both sides must agree on.
    pub(crate) fn hash_types(&self, hasher: &mut Xxh3) {
        for name in &self.types {
            hasher.update(name.as_bytes());
            hasher.update(&[0xFF]);
        }
    }

    pub(crate) fn encode<T: ItemData>(&self, value: &T) -> Result<(u8, Bytes), DataError> {
        let name = T::NAME;
        let kind = self.kind_of(name).ok_or(DataError::NotRegistered { name })?;
        let bytes = codec::to_data(value)
            .map_err(|error| DataError::Encode { name, why: error.to_string() })?;
        if bytes.len() > DATA_BYTES_MAX {
            return Err(DataError::TooLarge { name });
        }
        Ok((kind, bytes.into()))
    }

    fn kind_of(&self, name: &str) -> Option<u8> {
        (0u8..).zip(&self.types).find(|(_, known)| **known == name).map(|(kind, _)| kind)
    }

    /// Returns the id of an equal value, if there is one.
    pub(crate) fn find(&self, kind: u8, bytes: &Bytes) -> Option<DataId> {
        self.ids.get(&(kind, bytes.clone())).copied()
    }

    /// Returns the id that the new value number `n`, counted from zero, would get.
    pub(crate) fn next(&self, n: usize) -> DataId {
        let ahead = u32::try_from(n).unwrap_or(u32::MAX);
        DataId(NonZeroU32::MIN.saturating_add(self.last.saturating_add(ahead)))
    }

    pub(crate) fn intern(&mut self, kind: u8, bytes: Bytes) -> DataId {
        if let Some(id) = self.find(kind, &bytes) {
            return id;
        }
        let id = self.next(0);
        self.last = id.0.get();
        self.ids.insert((kind, bytes.clone()), id);
        self.entries.insert(id, PoolEntry { kind, bytes, held: 0, idle_since: self.tick });
        self.idle.push_back((self.tick, id));
        id
    }

    /// Returns the number of registered types.
    pub(crate) fn types(&self) -> usize {
        self.types.len()
    }

    /// Stores the values that a transaction created, in its order.
    pub(crate) fn adopt(&mut self, minted: Vec<Datum>) {
        for datum in minted {
            let id = self.intern(datum.kind, datum.bytes);
            debug_assert_eq!(id, datum.id, "another value was created in between");
        }
    }

    /// Stores a value under the id that the server assigned.
    pub(crate) fn put(&mut self, datum: Datum) {
        let Datum { id, kind, bytes } = datum;
        let entry = PoolEntry { kind, bytes, held: 0, idle_since: 0 };
        self.received.get_or_insert_default().insert(id, entry);
    }

    /// Removes a value that the server has removed.
    pub(crate) fn forget(&mut self, id: DataId) {
        if let Some(received) = &mut self.received {
            received.remove(&id);
        }
    }

    /// Starts with an empty set of received values if `server` is `true`; otherwise returns to this
    /// app's own values.
    pub(crate) fn follow(&mut self, server: bool) {
        self.received = server.then(HashMap::default);
    }

    pub(crate) fn datum(&self, id: DataId) -> Option<Datum> {
        let PoolEntry { kind, bytes, .. } = self.entry(id)?;
        Some(Datum { id, kind: *kind, bytes: bytes.clone() })
    }

    /// Returns the type's name and the bytes, for saves.
    pub(crate) fn raw(&self, id: DataId) -> Option<(&'static str, &Bytes)> {
        let entry = self.entry(id)?;
        Some((self.types[usize::from(entry.kind)], &entry.bytes))
    }

    /// Stores a value from [`Self::raw`].
    pub(crate) fn intern_raw(&mut self, name: &str, bytes: &[u8]) -> Option<DataId> {
        let kind = self.kind_of(name).filter(|_| bytes.len() <= DATA_BYTES_MAX)?;
        Some(self.intern(kind, Bytes::copy_from_slice(bytes)))
    }

    pub(crate) fn hold(&mut self, id: DataId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.held += 1;
        }
    }

    pub(crate) fn release(&mut self, id: DataId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.held = entry.held.saturating_sub(1);
            if entry.held == 0 {
                entry.idle_since = self.tick;
                self.idle.push_back((self.tick, id));
            }
        }
    }

    /// Advances by one tick and returns the ids of the removed values.
    pub(crate) fn age(&mut self) -> Vec<DataId> {
        self.tick += 1;
        let mut gone = Vec::new();
        while let Some((at, id)) = self.idle.pop_front_if(|(at, _)| *at + KEPT_TICKS < self.tick) {
            let idle = |entry: &PoolEntry| entry.held == 0 && entry.idle_since == at;
            if self.entries.get(&id).is_some_and(idle) {
                self.remove(id);
                gone.push(id);
            }
        }
        gone
    }

    fn remove(&mut self, id: DataId) {
        if let Some(PoolEntry { kind, bytes, .. }) = self.entries.remove(&id) {
            self.ids.remove(&(kind, bytes));
        }
    }
}

/// Instance data: its id, its registered type, and the value as serialized by the game.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datum {
    /// The id by which stacks refer to it.
    pub id: DataId,
    /// Index of its type among all registered types, sorted by name.
    pub kind: u8,
    /// The serialized value.
    pub bytes: Bytes,
}
