//! One stack of one item.

use core::{fmt, num::NonZeroU32};

use bevy::reflect::Reflect;
use serde::{Deserialize, Serialize};

use super::id::{DataId, ItemId};

/// So many of one item, in one slot. An empty slot is `None`; a stack of zero cannot be written down.
///
/// Sixteen bytes, `Copy`, and an `Option<Stack>` is no larger. Five torches are written `torch x5`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Reflect, Serialize, Deserialize)]
pub struct Stack {
    /// Which item.
    pub item: ItemId,
    /// How many, at least one.
    pub count: NonZeroU32,
    /// A small number that changes often and is the game's to read: durability, charge, freshness.
    pub wear: u16,
    /// What is rare and rich about this stack, by reference.
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
    /// A stack without wear or data, or `None` if `count` is zero.
    #[must_use]
    pub const fn new(item: ItemId, count: u32) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self { item, count, wear: 0, data: None }),
            None => None,
        }
    }

    /// How many, as a plain number.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count.get()
    }

    /// The same stack with this wear.
    #[must_use]
    pub const fn worn(self, wear: u16) -> Self {
        Self { wear, ..self }
    }

    /// The same stack with this instance data.
    #[must_use]
    pub const fn with_data(self, data: DataId) -> Self {
        Self { data: Some(data), ..self }
    }

    /// The same stack with another count, or `None` if that is zero.
    #[must_use]
    pub fn with_count(self, count: u32) -> Option<Self> {
        NonZeroU32::new(count).map(|count| Self { count, ..self })
    }

    /// Whether the two could lie in one slot: same item, same wear, same data.
    #[must_use]
    pub fn stacks_with(&self, other: &Self) -> bool {
        self.item == other.item && self.wear == other.wear && self.data == other.data
    }
}
