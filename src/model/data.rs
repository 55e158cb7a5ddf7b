//! Instance data: what is rare and rich about a stack (enchantments, a signed book), kept once however many
//! stacks and viewers have it.

use core::num::NonZeroU32;
use std::collections::VecDeque;

use bevy::{ecs::resource::Resource, platform::collections::HashMap};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use xxhash_rust::xxh3::Xxh3;

use crate::{
    codec,
    wire::{DATA_BYTES_MAX, Datum},
};

use super::id::DataId;

/// A type of instance data of the game's own. Register it on both sides, in the same order, with
/// [`add_item_data`](crate::prelude::InventoryAppExt::add_item_data).
///
/// ```
/// use bevy_inventory_sync::prelude::*;
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
    /// Unique among the game's types; part of saves.
    const NAME: &'static str;
}

/// Why instance data was not taken.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DataError {
    /// The type was not registered.
    #[error("instance data `{name}` is not registered")]
    NotRegistered {
        /// The type's name.
        name: &'static str,
    },
    /// It is larger than [`DATA_BYTES_MAX`].
    #[error("instance data `{name}` takes more than {DATA_BYTES_MAX} bytes")]
    TooLarge {
        /// The type's name.
        name: &'static str,
    },
    /// Its serde implementation failed.
    #[error("instance data `{name}` does not encode: {why}")]
    Encode {
        /// The type's name.
        name: &'static str,
        /// What serde says.
        why: String,
    },
}

/// For so many ticks data that no slot holds is kept: a stack may be on its way from one inventory to
/// another by the game's own means.
const KEPT_TICKS: u64 = 36_000;

#[derive(Debug)]
struct Entry {
    kind: u8,
    bytes: Bytes,
    /// Slots of committed inventories that hold it.
    held: u32,
    /// The tick since which nobody holds it.
    idle_since: u64,
}

/// All instance data: on the authority what exists, on a client what it was sent.
///
/// Equal values of one type have one [`DataId`], so that stacks can be compared by it.
#[derive(Resource, Default, Debug)]
pub struct DataPool {
    types: Vec<&'static str>,
    entries: HashMap<DataId, Entry>,
    ids: HashMap<(u8, Bytes), DataId>,
    /// On a client what the server has sent, in place of its own.
    received: Option<HashMap<DataId, Entry>>,
    last: u32,
    /// Data that nobody held, with the tick since when.
    idle: VecDeque<(u64, DataId)>,
    tick: u64,
}

impl DataPool {
    /// Keeps a value and names it; an equal one that is there already gives the same name. It goes when
    /// no inventory has held it for ten minutes.
    ///
    /// For the authority: what a client inserts nobody else knows.
    ///
    /// # Errors
    ///
    /// [`DataError`].
    pub fn insert<T: ItemData>(&mut self, value: &T) -> Result<DataId, DataError> {
        let (kind, bytes) = self.encode(value)?;
        Ok(self.intern(kind, bytes))
    }

    /// The value, if it is of this type.
    #[must_use]
    pub fn get<T: ItemData>(&self, id: DataId) -> Option<T> {
        let entry = self.entry(id)?;
        (self.types[usize::from(entry.kind)] == T::NAME).then_some(())?;
        codec::from_data(&entry.bytes).ok()
    }

    /// What the type of the value is called, and how many bytes it takes.
    #[must_use]
    pub fn describe(&self, id: DataId) -> Option<(&'static str, usize)> {
        let entry = self.entry(id)?;
        Some((self.types[usize::from(entry.kind)], entry.bytes.len()))
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is a value of that name.
    #[must_use]
    pub fn contains(&self, id: DataId) -> bool {
        self.entry(id).is_some()
    }

    fn entry(&self, id: DataId) -> Option<&Entry> {
        self.received.as_ref().unwrap_or(&self.entries).get(&id)
    }

    /// Registers a type.
    ///
    /// # Panics
    ///
    /// If one of that name is registered, or 255 are.
    pub(crate) fn add_type<T: ItemData>(&mut self) {
        assert!(!self.types.contains(&T::NAME), "item data `{}` is registered twice", T::NAME);
        assert!(self.types.len() < 255, "more than 255 types of item data");
        self.types.push(T::NAME);
    }

    /// A hash of what both sides must agree on.
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

    /// The name of an equal value, if there is one.
    pub(crate) fn find(&self, kind: u8, bytes: &Bytes) -> Option<DataId> {
        self.ids.get(&(kind, bytes.clone())).copied()
    }

    /// The name that the `n`th new value from now on would get.
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
        self.entries.insert(id, Entry { kind, bytes, held: 0, idle_since: self.tick });
        self.idle.push_back((self.tick, id));
        id
    }

    /// How many types are registered.
    pub(crate) fn types(&self) -> usize {
        self.types.len()
    }

    /// Takes in what a transaction has minted, in its order.
    pub(crate) fn adopt(&mut self, minted: Vec<Datum>) {
        for datum in minted {
            let id = self.intern(datum.kind, datum.bytes);
            debug_assert_eq!(id, datum.id, "nothing was minted in between");
        }
    }

    /// Takes a value in under the name that the server gave it.
    pub(crate) fn put(&mut self, datum: Datum) {
        let Datum { id, kind, bytes } = datum;
        let entry = Entry { kind, bytes, held: 0, idle_since: 0 };
        self.received.get_or_insert_default().insert(id, entry);
    }

    /// Drops a value that the server says is gone.
    pub(crate) fn forget(&mut self, id: DataId) {
        if let Some(received) = &mut self.received {
            received.remove(&id);
        }
    }

    /// Begins anew with what the server sends, or goes back to what is this app's own.
    pub(crate) fn follow(&mut self, server: bool) {
        self.received = server.then(HashMap::default);
    }

    pub(crate) fn datum(&self, id: DataId) -> Option<Datum> {
        let Entry { kind, bytes, .. } = self.entry(id)?;
        Some(Datum { id, kind: *kind, bytes: bytes.clone() })
    }

    /// For saves: the type's name and the bytes.
    pub(crate) fn raw(&self, id: DataId) -> Option<(&'static str, &Bytes)> {
        let entry = self.entry(id)?;
        Some((self.types[usize::from(entry.kind)], &entry.bytes))
    }

    /// The opposite of [`Self::raw`].
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

    /// Counts a tick, and gives the names of what has gone.
    pub(crate) fn age(&mut self) -> Vec<DataId> {
        self.tick += 1;
        let mut gone = Vec::new();
        while let Some((at, id)) = self.idle.pop_front_if(|(at, _)| *at + KEPT_TICKS < self.tick) {
            let idle = |entry: &Entry| entry.held == 0 && entry.idle_since == at;
            if self.entries.get(&id).is_some_and(idle) {
                self.remove(id);
                gone.push(id);
            }
        }
        gone
    }

    fn remove(&mut self, id: DataId) {
        if let Some(Entry { kind, bytes, .. }) = self.entries.remove(&id) {
            self.ids.remove(&(kind, bytes));
        }
    }
}
