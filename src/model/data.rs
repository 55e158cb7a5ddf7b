//! Instance data: large and rare attributes of a stack (enchantments, a signed book), stored once
//! no matter how many stacks and viewers refer to it.

pub mod held;
mod lifetime;

use core::num::NonZeroU32;

use bevy::{ecs::resource::Resource, platform::collections::HashMap};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::{codec, id::DataId, limits::DATA_BYTES_MAX};
use held::DroppedHolds;
use lifetime::UnusedData;

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

/// Error returned when instance data cannot be stored, or does not exist.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The type is not registered.
    #[error("instance data `{name}` is not registered")]
    NotRegistered {
        /// Name of the type.
        name: &'static str,
    },
    /// No value has this id, or the value was removed.
    #[error("there is no instance data with the id {}", data.0)]
    NotFound {
        /// The id.
        data: DataId,
    },
    /// All ids have been assigned. Ids are not reused, so no new value can be stored in this run.
    #[error("no id is left for instance data `{name}`")]
    NoIdLeft {
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

/// What converts serialized values to JSON, by the name of their type. `None` if a value has no form in JSON.
#[cfg(feature = "gateway")]
pub(crate) type ToJsonByName = HashMap<&'static str, fn(&[u8]) -> Option<serde_json::Value>>;

/// What created a value. If several did, the last variant in this list wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum DataOrigin {
    /// Actions that are not decided yet, or were rejected.
    Undecided,
    /// The action of a player.
    Action,
    /// The game's own code.
    Game,
}

/// Why unused instance data was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DataRemoval {
    /// It was not used for the time that unused values are kept.
    Expired,
    /// Actions of players have created more unused values than are kept. This was the oldest.
    OverLimit,
}

#[derive(Debug)]
struct PoolEntry {
    kind: u8,
    bytes: Bytes,
    /// Hash of the type and the bytes, for checksums of inventories.
    digest: u64,
    origin: DataOrigin,
    /// Number of references to it: from slots of committed inventories, held stacks and undecided actions.
    held: u32,
    /// Time since which nothing refers to it, in microseconds.
    unused_since: u64,
}

impl PoolEntry {
    fn new(kind: u8, bytes: Bytes, origin: DataOrigin, now: u64) -> Self {
        let digest = xxh3_64_with_seed(&bytes, u64::from(kind));
        Self { kind, bytes, digest, origin, held: 0, unused_since: now }
    }
}

/// All instance data: on the authority all that exists, on a client all that it received.
///
/// Equal values of one type have one [`DataId`], so stacks can be compared by it.
#[derive(Resource, Default, Debug)]
pub struct DataPool {
    types: Vec<&'static str>,
    #[cfg(feature = "gateway")]
    json: ToJsonByName,
    entries: HashMap<DataId, PoolEntry>,
    ids: HashMap<(u8, Bytes), DataId>,
    /// On a client connected to a server: the data received, used in place of its own.
    received: Option<HashMap<DataId, PoolEntry>>,
    last: u32,
    unused: UnusedData,
    dropped_holds: DroppedHolds,
    /// Time that has passed on the authority, in microseconds.
    now: u64,
}

impl DataPool {
    /// Stores a value and returns its id; equal values share one id. A value that no slot of an inventory
    /// and no [`HeldStack`](held::HeldStack) refers to is kept for
    /// [ten minutes](crate::server::data::DataRetention) after it was last inserted or in use. Then it is
    /// removed, and reported by [`DataRemoved`](crate::server::data::DataRemoved).
    ///
    /// For use on the authority: no other app knows the values that a client inserts.
    ///
    /// # Errors
    ///
    /// [`DataError`] if the type is not registered, the value is too large, it cannot be encoded, or
    /// no id is left.
    pub fn insert<T: ItemData>(&mut self, value: &T) -> Result<DataId, DataError> {
        let (kind, bytes) = self.encode(value)?;
        self.intern(kind, bytes).ok_or(DataError::NoIdLeft { name: T::NAME })
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

    /// Returns a hash of a value and its type. Zero if there is no value with this id.
    pub(crate) fn digest(&self, id: DataId) -> u64 {
        self.entry(id).map_or(0, |entry| entry.digest)
    }

    /// Returns the number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.visible().len()
    }

