//! Events for equipment: items that are put on or taken off.

use crate::{
    app::InventoryAppExt,
    model::{
        container::{Container, Slot},
        slots::Slots,
        stack::Stack,
    },
    shared::{
        authority::Authority,
        events::{InventoryClosed, InventoryOpened, InventoryResized, SlotChanged, emit_deferred},
        markers::InView,
        schedule::InventoryClientSystems,
        sealed::Sealed,
    },
};
use bevy::{ecs::entity::EntityHashMap, prelude::*};

#[cfg(feature = "server")]
use crate::shared::{
    authority::authority_is_here, events::Commit, schedule::InventoryServerSystems,
};

/// An item was equipped. Emitted on the authority for all entities, and on a client for the
/// inventories in view, including when they come into view. Changes of wear or count alone are not
/// reported.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Equipped {
    /// The entity that wears the item.
    pub entity: Entity,
    /// The slot.
    pub slot: Slot,
    /// The stack with the item.
    pub stack: Stack,
}

/// An item was unequipped or, on a client, went out of view.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unequipped {
    /// The entity that wore the item.
    pub entity: Entity,
    /// The slot.
    pub slot: Slot,
    /// The stack with the item.
    pub stack: Stack,
}

/// Extends [`App`] with the registration of equipment.
pub trait EquipmentAppExt: Sealed {
    /// Registers a container whose items are worn, and triggers [`Equipped`] and [`Unequipped`] for it.
    ///
    /// # Panics
    ///
    /// In the same cases as [`InventoryAppExt::add_container`].
    fn add_equipment<C: Container>(&mut self) -> &mut Self;
}

impl EquipmentAppExt for App {
    fn add_equipment<C: Container>(&mut self) -> &mut Self {
        register::<C>(self);
        self
    }
}

fn register<C: Container>(app: &mut App) {
    app.add_message::<Equipped>()
        .add_message::<Unequipped>()
        .add_container::<C>()
        .add_systems(PreUpdate, equip_shown::<C>.after(InventoryClientSystems::Notify));
    #[cfg(feature = "server")]
    app.add_systems(
        PostUpdate,
        equip_committed::<C>.after(InventoryServerSystems::Mark).run_if(authority_is_here),
    );
}

#[cfg(feature = "server")]
fn equip_committed<C: Container>(mut commits: MessageReader<Commit>, mut commands: Commands) {
    for Commit { entity, slot, old, new, .. } in commits.read().copied() {
        if slot.index_in::<C>().is_some() {
            emit_changed(&mut commands, entity, slot, old, new);
        }
    }
}

/// Client: compares the equipment in view with the last reported one, and emits the differences.
fn equip_shown<C: Container>(
    authority: Authority,
    mut opened: MessageReader<InventoryOpened>,
    mut resized: MessageReader<InventoryResized>,
    mut closed: MessageReader<InventoryClosed>,
    mut changes: MessageReader<SlotChanged>,
    shown: Query<&C, With<InView>>,
    mut worn: Local<EntityHashMap<Slots>>,
    mut commands: Commands,
) {
    let mut entities: Vec<Entity> = opened.read().map(|event| event.entity).collect();
    entities.extend(resized.read().map(|event| event.entity));
    entities.extend(closed.read().map(|event| event.entity));
    entities.extend(changes.read().map(|event| event.entity));
    if authority.is_here() {
        // Equipment shown by a server is gone; the authority's own equipment is reported by
        // commits.
        for (entity, before) in worn.drain() {
            for (index, stack) in before.iter() {
                emit_changed(&mut commands, entity, C::slot(index), Some(stack), None);
            }
        }
        return;
    }
    entities.sort_unstable();
    entities.dedup();
    for entity in entities {
        let before = worn.remove(&entity).unwrap_or_default();
        let now = shown
            .get(entity)
            .map_or_else(|_| Slots::default(), |container| container.slots().clone());
        for index in 0..before.len().max(now.len()) {
            emit_changed(&mut commands, entity, C::slot(index), before.get(index), now.get(index));
        }
        if !now.is_empty() {
            worn.insert(entity, now);
        }
    }
}

fn emit_changed(
    commands: &mut Commands,
    entity: Entity,
    slot: Slot,
    old: Option<Stack>,
    new: Option<Stack>,
) {
    // A change of wear or count alone is not reported: it is still the same item.
    if old.map(|stack| (stack.item, stack.data)) == new.map(|stack| (stack.item, stack.data)) {
        return;
    }
    if let Some(stack) = old {
        emit_deferred(commands, Unequipped { entity, slot, stack });
    }
    if let Some(stack) = new {
        emit_deferred(commands, Equipped { entity, slot, stack });
    }
}
