//! Follows the events that a client emits for its game, as a user interface does.

use bevy::{
    ecs::{
        entity::{EntityHashMap, EntityHashSet},
        world::DeferredWorld,
    },
    prelude::*,
};

use crate::{
    model::state::InventoryState,
    shared::{
        containers::ContainerRegistry,
        events::{
            InventoryClosed, InventoryOpened, InventoryResized, SelectedChanged, SlotChanged,
        },
    },
};

use super::report::Violation;

/// What the events of a client add up to.
#[derive(Resource, Default)]
pub struct Mirror {
    shown: EntityHashMap<InventoryState>,
    /// Inventories that were read in this update. Events of changes that are part of that may follow.
    read: EntityHashSet,
    /// The first event that does not fit what was shown before.
    wrong: Option<Violation>,
    /// The next inventory that is compared.
    turn: usize,
}

/// Follows the events of an app.
pub(super) fn install(app: &mut App) {
    app.init_resource::<Mirror>()
        .add_observer(|on: On<InventoryOpened>, mut world: DeferredWorld| {
            read(&mut world, on.entity);
        })
        .add_observer(|on: On<InventoryResized>, mut world: DeferredWorld| {
            read(&mut world, on.entity);
        })
        .add_observer(|on: On<InventoryClosed>, mut mirror: ResMut<Mirror>| {
            mirror.shown.remove(&on.entity);
        })
        .add_observer(
            |on: On<SlotChanged>, registry: Res<ContainerRegistry>, mut mirror: ResMut<Mirror>| {
                mirror.change(&on, &registry);
            },
        )
        .add_observer(|on: On<SelectedChanged>, mut mirror: ResMut<Mirror>| mirror.select(*on));
}

/// Reads an inventory that opened or whose structure changed.
fn read(world: &mut DeferredWorld, entity: Entity) {
    let state = world.resource::<ContainerRegistry>().read_in(world, entity);
    let mut mirror = world.resource_mut::<Mirror>();
    mirror.shown.insert(entity, state.unwrap_or_default());
    mirror.read.insert(entity);
}

impl Mirror {
    fn change(&mut self, changed: &SlotChanged, registry: &ContainerRegistry) {
        let SlotChanged { entity, slot, old, new, .. } = *changed;
        let read = self.read.contains(&entity);
        let state = self.shown.get_mut(&entity);
        let at = state.and_then(|state| Some((state.flat(registry.as_slice(), slot)?, state)));
        let there = at.map(|(flat, state)| state.set(flat, new));
        if !there.is_some_and(|there| there == old || read && there == new) {
            self.reject(format!("{changed:?} follows {there:?}"));
        }
    }

    fn select(&mut self, changed: SelectedChanged) {
        let SelectedChanged { entity, old, new } = changed;
        let read = self.read.contains(&entity);
        let there = self.shown.get_mut(&entity).and_then(|state| state.selected.replace(new));
        if !there.is_some_and(|there| there == old || read && there == new) {
            self.reject(format!("{changed:?} follows {there:?}"));
        }
    }

    fn reject(&mut self, violation: Violation) {
        self.wrong.get_or_insert(violation);
    }

    /// Returns `true` if the game was notified that an inventory is open.
    pub(super) fn shows(&self, entity: Entity) -> bool {
        self.shown.contains_key(&entity)
    }

    /// Checks the events since the last call, and compares one inventory with its entity.
    ///
    /// # Errors
    ///
    /// The first event that does not fit, or the difference.
    pub(super) fn check(world: &mut World) -> Result<(), Violation> {
        let mut mirror = world.resource_mut::<Self>();
        mirror.read.clear();
        mirror.turn = (mirror.turn + 1) % mirror.shown.len().max(1);
        if let Some(wrong) = mirror.wrong.take() {
            return Err(wrong);
        }
        let mirror = world.resource::<Self>();
        let Some((entity, shown)) = mirror.shown.iter().nth(mirror.turn) else { return Ok(()) };
        let there = world.resource::<ContainerRegistry>().read_in(world, *entity);
        match there {
            Some(there) if there == *shown => Ok(()),
            there => Err(format!("{entity} has {there:?}, its events add up to {shown:?}")),
        }
    }
}
