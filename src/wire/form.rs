//! Field widths and the layout of stacks, which the encoder and the decoder share.

use crate::model::state::InventoryState;

use super::{Schema, bits::BitWriter};

/// Encoding of the stacks of a copy.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Whether stacks may have wear or data.
    pub(super) more: bool,
    /// Whether counts are written without using the item's maximum stack size.
    pub(super) wide: bool,
    /// Whether no slot is empty, so the flag for filled slots is omitted.
    pub(super) all: bool,
}

impl Form {
    /// A single stack outside a copy.
    pub(super) const ALONE: Self = Self { more: true, wide: true, all: true };

    /// Returns the shortest form of a copy.
    pub(crate) fn of(schema: Schema, state: &InventoryState) -> Self {
        let (mut more, mut fits) = (false, true);
        let (mut wide_bits, mut narrow_bits) = (0, 0);
        for stack in state.iter().flatten() {
            let max_stack = schema.catalog.max_stack(stack.item);
            more |= stack.wear != 0 || stack.data.is_some();
            fits &= stack.count() <= max_stack;
            wide_bits += BitWriter::golomb_bits(u64::from(stack.count() - 1), 2);
            narrow_bits += count_bits(max_stack);
        }
        // Every slot must take at least one bit: readers use this to limit the number of slots.
        let all = schema.catalog.rank_bits() > 0 && state.iter().all(|cell| cell.is_some());
        Self { more, wide: !fits || wide_bits <= narrow_bits, all }
    }
}

/// Returns the number of bits of a count that is at most `max_stack`.
pub(super) fn count_bits(max_stack: u32) -> u32 {
    u32::BITS - (max_stack - 1).leading_zeros()
}

/// Returns the number of bits of an index into `len` elements.
#[must_use]
pub fn index_bits(len: usize) -> u32 {
    usize::BITS - len.saturating_sub(1).leading_zeros()
}

/// Number of bits of a rejection reason.
pub(super) const REASON_BITS: u32 = 5;

/// Code of a reason defined by the game.
pub(super) const REASON_GAME: u32 = 31;
