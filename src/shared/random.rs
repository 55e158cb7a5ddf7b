//! The only source of randomness of this crate.

use core::ops::RangeBounds;

use bevy::prelude::*;

/// The random numbers of this app: the id of a server run, random inventory ids, and the jitter of retry pauses.
///
/// Seeded from the operating system by default. Insert [`InventoryRng::seeded`] before
/// `App::finish` to repeat a run exactly.
#[derive(Resource, Debug)]
pub struct InventoryRng(fastrand::Rng);

impl Default for InventoryRng {
    fn default() -> Self {
        Self(fastrand::Rng::new())
    }
}

impl InventoryRng {
    /// Returns a source that yields the same numbers for the same seed. Not for a world with a
    /// [store](crate::store): new inventories would get the ids of earlier runs.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Returns a number in a range.
    pub(crate) fn draw(&mut self, range: impl RangeBounds<u64>) -> u64 {
        self.0.u64(range)
    }

    /// Returns a number from 0 to 1.
    pub(crate) fn fraction(&mut self) -> f32 {
        self.0.f32()
    }
}
