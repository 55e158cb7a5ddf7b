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
    model::state::Unit,
    shared::{containers::Kinds, markers::HasContainer},
};

/// Includes disabled entities, which keep their inventories.
type Filter = (With<HasContainer>, Allow<Disabled>);

/// All entities with a container, with access `D` to their containers and to nothing else.
pub struct Reach<'w, 's, D: Grant>(Query<'w, 's, D, Filter>);

/// Mutable access to containers.
pub type Units<'w, 's> = Reach<'w, 's, FilteredEntityMut<'static, 'static>>;

/// Read access to containers.
pub type ReadUnits<'w, 's> = Reach<'w, 's, FilteredEntityRef<'static, 'static>>;

/// Adds access to one container type to a query.
pub trait Grant: QueryData + Sized + 'static {
    /// Adds the access.
    fn grant(builder: &mut QueryBuilder, component: ComponentId);
}

impl Grant for FilteredEntityMut<'static, 'static> {
    fn grant(builder: &mut QueryBuilder, component: ComponentId) {
        builder.mut_id(component);
    }
}

impl Grant for FilteredEntityRef<'static, 'static> {
    fn grant(builder: &mut QueryBuilder, component: ComponentId) {
        builder.ref_id(component);
    }
}

impl Units<'_, '_> {
    pub(crate) fn get_mut(&mut self, entity: Entity) -> Option<FilteredEntityMut<'_, '_>> {
        self.0.get_mut(entity).ok()
    }

    pub(crate) fn read(&self, kinds: &Kinds, entity: Entity) -> Option<Unit> {
        kinds.read(&self.0.get(entity).ok()?)
    }
}

impl ReadUnits<'_, '_> {
    pub(crate) fn read(&self, kinds: &Kinds, entity: Entity) -> Option<Unit> {
        kinds.read(&self.0.get(entity).ok()?)
    }
}

// SAFETY: state, access and fetch are those of the inner query.
unsafe impl<D: Grant> SystemParam for Reach<'_, '_, D> {
    type State = QueryState<D, Filter>;
    type Item<'w, 's> = Reach<'w, 's, D>;

    fn init_state(world: &mut World) -> Self::State {
        let components: Vec<_> = world.get_resource_or_init::<Kinds>().components().collect();
        let mut builder = QueryBuilder::<D, Filter>::new(world);
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
        Query::<D, Filter>::init_access(state, system_meta, component_access_set, world);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut Self::State,
        system_meta: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        change_tick: Tick,
    ) -> Result<Reach<'w, 's, D>, SystemParamValidationError> {
        // SAFETY: the caller upholds the inner query's requirements, which are the same.
        unsafe { Query::<D, Filter>::get_param(state, system_meta, world, change_tick) }.map(Reach)
    }
}
