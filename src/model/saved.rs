//! An inventory in saved form: with items by key, so that saves remain valid when the catalog
//! changes.

use crate::model::planted::{Bug, planted};
use bevy::ecs::component::Component;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    catalog::ItemCatalog,
    container::ContainerInfo,
    data::{DataPool, held::HeldStack},
    id::{DataId, ItemId},
    limits::INVENTORY_SLOTS_MAX,
    slots::Slots,
    stack::Stack,
    state::InventoryState,
};

/// A saved inventory, for any serde format.
///
/// Items are stored by key and containers by name. On load, items and containers that are unknown
/// to the current catalog or not registered go to [`UnknownItems`] and are written again in the
/// next save.
///
/// Binary formats are length-prefixed. Read a save that may be damaged with a size limit, for example
/// `bincode::config::standard().with_limit`, so that a corrupt length is an error and not a huge allocation.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SavedInventory {
    /// The containers.
    pub containers: Vec<SavedContainer>,
    /// The selected slot, if a container has one.
    pub selected: Option<u8>,
    /// Stacks that were in other inventories and belong to this one
    /// ([`ReturnsTo`](crate::prelude::ReturnsTo)). Their slots have no meaning.
    #[serde(default)]
    pub returned: Vec<SavedStack>,
    /// The stacks that were saved without their instance data, because it no longer existed. Not part of the
    /// serialized form.
    #[serde(skip)]
    pub lost_data: Vec<LostData>,
}

/// A stack that was saved without its instance data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostData {
    /// The container's [`NAME`](super::container::Container::NAME), or `returned` for one of the
    /// [returned](SavedInventory::returned) stacks.
    pub container: String,
    /// Index of the slot.
    pub slot: u16,
    /// Key of the item.
    pub item: String,
    /// The stack's dangling data id.
    pub data: DataId,
}

/// One saved container.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SavedContainer {
    /// The container's [`NAME`](super::container::Container::NAME).
    pub name: String,
    /// Number of slots.
    pub len: u16,
    /// The filled slots.
    pub slots: Vec<SavedStack>,
}

/// One saved stack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedStack {
    /// Index of the slot.
    pub slot: u16,
    /// Key of the item.
    pub item: String,
    /// Number of items.
    pub count: u32,
    /// See [`Stack::wear`].
    #[serde(default)]
    pub wear: u16,
    /// See [`Stack::data`].
    #[serde(default)]
    pub data: Option<SavedData>,
}

/// Saved instance data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedData {
    /// The [`NAME`](super::data::ItemData::NAME) of the data's type.
    pub name: String,
    /// The value, as serialized by the type.
    pub bytes: Vec<u8>,
}

/// A saved [`HeldStack`], for any serde format. See
/// [`Inventories::save_held`](crate::prelude::Inventories::save_held).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedHeldStack {
    /// Key of the item.
    pub item: String,
    /// Number of items.
    pub count: u32,
    /// See [`Stack::wear`].
    #[serde(default)]
    pub wear: u16,
    /// See [`Stack::data`].
    #[serde(default)]
    pub data: Option<SavedData>,
}

/// Error returned when a [`HeldStack`] cannot be saved or loaded.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum SavedStackError {
    /// The catalog has not loaded.
    #[error("the item catalog has not loaded")]
    NoCatalog,
    /// The item is not in the catalog.
    #[error("item `{item}` is not in the catalog")]
    UnknownItem {
        /// Key of the item.
        item: String,
    },
    /// The number of items is zero.
    #[error("the saved count of item `{item}` is zero")]
    Empty {
        /// Key of the item.
        item: String,
    },
    /// The type of the instance data is not registered, or the value cannot be stored.
    #[error("item `{item}`: instance data `{name}` cannot be restored")]
    UnknownData {
        /// Key of the item.
        item: String,
        /// Name of the data's type.
        name: String,
    },
}

/// The part of a saved inventory that could not be restored: items or containers that this build of
/// the game does not know, and stacks whose slot no longer exists.
///
/// The component stays on the entity and is written to the next save, so that no items are lost
/// when a mod, a hotfix or a rolled-back release makes them unknown for a while.
#[derive(Component, Clone, PartialEq, Eq, Debug, Default)]
pub struct UnknownItems {
    /// The stacks by container. A container that is registered again gets its length back as well.
    pub containers: Vec<SavedContainer>,
    /// Unknown items among [`SavedInventory::returned`].
    pub returned: Vec<SavedStack>,
}

/// Name of the container that [`LostData`] gives for stacks in [`SavedInventory::returned`].
const RETURNED: &str = "returned";

/// Prefix of the saved key of an item without a key in the catalog; the item's id in hexadecimal
/// follows.
const NO_KEY: char = '#';