    /// Returns `true` if there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.visible().is_empty()
    }

    /// Returns `true` if there is a value with this id.
    #[must_use]
    pub fn contains(&self, id: DataId) -> bool {
        self.entry(id).is_some()
    }

    /// Returns the values that ids refer to at the moment.
    fn visible(&self) -> &HashMap<DataId, PoolEntry> {
        self.received.as_ref().unwrap_or(&self.entries)
    }

    fn entry(&self, id: DataId) -> Option<&PoolEntry> {
        self.visible().get(&id)
    }

    /// Registers a type. Games use [`add_item_data`](crate::prelude::InventoryAppExt::add_item_data).
    ///
    /// # Panics
    ///
    /// If a type of that name is already registered, or 255 types are.
    pub fn add_type<T: ItemData>(&mut self) {
        assert!(!self.types.contains(&T::NAME), "item data `{}` is registered twice", T::NAME);
        assert!(self.types.len() < 255, "cannot register more than 255 types of item data");
        // Sorted by name, so that both sides number them alike.
        let at = self.types.partition_point(|known| *known < T::NAME);
        self.types.insert(at, T::NAME);
        #[cfg(feature = "gateway")]
        self.json.insert(T::NAME, codec::data_to_json::<T>);
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
        // Without the spare capacity of the vector.
        Ok((kind, bytes.into_boxed_slice().into()))
    }

    fn kind_of(&self, name: &str) -> Option<u8> {
        (0u8..).zip(&self.types).find(|(_, known)| **known == name).map(|(kind, _)| kind)
    }

    /// Returns the id of an equal value, if there is one.
    pub(crate) fn find(&self, kind: u8, bytes: &Bytes) -> Option<DataId> {
        self.ids.get(&(kind, bytes.clone())).copied()
    }

    /// Returns the id that the new value number `n`, counted from zero, would get. Returns `None` if no id is left.
    pub(crate) fn next(&self, n: usize) -> Option<DataId> {
        let ahead = u32::try_from(n).ok()?;
        let id = self.last.checked_add(ahead)?.checked_add(1)?;
        NonZeroU32::new(id).map(DataId)
    }

    /// Stores a value of the game, unless an equal one exists, and returns its id. `None` if no id is left.
    fn intern(&mut self, kind: u8, bytes: Bytes) -> Option<DataId> {
        let id = match self.find(kind, &bytes) {
            Some(id) => id,
            None => {
                let id = self.next(0)?;
                self.add(Datum { id, kind, bytes });
                id
            }
        };
        self.update(id, |entry| entry.origin = DataOrigin::Game);
        Some(id)
    }

    /// Adds a new value. Its id is the next one, or a later one.
    fn add(&mut self, Datum { id, kind, bytes }: Datum) {
        debug_assert!(id.0.get() > self.last, "ids are not reused");
        self.last = id.0.get();
        self.ids.insert((kind, bytes.clone()), id);
        let entry = PoolEntry::new(kind, bytes, DataOrigin::Undecided, self.now);
        self.unused.insert(id, &entry);
        self.entries.insert(id, entry);
    }

    /// Returns what converts the values of registered types to JSON, by name.
    #[cfg(feature = "gateway")]
    pub(crate) fn json(&self) -> &ToJsonByName {
        &self.json
    }

    /// Returns the name of a registered type.
    pub(crate) fn type_name(&self, kind: u8) -> &'static str {
        self.types[usize::from(kind)]
    }

    /// Returns the number of registered types.
    pub(crate) fn types(&self) -> usize {
        self.types.len()
    }

    /// Stores a value under the id that the server assigned.
    pub(crate) fn put(&mut self, datum: Datum) {
        let Datum { id, kind, bytes } = datum;
        let entry = PoolEntry::new(kind, bytes, DataOrigin::Game, 0);
        self.received.get_or_insert_default().insert(id, entry);
    }

    /// Removes a value that the server has removed.
    pub(crate) fn forget(&mut self, id: DataId) {
        if let Some(received) = &mut self.received {
            received.remove(&id);
        }
    }

    /// Starts with an empty set of values that a server sends, used in place of this app's.
    pub(crate) fn begin_received(&mut self) {
        self.received = Some(HashMap::default());
    }

    /// Drops the received values, and returns to those of this app.
    pub(crate) fn end_received(&mut self) {
        self.received = None;
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
        self.intern(kind, Bytes::copy_from_slice(bytes))
    }

    /// Stores a value from [`Self::raw`] of another pool.
    fn intern_named(&mut self, name: &'static str, bytes: Bytes) -> Result<DataId, DataError> {
        let kind = self.kind_of(name).ok_or(DataError::NotRegistered { name })?;
        self.intern(kind, bytes).ok_or(DataError::NoIdLeft { name })
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
