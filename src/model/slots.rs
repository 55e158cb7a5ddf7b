//! A list of slots, and everything one can do to it without knowing anything else.

use core::{fmt, ops::Range};

use bevy::reflect::{Reflect, ReflectDeserialize, ReflectSerialize, std_traits::ReflectDefault};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{error::SlotError, id::ItemId, stack::Stack};

/// A list of `Option<Stack>`: what a chest, a backpack or a hotbar is made of.
///
/// Reading past the end gives `None` or an error, never a panic. Operations that merge take the
/// item's maximum stack, because slots know nothing of the catalogue; the
/// [`Inventories`](crate::prelude::Inventories) parameter fills it in.
///
/// Reflected and serialised as a plain list; opaque to reflection, so that no write goes unnoticed.
#[derive(Default, Reflect)]
#[reflect(opaque)]
#[reflect(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Slots {
    cells: Vec<Option<Stack>>,
    touched: Touched,
}

/// Which slots may differ from a list that was compared with this one.
#[derive(Clone, Copy, Default, Debug)]
struct Touched {
    /// Names the comparison; zero for none. Two lists with the same mark differ in the range at most.
    mark: u32,
    from: u32,
    to: u32,
}

impl Clone for Slots {
    /// The copy has not been compared with anything.
    fn clone(&self) -> Self {
        Self { cells: self.cells.clone(), touched: Touched::default() }
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
    /// So many empty slots.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { cells: vec![None; len], touched: Touched::default() }
    }

    /// The slots that may differ from `other`, a list of the same length: those that were written to since
    /// [`compared`](Self::compared), or all of them if the two have not been compared.
    pub(crate) fn touched_since(&self, other: &Self) -> Range<usize> {
        let Touched { mark, from, to } = self.touched;
        if mark == 0 || mark != other.touched.mark {
            return 0..self.cells.len();
        }
        from as usize..self.cells.len().min(to as usize)
    }

    /// Notes that two lists hold the same, under a mark that no other two have; with zero they are to be compared
    /// as a whole next time.
    pub(crate) fn compared(&mut self, other: &mut Self, mark: u32) {
        self.touched = Touched { mark, from: u32::MAX, to: 0 };
        other.touched.mark = mark;
    }

    /// The mark under which the list was last compared, zero for none.
    pub(crate) fn mark(&self) -> u32 {
        self.touched.mark
    }

    fn touch(&mut self, slot: usize) {
        let slot = u32::try_from(slot).unwrap_or(u32::MAX - 1);
        let Touched { from, to, .. } = &mut self.touched;
        (*from, *to) = ((*from).min(slot), (*to).max(slot + 1));
    }

    fn touch_all(&mut self) {
        self.touched = Touched::default();
    }

