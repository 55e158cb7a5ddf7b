//! The player who sits at the authority: no bytes, the same events.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};

use crate::{
    model::id::InventoryId,
    shared::{
        containers::Kinds,
        events::{
            CloseReason, Commit, InventoryClosed, InventoryOpened, InventoryResized,
            SelectedChanged, SlotCause, SlotChanged, tell_later,
        },
        markers::{InView, LocalInventory},
        stats::InventoryStats,
    },
};

use super::{
    baseline::Baseline,
    mark::Marked,
    views::subscriptions::{Access, Subscriptions},
};

/// Tells the local player what Mark found, in units that it has seen before.
pub(crate) fn notify_local(
    subscriptions: Res<Subscriptions>,
    marked: Res<Marked>,
    units: Query<&Baseline, Allow<Disabled>>,
    kinds: Res<Kinds>,
    mut committed: MessageReader<Commit>,
    mut stats: ResMut<InventoryStats>,
    mut commands: Commands,
) {
    if !subscriptions.seen_locally {
        committed.clear();
        return;
    }
    let sees = |unit| subscriptions.get(unit).is_some_and(|watched| watched.local.is_some());
    // A slot that is not there any more is no longer shown: that is told as a resizing.
    let there = |commit: &Commit| {
        let unit = units.get(commit.entity).map(Baseline::unit);
        unit.is_ok_and(|unit| unit.flat(kinds.as_slice(), commit.slot).is_some())
    };
    for commit in committed.read().filter(|commit| sees(commit.entity) && there(commit)) {
        let Commit { entity, slot, old, new, .. } = *commit;
        stats.slots_notified += 1;
        tell_later(&mut commands, SlotChanged { entity, slot, old, new, cause: SlotCause::Server });
    }
    for unit in marked.units().iter().copied() {
        let Ok(baseline) = units.get(unit) else { continue };
        let Some(watched) = subscriptions.get(unit).filter(|_| sees(unit)) else { continue };
        if let (Some(old), Some(new)) = (baseline.selected_before(), baseline.unit().selected) {
            tell_later(&mut commands, SelectedChanged { entity: unit, old, new });
        }
        if baseline.structure_version() == baseline.version() {
            tell_later(&mut commands, InventoryResized { entity: unit, inventory: watched.id });
        }
    }
}

/// Tells the local player that it sees a unit from now on.
pub(crate) fn open_local(commands: &mut Commands, unit: Entity, id: InventoryId, access: Access) {
    let rights = access.rights;
    tell_later(commands, InventoryOpened { entity: unit, inventory: id, rights });
}

/// Marks a unit as seen by the local player.
pub(crate) fn mark_local(commands: &mut Commands, unit: Entity, access: Access) {
    let rights = access.rights;
    let mut entity = commands.entity(unit);
    entity.try_insert(InView { rights });
    if access.owner {
        entity.try_insert(LocalInventory);
    } else {
        entity.try_remove::<LocalInventory>();
    }
}

/// The opposite of [`open_local`].
pub(crate) fn close_local(
    commands: &mut Commands,
    unit: Entity,
    id: InventoryId,
    reason: CloseReason,
) {
    tell_later(commands, InventoryClosed { entity: unit, inventory: id, reason });
    commands.entity(unit).try_remove::<(InView, LocalInventory)>();
}
