//! The registry of container types, with type-erased access to their slots.

use std::sync::Arc;

use bevy::ecs::{
    change_detection::{DetectChangesMut, Mut},
    component::ComponentId,
    entity::Entity,
    resource::Resource,
    system::Res,
    world::{EntityWorldMut, FilteredEntityMut, FilteredEntityRef, World},
};
use xxhash_rust::xxh3::Xxh3;

use crate::model::{
    builtin::{Hotbar, Inventory},
    container::{Container, ContainerInfo, Slot, selected_in},
    id::ContainerKey,
    limits::CONTAINERS_MAX,
    names,
    slots::Slots,
    state::InventoryState,
};

/// The built-in containers, which come first.
const BUILT_IN: [&str; 2] = [Inventory::NAME, Hotbar::NAME];

/// All registered container types: the built-in ones first, then sorted by name. The order in which a game
/// registers them does not matter.
///
/// Both sides must register the same types.
///
/// Cheap to clone. Code that writes to entities must clone it instead of borrowing the resource,
/// since observers of the entities may need the resource.
#[derive(Resource, Default, Clone)]
pub struct ContainerRegistry {
    registry: Arc<Vec<ContainerInfo>>,
    access: Arc<Vec<ContainerFns>>,
    finished: bool,
    /// The first system that was initialized with access to all containers.
    accessed_by: Option<String>,
}

/// Type-erased access to one container type.
#[derive(Clone, Copy)]
struct ContainerFns {
    component: ComponentId,
    slots: for<'a> fn(&FilteredEntityRef<'a, '_>) -> Option<&'a Slots>,
    slots_mut: for<'a> fn(&'a mut FilteredEntityMut) -> Option<Mut<'a, Slots>>,
    selected: fn(&FilteredEntityRef) -> Option<u8>,
    select: fn(&mut FilteredEntityMut, u8),
    insert: fn(&mut EntityWorldMut, Slots),
    remove: fn(&mut EntityWorldMut),
}

impl ContainerRegistry {
    /// Registers a container type.
    ///
    /// # Panics
    ///
    /// If another container has the same name, [`CONTAINERS_MAX`] containers are registered, the app has
    /// finished, or a system with access to all containers has been initialized.
    pub(crate) fn add<C: Container>(&mut self, world: &mut World) {
        assert!(self.kind_of::<C>().is_none(), "container `{}` is registered twice", C::NAME);
        assert!(
            self.registry.len() < CONTAINERS_MAX,
            "cannot register more than {CONTAINERS_MAX} containers"
        );
        assert!(!self.finished, "container `{}` is registered after `App::finish`", C::NAME);
        // The access of a system cannot change later. Without access it would miss the container, and lose its items.
        if let Some(system) = &self.accessed_by {
            panic!(
                "container `{}` is registered after the observer `{system}`, which uses `Inventories` or \
                `InventoryActions`: register containers first",
                C::NAME
            );
        }
        names::remember(ContainerKey::of(C::NAME).to_bits(), C::NAME);
        let key = |kind: &ContainerInfo| {
            let built_in = BUILT_IN.iter().position(|name| *name == kind.name);
            (built_in.unwrap_or(BUILT_IN.len()), kind.name)
        };
        let new = ContainerInfo::of::<C>();
        let at = self.registry.partition_point(|known| key(known) < key(&new));
        Arc::make_mut(&mut self.registry).insert(at, new);
        Arc::make_mut(&mut self.access).insert(
            at,
            ContainerFns {
                component: world.register_component::<C>(),
                slots: |entity| entity.get::<C>().map(C::slots),
                slots_mut: |entity| Some(entity.get_mut::<C>()?.map_unchanged(C::slots_mut)),
                selected: |entity| entity.get::<C>().and_then(selected_in),
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
            },
        );
    }

    /// Records that a system was initialized with access to the containers that are registered now.
    pub(crate) fn record_access(&mut self, system: &str) {
        self.accessed_by.get_or_insert_with(|| system.to_owned());
    }

    /// Ends the registration. From now on containers keep their index.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    /// Returns the container types by index.
    #[must_use]
    pub fn as_slice(&self) -> &[ContainerInfo] {
        &self.registry
    }

    /// Returns the index of container `C`, if it is registered.
    pub(crate) fn kind_of<C: Container>(&self) -> Option<u8> {
        let key = ContainerKey::of(C::NAME);
        (0u8..).zip(self.registry.iter()).find(|(_, kind)| kind.key == key).map(|(rank, _)| rank)
    }

    /// Returns `true` if the stacks of this container are items and not only displayed.
    pub(crate) fn holds_items(&self, key: ContainerKey) -> bool {
        self.registry.iter().any(|kind| kind.key == key && kind.holds_items)
    }

