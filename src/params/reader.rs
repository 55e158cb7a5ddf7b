//! The system parameter that reads the inventories in view, whatever containers they have.

use bevy::{
    ecs::{
        entity_disabling::Disabled, query::Allow, system::SystemParam, world::FilteredEntityRef,
    },
    prelude::*,
};

use crate::{
    model::{
        catalog::ItemCatalog,
        container::{ContainerInfo, Slot, SlotRef},
        id::{ContainerKey, ItemId},
        stack::Stack,
    },
    shared::{
        containers::ContainerRegistry,
        markers::{ActingInventory, InView, LocalInventory},
    },
};

use super::query::{ContainersRef, acting};

/// Reads what the local player sees, by container and slot. A user interface for any container needs it; code that
/// knows the container's type queries the component instead.
#[derive(SystemParam)]
pub struct InventoryReader<'w, 's> {
    states: ContainersRef<'w, 's>,
    registry: Res<'w, ContainerRegistry>,
    seen: Query<'w, 's, &'static InView, Allow<Disabled>>,
    own: Query<'w, 's, (Entity, Has<ActingInventory>), (With<LocalInventory>, Allow<Disabled>)>,
    catalog: Option<Res<'w, ItemCatalog>>,
}

impl InventoryReader<'_, '_> {
    /// Returns the inventory from which the local player acts. Of several, the first one with [`ActingInventory`].
    #[must_use]
    pub fn own(&self) -> Option<Entity> {
        acting(self.own.iter())
    }

    /// Returns `true` if the local player owns the inventory.
    #[must_use]
    pub fn is_own(&self, inventory: Entity) -> bool {
        self.own.contains(inventory)
    }

    /// Returns what the local player may do with an inventory; `None` if it is not in view.
    #[must_use]
    pub fn view(&self, inventory: Entity) -> Option<InView> {
        self.seen.get(inventory).ok().copied()
    }

    /// Returns the contents of a slot. `None` if the slot is empty, does not exist or is not in view.
    #[must_use]
    pub fn get(&self, (inventory, slot): SlotRef) -> Option<Stack> {
        let entity = self.entity(inventory)?;
        self.registry.slots(&entity, slot.container)?.get(usize::from(slot.index))
    }

    /// Returns the number of slots of a container. `None` if the inventory is not in view or lacks the container.
    #[must_use]
    pub fn len(&self, inventory: Entity, container: ContainerKey) -> Option<usize> {
        let entity = self.entity(inventory)?;
        Some(self.registry.slots(&entity, container)?.len())
    }

    /// Returns the total count of an item in an inventory in view. Ignores containers that do not hold items.
    #[must_use]
    pub fn count(&self, inventory: Entity, item: ItemId) -> u64 {
        let Some(entity) = self.entity(inventory) else { return 0 };
        let kinds = self.registry.as_slice().iter().filter(|kind| kind.holds_items);
        let slots = kinds.filter_map(|kind| self.registry.slots(&entity, kind.key));
        slots.map(|slots| slots.count(item)).sum()
    }

    /// Returns the selected slot of an inventory in view that has a hotbar or a similar container.
    #[must_use]
    pub fn selected(&self, inventory: Entity) -> Option<Slot> {
        let entity = self.entity(inventory)?;
        self.registry.selected(&entity)
    }

    /// Iterates over the containers of an inventory in view: the built-in ones first, then others by name.
    pub fn containers(&self, inventory: Entity) -> impl Iterator<Item = &ContainerInfo> {
        let entity = self.entity(inventory);
        let has = move |key| {
            entity.as_ref().is_some_and(|entity| self.registry.slots(entity, key).is_some())
        };
        self.registry.as_slice().iter().filter(move |kind| has(kind.key))
    }

    /// Returns the description of a registered container.
    #[must_use]
    pub fn container(&self, key: ContainerKey) -> Option<&ContainerInfo> {
        self.registry.as_slice().iter().find(|kind| kind.key == key)
    }

    /// Returns the maximum stack size of an item; unlimited until the catalog is loaded.
    #[must_use]
    pub fn max_stack(&self, item: ItemId) -> u32 {
        self.catalog().map_or(u32::MAX, |catalog| catalog.max_stack(item))
    }

    /// Returns the item catalog, once it is loaded.
    #[must_use]
    pub fn catalog(&self) -> Option<&ItemCatalog> {
        self.catalog.as_deref()
    }

    fn entity(&self, inventory: Entity) -> Option<FilteredEntityRef<'_, '_>> {
        self.seen.get(inventory).ok().and_then(|_| self.states.get(inventory))
    }
}
