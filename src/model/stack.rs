//! A stack of one item.

use crate::model::planted::{Bug, planted};
use core::{fmt, num::NonZeroU32};

use bevy::reflect::Reflect;
use serde::{Deserialize, Serialize};

use super::id::{DataId, ItemId};

/// One or more items of one kind in one slot. An empty slot is `None`; a stack of zero items cannot be represented.
///
/// Sixteen bytes and `Copy`; an `Option<Stack>` is no larger. Five torches are displayed as `torch
/// x5`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Reflect, Serialize, Deserialize)]
pub struct Stack {
    /// The item.
    pub item: ItemId,
    /// Number of items, at least one.
    pub count: NonZeroU32,
    /// A small number that changes often, interpreted by the game: durability, charge, freshness.
    pub wear: u16,
    /// Id of the stack's instance data, for large and rare attributes.
    pub data: Option<DataId>,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { item, count, wear, data } = self;
        write!(f, "{item} x{count}")?;
        if *wear != 0 {
            write!(f, ", wear {wear}")?;
        }
        data.map_or(Ok(()), |DataId(data)| write!(f, ", data {data}"))
    }
}

impl Stack {
    /// Creates a stack without wear or data; `None` if `count` is zero.
    #[must_use]
    pub const fn new(item: ItemId, count: u32) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self { item, count, wear: 0, data: None }),
            None => None,
        }
    }

    /// Returns the number of items as a plain integer.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count.get()
    }

    /// Returns the same stack with this wear.
    #[must_use]
    pub const fn with_wear(self, wear: u16) -> Self {
        Self { wear, ..self }
    }

    /// Returns the same stack with this instance data.
    #[must_use]
    pub const fn with_data(self, data: DataId) -> Self {
        Self { data: Some(data), ..self }
    }

    /// Returns the same stack with another count; `None` if the count is zero.
    #[must_use]
    pub fn with_count(self, count: u32) -> Option<Self> {
        NonZeroU32::new(count).map(|count| Self { count, ..self })
    }

    /// Returns `true` if both stacks can be merged: same item, same wear, same data.
    #[must_use]
    pub fn stacks_with(&self, other: &Self) -> bool {
        let same_wear = self.wear == other.wear || planted(Bug::WearIgnored);
        self.item == other.item && same_wear && self.data == other.data
    }
}

impl ItemId {
    /// Returns a stack of `count` of this item, without wear or instance data.
    ///
    /// # Panics
    ///
    /// If `count` is zero. Use [`Stack::new`] if the count may be zero.
    #[must_use]
    #[track_caller]
    pub const fn stack(self, count: u32) -> Stack {
        match NonZeroU32::new(count) {
            Some(count) => Stack { item: self, count, wear: 0, data: None },
            None => panic!("a stack must hold at least one item"),
        }
    }
}
