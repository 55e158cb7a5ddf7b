//! An inventory as a value: all containers of one entity, without the entity.

use super::{
    container::{Kind, Slot},
    id::{ContainerKey, ItemId},
    rights::Rights,
    slots::Slots,
    stack::Stack,
};
use smallvec::SmallVec;

/// One container of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Index of the container type in the registry.
    pub kind: u8,
    /// The slots.
    pub slots: Slots,
}

/// All containers of one entity, in the order of the registry.
///
/// Slots are addressed by their position in the whole inventory ("flat"): with 27 backpack slots
/// and 9 hotbar slots, flat position 27 is the first hotbar slot.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unit {
    sections: SmallVec<[Section; 2]>,
    /// The selected slot of the one container that has a selection.
    pub selected: Option<u8>,
}

impl Unit {
    /// Returns the containers in order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    pub(crate) fn sections_mut(&mut self) -> &mut [Section] {
        &mut self.sections
    }

    /// Returns the number of slots of all containers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sections.iter().map(|section| section.slots.len()).sum()
    }

    /// Returns `true` if there is no container, that is, the entity has no container (any more).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Returns the slots of the container of type `kind`.
    #[must_use]
    pub fn section(&self, kind: u8) -> Option<&Slots> {
        self.sections.iter().find(|s| s.kind == kind).map(|section| &section.slots)
    }

    /// Returns the slots of the container of type `kind` mutably.
    pub fn section_mut(&mut self, kind: u8) -> Option<&mut Slots> {
        self.sections.iter_mut().find(|s| s.kind == kind).map(|section| &mut section.slots)
    }

    /// Inserts a container, replacing the container of the same type if there is one.
    pub fn insert(&mut self, kind: u8, slots: Slots) {
        match self.sections.binary_search_by_key(&kind, |section| section.kind) {
            Ok(at) => self.sections[at].slots = slots,
            Err(at) => self.sections.insert(at, Section { kind, slots }),
        }
    }

    /// Removes a container and returns its slots.
    pub fn remove(&mut self, kind: u8) -> Option<Slots> {
        let at = self.sections.binary_search_by_key(&kind, |section| section.kind).ok()?;
        Some(self.sections.remove(at).slots)
    }

    /// Returns the flat position of the first slot of the container of type `kind`.
    #[must_use]
    pub fn start_of(&self, kind: u8) -> usize {
        self.sections.iter().take_while(|s| s.kind < kind).map(|s| s.slots.len()).sum()
    }

    /// Returns the container type and slot index of a flat position.
    #[must_use]
    pub fn locate(&self, flat: usize) -> Option<(u8, usize)> {
        let mut index = flat;
        for section in &self.sections {
            if index < section.slots.len() {
                return Some((section.kind, index));
            }
            index -= section.slots.len();
        }
        None
    }

    /// Returns the type of the container with this key, if the inventory has it.
    #[must_use]
    pub fn kind_of(&self, kinds: &[Kind], key: ContainerKey) -> Option<u8> {
        let mut there = self.sections.iter().map(|section| section.kind);
        there.find(|kind| kinds.get(usize::from(*kind)).is_some_and(|kind| kind.key == key))
    }

    /// Returns the type of the container that [`Self::selected`] refers to.
    #[must_use]
    pub fn selecting(&self, kinds: &[Kind]) -> Option<u8> {
        let mut there = self.sections.iter().map(|section| section.kind);
        there.find(|kind| kinds.get(usize::from(*kind)).is_some_and(|kind| kind.selects))
    }

    /// Returns the maximum rights of players for a slot; no rights past the end.
    #[must_use]
    pub fn rights(&self, kinds: &[Kind], flat: usize) -> Rights {
        let kind = |(kind, index)| kinds.get(usize::from(kind)).map(|kind| (kind.rights)(index));
        self.locate(flat).and_then(kind).unwrap_or_default()
    }

    /// Returns the total number of items.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().flatten().map(|stack| u64::from(stack.count())).sum()
    }

    /// Returns the flat position of a slot address, if the inventory has that slot.
    #[must_use]
    pub fn flat(&self, kinds: &[Kind], slot: Slot) -> Option<usize> {
        let kind = self.kind_of(kinds, slot.container)?;
        let index = usize::from(slot.index);
        (index < self.section(kind)?.len()).then(|| self.start_of(kind) + index)
    }

    /// Returns the slot address of a flat position.
    #[must_use]
    pub fn address(&self, kinds: &[Kind], flat: usize) -> Option<Slot> {
        let (kind, index) = self.locate(flat)?;
        let container = kinds.get(usize::from(kind))?.key;
        Some(Slot { container, index: u16::try_from(index).ok()? })
    }

    /// Returns the slot's contents at a flat position; `None` if it is empty or out of range.
    #[must_use]
    pub fn get(&self, flat: usize) -> Option<Stack> {
        let (kind, index) = self.locate(flat)?;
        self.section(kind)?.get(index)
    }

    /// Sets the contents of the slot at a flat position and returns the previous contents. Does
    /// nothing if the position is out of range.
    pub fn set(&mut self, flat: usize, stack: Option<Stack>) -> Option<Stack> {
        let (kind, index) = self.locate(flat)?;
        self.section_mut(kind)?.set(index, stack).ok().flatten()
    }

    /// Returns the number of items with this id.
    #[must_use]
    pub fn count(&self, item: ItemId) -> u64 {
        self.sections.iter().map(|section| section.slots.count(item)).sum()
    }

    /// Iterates over all slots in flat order.
    pub fn iter(&self) -> impl Iterator<Item = Option<Stack>> + '_ {
        self.sections.iter().flat_map(|section| section.slots.as_slice().iter().copied())
    }

    /// Returns `true` if both have the same containers with the same numbers of slots.
    #[must_use]
    pub fn same_structure(&self, other: &Self) -> bool {
        self.sections.len() == other.sections.len()
            && self.selected.is_some() == other.selected.is_some()
            && self
                .sections
                .iter()
                .zip(&other.sections)
                .all(|(a, b)| a.kind == b.kind && a.slots.len() == b.slots.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::container::Container;
    use crate::model::{
        builtin::{Hotbar, Inventory},
        id::ItemId,
    };

    #[test]
    fn slot_addresses_round_trip_through_flat_positions() {
        let kinds = [Kind::of::<Inventory>(), Kind::of::<Hotbar>()];
        let mut unit = Unit::default();
        unit.insert(1, Slots::new(9));
        unit.insert(0, Slots::new(27));
        for flat in 0..36 {
            let slot = unit.address(&kinds, flat).unwrap();
            assert_eq!(unit.flat(&kinds, slot), Some(flat));
        }
        assert_eq!(unit.flat(&kinds, Hotbar::slot(3)), Some(30));
        assert_eq!(unit.flat(&kinds, Hotbar::slot(9)), None);
        assert_eq!(unit.address(&kinds, 36), None);
        unit.set(30, Some(ItemId::of("axe").stack(1)));
        assert_eq!(unit.section(1).unwrap().get(3), Some(ItemId::of("axe").stack(1)));
    }
}
