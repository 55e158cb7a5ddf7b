//! A list of slots and the operations that need nothing but the slots.

use crate::model::planted::{Bug, planted};
use core::{fmt, ops::Range};

use bevy::reflect::{Reflect, ReflectDeserialize, ReflectSerialize, std_traits::ReflectDefault};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{id::ItemId, stack::Stack};
use thiserror::Error;

/// A list of `Option<Stack>`: the slots of a chest, a backpack or a hotbar.
///
/// Reading out of range returns `None` or an error and never panics. Operations that merge take the
/// item's maximum stack size as an argument because slots have no access to the catalog; the
/// [`Inventories`](crate::prelude::Inventories) parameter supplies it.
///
/// Reflected and serialized as a plain list. Opaque to reflection, so that every write is tracked.
#[derive(Default, Reflect)]
#[reflect(opaque)]
#[reflect(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Slots {
    cells: Vec<Option<Stack>>,
    touched: TouchedRange,
}

/// The slots that may differ from a list that was compared with this one.
#[derive(Clone, Copy, Default, Debug)]
struct TouchedRange {
    /// Id of the comparison; zero for none. Two lists with the same mark differ at most in the
    /// range.
    mark: u32,
    from: u32,
    to: u32,
}

impl Clone for Slots {
    /// Clones the slots. The clone counts as not compared with any other list.
    fn clone(&self) -> Self {
        Self { cells: self.cells.clone(), touched: TouchedRange::default() }
    }
}

impl PartialEq for Slots {
    fn eq(&self, other: &Self) -> bool {
        self.cells == other.cells
    }
}

impl Eq for Slots {}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.cells).finish()
    }
}

impl Serialize for Slots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.cells.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Slots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

