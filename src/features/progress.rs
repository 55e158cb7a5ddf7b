//! The progress of a crafter, visible to its viewers.

use crate::model::{container::Container, slots::Slots};
use bevy::prelude::*;

/// Progress of a [`Crafter`](crate::features::crafter::Crafter), synced to all viewers of its inventory: a
/// container without slots. Insert it on the same entity as the crafter.
#[derive(Component, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Component)]
pub struct CraftingProgress {
    slots: Slots,
    steps: u8,
}

impl CraftingProgress {
    /// Number of steps in which progress is reported.
    pub const STEPS: u8 = 32;

    /// Returns the progress of the current recipe, from 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f32 {
        f32::from(self.steps.min(Self::STEPS)) / f32::from(Self::STEPS)
    }
}

impl Container for CraftingProgress {
    const NAME: &'static str = "crafting_progress";
    const AUTO_FILL: bool = false;
    const HAS_SELECTION: bool = true;
    const SHOWS_PROGRESS: bool = true;

    fn from_slots(slots: Slots) -> Self {
        Self { slots, steps: 0 }
    }

    fn slots(&self) -> &Slots {
        &self.slots
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }

    fn selected(&self) -> Option<u8> {
        Some(self.steps)
    }

    fn select(&mut self, steps: u8) {
        self.steps = steps;
    }
}
