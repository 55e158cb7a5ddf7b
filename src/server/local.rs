//! The player who sits at the authority: no bytes, the same events.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};

use crate::{
    containers::Kinds,
    events::{
        CloseReason, Commit, InView, InventoryClosed, InventoryOpened, InventoryResized,
        LocalInventory, SelectedChanged, SlotCause, SlotChanged, tell_later,
    },
    model::id::InventoryId,
    stats::InventoryStats,
};

use super::{
    baseline::Baseline,
    mark::Marked,
    views::{Access, Views},
};

/// Tells the local player what Mark found, in units that it has seen before.
pub(super) fn notify_local(
    views: Res<Views>,
    marked: Res<Marked>,
    units: Query<&Baseline, Allow<Disabled>>,
    kinds: Res<Kinds>,
    mut committed: MessageReader<Commit>,
    mut stats: ResMut<InventoryStats>,
    mut commands: Commands,
) {
    if !views.local {
        committed.clear();
        return;
    }
    let sees = |unit| views.unit(unit).is_some_and(|watched| watched.local.is_some());
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
        let Some(watched) = views.unit(unit).filter(|_| sees(unit)) else { continue };
        if let (Some(old), Some(new)) = (baseline.selected_before(), baseline.unit().selected) {
            tell_later(&mut commands, SelectedChanged { entity: unit, old, new });
        }
        if baseline.structure_version() == baseline.version() {
            tell_later(&mut commands, InventoryResized { entity: unit, inventory: watched.id });
        }
    }
}

/// Tells the local player that it sees a unit from now on.
pub(super) fn open_local(commands: &mut Commands, unit: Entity, id: InventoryId, access: Access) {
    let rights = access.rights;
    tell_later(commands, InventoryOpened { entity: unit, inventory: id, rights });
}

/// Marks a unit as seen by the local player.
pub(super) fn mark_local(commands: &mut Commands, unit: Entity, access: Access) {
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
pub(super) fn close_local(
    commands: &mut Commands,
    unit: Entity,
    id: InventoryId,
    reason: CloseReason,
) {
    tell_later(commands, InventoryClosed { entity: unit, inventory: id, reason });
    commands.entity(unit).try_remove::<(InView, LocalInventory)>();
}
