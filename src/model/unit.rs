//! A unit as a value: all the containers of one entity, without the entity.

use smallvec::SmallVec;

use super::{
    container::{Container, Slot},
    id::{ContainerKey, ItemId},
    items::ItemDef,
    rights::Rights,
    slots::Slots,
    stack::Stack,
};

/// Most slots a unit may have, all containers together. More is a
/// [fault](crate::server::faults::InventoryFault), and the unit is not synced.
pub const UNIT_SLOTS_MAX: usize = 8192;

/// Most kinds of containers a game may register.
pub const KINDS_MAX: usize = 64;

/// A registered kind of container, without its type.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its [`NAME`](Container::NAME).
    pub name: &'static str,
    /// The key made of the name.
    pub key: ContainerKey,
    /// Its [`FILL`](Container::FILL).
    pub fill: bool,
    /// Its [`SELECTS`](Container::SELECTS).
    pub selects: bool,
    /// Its [`PROGRESS`](Container::PROGRESS).
    pub progress: bool,
    /// Its [`accepts`](Container::accepts).
    pub accepts: fn(usize, &ItemDef) -> bool,
    /// Its [`rights`](Container::rights).
    pub rights: fn(usize) -> Rights,
}

impl Kind {
    /// The kind of container `C`.
    #[must_use]
    pub fn of<C: Container>() -> Self {
        Self {
            name: C::NAME,
            key: ContainerKey::of(C::NAME),
            fill: C::FILL,
            selects: C::SELECTS,
            progress: C::PROGRESS,
            accepts: C::accepts,
            rights: C::rights,
        }
    }
}

/// One container of a unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Which registered kind: its rank in the order of registration.
    pub kind: u8,
    /// The slots.
    pub slots: Slots,
}

/// All containers of one entity, in the order in which their kinds were registered.
///
/// Slots are addressed here by their position in the whole unit ("flat"): with 27 slots of backpack
/// and 9 of hotbar, flat 27 is the first of the hotbar.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unit {
    sections: SmallVec<[Section; 2]>,
    /// The selected slot of the one container that has one.
    pub selected: Option<u8>,
}

impl Unit {
    /// The sections in order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    pub(crate) fn sections_mut(&mut self) -> &mut [Section] {
        &mut self.sections
    }

    /// How many slots there are in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sections.iter().map(|section| section.slots.len()).sum()
    }

    /// Whether there is no section, which means that the entity has no container (left).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The slots of one kind.
    #[must_use]
    pub fn section(&self, kind: u8) -> Option<&Slots> {
        self.sections.iter().find(|s| s.kind == kind).map(|section| &section.slots)
    }

    /// The slots of one kind, to change.
    pub fn section_mut(&mut self, kind: u8) -> Option<&mut Slots> {
        self.sections.iter_mut().find(|s| s.kind == kind).map(|section| &mut section.slots)
    }

    /// Puts a container in, in place of the one of that kind if there is one.
    pub fn insert(&mut self, kind: u8, slots: Slots) {
        match self.sections.binary_search_by_key(&kind, |section| section.kind) {
            Ok(at) => self.sections[at].slots = slots,
            Err(at) => self.sections.insert(at, Section { kind, slots }),
        }
    }

    /// Takes a container out.
    pub fn remove(&mut self, kind: u8) -> Option<Slots> {
        let at = self.sections.binary_search_by_key(&kind, |section| section.kind).ok()?;
        Some(self.sections.remove(at).slots)
    }

    /// The flat position of the first slot of a kind.
    #[must_use]
    pub fn start_of(&self, kind: u8) -> usize {
        self.sections.iter().take_while(|s| s.kind < kind).map(|s| s.slots.len()).sum()
    }

    /// Kind and index of a flat position.
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

    /// The kind of the container with this key, if the unit has it.
    #[must_use]
    pub fn kind_of(&self, kinds: &[Kind], key: ContainerKey) -> Option<u8> {
        let mut there = self.sections.iter().map(|section| section.kind);
        there.find(|kind| kinds.get(usize::from(*kind)).is_some_and(|kind| kind.key == key))
    }

    /// Which container says what [`Self::selected`] is.
    #[must_use]
    pub fn selecting(&self, kinds: &[Kind]) -> Option<u8> {
        let mut there = self.sections.iter().map(|section| section.kind);
        there.find(|kind| kinds.get(usize::from(*kind)).is_some_and(|kind| kind.selects))
    }

    /// What players may do with a slot at most; nothing past the end.
    #[must_use]
    pub fn rights(&self, kinds: &[Kind], flat: usize) -> Rights {
        let kind = |(kind, index)| kinds.get(usize::from(kind)).map(|kind| (kind.rights)(index));
        self.locate(flat).and_then(kind).unwrap_or_default()
    }

    /// How many items there are in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().flatten().map(|stack| u64::from(stack.count())).sum()
    }

    /// The flat position of an address, if the unit has it.
    #[must_use]
    pub fn flat(&self, kinds: &[Kind], slot: Slot) -> Option<usize> {
        let kind = self.kind_of(kinds, slot.container)?;
        let index = usize::from(slot.index);
        (index < self.section(kind)?.len()).then(|| self.start_of(kind) + index)
    }

    /// The address of a flat position.
    #[must_use]
    pub fn address(&self, kinds: &[Kind], flat: usize) -> Option<Slot> {
        let (kind, index) = self.locate(flat)?;
        let container = kinds.get(usize::from(kind))?.key;
        Some(Slot { container, index: u16::try_from(index).ok()? })
    }

    /// What lies at a flat position; `None` if it is empty or not there.
    #[must_use]
    pub fn get(&self, flat: usize) -> Option<Stack> {
        let (kind, index) = self.locate(flat)?;
        self.section(kind)?.get(index)
    }

    /// Puts a stack (or nothing) at a flat position and returns what lay there; past the end nothing
    /// happens.
    pub fn set(&mut self, flat: usize, stack: Option<Stack>) -> Option<Stack> {
        let (kind, index) = self.locate(flat)?;
        self.section_mut(kind)?.set(index, stack).ok().flatten()
    }

    /// How many of an item there are.
    #[must_use]
    pub fn count(&self, item: ItemId) -> u64 {
        self.sections.iter().map(|section| section.slots.count(item)).sum()
    }

    /// All slots in flat order.
    pub fn iter(&self) -> impl Iterator<Item = Option<Stack>> + '_ {
        self.sections.iter().flat_map(|section| section.slots.as_slice().iter().copied())
    }

    /// Whether both have the same containers of the same lengths.
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
    use crate::model::{container::Hotbar, container::Inventory, id::ItemId};

    #[test]
    fn addresses_and_flat_positions_agree() {
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
