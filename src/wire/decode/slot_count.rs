//! Counts the slots that a client would see, and the containers of a message, before they are allocated.

use bevy::platform::collections::HashSet;

use crate::{
    model::limits::CLIENT_SLOTS_MAX,
    wire::{DecodeError, Part},
};

use super::{CopySource, Reference};

/// The number of slots in view, while a message is decoded.
pub(crate) struct SlotCount {
    slots: usize,
    /// Number of containers in the message.
    containers: usize,
    /// Whether the views before the message are counted.
    counts_in_view: bool,
    /// Views that the message closes or replaces. They are no longer counted.
    released: HashSet<u32>,
}

impl SlotCount {
    /// Begins with this number of slots, which nothing releases.
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots, containers: 0, counts_in_view: false, released: HashSet::default() }
    }

    /// Begins with the views of a client, or without any if the message resets them.
    pub(crate) fn of(copies: &impl CopySource, reset: bool) -> Self {
        let slots = if reset { 0 } else { copies.slots() };
        Self { counts_in_view: !reset, ..Self::new(slots) }
    }

    /// Begins with the views of a client after a message.
    pub(crate) fn after(part: &Part, copies: &impl CopySource) -> Self {
        let mut slot_count = Self::of(copies, part.reset.is_some());
        let opens = part.opens.iter().map(|open| open.head.view);
        let released = part.closes.iter().map(|(view, _)| *view).chain(opens);
        released.for_each(|view| slot_count.release(view, copies));
        slot_count.slots += part.opens.iter().map(|open| open.state.len()).sum::<usize>();
        slot_count
    }

    /// Stops counting a view that closes or is replaced.
    pub(crate) fn release(&mut self, view: u32, copies: &impl CopySource) {
        if self.counts_in_view
            && let Some(copy) = copies.in_view(Reference::View(view))
            && self.released.insert(view)
        {
            self.slots = self.slots.saturating_sub(copy.state.len());
        }
    }

    /// Counts a container that is about to be allocated, and its slots. Containers without slots take memory, but no
    /// bits in a view that has the structure of the one before.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if there are more containers or slots than [`CLIENT_SLOTS_MAX`].
    pub(crate) fn add_container(&mut self, slots: usize) -> Result<(), DecodeError> {
        self.containers += 1;
        if self.containers > CLIENT_SLOTS_MAX {
            let (value, max) = (self.containers as u64, CLIENT_SLOTS_MAX as u64);
            return Err(DecodeError::OutOfRange { what: "number of containers", value, max });
        }
        self.add(slots)
    }

    /// Counts slots that are about to be allocated.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooManySlots`] if there are more than [`CLIENT_SLOTS_MAX`].
    pub(crate) fn add(&mut self, slots: usize) -> Result<(), DecodeError> {
        self.slots = self.slots.saturating_add(slots);
        if self.slots > CLIENT_SLOTS_MAX {
            return Err(DecodeError::TooManySlots { slots: self.slots });
        }
        Ok(())
    }
}
