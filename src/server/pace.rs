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
#[derive(Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Reflect)]
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
    pub(crate) fn period(self, settings: &SyncSettings) -> Duration {
        match self {
            Self::Critical => Duration::ZERO,
            Self::Normal => settings.normal,
            Self::Low => settings.low,
        }
    }
}

/// Time since the app began, in microseconds: one number is compared faster than two, for every viewer of
/// what changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) fn new(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn nanos(self) -> u64 {
        self.0.saturating_mul(1000)
    }

    pub(super) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::new(duration).0))
    }
}

/// A time between two updates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    micros: u64,
}

impl Span {
    /// A little shorter than a period, for ticks do not fall on the millisecond.
    pub(super) fn of(period: Duration) -> Self {
        Self { micros: Moment::new(period.saturating_sub(TOLERANCE)).0 }
    }
}

const TOLERANCE: Duration = Duration::from_millis(1);

/// When a viewer may be told next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    /// Zero for once in any case.
    due_at: Moment,
}

impl Default for Timer {
    fn default() -> Self {
        Self { due_at: Moment(1) }
    }
}

impl Timer {
    pub(super) fn is_due(self, now: Moment) -> bool {
        now >= self.due_at
    }

    /// Something waits to be told from now on.
    pub(super) fn wait(&mut self, now: Moment, debounce: Duration) {
        if !debounce.is_zero() && self.due_at != Moment(0) {
            self.due_at = self.due_at.max(Moment(now.0.saturating_add(Span::of(debounce).micros)));
        }
    }

    pub(super) fn told(&mut self, now: Moment, span: Span) {
        self.due_at = Moment(now.0.saturating_add(span.micros)).max(Moment(1));
    }

    /// Once, in any case.
    pub(super) fn hurry(&mut self) {
        self.due_at = Moment(0);
    }

    pub(super) fn hurries(self) -> bool {
        self.due_at == Moment(0)
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