impl Slots {
    /// Creates `len` empty slots.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { cells: vec![None; len], touched: TouchedRange::default() }
    }

    /// Returns the slots that may differ from `other`, a list of the same length: those written to
    /// since [`compared`](Self::compared), or all of them if the two have not been compared.
    pub(crate) fn touched_since(&self, other: &Self) -> Range<usize> {
        let TouchedRange { mark, from, to } = self.touched;
        if mark == 0 || mark != other.touched.mark {
            return 0..self.cells.len();
        }
        from as usize..self.cells.len().min(to as usize)
    }

    /// Records that two lists are equal, under a mark that no other two lists share. With mark
    /// zero, the next comparison covers the whole lists.
    pub(crate) fn compared(&mut self, other: &mut Self, mark: u32) {
        self.touched = TouchedRange { mark, from: u32::MAX, to: 0 };
        other.touched.mark = mark;
    }

    /// Returns the mark of the last comparison; zero for none.
    pub(crate) fn mark(&self) -> u32 {
        self.touched.mark
    }

    fn touch(&mut self, slot: usize) {
        let slot = u32::try_from(slot).unwrap_or(u32::MAX - 1);
        let TouchedRange { from, to, .. } = &mut self.touched;
        (*from, *to) = ((*from).min(slot), (*to).max(slot + 1));
    }

    fn touch_all(&mut self) {
        self.touched = TouchedRange::default();
    }

    /// Returns the number of slots, including empty slots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns `true` if there are no slots.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Returns the slot's contents; `None` if it is empty or out of range.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<Stack> {
        self.cells.get(slot).copied().flatten()
    }

    /// Returns all slots in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Option<Stack>] {
        &self.cells
    }

    /// Iterates over the filled slots with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Stack)> + '_ {
        self.cells.iter().enumerate().filter_map(|(slot, stack)| stack.map(|stack| (slot, stack)))
    }

    /// Returns the first slot within a range whose contents differ from those in `other`, a list of
    /// the same length.
    pub(crate) fn differs_from(&self, other: &Self, within: Range<usize>) -> Option<usize> {
        let from = within.start;
        let (here, there) = (self.cells.get(within.clone())?, other.cells.get(within)?);
        // Runs on every change, so the cheapest comparison comes first.
        let differ = |(here, there): (&Option<Stack>, &Option<Stack>)| match (here, there) {
            (None, None) => false,
            (Some(a), Some(b)) => a.count != b.count || !a.stacks_with(b),
            _ => true,
        };
        here.iter().zip(there).position(differ).map(|at| from + at)
    }

    fn slot_mut(&mut self, slot: usize) -> Result<&mut Option<Stack>, SlotError> {
        let len = self.cells.len();
        if slot < len {
            self.touch(slot);
        }
        self.cells.get_mut(slot).ok_or(SlotError::OutOfRange { slot, len })
    }

    /// Sets the contents of a slot and returns the previous contents.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`] if there is no such slot.
    pub fn set(
        &mut self,
        slot: usize,
        stack: impl Into<Option<Stack>>,
    ) -> Result<Option<Stack>, SlotError> {
        Ok(core::mem::replace(self.slot_mut(slot)?, stack.into()))
    }

    /// Takes the whole contents of a slot.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`] or [`SlotError::Empty`].
    pub fn take(&mut self, slot: usize) -> Result<Stack, SlotError> {
        self.slot_mut(slot)?.take().ok_or(SlotError::Empty { slot })
    }

    /// Takes `count` items out of a slot.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`], [`SlotError::Empty`], [`SlotError::NotEnough`], or
    /// [`SlotError::Count`] if `count` is zero.
    pub fn split(&mut self, slot: usize, count: u32) -> Result<Stack, SlotError> {
        let cell = self.slot_mut(slot)?;
        let stack = cell.ok_or(SlotError::Empty { slot })?;
        let have = stack.count();
        let part = stack.with_count(count).ok_or(SlotError::Count { count, max: have })?;
        let rest =
            have.checked_sub(count).ok_or(SlotError::NotEnough { slot, have, wanted: count })?;
        *cell = stack.with_count(rest);
        Ok(part)
    }

    /// Puts as much of `stack` into one slot as fits and returns the rest.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`], or [`SlotError::Occupied`] if not a single item fits.
    pub fn merge(
        &mut self,
        slot: usize,
        stack: Stack,
        max_stack: u32,
    ) -> Result<Option<Stack>, SlotError> {
        let cell = self.slot_mut(slot)?;
        let have = match cell {
            Some(current) if !current.stacks_with(&stack) => {
                return Err(SlotError::Occupied { slot });
            }
            Some(current) => current.count(),
            None => 0,
        };
        let moved = stack.count().min(max_stack.saturating_sub(have));
        if moved == 0 {
            return Err(SlotError::Occupied { slot });
        }
        *cell = stack.with_count(have + moved);
        Ok(stack.with_count(stack.count() - moved))
    }

    /// Exchanges the contents of two slots.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`] if there is no such slot.
    pub fn swap(&mut self, a: usize, b: usize) -> Result<(), SlotError> {
        let len = self.cells.len();
        for slot in [a, b] {
            if slot >= len {
                return Err(SlotError::OutOfRange { slot, len });
            }
        }
        self.touch(a);
        self.touch(b);
        self.cells.swap(a, b);
        Ok(())
    }

    /// Moves up to `count` items (all if `None`) from one slot to another. An empty target slot, or
    /// one with a matching stack, takes as many as fit. If the target holds any other stack, the
    /// two are exchanged, which requires moving a whole stack.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`], [`SlotError::Empty`], [`SlotError::NotEnough`],
    /// [`SlotError::Count`] if `count` is zero, or [`SlotError::Occupied`] if nothing fits and the
    /// two stacks cannot be exchanged.
    pub fn move_within(
        &mut self,
        from: usize,
        to: usize,
        count: Option<u32>,
        max_stack: u32,
    ) -> Result<(), SlotError> {
        let source = (*self.slot_mut(from)?).ok_or(SlotError::Empty { slot: from })?;
        let target = *self.slot_mut(to)?;
        if from == to {
            return Ok(());
        }
        let whole = count.is_none_or(|count| count == source.count());
        if whole && target.is_some_and(|target| !target.stacks_with(&source)) {
            return self.swap(from, to);
        }
        let part = self.split(from, count.unwrap_or(source.count()))?;
        match self.merge(to, part, max_stack) {
            Ok(None) => Ok(()),
            Ok(Some(rest)) => {
                let back = self.get(from).map_or(0, |stack| stack.count()) + rest.count();
                self.cells[from] = source.with_count(back);
                Ok(())
            }
            Err(error) => {
                self.cells[from] = Some(source);
                Err(error)
            }
        }
    }

    /// Adds a stack wherever it fits, first to matching stacks, then to empty slots, and returns
    /// the part that did not fit.
    #[must_use = "the part that did not fit would be lost"]
    pub fn add(&mut self, stack: Stack, max_stack: u32) -> Option<Stack> {
        let merged = self.add_where(stack, max_stack, |cell| cell.is_some());
        merged.and_then(|rest| self.add_where(rest, max_stack, Option::is_none))
    }

    fn add_where(
        &mut self,
        stack: Stack,
        max_stack: u32,
        wanted: impl Fn(&Option<Stack>) -> bool,
    ) -> Option<Stack> {
        let mut rest = Some(stack);
        for slot in 0..self.cells.len() {
            let Some(left) = rest else { break };
            if wanted(&self.cells[slot])
                && let Ok(after) = self.merge(slot, left, max_stack)
            {
                rest = after;
            }
        }
        rest
    }

    /// Removes up to `count` of an item, from the last slot backwards, and returns the number
    /// removed.
    pub fn remove(&mut self, item: ItemId, count: u32) -> u32 {
        let mut left = count;
        for slot in (0..self.cells.len()).rev() {
            if left > 0
                && let Some(stack) = self.cells[slot].filter(|stack| stack.item == item)
            {
                let taken = left.min(stack.count());
                self.cells[slot] = stack.with_count(stack.count() - taken);
                self.touch(slot);
                left -= taken;
            }
        }
        count - left
    }

    /// Returns the number of items with this id.
    #[must_use]
    pub fn count(&self, item: ItemId) -> u64 {
        self.iter().filter(|(_, stack)| stack.item == item).map(|(_, s)| u64::from(s.count())).sum()
    }

    /// Returns the first slot with this item.
    #[must_use]
    pub fn find(&self, item: ItemId) -> Option<usize> {
        self.iter().find(|(_, stack)| stack.item == item).map(|(slot, _)| slot)
    }

    /// Merges matching stacks, orders them by `rank` (larger stacks of the same kind first), and
    /// closes the gaps.
    ///
    /// `max_stack` returns the maximum stack size of an item. Stacks above it are left unchanged.
    pub fn sort<K: Ord>(&mut self, rank: impl Fn(ItemId) -> K, max_stack: impl Fn(ItemId) -> u32) {
        let mut stacks: Vec<Stack> = self.cells.iter().flatten().copied().collect();
        stacks.sort_by_cached_key(|stack| (rank(stack.item), stack.wear, stack.data));
        let mut sorted: Vec<Stack> = Vec::with_capacity(stacks.len());
        let match_up = |a: &Stack, b: &Stack| match planted(Bug::SortMergesData) {
            true => (a.item, a.wear) == (b.item, b.wear),
            false => a.stacks_with(b),
        };
        for of_a_kind in stacks.chunk_by(match_up) {
            let max = max_stack(of_a_kind[0].item);
            let begin = sorted.len();
            // Stacks at or above the limit are kept unchanged; the others are merged into full
            // stacks.
            sorted.extend(of_a_kind.iter().filter(|stack| stack.count() >= max));
            let rest = of_a_kind.iter().filter(|stack| stack.count() < max);
            let mut left: u64 = rest.map(|stack| u64::from(stack.count())).sum();
            while left > 0 {
                let count = u32::try_from(left).map_or(max, |left| left.min(max));
                sorted.extend(of_a_kind[0].with_count(count));
                left -= u64::from(count);
            }
            sorted[begin..].sort_by_key(|stack| core::cmp::Reverse(stack.count()));
        }
        self.touch_all();
        self.cells.fill(None);
        for (cell, stack) in self.cells.iter_mut().zip(sorted) {
            *cell = Some(stack);
        }
    }

    /// Changes the number of slots and returns the stacks of the removed slots.
    #[must_use = "the stacks of the removed slots would be lost"]
    pub fn resize(&mut self, len: usize) -> Vec<Stack> {
        self.touch_all();
        let cut = self.cells.split_off(len.min(self.cells.len()));
        self.cells.resize(len, None);
        cut.into_iter().flatten().collect()
    }
}