    /// How many slots there are, empty ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is no slot at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// What lies in a slot; `None` if it is empty or not there.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<Stack> {
        self.cells.get(slot).copied().flatten()
    }

    /// All slots in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Option<Stack>] {
        &self.cells
    }

    /// The filled slots with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Stack)> + '_ {
        self.cells.iter().enumerate().filter_map(|(slot, stack)| stack.map(|stack| (slot, stack)))
    }

    /// The first slot within a range that holds something else than in a list of the same length.
    pub(crate) fn differs_from(&self, other: &Self, within: Range<usize>) -> Option<usize> {
        let from = within.start;
        let (here, there) = (self.cells.get(within.clone())?, other.cells.get(within)?);
        // Looked through on every change: the cheapest question first.
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

    /// Puts a stack (or nothing) into a slot and returns what lay there.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`].
    pub fn set(
        &mut self,
        slot: usize,
        stack: impl Into<Option<Stack>>,
    ) -> Result<Option<Stack>, SlotError> {
        Ok(core::mem::replace(self.slot_mut(slot)?, stack.into()))
    }

    /// Takes all that lies in a slot.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`] or [`SlotError::Empty`].
    pub fn take(&mut self, slot: usize) -> Result<Stack, SlotError> {
        self.slot_mut(slot)?.take().ok_or(SlotError::Empty { slot })
    }

    /// Takes `count` out of a slot.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`], [`SlotError::Empty`], [`SlotError::NotEnough`], or
    /// [`SlotError::Count`] for zero.
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

    /// Puts as much of `stack` into one slot as fits there and returns the rest.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`], or [`SlotError::Occupied`] if not one of it fits.
    pub fn merge(
        &mut self,
        slot: usize,
        stack: Stack,
        max_stack: u32,
    ) -> Result<Option<Stack>, SlotError> {
        let cell = self.slot_mut(slot)?;
        let have = match cell {
            Some(there) if !there.stacks_with(&stack) => return Err(SlotError::Occupied { slot }),
            Some(there) => there.count(),
            None => 0,
        };
        let moved = stack.count().min(max_stack.saturating_sub(have));
        if moved == 0 {
            return Err(SlotError::Occupied { slot });
        }
        *cell = stack.with_count(have + moved);
        Ok(stack.with_count(stack.count() - moved))
    }

    /// Exchanges two slots.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`].
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

    /// Moves up to `count` (all, if `None`) from one slot to another: onto an empty slot or one that
    /// stacks with it as much as fits, onto any other slot as an exchange of the two.
    ///
    /// # Errors
    ///
    /// [`SlotError::OutOfRange`], [`SlotError::Empty`], [`SlotError::NotEnough`],
    /// [`SlotError::Count`] for zero, or [`SlotError::Occupied`] if nothing fits and only a part was
    /// to be moved.
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

    /// Adds a stack wherever it fits, first to stacks of its kind, then to empty slots, and returns
    /// what did not fit.
    #[must_use = "what did not fit would be lost"]
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

    /// Removes up to `count` of an item, from the last slot backwards, and returns how many went.
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

    /// How many of an item there are.
    #[must_use]
    pub fn count(&self, item: ItemId) -> u64 {
        self.iter().filter(|(_, stack)| stack.item == item).map(|(_, s)| u64::from(s.count())).sum()
    }

    /// The first slot with this item.
    #[must_use]
    pub fn find(&self, item: ItemId) -> Option<usize> {
        self.iter().find(|(_, stack)| stack.item == item).map(|(slot, _)| slot)
    }

    /// Merges what stacks, orders by `rank` (then larger stacks first), and closes the gaps.
    ///
    /// `max_stack` gives the most that one slot may hold of an item. Stacks above it stay as they are.
    pub fn sort<K: Ord>(&mut self, rank: impl Fn(ItemId) -> K, max_stack: impl Fn(ItemId) -> u32) {
        let mut stacks: Vec<Stack> = self.cells.iter().flatten().copied().collect();
        stacks.sort_by_cached_key(|stack| (rank(stack.item), stack.wear, stack.data));
        let mut sorted: Vec<Stack> = Vec::with_capacity(stacks.len());
        for of_a_kind in stacks.chunk_by(Stack::stacks_with) {
            let max = max_stack(of_a_kind[0].item);
            let begin = sorted.len();
            // Stacks above the limit stay as they are; the others are filled up one by one.
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

    /// Changes the number of slots and returns what lay in those that went.
    #[must_use = "what lay in the slots that went would be lost"]
    pub fn resize(&mut self, len: usize) -> Vec<Stack> {
        self.touch_all();
        let cut = self.cells.split_off(len.min(self.cells.len()));
        self.cells.resize(len, None);
        cut.into_iter().flatten().collect()
    }
}

impl FromIterator<Option<Stack>> for Slots {
    fn from_iter<I: IntoIterator<Item = Option<Stack>>>(stacks: I) -> Self {
        Self { cells: stacks.into_iter().collect(), touched: Touched::default() }
    }
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
    fn out_of_range_is_named() {
        let mut slots = Slots::new(3);
        let error = slots.set(7, TORCH.stack(1)).unwrap_err();
        assert_eq!(error.to_string(), "slot 7 is outside 0..3");
        assert_eq!(slots.swap(0, 3), Err(SlotError::OutOfRange { slot: 3, len: 3 }));
        assert_eq!(slots, Slots::new(3));
    }

    #[test]
    fn add_fills_stacks_before_gaps_and_returns_the_rest() {
        let mut slots = slots(&[None, Some(TORCH.stack(60)), Some(AXE.stack(1))]);
        assert_eq!(slots.add(TORCH.stack(100), 64), Some(TORCH.stack(32)));
        assert_eq!(slots.get(0), Some(TORCH.stack(64)));
        assert_eq!(slots.count(TORCH), 128);
    }

    #[test]
    fn move_merges_swaps_and_keeps_the_rest() {
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
    fn split_is_checked() {
        let mut s = slots(&[Some(TORCH.stack(5)), None]);
        assert_eq!(s.split(1, 1), Err(SlotError::Empty { slot: 1 }));
        assert_eq!(s.split(0, 0), Err(SlotError::Count { count: 0, max: 5 }));
        assert_eq!(s.split(0, 6), Err(SlotError::NotEnough { slot: 0, have: 5, wanted: 6 }));
        assert_eq!(s.split(0, 5), Ok(TORCH.stack(5)));
        assert_eq!(s.get(0), None);
    }

    #[test]
    fn sort_merges_and_closes_gaps_without_losing_anything() {
        let mut s =
            slots(&[None, Some(TORCH.stack(50)), Some(AXE.stack(1)), Some(TORCH.stack(20))]);
        s.sort(|item| item != AXE, |item| if item == AXE { 1 } else { 64 });
        assert_eq!(
            s,
            slots(&[Some(AXE.stack(1)), Some(TORCH.stack(64)), Some(TORCH.stack(6)), None])
        );
    }

    #[test]
    fn remove_and_resize_account_for_everything() {
        let mut s = slots(&[Some(TORCH.stack(5)), Some(AXE.stack(1)), Some(TORCH.stack(3))]);
        assert_eq!(s.remove(TORCH, 4), 4);
        assert_eq!(s.count(TORCH), 4);
        assert_eq!(s.resize(1), vec![AXE.stack(1)]);
        assert_eq!(s.resize(4), vec![]);
        assert_eq!(s.len(), 4);
    }
}
