//! The gesture in progress.

use core::time::Duration;

use bevy::prelude::*;

use crate::model::{container::SlotRef, stack::Stack};

use super::carry::Carry;

/// Distance in logical pixels beyond which a press becomes a drag.
pub(super) const DRAG_DISTANCE: f32 = 4.0;

/// Which of the two variants of a gesture is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Button {
    /// All items: left mouse button, tap, Enter.
    All,
    /// Half of the items, or one: right mouse button, long press, Space.
    Some,
}

/// A gesture that has begun but not ended.
#[derive(Clone, Debug)]
pub(super) struct Press {
    pub(super) on: SlotRef,
    pub(super) button: Button,
    /// Whether a stack was carried before.
    pub(super) carries: bool,
    /// Whether stacks are quick-moved.
    pub(super) quick: bool,
    /// Whether it has become a long press.
    pub(super) held: bool,
    /// The slots that are quick-moved, or that the carried stack would be spread over.
    pub(super) over: Vec<SlotRef>,
}

/// The state of the gesture in progress.
#[derive(Resource, Default, Debug)]
pub(super) struct GestureState {
    pub(super) press: Option<Press>,
    /// The last click, for double clicks.
    pub(super) last_click: Option<(SlotRef, Duration)>,
}

impl GestureState {
    /// Returns the slots that the carried stack would be spread over, and the number of items for each.
    pub(super) fn spread(&self, carry: &Carry) -> Option<(&[SlotRef], u32)> {
        let press = self.press.as_ref().filter(|press| press.spreads())?;
        Some((&press.over, press.share(carry)))
    }

    /// Returns what would stay carried if the gesture ended now. `None` if nothing would.
    pub(super) fn left(&self, carry: &Carry) -> Option<Stack> {
        let spread = self.press.as_ref().filter(|press| press.spreads());
        let left = spread.map_or(carry.count(), |press| press.left(carry));
        carry.source.with_count(left)
    }

    pub(super) fn is_pressed(&self) -> bool {
        self.press.is_some()
    }
}

impl Press {
    /// Returns `true` if the carried stack is spread over several slots instead of being put down in one.
    pub(super) fn spreads(&self) -> bool {
        self.carries && (self.over.len() > 1 || self.over.iter().any(|slot| *slot != self.on))
    }

    /// Returns the number of items that each slot receives when `carry` is spread.
    pub(super) fn share(&self, carry: &Carry) -> u32 {
        match self.button {
            Button::All => carry.count() / u32::try_from(self.over.len()).unwrap_or(u32::MAX),
            Button::Some => 1,
        }
    }

    /// Returns the number of items that are left when `carry` is spread.
    pub(super) fn left(&self, carry: &Carry) -> u32 {
        let slots = u32::try_from(self.over.len()).unwrap_or(u32::MAX);
        carry.count().saturating_sub(self.share(carry).saturating_mul(slots))
    }
}

/// While this resource exists, the hotbar is only for selecting: a click selects a slot instead of picking up its
/// stack, and keys do not act on the slot under the pointer. For games that also show the hotbar while the backpack is
/// closed.
#[derive(Resource, Clone, Copy, Default, Debug)]
pub struct HotbarLocked;
