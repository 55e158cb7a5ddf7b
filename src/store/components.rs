//! Components of the game that are stored with the inventory of their entity.

use std::collections::BTreeMap;

use bevy::{
    ecs::{entity_disabling::Disabled, lifecycle::Remove, query::Allow},
    prelude::*,
};
use log::error;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    model::{codec, limits::DATA_BYTES_MAX},
    shared::sealed::Sealed,
};

use super::{
    changes::{CollectSystems, ComponentChange, TickBuffer},
    tracked::{Reinsert, Tracked},
};

/// A component that is stored with the inventory of its entity, in the same transaction: health, position. Register it
/// with [`persist_component`](PersistAppExt::persist_component).
///
/// The component is stored with bincode, which does not store field names. When the type changes, use another name, and
/// convert values of the old type in the game.
pub trait PersistComponent: Component + Serialize + DeserializeOwned {
    /// Name of the component in the store. Must be unique among the persisted components.
    const NAME: &'static str;
}

/// Extends [`App`] with the registration of persisted components.
pub trait PersistAppExt: Sealed {
    /// Stores a component of all entities with [`Persist`](super::persist::Persist).
    ///
    /// # Panics
    ///
    /// If a component with that name is already registered.
    fn persist_component<C: PersistComponent>(&mut self) -> &mut Self;
}

/// Access to one type of component.
#[derive(Clone, Copy)]
struct ComponentFns {
    take: fn(&mut EntityWorldMut) -> Option<Reinsert>,
    /// Returns `None` if the value cannot be read.
    decode: fn(&[u8]) -> Option<Reinsert>,
    /// Returns `None` if the entity does not have the component.
    encode: fn(&World, Entity) -> Result<Option<Vec<u8>>, CannotEncode>,
}

/// A component cannot be stored. The reason was logged.
struct CannotEncode;

/// All persisted components by name.
#[derive(Resource, Default, Clone)]
pub(super) struct PersistedComponents(BTreeMap<&'static str, ComponentFns>);

impl PersistedComponents {
    /// Removes all persisted components from an entity, and returns them.
    pub(super) fn take(&self, entity: &mut EntityWorldMut) -> Vec<(&'static str, Reinsert)> {
        let taken = self.0.iter();
        taken.filter_map(|(name, fns)| Some((*name, (fns.take)(entity)?))).collect()
    }

    /// Reads stored components. Those that are not registered are skipped.
    ///
    /// # Errors
    ///
    /// The name of a component that cannot be read.
    pub(super) fn decode(
        &self,
        stored: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Vec<Reinsert>, String> {
        let known = stored.iter().filter_map(|(name, bytes)| {
            let fns = self.0.get(name.as_str())?;
            Some((fns.decode)(bytes).ok_or_else(|| name.clone()))
        });
        known.collect()
    }

    /// Returns the components of an entity, and those that it does not have. Those that cannot be stored are skipped.
    pub(super) fn encode(&self, world: &World, entity: Entity) -> Vec<ComponentChange> {
        let all = self.0.iter();
        all.filter_map(|(name, fns)| Some((*name, (fns.encode)(world, entity).ok()?))).collect()
    }
}

impl PersistAppExt for App {
    fn persist_component<C: PersistComponent>(&mut self) -> &mut Self {
        let mut components = self.world_mut().get_resource_or_init::<PersistedComponents>();
        let fns = ComponentFns { take: take::<C>, decode: decode::<C>, encode: encode::<C> };
        let other = components.0.insert(C::NAME, fns);
        assert!(other.is_none(), "a persisted component `{}` is registered already", C::NAME);
        self.add_observer(record_removed::<C>).add_systems(
            PostUpdate,
            record_changed::<C>
                .in_set(CollectSystems::Components)
                .run_if(resource_exists::<TickBuffer>),
        )
    }
}

fn reinsert_later<C: Component>(component: C) -> Reinsert {
    Box::new(move |entity| {
        entity.insert(component);
    })
}

fn take<C: PersistComponent>(entity: &mut EntityWorldMut) -> Option<Reinsert> {
    entity.take::<C>().map(reinsert_later)
}

fn decode<C: PersistComponent>(bytes: &[u8]) -> Option<Reinsert> {
    codec::from_data::<C>(bytes).ok().map(reinsert_later)
}

fn encode<C: PersistComponent>(
    world: &World,
    entity: Entity,
) -> Result<Option<Vec<u8>>, CannotEncode> {
    let component = world.get::<C>(entity);
    component.map(|component| to_bytes(entity, component)).transpose()
}

/// Returns the stored form of a component.
fn to_bytes<C: PersistComponent>(entity: Entity, component: &C) -> Result<Vec<u8>, CannotEncode> {
    let name = C::NAME;
    match codec::to_data(component) {
        Ok(bytes) if bytes.len() <= DATA_BYTES_MAX => return Ok(bytes),
        Ok(bytes) => {
            let len = bytes.len();
            error!(
                "entity {entity}: component `{name}` is not stored: {len} bytes, more than {DATA_BYTES_MAX}"
            );
        }
        Err(why) => error!("entity {entity}: component `{name}` is not stored: {why}"),
    }
    Err(CannotEncode)
}

fn record_changed<C: PersistComponent>(
    changed: Query<(Entity, &C, &Tracked), (Or<(Changed<C>, Added<Tracked>)>, Allow<Disabled>)>,
    mut buffer: ResMut<TickBuffer>,
) {
    for (entity, component, tracked) in &changed {
        if let Ok(bytes) = to_bytes(entity, component) {
            buffer.components.push((tracked.id, C::NAME, Some(bytes)));
        }
    }
}

fn record_removed<C: PersistComponent>(
    removed: On<Remove, C>,
    tracked: Query<&Tracked, Allow<Disabled>>,
    buffer: Option<ResMut<TickBuffer>>,
) {
    if let (Ok(tracked), Some(mut buffer)) = (tracked.get(removed.entity), buffer) {
        buffer.components.push((tracked.id, C::NAME, None));
    }
}
