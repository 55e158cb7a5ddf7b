//! How soon viewers are sent changes. Changes that occur while one waits are merged into it.

use core::time::Duration;

use bevy::{
    ecs::{component::Component, reflect::ReflectComponent},
    reflect::Reflect,
};

use super::settings::SyncSettings;

/// How soon the viewers of an inventory are sent its changes. A component of inventories that may be changed at
/// any time. [`Viewers::set_priority`](crate::prelude::Viewers::set_priority) sets it for one viewer. Default:
/// [`Critical`](Self::Critical).
///
/// The first change after a pause is sent at once. After it, at most one update per interval is sent, with
/// everything that has changed in between. The result of a player's own action is sent to that player with the
/// answer, regardless of priority.
#[derive(Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Reflect)]
#[reflect(Component)]
pub enum SyncPriority {
    /// In the tick of the change. On poor links
    /// [`critical_interval_when_poor`](super::quality::QualityPolicy::critical_interval_when_poor) applies.
    #[default]
    Critical,
    /// At most once per [`SyncSettings::normal_interval`], by default 50 ms.
    Normal,
    /// At most once per [`SyncSettings::low_interval`], by default 200 ms.
    Low,
}

impl SyncPriority {
    /// Returns the time between two updates on a good link. Zero for every tick.
    pub(crate) fn period(self, settings: &SyncSettings) -> Duration {
        match self {
            Self::Critical => Duration::ZERO,
            Self::Normal => settings.normal_interval,
            Self::Low => settings.low_interval,
        }
    }
}