impl FromIterator<Option<Stack>> for Slots {
    fn from_iter<I: IntoIterator<Item = Option<Stack>>>(stacks: I) -> Self {
        Self { cells: stacks.into_iter().collect(), touched: TouchedRange::default() }
    }
}

/// Error of an operation on slots. The slots are unchanged if one is returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum SlotError {
    /// The index is out of range.
    #[error("slot {slot} is outside 0..{len}")]
    OutOfRange {
        /// The requested index.
        slot: usize,
        /// Number of slots.
        len: usize,
    },
    /// The slot is empty.
    #[error("slot {slot} is empty")]
    Empty {
        /// The empty slot.
        slot: usize,
    },
    /// The slot holds fewer items than requested.
    #[error("slot {slot} holds {have} items, but {wanted} were requested")]
    NotEnough {
        /// The slot.
        slot: usize,
        /// Number of items in the slot.
        have: u32,
        /// Number of items requested.
        wanted: u32,
    },
    /// The slot holds a stack that does not match, or is full.
    #[error("slot {slot} has no room for this stack")]
    Occupied {
        /// The slot.
        slot: usize,
    },
    /// The requested count is zero.
    #[error("count {count} is outside 1..={max}")]
    Count {
        /// The requested count.
        count: u32,
        /// The largest valid count: the number of items in the slot.
        max: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORCH: ItemId = ItemId::of("torch");
    const AXE: ItemId = ItemId::of("axe");

    fn slots(stacks: &[Option<Stack>]) -> Slots {
        stacks.iter().copied().collect()
    }

    #[test]
    fn out_of_range_errors_name_slot_and_length() {
        let mut slots = Slots::new(3);
        let error = slots.set(7, TORCH.stack(1)).unwrap_err();
        assert_eq!(error.to_string(), "slot 7 is outside 0..3");
        assert_eq!(slots.swap(0, 3), Err(SlotError::OutOfRange { slot: 3, len: 3 }));
        assert_eq!(slots, Slots::new(3));
    }

    #[test]
    fn add_fills_matching_stacks_before_empty_slots_and_returns_the_rest() {
        let mut slots = slots(&[None, Some(TORCH.stack(60)), Some(AXE.stack(1))]);
        assert_eq!(slots.add(TORCH.stack(100), 64), Some(TORCH.stack(32)));
        assert_eq!(slots.get(0), Some(TORCH.stack(64)));
        assert_eq!(slots.count(TORCH), 128);
    }

    #[test]
    fn move_within_merges_swaps_and_keeps_the_rest() {
        let mut s =
            slots(&[Some(TORCH.stack(40)), Some(TORCH.stack(30)), Some(AXE.stack(1)), None]);
        s.move_within(0, 1, None, 64).unwrap();
        assert_eq!((s.get(0), s.get(1)), (Some(TORCH.stack(6)), Some(TORCH.stack(64))));
        s.move_within(0, 2, None, 64).unwrap();
        assert_eq!((s.get(0), s.get(2)), (Some(AXE.stack(1)), Some(TORCH.stack(6))));
        s.move_within(2, 3, Some(2), 64).unwrap();
        assert_eq!((s.get(2), s.get(3)), (Some(TORCH.stack(4)), Some(TORCH.stack(2))));
        let before = s.clone();
        assert_eq!(s.move_within(2, 0, Some(1), 64), Err(SlotError::Occupied { slot: 0 }));
        assert_eq!(s, before);
    }

    #[test]
    fn split_rejects_invalid_counts() {
        let mut s = slots(&[Some(TORCH.stack(5)), None]);
        assert_eq!(s.split(1, 1), Err(SlotError::Empty { slot: 1 }));
        assert_eq!(s.split(0, 0), Err(SlotError::Count { count: 0, max: 5 }));
        assert_eq!(s.split(0, 6), Err(SlotError::NotEnough { slot: 0, have: 5, wanted: 6 }));
        assert_eq!(s.split(0, 5), Ok(TORCH.stack(5)));
        assert_eq!(s.get(0), None);
    }

    #[test]
    fn sort_merges_stacks_and_closes_gaps_without_loss() {
        let mut s =
            slots(&[None, Some(TORCH.stack(50)), Some(AXE.stack(1)), Some(TORCH.stack(20))]);
        s.sort(|item| item != AXE, |item| if item == AXE { 1 } else { 64 });
        assert_eq!(
            s,
            slots(&[Some(AXE.stack(1)), Some(TORCH.stack(64)), Some(TORCH.stack(6)), None])
        );
    }

    #[test]
    fn remove_and_resize_return_all_removed_items() {
        let mut s = slots(&[Some(TORCH.stack(5)), Some(AXE.stack(1)), Some(TORCH.stack(3))]);
        assert_eq!(s.remove(TORCH, 4), 4);
        assert_eq!(s.count(TORCH), 4);
        assert_eq!(s.clone().remove(TORCH, 9), 4, "there are no more");
        assert_eq!(s.resize(1), vec![AXE.stack(1)]);
        assert_eq!(s.resize(4), vec![]);
        assert_eq!(s.len(), 4);
    }
}
