//! The index of entities by inventory id, in all modes. Assigns ids to inventories without one and
//! detects duplicates.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Add, Discard, Insert, Remove},
        query::Allow,
    },
    platform::collections::HashMap,
    prelude::*,
};
use log::error;
use smallvec::SmallVec;

use crate::{
    authority::Authority,
    model::id::InventoryId,
    server::{
        baseline::Baseline,
        faults::{InventoryFault, Unsynced},
        views::Views,
    },
};

/// Looks up entities by [`InventoryId`].
#[derive(Resource, Default, Debug)]
pub struct InventoryIds {
    holders: HashMap<InventoryId, SmallVec<[Entity; 1]>>,
    next: u64,
}

impl InventoryIds {
    /// Returns the entity with this id; the first one if several have it.
    #[must_use]
    pub fn get(&self, id: InventoryId) -> Option<Entity> {
        self.holders.get(&id).and_then(|holders| holders.first().copied())
    }

    /// Returns the next sequential id that is not in use.
    fn draw(&mut self) -> InventoryId {
        loop {
            self.next += 1;
            let id = InventoryId::sequential(self.next);
            if !self.holders.contains_key(&id) {
                return id;
            }
        }
    }
}

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<InventoryIds>()
        .add_message::<InventoryFault>()
        .add_observer(draw_id)
        .add_observer(enter_id)
        .add_observer(leave_id)
        .add_observer(replace_id);
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

/// An inventory whose id is removed continues under a new sequential id.
fn replace_id(
    remove: On<Remove, InventoryId>,
    units: Query<(), (With<Baseline>, Allow<Disabled>)>,
    authority: Authority,
    mut ids: ResMut<InventoryIds>,
    mut commands: Commands,
) {
    if authority.is_here() && units.contains(remove.entity) {
        commands.entity(remove.entity).try_insert_if_new(ids.draw());
    }
}

fn enter_id(
    insert: On<Insert, InventoryId>,
    entities: Query<&InventoryId, Allow<Disabled>>,
    authority: Authority,
    mut ids: ResMut<InventoryIds>,
    views: Option<ResMut<Views>>,
    mut faults: MessageWriter<InventoryFault>,
    mut commands: Commands,
) {
    let Ok(id) = entities.get(insert.entity).copied() else { return };
    let holders = ids.holders.entry(id).or_default();
    if !authority.is_here() {
        // An inventory shown by the server takes precedence over one of the client's own.
        holders.insert(0, insert.entity);
        return;
    }
    holders.push(insert.entity);
    look_at(views, insert.entity);
    if let &[first, .., second] = holders.as_slice() {
        let fault = InventoryFault::DuplicateId { inventory: id, first, second };
        error!("{fault}");
        faults.write(fault);
        commands.entity(second).try_insert(Unsynced);
    }
}

fn leave_id(
    discard: On<Discard, InventoryId>,
    entities: Query<&InventoryId, Allow<Disabled>>,
    authority: Authority,
    mut ids: ResMut<InventoryIds>,
    views: Option<ResMut<Views>>,
    mut commands: Commands,
) {
    let Ok(id) = entities.get(discard.entity).copied() else { return };
    let Some(holders) = ids.holders.get_mut(&id) else { return };
    let was_second = holders.first() != Some(&discard.entity);
    holders.retain(|holder| *holder != discard.entity);
    let heir = holders.first().copied();
    if holders.is_empty() {
        ids.holders.remove(&id);
    }
    let freed = if was_second { Some(discard.entity) } else { heir };
    if let Some(freed) = freed.filter(|_| authority.is_here()) {
        look_at(views, freed);
        commands.entity(freed).try_remove::<Unsynced>();
    }
}

fn look_at(views: Option<ResMut<Views>>, entity: Entity) {
    if let Some(mut views) = views {
        views.look_at(entity);
    }
}