    /// Returns a hash of everything that both sides must agree on.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        for kind in self.registry.iter() {
            hasher.update(kind.name.as_bytes());
            hasher.update(&[0xFF]);
        }
        hasher.digest()
    }

    pub(crate) fn components(&self) -> impl Iterator<Item = ComponentId> {
        self.access.iter().map(|access| access.component)
    }

    fn access(&self, kind: u8) -> &ContainerFns {
        &self.access[usize::from(kind)]
    }

    /// Reads all containers of an entity; `None` if it has none.
    pub(crate) fn read(&self, entity: &FilteredEntityRef) -> Option<InventoryState> {
        let mut state = InventoryState::default();
        for (kind, access) in (0u8..).zip(self.access.iter()) {
            if let Some(slots) = (access.slots)(entity) {
                state.insert(kind, slots.clone());
            }
        }
        if let Some(kind) = self.selecting(&state) {
            state.selected = (self.access(kind).selected)(entity);
        }
        (!state.is_empty()).then_some(state)
    }

    /// Returns the slots of one container of an entity.
    pub(crate) fn slots<'a>(
        &self,
        entity: &'a FilteredEntityRef,
        container: ContainerKey,
    ) -> Option<&'a Slots> {
        let kind = self.registry.iter().position(|kind| kind.key == container)?;
        (self.access[kind].slots)(entity)
    }

    /// Returns the selected slot of an entity, if one of its containers has one.
    pub(crate) fn selected(&self, entity: &FilteredEntityRef) -> Option<Slot> {
        let mut kinds = self.registry.iter().zip(self.access.iter());
        let selecting =
            kinds.find(|(kind, access)| kind.has_selection && (access.slots)(entity).is_some());
        let (kind, access) = selecting.filter(|(kind, _)| !kind.shows_progress)?;
        let index = (access.selected)(entity)?;
        Some(Slot { container: kind.key, index: index.into() })
    }

    /// Like [`Self::read`]; also `None` if the entity does not exist.
    pub(crate) fn read_in(&self, world: &World, entity: Entity) -> Option<InventoryState> {
        self.read(&FilteredEntityRef::from(world.get_entity(entity).ok()?))
    }

    /// Makes the containers of an entity equal to `state`, writing only the slots that differ. Calls
    /// `written` with container type and slot index for every slot written. Skips containers that
    /// the entity does not have.
    pub(crate) fn write(
        &self,
        entity: &mut FilteredEntityMut,
        state: &InventoryState,
        mut written: impl FnMut(u8, usize),
    ) {
        for container in state.containers() {
            let access = self.access(container.kind);
            if (access.slots)(&entity.as_readonly()) == Some(&container.slots) {
                continue;
            }
            let Some(mut slots) = (access.slots_mut)(entity) else { continue };
            if slots.len() != container.slots.len() {
                *slots = container.slots.clone();
                (0..container.slots.len()).for_each(|index| written(container.kind, index));
                continue;
            }
            for (index, stack) in container.slots.as_slice().iter().enumerate() {
                if slots.get(index) != *stack && slots.set(index, *stack).is_ok() {
                    written(container.kind, index);
                }
            }
        }
        if let (Some(kind), Some(selected)) = (self.selecting(state), state.selected) {
            let access = self.access(kind);
            if (access.selected)(&entity.as_readonly()).is_some_and(|now| now != selected) {
                (access.select)(entity, selected);
            }
        }
    }

    /// Returns the container type of an inventory that its selected slot refers to.
    pub(crate) fn selecting(&self, state: &InventoryState) -> Option<u8> {
        state.selecting(&self.registry)
    }

    /// Gives an entity exactly the containers of `state`. Observers of the game run in between and
    /// may despawn the entity.
    pub(crate) fn restructure(&self, world: &mut World, entity: Entity, state: &InventoryState) {
        for (kind, access) in (0u8..).zip(self.access.iter()) {
            let Ok(mut entity) = world.get_entity_mut(entity) else { return };
            let present = entity.contains_id(access.component);
            match state.container(kind) {
                Some(slots) if !present => (access.insert)(&mut entity, slots.clone()),
                None if present => (access.remove)(&mut entity),
                _ => {}
            }
        }
        if let Ok(mut entity) = world.get_entity_mut(entity) {
            self.write(&mut FilteredEntityMut::from(&mut entity), state, |_, _| {});
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

/// Panics on the first update of an app that was not finished: containers could still change their index.
pub(crate) fn check_finished(registry: Res<ContainerRegistry>) {
    assert!(
        registry.finished,
        "the app was updated before `App::finish`; call `App::finish` and `App::cleanup` first"
    );
}
