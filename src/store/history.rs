//! The changes to stored inventories, tick by tick.
//!
//! Each commit stores the changes with the contents, in the same transaction. They are kept for a limited time:
//! see `SqliteStore::keep_history` and `RedisSettings::history_ttl`.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::model::{id::InventoryId, saved::SavedStack};

#[cfg(feature = "sqlite")]
use super::record::Hasher;

/// The changes of one tick.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct StoredTick {
    /// Number of the tick in this store. Numbering continues after a server restart.
    pub tick: u64,
    /// When it was committed, in milliseconds since 1970. Approximate, because clocks can be set.
    pub time: u64,
    /// The changed slots.
    pub changes: Vec<StoredChange>,
    /// The notes of the game.
    pub notes: Vec<StoredNote>,
}

/// A slot that has changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredChange {
    /// The inventory.
    pub inventory: InventoryId,
    /// The container's [`NAME`](crate::prelude::Container::NAME). Empty for stacks that are in another inventory and
    /// [return](crate::prelude::ReturnsTo) to this one.
    pub container: String,
    /// Index of the slot.
    pub slot: u16,
    /// Contents before the change.
    pub old: Option<SavedStack>,
    /// Contents after the change.
    pub new: Option<SavedStack>,
    /// Why it has changed: [`Cause::name`](crate::prelude::Cause::name).
    pub cause: Cow<'static, str>,
    /// The inventory of the player who caused it, if a player did.
    pub actor: Option<InventoryId>,
}

/// A note of the game. See [`AddNote`](super::notes::AddNote).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredNote {
    /// The inventory that the note belongs to.
    pub inventory: InventoryId,
    /// The text.
    pub note: String,
}

/// Ticks that were not recorded, because the store had failed for too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gap {
    /// The first tick.
    pub from: u64,
    /// The last tick.
    pub to: u64,
}

/// Selects a part of the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryQuery {
    /// The first tick.
    pub from: u64,
    /// The last tick.
    pub to: u64,
    /// Only changes and notes of this inventory, and changes that its player has caused.
    pub inventory: Option<InventoryId>,
    /// Only changes of slots that contained this item before or after, by its key. Notes are left out.
    pub item: Option<String>,
    /// Number of changes and notes after which the result ends, at the end of a tick.
    pub limit: usize,
}

impl Default for HistoryQuery {
    /// Everything, in pages of 10,000.
    fn default() -> Self {
        Self { from: 0, to: u64::MAX, inventory: None, item: None, limit: 10_000 }
    }
}

/// A part of the history.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct History {
    /// The ticks that have changed anything, in ascending order.
    pub ticks: Vec<StoredTick>,
    /// The gaps in the requested range.
    pub gaps: Vec<Gap>,
    /// The first tick that was not read, because the limit was reached.
    pub next: Option<u64>,
}

impl HistoryQuery {
    fn matches_change(&self, change: &StoredChange) -> bool {
        let of = |id| change.inventory == id || change.actor == Some(id);
        let stacks = || [&change.old, &change.new].into_iter().flatten();
        self.inventory.is_none_or(of)
            && self.item.as_ref().is_none_or(|item| stacks().any(|stack| stack.item == *item))
    }

    fn matches_note(&self, note: &StoredNote) -> bool {
        self.item.is_none() && self.inventory.is_none_or(|id| note.inventory == id)
    }

    /// Selects what was requested from ticks in any order. The same tick may occur several times.
    pub(super) fn select(&self, ticks: impl IntoIterator<Item = StoredTick>) -> History {
        let mut found: BTreeMap<u64, StoredTick> = BTreeMap::new();
        for mut tick in ticks {
            if !(self.from..=self.to).contains(&tick.tick) {
                continue;
            }
            tick.changes.retain(|change| self.matches_change(change));
            tick.notes.retain(|note| self.matches_note(note));
            if tick.changes.is_empty() && tick.notes.is_empty() {
                continue;
            }
            let merged = found.entry(tick.tick).or_insert_with(|| StoredTick {
                tick: tick.tick,
                time: tick.time,
                ..StoredTick::default()
            });
            merged.changes.append(&mut tick.changes);
            merged.notes.append(&mut tick.notes);
        }
        let mut history = History::default();
        let mut entries = 0;
        for (number, tick) in found {
            if entries >= self.limit {
                history.next = Some(number);
                break;
            }
            entries += tick.changes.len() + tick.notes.len();
            history.ticks.push(tick);
        }
        history
    }
}

impl StoredChange {
    /// Returns the XXH3 of a change in a tick, to detect a damaged record.
    #[cfg(feature = "sqlite")]
    pub(super) fn checksum(&self, tick: u64, time: u64) -> u64 {
        let Self { inventory, container, slot, old, new, cause, actor } = self;
        let mut hasher = Hasher::new();
        for number in [tick, time, inventory.to_bits(), (*slot).into()] {
            hasher.number(number);
        }
        hasher.number(actor.map_or(0, |_| 1));
        hasher.number(actor.map_or(0, InventoryId::to_bits));
        hasher.bytes(container.as_bytes());
        hasher.bytes(cause.as_bytes());
        hasher.stacks(old.as_slice());
        hasher.stacks(new.as_slice());
        hasher.digest()
    }
}

impl StoredNote {
    /// Returns the XXH3 of a note in a tick, to detect a damaged record.
    #[cfg(feature = "sqlite")]
    pub(super) fn checksum(&self, tick: u64, time: u64) -> u64 {
        let mut hasher = Hasher::new();
        for number in [tick, time, self.inventory.to_bits()] {
            hasher.number(number);
        }
        hasher.bytes(self.note.as_bytes());
        hasher.digest()
    }
}

impl Gap {
    /// Returns `true` if the gap and a query have ticks in common.
    pub(super) fn overlaps(&self, query: &HistoryQuery) -> bool {
        self.from <= query.to && query.from <= self.to
    }
}
