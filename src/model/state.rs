//! An inventory as a value: all containers of one entity, without the entity.

use super::{
    container::{ContainerInfo, Slot, selected_max},
    id::{ContainerKey, ItemId},
    rights::Rights,
    slots::Slots,
    stack::Stack,
};
use smallvec::SmallVec;

/// One container of an inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContainerState {
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
pub struct InventoryState {
    containers: SmallVec<[ContainerState; 2]>,
    /// The selected slot of the one container that has a selection.
    pub selected: Option<u8>,
}

impl InventoryState {
    /// Returns the containers in order.
    #[must_use]
    pub fn containers(&self) -> &[ContainerState] {
        &self.containers
    }

    pub(crate) fn containers_mut(&mut self) -> &mut [ContainerState] {
        &mut self.containers
    }

    /// Returns the number of slots of all containers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.containers.iter().map(|container| container.slots.len()).sum()
    }

    /// Returns `true` if there is no container, that is, the entity has no container (any more).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty()
    }

    /// Returns the slots of the container of type `kind`.
    #[must_use]
    pub fn container(&self, kind: u8) -> Option<&Slots> {
        self.containers.iter().find(|s| s.kind == kind).map(|container| &container.slots)
    }

    /// Returns the slots of the container of type `kind` mutably.
    pub fn container_mut(&mut self, kind: u8) -> Option<&mut Slots> {
        self.containers.iter_mut().find(|s| s.kind == kind).map(|container| &mut container.slots)
    }

    /// Inserts a container, replacing the container of the same type if there is one.
    pub fn insert(&mut self, kind: u8, slots: Slots) {
        match self.containers.binary_search_by_key(&kind, |container| container.kind) {
            Ok(at) => self.containers[at].slots = slots,
            Err(at) => self.containers.insert(at, ContainerState { kind, slots }),
        }
    }

    /// Removes a container and returns its slots.
    pub fn remove(&mut self, kind: u8) -> Option<Slots> {
        let at = self.containers.binary_search_by_key(&kind, |container| container.kind).ok()?;
        Some(self.containers.remove(at).slots)
    }

    /// Returns the flat position of the first slot of the container of type `kind`.
    #[must_use]
    pub fn start_of(&self, kind: u8) -> usize {
        self.containers.iter().take_while(|s| s.kind < kind).map(|s| s.slots.len()).sum()
    }

    /// Returns the container type and slot index of a flat position.
    #[must_use]
    pub fn locate(&self, flat: usize) -> Option<(u8, usize)> {
        let mut index = flat;
        for container in &self.containers {
            if index < container.slots.len() {
                return Some((container.kind, index));
            }
            index -= container.slots.len();
        }
        None
    }

    /// Returns the type of the container with this key, if the inventory has it.
    #[must_use]
    pub fn kind_of(&self, registry: &[ContainerInfo], key: ContainerKey) -> Option<u8> {
        let mut kinds = self.containers.iter().map(|container| container.kind);
        kinds.find(|kind| registry.get(usize::from(*kind)).is_some_and(|kind| kind.key == key))
    }

    /// Returns the type of the container that [`Self::selected`] refers to.
    #[must_use]
    pub fn selecting(&self, registry: &[ContainerInfo]) -> Option<u8> {
        let mut kinds = self.containers.iter().map(|container| container.kind);
        kinds.find(|kind| registry.get(usize::from(*kind)).is_some_and(|kind| kind.has_selection))
    }

    /// Returns the maximum of [`Self::selected`], or `None` if no container has a selection.
    #[must_use]
    pub fn selected_max(&self, registry: &[ContainerInfo]) -> Option<u8> {
        let kind = self.selecting(registry)?;
        let slots = self.container(kind)?.len();
        Some(selected_max(registry.get(usize::from(kind))?.shows_progress, slots))
    }

    /// Returns the maximum rights of players for a slot; no rights past the end.
    #[must_use]
    pub fn rights(&self, registry: &[ContainerInfo], flat: usize) -> Rights {
        let kind = |(kind, index)| registry.get(usize::from(kind)).map(|kind| (kind.rights)(index));
        self.locate(flat).and_then(kind).unwrap_or_default()
    }

    /// Returns the total number of items.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().flatten().map(|stack| u64::from(stack.count())).sum()
    }

    /// Returns the flat position of a slot address, if the inventory has that slot.
    #[must_use]
    pub fn flat(&self, registry: &[ContainerInfo], slot: Slot) -> Option<usize> {
        let kind = self.kind_of(registry, slot.container)?;
        let index = usize::from(slot.index);
        (index < self.container(kind)?.len()).then(|| self.start_of(kind) + index)
    }

    /// Returns the slot address of a flat position.
    #[must_use]
    pub fn address(&self, registry: &[ContainerInfo], flat: usize) -> Option<Slot> {
        let (kind, index) = self.locate(flat)?;
        let container = registry.get(usize::from(kind))?.key;
        Some(Slot { container, index: u16::try_from(index).ok()? })
    }

    /// Returns the slot's contents at a flat position; `None` if it is empty or out of range.
    #[must_use]
    pub fn get(&self, flat: usize) -> Option<Stack> {
        let (kind, index) = self.locate(flat)?;
        self.container(kind)?.get(index)
    }

    /// Sets the contents of the slot at a flat position and returns the previous contents. Does
    /// nothing if the position is out of range.
    pub fn set(&mut self, flat: usize, stack: Option<Stack>) -> Option<Stack> {
        let (kind, index) = self.locate(flat)?;
        self.container_mut(kind)?.set(index, stack).ok().flatten()
    }

    /// Returns the number of items with this id.
    #[must_use]
    pub fn count(&self, item: ItemId) -> u64 {
        self.containers.iter().map(|container| container.slots.count(item)).sum()
    }

    /// Iterates over all slots in flat order.
    pub fn iter(&self) -> impl Iterator<Item = Option<Stack>> + '_ {
        self.containers.iter().flat_map(|container| container.slots.as_slice().iter().copied())
    }

    /// Returns `true` if both have the same containers with the same numbers of slots.
    #[must_use]
    pub fn same_structure(&self, other: &Self) -> bool {
        self.containers.len() == other.containers.len()
            && self.selected.is_some() == other.selected.is_some()
            && self
                .containers
                .iter()
                .zip(&other.containers)
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
        let registry = [ContainerInfo::of::<Inventory>(), ContainerInfo::of::<Hotbar>()];
        let mut state = InventoryState::default();
        state.insert(1, Slots::new(9));
        state.insert(0, Slots::new(27));
        for flat in 0..36 {
            let slot = state.address(&registry, flat).unwrap();
            assert_eq!(state.flat(&registry, slot), Some(flat));
        }
        assert_eq!(state.flat(&registry, Hotbar::slot(3)), Some(30));
        assert_eq!(state.flat(&registry, Hotbar::slot(9)), None);
        assert_eq!(state.address(&registry, 36), None);
        state.set(30, Some(ItemId::of("axe").stack(1)));
        assert_eq!(state.container(1).unwrap().get(3), Some(ItemId::of("axe").stack(1)));
    }
}