fn key_of(item: ItemId, catalog: &ItemCatalog) -> String {
    catalog
        .get(item)
        .map_or_else(|| format!("{NO_KEY}{:08x}", item.to_bits()), |def| def.key.clone())
}

fn to_u16(index: usize) -> u16 {
    u16::try_from(index).expect("a slot index must fit in 16 bits")
}

impl SavedInventory {
    /// Saves an inventory, including what an earlier load could not restore.
    #[must_use]
    pub fn new(
        state: &InventoryState,
        registry: &[ContainerInfo],
        catalog: &ItemCatalog,
        pool: Option<&DataPool>,
        unknown: Option<&UnknownItems>,
    ) -> Self {
        let mut saved = Self { selected: state.selected, ..Self::default() };
        for container in state.containers() {
            let name = registry[usize::from(container.kind)].name;
            let mut slots = Vec::new();
            for (index, stack) in container.slots.iter() {
                let entry = saved_stack(index, stack, catalog, pool);
                if let Some(data) = stack.data.filter(|_| entry.data.is_none()) {
                    let (slot, item) = (entry.slot, entry.item.clone());
                    saved.lost_data.push(LostData { container: name.to_owned(), slot, item, data });
                }
                slots.push(entry);
            }
            let len = to_u16(container.slots.len());
            saved.containers.push(SavedContainer { name: name.to_owned(), len, slots });
        }
        for kept in unknown.into_iter().flat_map(|unknown| &unknown.containers) {
            match saved.containers.iter_mut().find(|container| container.name == kept.name) {
                Some(container) => container.slots.extend_from_slice(&kept.slots),
                None => saved.containers.push(kept.clone()),
            }
        }
        saved.returned = unknown.map_or_else(Vec::new, |unknown| unknown.returned.clone());
        saved
    }

    /// Adds the contents of an inventory that belong to this one.
    pub(crate) fn add_returned(
        &mut self,
        state: &InventoryState,
        catalog: &ItemCatalog,
        pool: Option<&DataPool>,
    ) {
        for (index, stack) in state.iter().enumerate() {
            let Some(stack) = stack else { continue };
            let entry = saved_stack(index, stack, catalog, pool);
            if let Some(data) = stack.data.filter(|_| entry.data.is_none()) {
                let (container, item) = (RETURNED.to_owned(), entry.item.clone());
                self.lost_data.push(LostData { container, slot: entry.slot, item, data });
            }
            self.returned.push(entry);
        }
    }

    /// Restores the stacks that return to the inventory. Those that are unknown are added to `unknown`.
    pub(crate) fn restore_returned(
        &self,
        catalog: &ItemCatalog,
        mut pool: Option<&mut DataPool>,
        unknown: &mut UnknownItems,
    ) -> Vec<Stack> {
        let mut stacks = Vec::new();
        for saved in &self.returned {
            match saved.resolve(catalog, pool.as_deref_mut()) {
                Some(stack) => stacks.push(stack),
                None => unknown.returned.push(saved.clone()),
            }
        }
        stacks
    }

    /// Restores the inventory and returns it with the part that could not be restored. Nothing is
    /// dropped.
    #[must_use]
    pub fn restore(
        &self,
        registry: &[ContainerInfo],
        catalog: &ItemCatalog,
        mut pool: Option<&mut DataPool>,
    ) -> (InventoryState, UnknownItems) {
        let mut state = InventoryState::default();
        let mut unknown = UnknownItems::default();
        for saved in &self.containers {
            let kind = (0u8..).zip(registry).find(|(_, kind)| kind.name == saved.name);
            // The second of two containers with the same name does not replace the first.
            let kind = kind.filter(|(kind, _)| state.container(*kind).is_none());
            let len = usize::from(saved.len).min(INVENTORY_SLOTS_MAX - state.len());
            let mut slots = Slots::new(len);
            let mut kept = SavedContainer { slots: vec![], ..saved.clone() };
            for entry in &saved.slots {
                let slot = usize::from(entry.slot);
                let stack = kind.and_then(|_| entry.resolve(catalog, pool.as_deref_mut()));
                let free = slots.get(slot).is_none();
                if !free || stack.is_none_or(|stack| slots.set(slot, stack).is_err()) {
                    kept.slots.push(entry.clone());
                }
            }
            if let Some((kind, _)) = kind {
                state.insert(kind, slots);
            }
            if kind.is_none() || !kept.slots.is_empty() {
                unknown.containers.push(kept);
            }
        }
        state.selected = self.selected;
        (state, unknown)
    }
}

