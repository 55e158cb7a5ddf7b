//! Names and owners of inventories, for operators.

use std::sync::Arc;

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Discard, Insert},
        query::Allow,
    },
    prelude::*,
};
use bevy_replicon::shared::client_id::ClientId;

use crate::{model::id::InventoryId, server::views::access::Owner};

/// A label of an entity, for operators.
#[derive(Clone, Debug)]
pub(super) enum Label {
    /// Its [`Name`].
    Name(Option<Arc<str>>),
    /// Its [`Owner`].
    Owner(Option<ClientId>),
}

/// The labels that have changed since the last tick.
#[derive(Resource, Default)]
pub(super) struct Labels(pub(super) Vec<(Entity, Label)>);

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Labels>()
        .add_observer(record_name)
        .add_observer(record_no_name)
        .add_observer(record_owner)
        .add_observer(record_no_owner)
        .add_observer(record_identified);
}

/// Returns the labels of an entity.
pub(super) fn of(
    (entity, name, owner): (Entity, Option<&Name>, Option<&Owner>),
) -> impl Iterator<Item = (Entity, Label)> + use<> {
    let name = name.map(|name| Label::Name(Some(name.as_str().into())));
    let owner = owner.map(|owner| Label::Owner(Some(owner.0)));
    name.into_iter().chain(owner).map(move |label| (entity, label))
}

pub(super) type IsInventory = (With<InventoryId>, Allow<Disabled>);

fn record_name(
    insert: On<Insert, Name>,
    names: Query<&Name, IsInventory>,
    mut labels: ResMut<Labels>,
) {
    if let Ok(name) = names.get(insert.entity) {
        labels.0.push((insert.entity, Label::Name(Some(name.as_str().into()))));
    }
}

fn record_no_name(
    discard: On<Discard, Name>,
    inventories: Query<(), IsInventory>,
    mut labels: ResMut<Labels>,
) {
    if inventories.contains(discard.entity) {
        labels.0.push((discard.entity, Label::Name(None)));
    }
}

fn record_owner(
    insert: On<Insert, Owner>,
    owners: Query<&Owner, IsInventory>,
    mut labels: ResMut<Labels>,
) {
    if let Ok(Owner(owner)) = owners.get(insert.entity) {
        labels.0.push((insert.entity, Label::Owner(Some(*owner))));
    }
}

fn record_no_owner(
    discard: On<Discard, Owner>,
    inventories: Query<(), IsInventory>,
    mut labels: ResMut<Labels>,
) {
    if inventories.contains(discard.entity) {
        labels.0.push((discard.entity, Label::Owner(None)));
    }
}

/// The entity may have received its labels before it became an inventory.
fn record_identified(
    insert: On<Insert, InventoryId>,
    labelled: Query<(Option<&Name>, Option<&Owner>), Allow<Disabled>>,
    mut labels: ResMut<Labels>,
) {
    if let Ok((name, owner)) = labelled.get(insert.entity) {
        labels.0.extend(of((insert.entity, name, owner)));
    }
}
