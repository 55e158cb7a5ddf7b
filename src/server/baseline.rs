//! The last commit of an inventory.

use crate::model::planted::{Bug, planted};
use core::ops::Range;

use bevy::ecs::component::Component;

use crate::{
    model::{
        id::{DataId, ItemId},
        slots::Slots,
        stack::Stack,
        state::InventoryState,
    },
    wire::{encode::ChangedSlot, numbers::low_bits},
};

/// Maximum number of slots in a delta. If more have changed, the inventory is sent in full, in chunks if
/// necessary, so that it does not delay other updates.
const DELTA_SLOTS_MAX: usize = 1024;

/// The last commit of an inventory: the slots that are compared with, and the version of each slot's last change.
///
/// A required component of every registered container.
#[derive(Component, Default, Debug)]
pub struct Baseline {
    state: InventoryState,
    version: u64,
    slot_versions: Vec<u64>,
    selected_version: u64,
    selected_before: Option<u8>,
    structure_version: u64,
    /// The changes of the last commit, in ascending order of slots.
    last: Vec<ChangedSlot>,
    /// Number of slots with instance data.
    with_data: usize,
    /// Containers that could not be committed, as a bit mask of container kinds.
    skipped: u64,
    /// Slots whose unknown item has been reported.
    unknown: Vec<(u8, usize, ItemId)>,
    /// The pass of Mark that made the last commit. All containers of the inventory share one commit per pass.
    pass: u64,
}

impl Baseline {
    /// Returns the slots as of the last commit.
    #[must_use]
    pub fn state(&self) -> &InventoryState {
        &self.state
    }

    /// Returns one container, for [`Slots::compared`].
    pub(crate) fn container_mut(&mut self, kind: u8) -> Option<&mut Slots> {
        self.state.container_mut(kind)
    }

    /// Returns the number of slots of all containers.
    pub(crate) fn len(&self) -> usize {
        self.slot_versions.len()
    }

    /// Returns `true` if any slot contains instance data.
    pub(crate) fn has_data(&self) -> bool {
        self.with_data > 0
    }

    /// Returns the version of the last commit. Zero before the first one; it increases with every commit.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the version at which containers were last added, removed or resized.
    #[must_use]
    pub fn structure_version(&self) -> u64 {
        self.structure_version
    }

    /// Appends the slots that changed after a version to a list. The old contents are included as far as they
    /// are known: from the last commit, and from the log. Returns `false` and appends nothing if there are more
    /// changes than [`DELTA_SLOTS_MAX`].
    pub(crate) fn collect_changes(
        &self,
        version: u64,
        log: &[LoggedChange],
        entries: &mut Vec<ChangedSlot>,
    ) -> bool {
        let begin = entries.len();
        if version + 1 == self.version {
            let fits = self.last.len() <= DELTA_SLOTS_MAX;
            if fits {
                entries.extend_from_slice(&self.last);
            }
            return fits;
        }
        let logged = log.first().is_some_and(|first| first.version <= version + 1);
        for (slot, _) in self.slot_versions.iter().enumerate().filter(|(_, at)| **at > version) {
            let first = log.iter().find(|change| change.slot == slot && change.version > version);
            let old = first.filter(|_| logged).map(|change| change.old);
            entries.push(ChangedSlot { slot, old, new: self.state.get(slot) });
        }
        let fits = entries.len() - begin <= DELTA_SLOTS_MAX;
        if !fits {
            entries.truncate(begin);
        }
        fits
    }

    /// Returns the slots that changed after the version that a client has, without their old contents. Returns
    /// `None` if containers have changed since, or if the version is in the future.
    pub(crate) fn changes_since(&self, version: u64) -> Option<Vec<ChangedSlot>> {
        if version < self.structure_version || version > self.version {
            return None;
        }
        let changed = self.slot_versions.iter().enumerate().filter(|(_, at)| **at > version);
        let entry = |(slot, _)| ChangedSlot { slot, old: None, new: self.state.get(slot) };
        Some(changed.map(entry).collect())
    }

    /// Returns the low bits of the version.
    pub(crate) fn low_version(&self) -> u32 {
        low_bits(self.version)
    }

    /// Returns `true` if the given flat positions have not changed since the version with these low bits, neither in
    /// a commit nor since the last one. `now` is the current state of the inventory.
    pub(crate) fn is_unchanged_since(
        &self,
        version: u32,
        slots: Range<usize>,
        now: &InventoryState,
    ) -> bool {
        let behind = self.low_version().wrapping_sub(version);
        let Some(version) = self.version.checked_sub(u64::from(behind)) else { return false };
        let committed = self.slot_versions.get(slots.clone());
        committed.is_some_and(|slots| slots.iter().all(|at| *at <= version))
            && self.state.same_structure(now)
            && slots.into_iter().all(|flat| self.state.get(flat) == now.get(flat))
    }

