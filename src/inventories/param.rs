//! A query over whatever containers are registered: the one place with `unsafe`, because a system
//! parameter whose access is known only at run time cannot be derived. It delegates every call to
//! [`Query`], whose state it builds with exactly the access that it then registers.
#![expect(unsafe_code, reason = "see above; nothing here touches memory itself")]

use bevy::{
    ecs::{
        change_detection::Tick,
        entity_disabling::Disabled,
        query::{Allow, FilteredAccessSet, QueryBuilder, QueryState},
        system::{SystemMeta, SystemParam, SystemParamValidationError},
        world::{FilteredEntityMut, unsafe_world_cell::UnsafeWorldCell},
    },
    prelude::*,
};

use crate::{containers::Kinds, model::unit::Unit, server::baseline::Baseline};

type Containers<'w, 's> = Query<'w, 's, FilteredEntityMut<'static, 'static>, Filter>;

/// Disabled entities keep their inventories.
type Filter = (With<Baseline>, Allow<Disabled>);

/// Every entity with a container, with access to its containers and to nothing else.
pub struct Units<'w, 's>(Containers<'w, 's>);

impl Units<'_, '_> {
    pub(super) fn read(&self, kinds: &Kinds, entity: Entity) -> Option<Unit> {
        kinds.read(&self.0.get(entity).ok()?)
    }

    pub(super) fn get_mut(&mut self, entity: Entity) -> Option<FilteredEntityMut<'_, '_>> {
        self.0.get_mut(entity).ok()
    }
}

// SAFETY: state, access and fetch are those of the inner query.
unsafe impl SystemParam for Units<'_, '_> {
    type State = QueryState<FilteredEntityMut<'static, 'static>, Filter>;
    type Item<'w, 's> = Units<'w, 's>;

    fn init_state(world: &mut World) -> Self::State {
        let components: Vec<_> = world.get_resource_or_init::<Kinds>().components().collect();
        let mut builder = QueryBuilder::<FilteredEntityMut, Filter>::new(world);
        for component in components {
            builder.optional(|optional| {
                optional.mut_id(component);
            });
        }
        builder.build()
    }

    fn init_access(
        state: &Self::State,
        system_meta: &mut SystemMeta,
        component_access_set: &mut FilteredAccessSet,
        world: &mut World,
    ) {
        Containers::init_access(state, system_meta, component_access_set, world);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut Self::State,
        system_meta: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        change_tick: Tick,
    ) -> Result<Units<'w, 's>, SystemParamValidationError> {
        // SAFETY: the caller keeps the promises that the inner query asks for; they are the same.
        unsafe { Containers::get_param(state, system_meta, world, change_tick) }.map(Units)
    }
}
