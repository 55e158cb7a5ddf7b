//! Records the changes of public views.

use core::marker::PhantomData;

use bevy::{
    ecs::{entity::EntityHashMap, entity_disabling::Disabled, lifecycle::Remove, query::Allow},
    prelude::*,
};
use bytes::Bytes;
use log::error;
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "gateway")]
use crate::model::data::ToJsonByName;
use crate::model::{codec, id::InventoryId};

use super::{
    collect::{ChangeSystems, Recording},
    record::{PublicChange, name_of},
    tracker::ChangeTracker,
};

/// The registered public views, for tools.
#[cfg(feature = "gateway")]
#[derive(Resource, Default)]
pub(crate) struct PublicViews {
    json: ToJsonByName,
    shown: Vec<fn(&World) -> Vec<PublicChange>>,
}

#[cfg(feature = "gateway")]
impl PublicViews {
    fn add<V: Component + Serialize + DeserializeOwned>(&mut self) {
        self.json.insert(name_of::<V>(), codec::data_to_json::<V>);
        self.shown.push(|world| {
            let shown = world.resource::<Shown<V>>().values.values();
            let appeared = |(inventory, value): &(InventoryId, Bytes)| {
                let (inventory, view, new) = (*inventory, name_of::<V>(), Some(value.clone()));
                PublicChange { inventory, view, old: None, new }
            };
            shown.map(appeared).collect()
        });
    }

    /// Returns what converts the values of views to JSON, by name.
    pub(crate) fn json(&self) -> &ToJsonByName {
        &self.json
    }

    /// Returns everything that public views show, as if it had just appeared.
    pub(super) fn shown(world: &World) -> Vec<PublicChange> {
        let views = world.get_resource::<Self>().into_iter().flat_map(|views| &views.shown);
        views.flat_map(|shown| shown(world)).collect()
    }
}

/// Records the changes of a public view, if changes are recorded.
pub(crate) fn register<V: Component + Serialize + DeserializeOwned>(app: &mut App) {
    #[cfg(feature = "gateway")]
    app.world_mut().get_resource_or_init::<PublicViews>().add::<V>();
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