impl SavedData {
    fn new((name, bytes): (&'static str, &Bytes)) -> Self {
        Self { name: name.to_owned(), bytes: bytes.to_vec() }
    }
}

fn saved_stack(
    index: usize,
    stack: Stack,
    catalog: &ItemCatalog,
    pool: Option<&DataPool>,
) -> SavedStack {
    let data = stack.data.and_then(|id| pool?.raw(id)).map(SavedData::new);
    SavedStack::new(to_u16(index), stack, catalog, data)
}

impl SavedStack {
    /// Saves a stack, given the value of its instance data.
    pub(crate) fn new(
        slot: u16,
        stack: Stack,
        catalog: &ItemCatalog,
        data: Option<SavedData>,
    ) -> Self {
        let item = key_of(stack.item, catalog);
        Self { slot, item, count: stack.count(), wear: stack.wear, data }
    }

    fn resolve(&self, catalog: &ItemCatalog, pool: Option<&mut DataPool>) -> Option<Stack> {
        let item = ItemId::of(&self.item);
        // The id of a key that no longer exists may be that of another item.
        catalog.get(item).filter(|def| def.key == self.item)?;
        let wear = if planted(Bug::LoadForgetsWear) { 0 } else { self.wear };
        let stack = Stack::new(item, self.count)?.with_wear(wear);
        let Some(data) = &self.data else { return Some(stack) };
        Some(stack.with_data(pool?.intern_raw(&data.name, &data.bytes)?))
    }
}

impl SavedHeldStack {
    /// Saves a held stack.
    ///
    /// # Errors
    ///
    /// [`SavedStackError::UnknownItem`].
    pub fn new(held: &HeldStack, catalog: &ItemCatalog) -> Result<Self, SavedStackError> {
        let stack = held.stack();
        let unknown = || SavedStackError::UnknownItem { item: stack.item.to_string() };
        let item = catalog.get(stack.item).ok_or_else(unknown)?.key.clone();
        let data = held.raw().map(SavedData::new);
        Ok(Self { item, count: stack.count(), wear: stack.wear, data })
    }

    /// Restores the held stack.
    ///
    /// # Errors
    ///
    /// [`SavedStackError`], except [`NoCatalog`](SavedStackError::NoCatalog).
    pub fn restore(
        &self,
        catalog: &ItemCatalog,
        pool: &mut DataPool,
    ) -> Result<HeldStack, SavedStackError> {
        let (key, item) = (|| self.item.clone(), ItemId::of(&self.item));
        catalog.rank(item).ok_or_else(|| SavedStackError::UnknownItem { item: key() })?;
        let stack = Stack::new(item, self.count);
        let stack = stack.ok_or_else(|| SavedStackError::Empty { item: key() })?;
        let stack = stack.with_wear(self.wear);
        let Some(SavedData { name, bytes }) = &self.data else {
            return Ok(HeldStack::without_data(stack));
        };
        let id = pool.intern_raw(name, bytes);
        let held = id.and_then(|id| pool.hold(stack.with_data(id)).ok());
        held.ok_or_else(|| SavedStackError::UnknownData { item: key(), name: name.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        builtin::{Hotbar, Inventory},
        catalog::Items,
    };

    fn catalog(keys: &[&str]) -> ItemCatalog {
        let items = keys.iter().map(|key| format!("(key: \"{key}\"),")).collect::<String>();
        Items::<()>::from_ron(&format!("(items: [{items}])")).unwrap().catalog().clone()
    }

    #[test]
    fn unknown_items_and_containers_survive_a_save_and_load_round_trip() {
        let all = [ContainerInfo::of::<Inventory>(), ContainerInfo::of::<Hotbar>()];
        let mut state = InventoryState::default();
        state.insert(0, Slots::new(3));
        state.insert(1, Slots::new(2));
        state.selected = Some(1);
        state.set(0, Some(ItemId::of("torch").stack(5)));
        state.set(2, Some(ItemId::of("gem").stack(2).with_wear(7)));
        state.set(4, Some(ItemId::of("axe").stack(1)));
        let full =
            SavedInventory::new(&state, &all, &catalog(&["axe", "gem", "torch"]), None, None);

        let poorer = catalog(&["axe", "torch"]);
        let (back, unknown) = full.restore(&all[..1], &poorer, None);
        assert_eq!(back.container(0).unwrap().get(2), None);
        assert_eq!(unknown.containers.iter().map(|c| c.slots.len()).sum::<usize>(), 2);

        let again = SavedInventory::new(&back, &all[..1], &poorer, None, Some(&unknown));
        let (restored, left) = again.restore(&all, &catalog(&["axe", "gem", "torch"]), None);
        assert_eq!(restored, state);
        assert_eq!(left, UnknownItems::default());
    }
}
