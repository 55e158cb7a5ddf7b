//! The records of the last ticks.

use std::{collections::VecDeque, sync::Arc};

use bevy::prelude::*;
use thiserror::Error;

use super::record::TickRecord;

/// The records of the last ticks, limited by their total size.
#[derive(Resource, Default, Debug)]
pub struct ChangeTracker {
    /// The ticks that have changed anything, in ascending order.
    records: VecDeque<Arc<TickRecord>>,
    /// The size of all records, in bytes.
    bytes: usize,
    window: usize,
    /// The first tick that is known. `None` before the first one.
    earliest: Option<u64>,
    /// The last tick that is known.
    tick: u64,
}

/// Error returned when some of the requested ticks are no longer kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("changes are only kept from tick {earliest} on")]
pub struct TicksGone {
    /// The first tick that is still kept.
    pub earliest: u64,
}

impl ChangeTracker {
    /// Returns the last tick that was recorded. Zero before the first one.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// Returns the first tick of which all changes are kept.
    #[must_use]
    pub fn earliest(&self) -> u64 {
        self.earliest.unwrap_or(0)
    }

    /// Returns the size of all records, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Returns the record of the last tick. `None` if it has changed nothing.
    #[must_use]
    pub fn last(&self) -> Option<&Arc<TickRecord>> {
        self.records.back().filter(|record| record.tick == self.tick)
    }

    /// Returns the records of the ticks from `from` to `to`, both included, without those that have changed nothing.
    ///
    /// # Errors
    ///
    /// [`TicksGone`] if `from` is before [`earliest`](Self::earliest).
    pub fn records(
        &self,
        from: u64,
        to: u64,
    ) -> Result<impl DoubleEndedIterator<Item = &Arc<TickRecord>>, TicksGone> {
        let earliest = self.earliest();
        if from < earliest {
            return Err(TicksGone { earliest });
        }
        let begin = self.records.partition_point(|record| record.tick < from);
        let end = self.records.partition_point(|record| record.tick <= to);
        Ok(self.records.range(begin..end.max(begin)))
    }

    /// Keeps at least this number of bytes.
    pub(super) fn widen(&mut self, window: usize) {
        self.window = self.window.max(window);
    }

    /// Adds the record of a tick.
    pub(super) fn push(&mut self, record: TickRecord) {
        self.tick = record.tick;
        // Nothing has happened before the first tick of the world.
        let first = if record.tick == 1 { 0 } else { record.tick };
        self.earliest.get_or_insert(first);
        if record.is_empty() {
            return;
        }
        self.bytes += record.size();
        self.records.push_back(Arc::new(record));
        // The last record is kept for readers that read every tick.
        while self.bytes > self.window
            && self.records.len() > 1
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.size();
            self.earliest = Some(oldest.tick + 1);
        }
    }
}
