//! The last change of each slot, with its time and cause. Drives the flashing of slots.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::{platform::collections::HashMap, prelude::*};
use bevy_replicon::shared::client_id::ClientId;

use crate::{
    model::{container::Slot, stack::Stack},
    shared::events::{Cause, Commit, SlotCause, SlotChanged},
};

/// Duration of a slot's flash.
pub(super) const FLASH: Duration = Duration::from_millis(1200);

/// Maximum number of remembered slots.
const SLOTS_MAX: usize = 4096;

/// Cause of a change, which determines its color.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tint {
    /// The server changed the slot.
    Server,
    /// On the authority: an action of a player changed the slot.
    Acted,
    /// A full update differed from the local copy in this slot.
    Full,
    /// Predicted.
    Predicted,
    /// Rolled back.
    RolledBack,
}

impl Tint {
    pub(super) fn of_commit(cause: Cause) -> Self {
        if matches!(cause, Cause::Acted(_)) { Self::Acted } else { Self::Server }
    }

    pub(super) fn of_slot(cause: SlotCause) -> Self {
        match cause {
            SlotCause::Server => Self::Server,
            SlotCause::FullUpdate => Self::Full,
            SlotCause::Predicted => Self::Predicted,
            SlotCause::RolledBack => Self::RolledBack,
        }
    }
}

/// The last change of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecentChange {
    pub(super) at: Duration,
    pub(super) tint: Tint,
    pub(super) old: Option<Stack>,
    pub(super) new: Option<Stack>,
    /// On the authority: the cause, and the version after the commit.
    pub(super) commit: Option<(Cause, u64)>,
}

impl RecentChange {
    /// Describes the cause, to follow "by".
    pub(super) fn by(&self) -> String {
        match self.commit {
            Some((Cause::Acted(ClientId::Server), _)) => "an action of the host".into(),
            Some((Cause::Acted(ClientId::Client(client)), _)) => format!("an action of {client}"),
            Some((Cause::Undeclared, _)) => "the game, undeclared".into(),
            Some((cause, _)) => format!("the game: {cause:?}"),
            None => match self.tint {
                Tint::Server | Tint::Acted => "the server".into(),
                Tint::Full => "a full update".into(),
                Tint::Predicted => "prediction".into(),
                Tint::RolledBack => "rollback".into(),
            },
        }
    }
}

/// The last change of each slot.
#[derive(Resource, Default, Debug)]
pub(super) struct Changes {
    slots: HashMap<(Entity, Slot), RecentChange>,
    /// Insertion order, for eviction.
    order: VecDeque<(Entity, Slot)>,
    /// Time and cause of the last change of each entity's inventory.
    states: HashMap<Entity, (Duration, Tint)>,
}

impl Changes {
    pub(super) fn commit(&mut self, now: Duration, commit: &Commit) {
        let Commit { entity, slot, old, new, version, cause, .. } = *commit;
        let (tint, commit) = (Tint::of_commit(cause), Some((cause, version)));
        self.note((entity, slot), RecentChange { at: now, tint, old, new, commit });
    }

    pub(super) fn changed(&mut self, now: Duration, change: &SlotChanged) {
        let SlotChanged { entity, slot, old, new, cause } = *change;
        let tint = Tint::of_slot(cause);
        self.note((entity, slot), RecentChange { at: now, tint, old, new, commit: None });
    }

    fn note(&mut self, place: (Entity, Slot), change: RecentChange) {
        self.states.insert(place.0, (change.at, change.tint));
        if self.slots.insert(place, change).is_none() {
            self.order.push_back(place);
        }
        if self.slots.len() > SLOTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.slots.remove(&oldest);
            self.states.retain(|_, (at, _)| change.at.saturating_sub(*at) < FLASH);
        }
    }

    pub(super) fn of(&self, entity: Entity, slot: Slot) -> Option<&RecentChange> {
        self.slots.get(&(entity, slot))
    }

    /// Returns the intensity of a slot's flash, from 0 to 1, and its color.
    pub(super) fn flash(&self, entity: Entity, slot: Slot, now: Duration) -> Option<(f32, Tint)> {
        let change = self.of(entity, slot)?;
        fade(change.at, now).map(|strength| (strength, change.tint))
    }

    /// Like [`Self::flash`], for a whole inventory.
    pub(super) fn flash_of_unit(&self, entity: Entity, now: Duration) -> Option<(f32, Tint)> {
        let (at, tint) = *self.states.get(&entity)?;
        fade(at, now).map(|strength| (strength, tint))
    }
}

fn fade(at: Duration, now: Duration) -> Option<f32> {
    let past = now.saturating_sub(at);
    (past < FLASH).then(|| 1.0 - past.as_secs_f32() / FLASH.as_secs_f32())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{builtin::Inventory, container::Container, id::ItemId};

    fn change(entity: Entity, slot: usize, cause: SlotCause) -> SlotChanged {
        let new = Some(ItemId::of("axe").stack(1));
        SlotChanged { entity, slot: Inventory::slot(slot), old: None, new, cause }
    }

    #[test]
    fn flash_is_colored_by_cause_and_fades() {
        let mut changes = Changes::default();
        let (entity, slot) = (Entity::PLACEHOLDER, Inventory::slot(3));
        changes.changed(Duration::ZERO, &change(entity, 3, SlotCause::RolledBack));
        let flash = changes.flash(entity, slot, Duration::ZERO);
        assert_eq!(flash, Some((1.0, Tint::RolledBack)));
        let half = changes.flash(entity, slot, FLASH / 2).map(|(strength, _)| strength);
        assert!(half.is_some_and(|strength| (strength - 0.5).abs() < 1e-3));
        assert_eq!(changes.flash(entity, slot, FLASH), None);
        assert_eq!(changes.flash(entity, Inventory::slot(4), Duration::ZERO), None);
        assert!(changes.of(entity, slot).is_some(), "the change is still remembered");
    }

    #[test]
    fn remembered_slots_are_bounded() {
        let mut changes = Changes::default();
        for slot in 0..2 * SLOTS_MAX {
            changes.changed(FLASH, &change(Entity::PLACEHOLDER, slot, SlotCause::Server));
        }
        assert_eq!(changes.slots.len(), SLOTS_MAX);
        assert_eq!(changes.order.len(), SLOTS_MAX);
        assert!(changes.of(Entity::PLACEHOLDER, Inventory::slot(0)).is_none());
    }
}
