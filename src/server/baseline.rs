//! The last commit of a state.

use bevy::ecs::component::Component;

use crate::{
    model::{
        id::{DataId, ItemId},
        slots::Slots,
        stack::Stack,
        state::InventoryState,
    },
    wire::encode::ChangedSlot,
};

/// If more slots changed the state is sent anew, in chunks if need be: nothing is to wait behind it.
const DELTA_SLOTS_MAX: usize = 1024;

/// The last commit of a state: what was last compared with, and at which version each slot got there.
///
/// Required by every registered container.
#[derive(Component, Default, Debug)]
pub struct Baseline {
    state: InventoryState,
    version: u64,
    slot_versions: Vec<u64>,
    selected_version: u64,
    selected_before: Option<u8>,
    structure_version: u64,
    /// What the last commit changed, in rising order of the slots.
    last: Vec<ChangedSlot>,
    /// How many slots hold instance data.
    with_data: usize,
    /// The registry of containers that were refused, a bit each.
    refused: u64,
    /// Slots whose unknown item has been told of.
    unknown: Vec<(u8, usize, ItemId)>,
    /// The pass of Mark that made the last commit, so that all containers share one.
    pass: u64,
}

impl Baseline {
    /// The slots as of the last commit.
    #[must_use]
    pub fn state(&self) -> &InventoryState {
        &self.state
    }

    /// One container, for [`Slots::compared`].
    pub(crate) fn container_mut(&mut self, kind: u8) -> Option<&mut Slots> {
        self.state.container_mut(kind)
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.slot_versions.len()
    }

    /// Whether any slot holds instance data.
    pub(crate) fn has_data(&self) -> bool {
        self.with_data > 0
    }

    /// The version of the last commit: one more with each, zero before the first.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The version at which containers were last added, removed or resized.
    #[must_use]
    pub fn structure_version(&self) -> u64 {
        self.structure_version
    }

    /// Adds what changed after a version to a list, with what lay there before as far as that is known: of
    /// the last commit, and of those in the log. Says no, and adds nothing, if it is too much for a delta.
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

    /// What changed since a client had a version, without regard to what lay there; `None` if that is too long ago.
    pub(crate) fn changes_since(&self, version: u64) -> Option<Vec<ChangedSlot>> {
        if version < self.structure_version || version > self.version {
            return None;
        }
        let changed = self.slot_versions.iter().enumerate().filter(|(_, at)| **at > version);
        let entry = |(slot, _)| ChangedSlot { slot, old: None, new: self.state.get(slot) };
        Some(changed.map(entry).collect())
    }

    /// What the last commit changed, for a log.
    pub(crate) fn last_changes(&self) -> impl ExactSizeIterator<Item = LoggedChange> + '_ {
        let version = self.version;
        self.last.iter().map(move |&ChangedSlot { slot, old, .. }| LoggedChange {
            version,
            slot,
            old: old.flatten(),
        })
    }

    /// The selected slot, if it changed after a version.
    #[must_use]
    pub fn selected_since(&self, version: u64) -> Option<u8> {
        self.state.selected.filter(|_| self.selected_version > version)
    }

    /// The slot that was selected before the last commit, if that commit changed it.
    #[must_use]
    pub fn selected_before(&self) -> Option<u8> {
        self.selected_before.filter(|_| self.selected_version == self.version)
    }

    /// The instance data that the slots hold.
    pub(crate) fn data(&self) -> impl Iterator<Item = DataId> + '_ {
        let stacks = (self.with_data > 0).then(|| self.state.iter().flatten());
        stacks.into_iter().flatten().filter_map(|stack| stack.data)
    }

    /// Begins a commit, or goes on with the one that another container began in this pass.
    ///
    /// `floor` is a version that no other inventory of the same name has gone beyond: what clients have kept of that
    /// one is then older than the first structure of this one.
    pub(crate) fn begin(&mut self, pass: u64, floor: u64) -> bool {
        if self.pass == pass {
            return false;
        }
        self.pass = pass;
        self.version = self.version.max(floor) + 1;
        self.last.clear();
        true
    }

    pub(crate) fn commit_selected(&mut self, selected: Option<u8>) {
        self.selected_before = core::mem::replace(&mut self.state.selected, selected);
        self.selected_version = self.version;
    }

    pub(crate) fn commit_slot(
        &mut self,
        (kind, index): (u8, usize),
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

    /// Changes the containers; every slot counts as changed.
    pub(crate) fn restructure(&mut self, kind: u8, slots: Option<Slots>) {
        match slots {
            Some(slots) => self.state.insert(kind, slots),
            None => drop(self.state.remove(kind)),
        }
        self.stamp_structure();
    }

    /// Whether the last commit added, removed or resized a container.
    pub(crate) fn is_restructured(&self) -> bool {
        self.structure_version == self.version
    }

    /// Notes whether a container could not be taken over.
    pub(crate) fn refuse(&mut self, kind: u8, refused: bool) {
        let bit = 1 << kind;
        self.refused = if refused { self.refused | bit } else { self.refused & !bit };
    }

    /// Whether any container could not be taken over.
    pub(crate) fn refused(&self) -> bool {
        self.refused != 0
    }

    /// Notes an unknown item. Says whether that is news.
    pub(crate) fn record_unknown(&mut self, kind: u8, index: usize, item: ItemId) -> bool {
        let news = !self.unknown.contains(&(kind, index, item));
        if news {
            self.unknown.push((kind, index, item));
        }
        news
    }

    /// Forgets the unknown items that do not lie in their slots any more.
    pub(crate) fn forget_unknown(&mut self, kind: u8, slots: &Slots) {
        self.unknown.retain(|(of, index, item)| {
            *of != kind || slots.get(*index).is_some_and(|stack| stack.item == *item)
        });
    }

    pub(crate) fn stamp_structure(&mut self) {
        let with_data = self.state.iter().flatten().filter(|stack| stack.data.is_some());
        self.with_data = with_data.count();
        self.structure_version = self.version;
        self.slot_versions.clear();
        self.slot_versions.resize(self.state.len(), self.version);
        self.last.clear();
    }
}

/// A slot that changed while a viewer waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedChange {
    /// The version with the change.
    pub(crate) version: u64,
    pub(crate) slot: usize,
    /// What lay there before.
    pub(crate) old: Option<Stack>,
}

/// So many changes of a state are remembered for viewers who wait; above that they are told what lies there
/// now without regard to what did before, which takes more bytes.
pub(crate) const LOG_MAX: usize = 64;
