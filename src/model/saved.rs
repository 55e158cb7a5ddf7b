//! An inventory as it is saved: by key, so that saves outlive changes to the catalogue.

use bevy::ecs::component::Component;
use serde::{Deserialize, Serialize};

use super::{
    data::DataPool,
    id::ItemId,
    items::Catalogue,
    slots::Slots,
    stack::Stack,
    unit::{Kind, UNIT_SLOTS_MAX, Unit},
};

/// A saved unit: any serde format will do.
///
/// Items are named by key and containers by name. What the present catalogue or the registered
/// containers do not know is kept in [`UnknownItems`] when loaded, and is there again in the next save.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SavedInventory {
    /// The containers.
    pub containers: Vec<SavedContainer>,
    /// The selected slot of the hotbar, if there is one.
    pub selected: Option<u8>,
}

/// One saved container.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SavedContainer {
    /// Its [`NAME`](super::container::Container::NAME).
    pub name: String,
    /// How many slots it has.
    pub len: u16,
    /// The filled slots.
    pub slots: Vec<SavedStack>,
}

/// One saved stack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedStack {
    /// The slot it lies in.
    pub slot: u16,
    /// The item's key.
    pub item: String,
    /// How many.
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
    /// The [`NAME`](super::data::ItemData::NAME) of its type.
    pub name: String,
    /// The value, as serialised by the type.
    pub bytes: Vec<u8>,
}

/// What a load could not place: items or containers that this build of the game does not know, and
/// stacks whose slot is not there any more.
///
/// It stays on the entity and goes into the next save, so that nobody loses what a mod, a hotfix or a
/// rolled-back release made unknown for a while.
#[derive(Component, Clone, PartialEq, Eq, Debug, Default)]
pub struct UnknownItems {
    /// The stacks by container. A container that is registered again gets its length back too.
    pub containers: Vec<SavedContainer>,
}

/// How a stack whose item has no key in the catalogue is written: its id behind this.
const NO_KEY: char = '#';

fn key_of(item: ItemId, catalogue: &Catalogue) -> String {
    catalogue
        .get(item)
        .map_or_else(|| format!("{NO_KEY}{:08x}", item.to_bits()), |def| def.key.clone())
}

fn to_u16(index: usize) -> u16 {
    u16::try_from(index).expect("a unit never has so many slots")
}

impl SavedInventory {
    /// Writes a unit down, with what an earlier load could not place.
    #[must_use]
    pub fn new(
        unit: &Unit,
        kinds: &[Kind],
        catalogue: &Catalogue,
        pool: Option<&DataPool>,
        unknown: Option<&UnknownItems>,
    ) -> Self {
        let save = |(index, stack)| saved_stack(index, stack, catalogue, pool);
        let mut containers: Vec<SavedContainer> = unit
            .sections()
            .iter()
            .map(|section| SavedContainer {
                name: kinds[usize::from(section.kind)].name.to_owned(),
                len: to_u16(section.slots.len()),
                slots: section.slots.iter().map(save).collect(),
            })
            .collect();
        for kept in unknown.into_iter().flat_map(|unknown| &unknown.containers) {
            match containers.iter_mut().find(|container| container.name == kept.name) {
                Some(container) => container.slots.extend_from_slice(&kept.slots),
                None => containers.push(kept.clone()),
            }
        }
        Self { containers, selected: unit.selected }
    }

    /// Reads the unit back, with what could not be placed. Nothing is dropped.
    #[must_use]
    pub fn restore(
        &self,
        kinds: &[Kind],
        catalogue: &Catalogue,
        mut pool: Option<&mut DataPool>,
    ) -> (Unit, UnknownItems) {
        let mut unit = Unit::default();
        let mut unknown = UnknownItems::default();
        for saved in &self.containers {
            let kind = (0u8..).zip(kinds).find(|(_, kind)| kind.name == saved.name);
            let len = usize::from(saved.len).min(UNIT_SLOTS_MAX - unit.len());
            let mut slots = Slots::new(len);
            let mut kept = SavedContainer { slots: vec![], ..saved.clone() };
            for entry in &saved.slots {
                let slot = usize::from(entry.slot);
                let stack = kind.and_then(|_| entry.resolve(catalogue, pool.as_deref_mut()));
                let free = slots.get(slot).is_none();
                if !free || stack.is_none_or(|stack| slots.set(slot, stack).is_err()) {
                    kept.slots.push(entry.clone());
                }
            }
            if let Some((kind, _)) = kind {
                unit.insert(kind, slots);
            }
            if kind.is_none() || !kept.slots.is_empty() {
                unknown.containers.push(kept);
            }
        }
        unit.selected = self.selected;
        (unit, unknown)
    }
}

fn saved_stack(
    index: usize,
    stack: Stack,
    catalogue: &Catalogue,
    pool: Option<&DataPool>,
) -> SavedStack {
    let item = key_of(stack.item, catalogue);
    let raw = stack.data.and_then(|id| pool?.raw(id));
    let data = raw.map(|(name, bytes)| SavedData { name: name.to_owned(), bytes: bytes.to_vec() });
    SavedStack { slot: to_u16(index), item, count: stack.count(), wear: stack.wear, data }
}

impl SavedStack {
    fn resolve(&self, catalogue: &Catalogue, pool: Option<&mut DataPool>) -> Option<Stack> {
        let item = ItemId::of(&self.item);
        catalogue.rank(item)?;
        let stack = Stack::new(item, self.count)?.worn(self.wear);
        let Some(data) = &self.data else { return Some(stack) };
        Some(stack.with_data(pool?.intern_raw(&data.name, &data.bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        container::{Hotbar, Inventory},
        items::Items,
    };

    fn catalogue(keys: &[&str]) -> Catalogue {
        let items = keys.iter().map(|key| format!("(key: \"{key}\"),")).collect::<String>();
        Items::<()>::from_ron(&format!("(items: [{items}])")).unwrap().catalogue().clone()
    }

    #[test]
    fn unknown_items_and_containers_survive_a_round_trip() {
        let all = [Kind::of::<Inventory>(), Kind::of::<Hotbar>()];
        let mut unit = Unit::default();
        unit.insert(0, Slots::new(3));
        unit.insert(1, Slots::new(2));
        unit.selected = Some(1);
        unit.set(0, Some(ItemId::of("torch").stack(5)));
        unit.set(2, Some(ItemId::of("gem").stack(2).worn(7)));
        unit.set(4, Some(ItemId::of("axe").stack(1)));
        let full =
            SavedInventory::new(&unit, &all, &catalogue(&["axe", "gem", "torch"]), None, None);

        let poorer = catalogue(&["axe", "torch"]);
        let (back, unknown) = full.restore(&all[..1], &poorer, None);
        assert_eq!(back.section(0).unwrap().get(2), None);
        assert_eq!(unknown.containers.iter().map(|c| c.slots.len()).sum::<usize>(), 2);

        let again = SavedInventory::new(&back, &all[..1], &poorer, None, Some(&unknown));
        let (restored, left) = again.restore(&all, &catalogue(&["axe", "gem", "torch"]), None);
        assert_eq!(restored, unit);
        assert_eq!(left, UnknownItems::default());
    }
}
