//! Records the changes of public views.

use core::marker::PhantomData;

use bevy::{
    ecs::{entity::EntityHashMap, entity_disabling::Disabled, lifecycle::Remove, query::Allow},
    prelude::*,
};
use bytes::Bytes;
use log::error;
use serde::Serialize;

use crate::model::{codec, id::InventoryId};

use super::{
    collect::{ChangeSystems, Recording},
    record::{PublicChange, name_of},
    tracker::ChangeTracker,
};

/// Records the changes of a public view, if changes are recorded.
pub(crate) fn register<V: Component + Serialize>(app: &mut App) {
    app.init_resource::<Shown<V>>().add_observer(record_removed::<V>).add_systems(
        PostUpdate,
        record_changed::<V>.in_set(ChangeSystems::Public).run_if(resource_exists::<ChangeTracker>),
    );
}

/// The recorded values of one view.
#[derive(Resource)]
struct Shown<V> {
    values: EntityHashMap<(InventoryId, Bytes)>,
    view: PhantomData<fn() -> V>,
}

impl<V> Default for Shown<V> {
    fn default() -> Self {
        Self { values: EntityHashMap::default(), view: PhantomData }
    }
}

type ChangedView<V> = (Or<(Changed<V>, Changed<InventoryId>)>, Allow<Disabled>);

fn record_changed<V: Component + Serialize>(
    changed: Query<(Entity, &InventoryId, &V), ChangedView<V>>,
    mut shown: ResMut<Shown<V>>,
    mut recording: ResMut<Recording>,
) {
    let view = name_of::<V>();
    // An entity may have taken over the id of another, so all old values are removed before new ones are added.
    let mut added = Vec::new();
    for (entity, inventory, value) in &changed {
        let bytes = match codec::to_data(value) {
            Ok(bytes) => Bytes::from(bytes),
            Err(why) => {
                error!("entity {entity}: the public view `{view}` cannot be recorded: {why}");
                continue;
            }
        };
        let inventory = *inventory;
        let before = shown.values.insert(entity, (inventory, bytes.clone()));
        let (same, other): (Option<_>, Option<_>) = match before {
            Some((id, old)) if id == inventory => (Some(old), None),
            other => (None, other),
        };
        if let Some((inventory, old)) = other {
            recording.public.push(PublicChange { inventory, view, old: Some(old), new: None });
        }
        if same.as_ref() != Some(&bytes) {
            added.push(PublicChange { inventory, view, old: same, new: Some(bytes) });
        }
    }
    recording.public.append(&mut added);
}

fn record_removed<V: Component>(
    removed: On<Remove, V>,
    mut shown: ResMut<Shown<V>>,
    recording: Option<ResMut<Recording>>,
) {
    if let (Some((inventory, old)), Some(mut recording)) =
        (shown.values.remove(&removed.entity), recording)
    {
        let view = name_of::<V>();
        recording.public.push(PublicChange { inventory, view, old: Some(old), new: None });
    }
}
