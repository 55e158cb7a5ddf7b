//! The changes and notes that wait to be committed.

use std::collections::{BTreeMap, BTreeSet};

use bevy::platform::collections::HashMap;

use crate::{
    changes::TickRecord,
    model::{
        id::{ContainerKey, InventoryId},
        saved::{SavedInventory, SavedStack},
    },
    shared::events::{Cause, Commit},
    store::history::{Gap, StoredChange, StoredNote, StoredTick},
};

/// Maximum size of what waits, in bytes. It is reached only while the store fails.
const BYTES_MAX: usize = 64 << 20;

/// The changes and notes that wait to be committed.
#[derive(Default)]
pub(super) struct PendingHistory {
    /// In ascending order.
    ticks: Vec<StoredTick>,
    /// Approximate size in bytes.
    bytes: usize,
    /// The ticks that did not fit.
    gap: Option<Gap>,
}

/// A slot of a mirror that has changed.
pub(super) struct Changed {
    pub(super) container: String,
    pub(super) slot: u16,
    pub(super) old: Option<SavedStack>,
    pub(super) new: Option<SavedStack>,
}

/// Why slots have changed in a tick.
#[derive(Default)]
pub(super) struct Causes(
    HashMap<(InventoryId, ContainerKey, u16), (&'static str, Option<InventoryId>)>,
);

impl Causes {
    pub(super) fn of(record: &TickRecord) -> Self {
        // A container that was removed may have been inserted again.
        let changes = record.slots.iter().filter(|change| change.cause != Cause::Removed);
        let entry = |change: &Commit| {
            let place = (change.inventory, change.slot.container, change.slot.index);
            (place, (change.cause.name(), record.actor(change.cause)))
        };
        Self(changes.map(entry).collect())
    }

    /// Makes a change of an inventory one of the history.
    pub(super) fn explain(&self, inventory: InventoryId, changed: Changed) -> StoredChange {
        let Changed { container, slot, old, new } = changed;
        let place = (inventory, ContainerKey::of(&container), slot);
        let undeclared = (Cause::Undeclared.name(), None);
        let (cause, actor) = self.0.get(&place).copied().unwrap_or(undeclared);
        StoredChange { inventory, container, slot, old, new, cause: cause.into(), actor }
    }
}

/// Returns the slots in which two inventories differ.
pub(super) fn differences(old: &SavedInventory, new: &SavedInventory) -> Vec<Changed> {
    let (old, mut new) = (stacks(old), stacks(new));
    let mut changed = Vec::new();
    let mut add =
        |(container, slot, _): Place, old: Option<&SavedStack>, new: Option<&SavedStack>| {
            let (container, old, new) = (container.to_owned(), old.cloned(), new.cloned());
            changed.push(Changed { container, slot, old, new });
        };
    for (place, old) in old {
        let new = new.remove(&place);
        if new != Some(old) {
            add(place, Some(old), new);
        }
    }
    new.into_iter().for_each(|(place, new)| add(place, None, Some(new)));
    changed
}

/// A container, a slot, and a number by which several stacks of one slot differ.
type Place<'a> = (&'a str, u16, usize);

/// Returns all stacks of an inventory, with those that return to it.
fn stacks(inventory: &SavedInventory) -> BTreeMap<Place<'_>, &SavedStack> {
    let containers =
        inventory.containers.iter().map(|container| (container.name.as_str(), &container.slots));
    let mut stacks = BTreeMap::new();
    for (name, slots) in containers.chain([("", &inventory.returned)]) {
        for stack in slots {
            let place = (0..).map(|number| (name, stack.slot, number));
            let free = place.into_iter().find(|place| !stacks.contains_key(place));
            stacks.extend(free.map(|place| (place, stack)));
        }
    }
    stacks
}

impl PendingHistory {
    pub(super) fn add_change(&mut self, tick: u64, change: StoredChange) {
        let stacks = [&change.old, &change.new].into_iter().flatten();
        let values = stacks.map(|stack| {
            stack.item.len()
                + stack.data.as_ref().map_or(0, |data| data.name.len() + data.bytes.len())
        });
        let size = size_of::<StoredChange>() + change.container.len() + values.sum::<usize>();
        if let Some(at) = self.at(tick, size) {
            at.changes.push(change);
        }
    }

    pub(super) fn add_note(&mut self, tick: u64, note: StoredNote) {
        if let Some(at) = self.at(tick, size_of::<StoredNote>() + note.note.len()) {
            at.notes.push(note);
        }
    }

    /// Returns the tick, if there is room for this number of bytes.
    fn at(&mut self, tick: u64, size: usize) -> Option<&mut StoredTick> {
        if self.bytes + size > BYTES_MAX || self.gap.is_some() {
            let from = self.gap.map_or(tick, |gap| gap.from);
            self.gap = Some(Gap { from, to: tick });
            return None;
        }
        self.bytes += size;
        Some(last(&mut self.ticks, tick))
    }

    /// Drops what belongs to inventories whose changes are undone.
    pub(super) fn remove(&mut self, ids: &[InventoryId]) {
        for tick in &mut self.ticks {
            tick.changes.retain(|change| !ids.contains(&change.inventory));
            tick.notes.retain(|note| !ids.contains(&note.inventory));
        }
    }

    /// Takes everything, by the union of its inventory, except that of blocked unions.
    pub(super) fn take(
        &mut self,
        blocked: &BTreeSet<InventoryId>,
        mut root: impl FnMut(InventoryId) -> InventoryId,
    ) -> (BTreeMap<InventoryId, Vec<StoredTick>>, Option<Gap>) {
        let mut taken: BTreeMap<InventoryId, Vec<StoredTick>> = BTreeMap::new();
        let pending = core::mem::take(self);
        let mut free = |id| Some(root(id)).filter(|root| !blocked.contains(root));
        for StoredTick { tick, changes, notes, .. } in pending.ticks {
            for change in changes {
                match free(change.inventory) {
                    Some(root) => last(taken.entry(root).or_default(), tick).changes.push(change),
                    None => self.add_change(tick, change),
                }
            }
            for note in notes {
                match free(note.inventory) {
                    Some(root) => last(taken.entry(root).or_default(), tick).notes.push(note),
                    None => self.add_note(tick, note),
                }
            }
        }
        (taken, pending.gap)
    }
}

/// Returns the entry of a tick that is not before the last one.
fn last(ticks: &mut Vec<StoredTick>, tick: u64) -> &mut StoredTick {
    if ticks.last().is_none_or(|last| last.tick != tick) {
        ticks.push(StoredTick { tick, ..StoredTick::default() });
    }
    ticks.last_mut().expect("it was pushed")
}
