//! How soon viewers hear of changes. While one waits, later ones merge into it.

use core::time::Duration;

use bevy::{
    ecs::{component::Component, reflect::ReflectComponent},
    reflect::Reflect,
};

use crate::model::stack::Stack;

use super::batch::SyncSettings;

/// How soon viewers of an inventory hear of changes to it. A component of inventories, and may be changed at
/// any time; one viewer's own is set with [`Viewers::set_pace`](crate::prelude::Viewers::set_pace).
///
/// The first change after a pause goes out at once, then at most one update in so much time, with
/// everything that changed meanwhile. What a player's own action did goes out with its answer, in any case.
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Component)]
pub enum Pace {
    /// In the tick of the change.
    #[default]
    Critical,
    /// As [`SyncSettings::normal`] says: 50 ms.
    Normal,
    /// As [`SyncSettings::low`] says: 200 ms.
    Low,
}

impl Pace {
    pub(super) fn period(self, settings: &SyncSettings) -> Duration {
        match self {
            Self::Critical => Duration::ZERO,
            Self::Normal => settings.normal,
            Self::Low => settings.low,
        }
    }
}

/// Ticks do not fall on the millisecond.
const TOLERANCE: Duration = Duration::from_millis(1);

/// When a viewer may be told next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timer {
    due_at: Duration,
    /// Once, in any case.
    hurried: bool,
}

impl Timer {
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.hurried || now + TOLERANCE >= self.due_at
    }

    /// Something waits to be told from now on.
    pub(super) fn wait(&mut self, now: Duration, debounce: Duration) {
        if !debounce.is_zero() {
            self.due_at = self.due_at.max(now + debounce);
        }
    }

    pub(super) fn told(&mut self, now: Duration, period: Duration) {
        *self = Self { due_at: now + period, hurried: false };
    }

    pub(super) fn hurry(&mut self) {
        self.hurried = true;
    }
}

/// A slot that changed while a viewer waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logged {
    /// The version with the change.
    pub(super) version: u64,
    pub(super) slot: usize,
    /// What lay there before.
    pub(super) old: Option<Stack>,
}

/// So many changes of a unit are remembered for viewers who wait; above that they are told what lies there
/// now without regard to what did before, which takes more bytes.
pub(super) const LOG_MAX: usize = 64;
