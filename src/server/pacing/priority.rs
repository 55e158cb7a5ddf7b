//! How soon viewers handle of changes. While one waits, later ones merge into it.

use core::time::Duration;

use bevy::{
    ecs::{component::Component, reflect::ReflectComponent},
    reflect::Reflect,
};

use super::settings::SyncSettings;

/// How soon viewers of an inventory handle of changes to it. A component of inventories, and may be changed at
/// any time; one viewer's own is set with [`Viewers::set_priority`](crate::prelude::Viewers::set_priority).
///
/// The first change after a pause goes out at once, then at most one update in so much time, with
/// everything that changed meanwhile. What a player's own action did goes out with its answer, in any case.
#[derive(Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Reflect)]
#[reflect(Component)]
pub enum SyncPriority {
    /// In the tick of the change.
    #[default]
    Critical,
    /// As [`SyncSettings::normal_interval`] says: 50 ms.
    Normal,
    /// As [`SyncSettings::low_interval`] says: 200 ms.
    Low,
}

impl SyncPriority {
    pub(crate) fn period(self, settings: &SyncSettings) -> Duration {
        match self {
            Self::Critical => Duration::ZERO,
            Self::Normal => settings.normal_interval,
            Self::Low => settings.low_interval,
        }
    }
}
