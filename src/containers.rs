//! The registry of container types, with type-erased access to their slots.

use std::sync::Arc;

use bevy::ecs::{
    change_detection::{DetectChangesMut, Mut},
    component::ComponentId,
    entity::Entity,
    resource::Resource,
    world::{EntityWorldMut, FilteredEntityMut, FilteredEntityRef, World},
};
use xxhash_rust::xxh3::Xxh3;

use crate::model::{
    container::Container,
    id::ContainerKey,
    names,
    slots::Slots,
    unit::{KINDS_MAX, Kind, Unit},
};

/// All registered container types, in the order of registration.
///
/// The order is part of the protocol: both sides must register the same types in the same order.
///
/// Cheap to clone. Code that writes to entities must clone it instead of borrowing the resource,
/// since observers of the entities may need the resource.
#[derive(Resource, Default, Clone)]
pub struct Kinds {
    kinds: Arc<Vec<Kind>>,
    access: Arc<Vec<Access>>,
}

/// Type-erased access to one container type.
#[derive(Clone, Copy)]
struct Access {
    component: ComponentId,
    slots: for<'a> fn(&FilteredEntityRef<'a, '_>) -> Option<&'a Slots>,
    slots_mut: for<'a> fn(&'a mut FilteredEntityMut) -> Option<Mut<'a, Slots>>,
    selected: fn(&FilteredEntityRef) -> Option<u8>,
    select: fn(&mut FilteredEntityMut, u8),
    insert: fn(&mut EntityWorldMut, Slots),
    remove: fn(&mut EntityWorldMut),
}

impl Kinds {
    /// Registers a container type.
    ///
    /// # Panics
    ///
    /// If another container has the same name, or [`KINDS_MAX`] containers are registered.
    pub(crate) fn add<C: Container>(&mut self, world: &mut World) {
        assert!(self.kind_of::<C>().is_none(), "container `{}` is registered twice", C::NAME);
        assert!(self.kinds.len() < KINDS_MAX, "cannot register more than {KINDS_MAX} containers");
        names::remember(ContainerKey::of(C::NAME).to_bits(), C::NAME);
        Arc::make_mut(&mut self.kinds).push(Kind::of::<C>());
        Arc::make_mut(&mut self.access).push(Access {
            component: world.register_component::<C>(),
            slots: |entity| entity.get::<C>().map(C::slots),
            slots_mut: |entity| Some(entity.get_mut::<C>()?.map_unchanged(C::slots_mut)),
            selected: |entity| entity.get::<C>().and_then(C::selected),
            select: |entity, slot| {
                if let Some(mut container) = entity.get_mut::<C>() {
                    container.select(slot);
                }
            },
            insert: |entity, slots| {
                entity.insert(C::from_slots(slots));
            },
            remove: |entity| {
                entity.remove::<C>();
            },
        });
    }

    /// Returns the container types by index.
    #[must_use]
    pub fn as_slice(&self) -> &[Kind] {
        &self.kinds
    }

    /// Returns the index of container `C`, if it is registered.
    pub(crate) fn kind_of<C: Container>(&self) -> Option<u8> {
        let key = ContainerKey::of(C::NAME);
        (0u8..).zip(self.kinds.iter()).find(|(_, kind)| kind.key == key).map(|(rank, _)| rank)
    }

    /// Returns a hash of everything that both sides must agree on.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        for kind in self.kinds.iter() {
            hasher.update(kind.name.as_bytes());
            hasher.update(&[0xFF]);
        }
        hasher.digest()
    }

    pub(crate) fn components(&self) -> impl Iterator<Item = ComponentId> {
        self.access.iter().map(|access| access.component)
    }

    fn access(&self, kind: u8) -> &Access {
        &self.access[usize::from(kind)]
    }

    /// Reads all containers of an entity; `None` if it has none.
    pub(crate) fn read(&self, entity: &FilteredEntityRef) -> Option<Unit> {
        let mut unit = Unit::default();
        for (kind, access) in (0u8..).zip(self.access.iter()) {
            if let Some(slots) = (access.slots)(entity) {
                unit.insert(kind, slots.clone());
            }
        }
        if let Some(kind) = self.selecting(&unit) {
            unit.selected = (self.access(kind).selected)(entity);
        }
        (!unit.is_empty()).then_some(unit)
    }

    /// Like [`Self::read`]; also `None` if the entity does not exist.
    pub(crate) fn read_in(&self, world: &World, entity: Entity) -> Option<Unit> {
        self.read(&FilteredEntityRef::from(world.get_entity(entity).ok()?))
    }

    /// Makes the containers of an entity equal to `unit`, writing only the slots that differ. Calls
    /// `written` with container type and slot index for every slot written. Skips containers that
    /// the entity does not have.
    pub(crate) fn write(
        &self,
        entity: &mut FilteredEntityMut,
        unit: &Unit,
        mut written: impl FnMut(u8, usize),
    ) {
        for section in unit.sections() {
            let access = self.access(section.kind);
            if (access.slots)(&entity.as_readonly()) == Some(&section.slots) {
                continue;
            }
            let Some(mut slots) = (access.slots_mut)(entity) else { continue };
            if slots.len() != section.slots.len() {
                *slots = section.slots.clone();
                (0..section.slots.len()).for_each(|index| written(section.kind, index));
                continue;
            }
            for (index, stack) in section.slots.as_slice().iter().enumerate() {
                if slots.get(index) != *stack && slots.set(index, *stack).is_ok() {
                    written(section.kind, index);
                }
            }
        }
        if let (Some(kind), Some(selected)) = (self.selecting(unit), unit.selected) {
            let access = self.access(kind);
            if (access.selected)(&entity.as_readonly()).is_some_and(|now| now != selected) {
                (access.select)(entity, selected);
            }
        }
    }

    /// Returns the container type of an inventory that its selected slot refers to.
    pub(crate) fn selecting(&self, unit: &Unit) -> Option<u8> {
        unit.selecting(&self.kinds)
    }

    /// Gives an entity exactly the containers of `unit`. Observers of the game run in between and
    /// may despawn the entity.
    pub(crate) fn restructure(&self, world: &mut World, entity: Entity, unit: &Unit) {
        for (kind, access) in (0u8..).zip(self.access.iter()) {
            let Ok(mut entity) = world.get_entity_mut(entity) else { return };
            let there = entity.contains_id(access.component);
            match unit.section(kind) {
                Some(slots) if !there => (access.insert)(&mut entity, slots.clone()),
                None if there => (access.remove)(&mut entity),
                _ => {}
            }
        }
        if let Ok(mut entity) = world.get_entity_mut(entity) {
            self.write(&mut FilteredEntityMut::from(&mut entity), unit, |_, _| {});
        }
    }

    /// Flags all containers of an entity as changed, so that they are checked again.
    pub(crate) fn touch(&self, world: &mut World, entity: Entity) {
        let Ok(mut entity) = world.get_entity_mut(entity) else { return };
        let mut entity = FilteredEntityMut::from(&mut entity);
        for access in self.access.iter() {
            if let Some(mut slots) = (access.slots_mut)(&mut entity) {
                slots.set_changed();
            }
        }
    }
}
