//! The worker's copy of a claimed inventory.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    model::{
        id::ContainerKey,
        planted::{Bug, planted},
        saved::{SavedInventory, SavedStack},
    },
    store::{batch::Fence, changes::FullState, record::StoredInventory, ticket::Departure},
};

use super::history::{Changed, differences};

/// The newest state of a claimed inventory, and what of it is not stored yet.
#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) fence: Fence,
    /// Version of the last commit.
    pub(super) version: u64,
    /// The newest state. `None` if nothing was ever stored.
    pub(super) stored: Option<Arc<StoredInventory>>,
    /// For each container of the entity, the number of stacks that have a slot.
    placed: Vec<(ContainerKey, usize)>,
    pub(super) dirty: Dirty,
    /// Whether a release was tried and answered with an error, so that the claim may have ended.
    pub(super) release_tried: bool,
    /// Whether its last changes were dropped, so that `stored` is not what is stored.
    pub(super) reverted: bool,
}

/// What has changed since the last commit.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) enum Dirty {
    /// Nothing.
    #[default]
    Nothing,
    /// The selected slot, components, and these slots: container and index.
    Slots(BTreeSet<(usize, u16)>),
    /// Anything.
    All,
    /// It is to be deleted.
    Deleted,
    /// It moves to another world.
    Departing(Arc<Departure>),
}

impl Mirror {
    pub(super) fn new(fence: Fence, version: u64, stored: Option<StoredInventory>) -> Self {
        Self {
            fence,
            version,
            stored: stored.map(Arc::new),
            placed: Vec::new(),
            dirty: Dirty::Nothing,
            release_tried: false,
            reverted: false,
        }
    }

    /// Records the version of a commit that was carried out. The first one claims a new inventory.
    pub(super) fn record_version(&mut self, version: u64) {
        self.version = version;
        self.fence = self.fence.max(Fence::FIRST);
    }

    /// Replaces everything except the components. Returns the slots that differ.
    pub(super) fn replace(&mut self, state: FullState) -> Vec<Changed> {
        let FullState { saved, placed } = state;
        let keys = saved.containers.iter().map(|container| ContainerKey::of(&container.name));
        self.placed = keys.zip(placed).collect();
        if self.stored.as_ref().is_some_and(|stored| stored.inventory == saved) {
            return Vec::new();
        }
        let current = &mut Arc::make_mut(self.stored.get_or_insert_default()).inventory;
        let changed = differences(current, &saved);
        *current = saved;
        self.touch_all();
        changed
    }

    /// Returns its contents as changes, for an inventory that is deleted.
    pub(super) fn removals(&self) -> Vec<Changed> {
        let stored = self.stored.as_ref();
        let all = stored.map(|stored| differences(&stored.inventory, &SavedInventory::default()));
        all.unwrap_or_default()
    }

    /// Sets the contents of a slot. Returns what has changed. `None` if nothing has, or if there is no such slot.
    pub(super) fn set_slot(
        &mut self,
        container: ContainerKey,
        slot: u16,
        new: Option<SavedStack>,
    ) -> Option<Changed> {
        if planted(Bug::StoreForgetsSlots) && slot % 8 == 5 {
            return None;
        }
        let position = self.placed.iter().position(|(key, _)| *key == container)?;
        let placed = &mut self.placed[position].1;
        let stored = Arc::make_mut(self.stored.as_mut()?);
        let container = stored.inventory.containers.get_mut(position)?;
        if slot >= container.len {
            return None;
        }
        let found = container.slots[..*placed].binary_search_by_key(&slot, |stack| stack.slot);
        let old = match (found, new.clone()) {
            (Ok(at), Some(stack)) => Some(core::mem::replace(&mut container.slots[at], stack)),
            (Err(at), Some(stack)) => {
                container.slots.insert(at, stack);
                *placed += 1;
                None
            }
            (Ok(at), None) => {
                *placed -= 1;
                Some(container.slots.remove(at))
            }
            (Err(_), None) => None,
        };
        let container = container.name.clone();
        match &mut self.dirty {
            Dirty::Nothing => self.dirty = Dirty::Slots(BTreeSet::from([(position, slot)])),
            Dirty::Slots(slots) => {
                slots.insert((position, slot));
            }
            Dirty::All | Dirty::Deleted | Dirty::Departing(_) => {}
        }
        (old != new).then_some(Changed { container, slot, old, new })
    }

    pub(super) fn set_selected(&mut self, selected: Option<u8>) {
        if let Some(stored) = &mut self.stored
            && stored.inventory.selected != selected
        {
            Arc::make_mut(stored).inventory.selected = selected;
            self.mark_for_commit();
        }
    }

    pub(super) fn set_component(&mut self, name: &str, value: Option<Vec<u8>>) {
        let current = self.stored.as_ref().and_then(|stored| stored.components.get(name));
        if current == value.as_ref() {
            return;
        }
        let stored = Arc::make_mut(self.stored.get_or_insert_default());
        match value {
            Some(value) => stored.components.insert(name.to_owned(), value),
            None => stored.components.remove(name),
        };
        self.mark_for_commit();
    }

    /// Returns the changed slots by name of the container. `None` if anything may have changed.
    pub(super) fn changed_slots(&self) -> Option<Vec<(String, u16)>> {
        let Dirty::Slots(slots) = &self.dirty else { return None };
        let containers = &self.stored.as_ref()?.inventory.containers;
        let name = |position: usize| Some(containers.get(position)?.name.clone());
        slots.iter().map(|(position, slot)| Some((name(*position)?, *slot))).collect()
    }

    /// Marks it for the next commit, even if nothing has changed.
    pub(super) fn mark_for_commit(&mut self) {
        if self.dirty == Dirty::Nothing {
            self.dirty = Dirty::Slots(BTreeSet::new());
        }
    }

    fn touch_all(&mut self) {
        if !matches!(self.dirty, Dirty::Deleted | Dirty::Departing(_)) {
            self.dirty = Dirty::All;
        }
    }
}