    /// Returns the changes of the last commit, for the log of an inventory's views.
    pub(crate) fn last_changes(&self) -> impl ExactSizeIterator<Item = LoggedChange> + '_ {
        let version = self.version;
        self.last.iter().map(move |&ChangedSlot { slot, old, .. }| LoggedChange {
            version,
            slot,
            old: old.flatten(),
        })
    }

    /// Returns the selected slot if it changed after a version.
    #[must_use]
    pub fn selected_since(&self, version: u64) -> Option<u8> {
        self.state.selected.filter(|_| self.selected_version > version)
    }

    /// Returns the slot that was selected before the last commit, if that commit changed the selection.
    #[must_use]
    pub fn selected_before(&self) -> Option<u8> {
        self.selected_before.filter(|_| self.selected_version == self.version)
    }

    /// Returns the ids of the instance data in the slots.
    pub(crate) fn data(&self) -> impl Iterator<Item = DataId> + '_ {
        let stacks = (self.with_data > 0).then(|| self.state.iter().flatten());
        stacks.into_iter().flatten().filter_map(|stack| stack.data)
    }

    /// Begins a commit and returns `true`, or returns `false` if another container of the inventory has begun
    /// one in this pass.
    ///
    /// `floor` is at least the last version of any earlier inventory with the same id. Copies that clients have
    /// kept of that one are therefore older than the first structure version of this one.
    pub(crate) fn begin(&mut self, pass: u64, floor: u64) -> bool {
        if self.pass == pass {
            return false;
        }
        self.pass = pass;
        let repeats = planted(Bug::VersionRepeats) && pass.is_multiple_of(4);
        self.version = self.version.max(floor) + u64::from(!repeats);
        self.last.clear();
        true
    }

    pub(crate) fn commit_selected(&mut self, selected: Option<u8>) {
        self.selected_before = core::mem::replace(&mut self.state.selected, selected);
        if !planted(Bug::SelectedNotSent) {
            self.selected_version = self.version;
        }
    }

    pub(crate) fn commit_slot(
        &mut self,
        kind: u8,
        index: usize,
        old: Option<Stack>,
        new: Option<Stack>,
    ) {
        let mut flat = index;
        for container in self.state.containers_mut() {
            if container.kind == kind {
                container.slots.set(index, new).ok();
                break;
            }
            flat += container.slots.len();
        }
        self.with_data += usize::from(new.is_some_and(|stack| stack.data.is_some()));
        self.with_data -= usize::from(old.is_some_and(|stack| stack.data.is_some()));
        self.slot_versions[flat] = self.version;
        let after = self.last.iter().rev().take_while(|entry| entry.slot > flat).count();
        self.last.insert(self.last.len() - after, ChangedSlot { slot: flat, old: Some(old), new });
    }

    /// Replaces or removes a container. All slots of the inventory count as changed.
    pub(crate) fn restructure(&mut self, kind: u8, slots: Option<Slots>) {
        match slots {
            Some(slots) => self.state.insert(kind, slots),
            None => drop(self.state.remove(kind)),
        }
        self.stamp_structure();
    }

    /// Returns `true` if the last commit added, removed or resized a container.
    pub(crate) fn is_restructured(&self) -> bool {
        self.structure_version == self.version
    }

    /// Records whether a container could not be committed.
    pub(crate) fn record_skipped(&mut self, kind: u8, skipped: bool) {
        let bit = 1 << kind;
        self.skipped = if skipped { self.skipped | bit } else { self.skipped & !bit };
    }

    /// Returns `true` if any container could not be committed.
    pub(crate) fn has_skipped(&self) -> bool {
        self.skipped != 0
    }

    /// Records an unknown item. Returns `true` if it was not recorded before.
    pub(crate) fn record_unknown(&mut self, kind: u8, index: usize, item: ItemId) -> bool {
        let news = !self.unknown.contains(&(kind, index, item));
        if news {
            self.unknown.push((kind, index, item));
        }
        news
    }

    /// Forgets the unknown items that are no longer in their slots.
    pub(crate) fn forget_unknown(&mut self, kind: u8, slots: &Slots) {
        self.unknown.retain(|(of, index, item)| {
            *of != kind || slots.get(*index).is_some_and(|stack| stack.item == *item)
        });
    }

    /// Records that containers were added, removed or resized in the current version.
    pub(crate) fn stamp_structure(&mut self) {
        let with_data = self.state.iter().flatten().filter(|stack| stack.data.is_some());
        self.with_data = with_data.count();
        self.structure_version = self.version;
        self.slot_versions.clear();
        self.slot_versions.resize(self.state.len(), self.version);
        self.last.clear();
    }
}

/// A slot that changed while a viewer is behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedChange {
    /// The version that includes the change.
    pub(crate) version: u64,
    pub(crate) slot: usize,
    /// The old contents.
    pub(crate) old: Option<Stack>,
}

/// Maximum number of changes that are logged for the viewers of an inventory that are behind. Above it, they
/// are sent the current contents without reference to the old ones, which takes more bytes.
pub(crate) const LOG_MAX: usize = 64;
