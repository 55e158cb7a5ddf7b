//! A query over the container types registered at run time. This is the only module with `unsafe`,
//! because a system parameter whose access is known only at run time cannot be derived. It
//! delegates every call to [`Query`], whose state it builds with exactly the access that it then
//! registers.
#![expect(unsafe_code, reason = "see above; no code here accesses memory itself")]

use bevy::{
    ecs::{
        change_detection::Tick,
        component::ComponentId,
        entity_disabling::Disabled,
        query::{Allow, FilteredAccessSet, QueryBuilder, QueryData, QueryState},
        system::{SystemMeta, SystemParam, SystemParamValidationError},
        world::{FilteredEntityMut, FilteredEntityRef, unsafe_world_cell::UnsafeWorldCell},
    },
    prelude::*,
};

use crate::{
    model::state::InventoryState,
    shared::{containers::ContainerRegistry, markers::HasContainer},
};

/// Includes disabled entities, which keep their inventories.
type WithContainers = (With<HasContainer>, Allow<Disabled>);

/// Returns the inventory from which a player acts: of several, the first one that is marked.
pub(crate) fn acting(own: impl Iterator<Item = (Entity, bool)>) -> Option<Entity> {
    own.min_by_key(|(entity, acts)| (!acts, *entity)).map(|(entity, _)| entity)
}

/// All entities with a container, with access `D` to their containers and to nothing else.
pub struct ContainerQuery<'w, 's, D: QueryAccess>(Query<'w, 's, D, WithContainers>);

/// Mutable access to containers.
pub type ContainersMut<'w, 's> = ContainerQuery<'w, 's, FilteredEntityMut<'static, 'static>>;

/// Read access to containers.
pub type ContainersRef<'w, 's> = ContainerQuery<'w, 's, FilteredEntityRef<'static, 'static>>;

/// Adds access to one container type to a query.
pub trait QueryAccess: QueryData + Sized + 'static {
    /// Adds the access.
    fn grant(builder: &mut QueryBuilder, component: ComponentId);
}

impl QueryAccess for FilteredEntityMut<'static, 'static> {
    fn grant(builder: &mut QueryBuilder, component: ComponentId) {
        builder.mut_id(component);
    }
}

impl QueryAccess for FilteredEntityRef<'static, 'static> {
    fn grant(builder: &mut QueryBuilder, component: ComponentId) {
        builder.ref_id(component);
    }
}

impl ContainersMut<'_, '_> {
    pub(crate) fn get_mut(&mut self, entity: Entity) -> Option<FilteredEntityMut<'_, '_>> {
        self.0.get_mut(entity).ok()
    }

    pub(crate) fn read(
        &self,
        registry: &ContainerRegistry,
        entity: Entity,
    ) -> Option<InventoryState> {
        registry.read(&self.0.get(entity).ok()?)
    }
}

impl ContainersRef<'_, '_> {
    pub(crate) fn get(&self, entity: Entity) -> Option<FilteredEntityRef<'_, '_>> {
        self.0.get(entity).ok()
    }

    pub(crate) fn read(
        &self,
        registry: &ContainerRegistry,
        entity: Entity,
    ) -> Option<InventoryState> {
        registry.read(&self.0.get(entity).ok()?)
    }
}

// SAFETY: state, access and fetch are those of the inner query.
unsafe impl<D: QueryAccess> SystemParam for ContainerQuery<'_, '_, D> {
    type State = QueryState<D, WithContainers>;
    type Item<'w, 's> = ContainerQuery<'w, 's, D>;

    fn init_state(world: &mut World) -> Self::State {
        let components: Vec<_> =
            world.get_resource_or_init::<ContainerRegistry>().components().collect();
        let mut builder = QueryBuilder::<D, WithContainers>::new(world);
        for component in components {
            builder.optional(|optional| D::grant(optional, component));
        }
        builder.build()
    }

    fn init_access(
        state: &Self::State,
        system_meta: &mut SystemMeta,
        component_access_set: &mut FilteredAccessSet,
        world: &mut World,
    ) {
        world.resource_mut::<ContainerRegistry>().record_access(&system_meta.name().to_string());
        Query::<D, WithContainers>::init_access(state, system_meta, component_access_set, world);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut Self::State,
        system_meta: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        change_tick: Tick,
    ) -> Result<ContainerQuery<'w, 's, D>, SystemParamValidationError> {
        // SAFETY: the caller upholds the inner query's requirements, which are the same.
        unsafe { Query::<D, WithContainers>::get_param(state, system_meta, world, change_tick) }
            .map(ContainerQuery)
    }
}
