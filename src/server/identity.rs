//! Assigns ids to inventories, and excludes from syncing those whose id another entity already has.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Add, Remove},
        query::Allow,
    },
    prelude::*,
};
use log::error;

use crate::{
    model::id::InventoryId,
    shared::{
        authority::Authority,
        ids::{IdConflictEnded, IdTaken, InventoryIds},
    },
};

use super::{
    baseline::Baseline,
    faults::{InventoryFault, Unsynced},
    views::subscriptions::Subscriptions,
};

pub(super) fn plugin(app: &mut App) {
    app.add_message::<InventoryFault>()
        .add_observer(draw_id)
        .add_observer(replace_id)
        .add_observer(find_duplicate)
        .add_observer(end_conflict);
}

fn draw_id(
    add: On<Add, Baseline>,
    with_id: Query<(), (With<InventoryId>, Allow<Disabled>)>,
    mut ids: ResMut<InventoryIds>,
    mut commands: Commands,
) {
    if !with_id.contains(add.entity) {
        commands.entity(add.entity).try_insert(ids.draw());
    }
}

/// Assigns a sequential id to an inventory whose id was removed.
fn replace_id(
    remove: On<Remove, InventoryId>,
    inventories: Query<(), (With<Baseline>, Allow<Disabled>)>,
    authority: Authority,
    mut ids: ResMut<InventoryIds>,
    mut commands: Commands,
) {
    if authority.is_here() && inventories.contains(remove.entity) {
        commands.entity(remove.entity).try_insert_if_new(ids.draw());
    }
}

fn find_duplicate(
    taken: On<IdTaken>,
    mut subscriptions: ResMut<Subscriptions>,
    mut faults: MessageWriter<InventoryFault>,
    mut commands: Commands,
) {
    let IdTaken { id, entity, first } = *taken;
    subscriptions.mark_stale(entity);
    if entity != first {
        let fault = InventoryFault::DuplicateId { inventory: id, first, second: entity };
        error!("{fault}");
        faults.write(fault);
        commands.entity(entity).try_insert(Unsynced);
    }
}

fn end_conflict(
    ended: On<IdConflictEnded>,
    mut subscriptions: ResMut<Subscriptions>,
    mut commands: Commands,
) {
    subscriptions.mark_stale(ended.entity);
    commands.entity(ended.entity).try_remove::<Unsynced>();
}
