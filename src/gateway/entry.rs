//! The changes of one tick, or of several merged ticks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bevy::prelude::Entity;
use bytes::Bytes;

use crate::{
    model::id::{ContainerKey, InventoryId},
    shared::events::Cause,
};

use super::{
    inventory::{InventoryCopy, StackCopy},
    visibility::Visibility,
};

/// The changes of one tick.
#[derive(Clone, Default, Debug)]
pub(super) struct Entry {
    pub(super) tick: u64,
    /// When the tick was received, in milliseconds since the Unix epoch.
    pub(super) time: u64,
    /// Approximate size in memory, in bytes.
    pub(super) bytes: usize,
    /// Inventories that no longer exist, or no longer have this id.
    pub(super) removed: Vec<(Entity, InventoryId)>,
    /// Inventories that are new, or whose changes are not limited to slots. Their state at the end of the tick.
    pub(super) full: Vec<Arc<InventoryCopy>>,
    pub(super) slots: Vec<SlotEntry>,
    pub(super) selected: Vec<SelectedEntry>,
    pub(super) views: Vec<(InventoryId, &'static str, Option<Bytes>)>,
}

/// A slot that has changed.
#[derive(Clone, Debug)]
pub(super) struct SlotEntry {
    pub(super) entity: Entity,
    pub(super) inventory: InventoryId,
    /// Whether the slot exists at the end of the tick, in the inventory that is shown under this id.
    pub(super) is_shown: bool,
    pub(super) container: ContainerKey,
    pub(super) slot: u16,
    pub(super) old: Option<StackCopy>,
    pub(super) new: Option<StackCopy>,
    pub(super) cause: Cause,
    pub(super) actor: Option<InventoryId>,
}

/// A selected slot that has changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct SelectedEntry {
    pub(super) entity: Entity,
    pub(super) inventory: InventoryId,
    pub(super) selected: Option<u8>,
}

impl Entry {
    /// Returns `true` if nothing has changed.
    pub(super) fn is_empty(&self) -> bool {
        let Self { removed, full, slots, selected, views, .. } = self;
        removed.is_empty()
            && full.is_empty()
            && slots.is_empty()
            && selected.is_empty()
            && views.is_empty()
    }

    /// Computes the approximate size in memory, in bytes.
    pub(super) fn measure(&mut self) {
        let Self { removed, full, slots, selected, views, .. } = self;
        let data = |stack: &Option<StackCopy>| {
            stack.as_ref().and_then(|stack| stack.data.as_ref()).map_or(0, |data| data.bytes.len())
        };
        self.bytes = size_of::<Self>()
            + size_of_val(&**removed)
            + full.iter().map(|inventory| inventory.size()).sum::<usize>()
            + slots.iter().map(|it| size_of_val(it) + data(&it.old) + data(&it.new)).sum::<usize>()
            + size_of_val(&**selected)
            + views
                .iter()
                .map(|it| size_of_val(it) + it.2.as_ref().map_or(0, Bytes::len))
                .sum::<usize>();
    }
}

/// The changes of one or more ticks that one caller sees.
#[derive(Default, Debug)]
pub(super) struct Delta {
    /// The first tick, the last tick, and when the last one was received, in milliseconds since the Unix epoch.
    pub(super) ticks: Option<(u64, u64, u64)>,
    /// Whether `full` contains everything that the caller sees.
    pub(super) replace: bool,
    pub(super) removed: BTreeSet<InventoryId>,
    pub(super) full: BTreeMap<InventoryId, Arc<InventoryCopy>>,
    pub(super) slots: BTreeMap<InventoryId, BTreeMap<(ContainerKey, u16), SlotEntry>>,
    pub(super) selected: BTreeMap<InventoryId, Option<u8>>,
    pub(super) views: BTreeMap<(InventoryId, &'static str), Option<Bytes>>,
}

impl Delta {
    /// Adds the changes of the next tick.
    pub(super) fn add(&mut self, entry: &Entry, visibility: &Visibility) {
        let first = self.ticks.map_or(entry.tick, |(first, ..)| first);
        self.ticks = Some((first, entry.tick, entry.time));
        for (_, id) in entry.removed.iter().filter(|(entity, id)| visibility.sees(*entity, *id)) {
            self.forget(*id);
            self.removed.insert(*id);
        }
        for copy in entry.full.iter().filter(|copy| visibility.sees(copy.entity, copy.id)) {
            self.forget(copy.id);
            self.full.insert(copy.id, copy.clone());
        }
        for slot in &entry.slots {
            if slot.is_shown && visibility.sees(slot.entity, slot.inventory) {
                let slots = self.slots.entry(slot.inventory).or_default();
                let place = (slot.container, slot.slot);
                let mut slot = slot.clone();
                if let Some(before) = slots.remove(&place) {
                    slot.old = before.old;
                }
                slots.insert(place, slot);
            }
        }
        for SelectedEntry { entity, inventory, selected } in &entry.selected {
            if visibility.sees(*entity, *inventory) {
                self.selected.insert(*inventory, *selected);
            }
        }
        for (inventory, view, value) in &entry.views {
            if visibility.sees_views(*inventory) {
                self.views.insert((*inventory, *view), value.clone());
            }
        }
    }

    /// Drops the changes of an inventory that is replaced or removed.
    pub(super) fn forget(&mut self, id: InventoryId) {
        self.full.remove(&id);
        self.selected.remove(&id);
        self.slots.remove(&id);
    }

    /// Returns `true` if nothing that the caller sees has changed.
    pub(super) fn is_empty(&self) -> bool {
        let Self { ticks: _, replace, removed, full, slots, selected, views } = self;
        !replace
            && removed.is_empty()
            && full.is_empty()
            && slots.is_empty()
            && selected.is_empty()
            && views.is_empty()
    }
}
