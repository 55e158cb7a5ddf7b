//! The local player of a host or of a single-player game: it gets the same events as a client, without messages.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};

use crate::{
    model::id::InventoryId,
    shared::{
        containers::ContainerRegistry,
        events::{
            CloseReason, Commit, InventoryClosed, InventoryOpened, InventoryResized,
            SelectedChanged, SlotCause, SlotChanged, emit_deferred,
        },
        markers::{InView, LocalInventory},
        stats::InventoryStats,
    },
};

use super::{
    baseline::Baseline,
    marked::Marked,
    views::subscriptions::{Access, Subscriptions},
};

/// Emits the changes that Mark found, for the inventories that the local player already sees.
pub(crate) fn notify_local(
    subscriptions: Res<Subscriptions>,
    marked: Res<Marked>,
    inventories: Query<&Baseline, Allow<Disabled>>,
    registry: Res<ContainerRegistry>,
    mut committed: MessageReader<Commit>,
    mut stats: ResMut<InventoryStats>,
    mut commands: Commands,
) {
    if !subscriptions.seen_locally {
        committed.clear();
        return;
    }
    let sees =
        |inventory| subscriptions.get(inventory).is_some_and(|watched| watched.local.is_some());
    // A slot that no longer exists is reported as a resize.
    let is_reported = |commit: &Commit| {
        let inventory = inventories.get(commit.entity).map(Baseline::state);
        inventory.is_ok_and(|inventory| inventory.flat(registry.as_slice(), commit.slot).is_some())
    };
    for commit in committed.read().filter(|commit| sees(commit.entity) && is_reported(commit)) {
        let Commit { entity, slot, old, new, .. } = *commit;
        stats.slots_notified += 1;
        emit_deferred(
            &mut commands,
            SlotChanged { entity, slot, old, new, cause: SlotCause::Server },
        );
    }
    for inventory in marked.inventories.iter().copied() {
        let Ok(baseline) = inventories.get(inventory) else { continue };
        let Some(watched) = subscriptions.get(inventory).filter(|_| sees(inventory)) else {
            continue;
        };
        if let (Some(old), Some(new)) = (baseline.selected_before(), baseline.state().selected) {
            emit_deferred(&mut commands, SelectedChanged { entity: inventory, old, new });
        }
        if baseline.is_restructured() {
            emit_deferred(
                &mut commands,
                InventoryResized { entity: inventory, inventory: watched.id },
            );
        }
    }
}

/// Emits that the local player sees an inventory from now on.
pub(crate) fn open_local(
    commands: &mut Commands,
    inventory: Entity,
    id: InventoryId,
    access: Access,
) {
    let rights = access.rights;
    emit_deferred(commands, InventoryOpened { entity: inventory, inventory: id, rights });
}

/// Marks an inventory as seen by the local player.
pub(crate) fn mark_local(commands: &mut Commands, inventory: Entity, access: Access) {
    let rights = access.rights;
    let mut entity = commands.entity(inventory);
    entity.try_insert(InView { rights });
    if access.owner {
        entity.try_insert(LocalInventory);
    } else {
        entity.try_remove::<LocalInventory>();
    }
}

/// Emits that the local player no longer sees an inventory, and removes its markers.
pub(crate) fn close_local(
    commands: &mut Commands,
    inventory: Entity,
    id: InventoryId,
    reason: CloseReason,
) {
    emit_deferred(commands, InventoryClosed { entity: inventory, inventory: id, reason });
    commands.entity(inventory).try_remove::<(InView, LocalInventory)>();
}
