//! What is put on and taken off, as events.

use bevy::{ecs::entity::EntityHashMap, prelude::*};

use crate::{
    app::InventoryAppExt,
    authority::{Authority, authority_is_here},
    events::{
        Commit, InView, InventoryClosed, InventoryOpened, InventoryResized, SlotChanged, tell_later,
    },
    model::{
        container::{Container, Slot},
        slots::Slots,
        stack::Stack,
    },
    systems::InventorySystems,
};

/// Something was put on. On the authority for everybody, on a client for what it sees, also when it comes
/// into view.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Equipped {
    /// Who wears it.
    pub entity: Entity,
    /// Where.
    pub slot: Slot,
    /// What.
    pub stack: Stack,
}

/// Something was taken off, or on a client went out of view.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unequipped {
    /// Who wore it.
    pub entity: Entity,
    /// Where.
    pub slot: Slot,
    /// What.
    pub stack: Stack,
}

pub(crate) fn register<C: Container>(app: &mut App) {
    app.add_message::<Equipped>()
        .add_message::<Unequipped>()
        .add_container::<C>()
        .add_systems(
            PostUpdate,
            equip_committed::<C>.after(InventorySystems::Mark).run_if(authority_is_here),
        )
        .add_systems(PreUpdate, equip_shown::<C>.after(InventorySystems::Notify));
}

fn equip_committed<C: Container>(mut commits: MessageReader<Commit>, mut commands: Commands) {
    for Commit { entity, slot, old, new, .. } in commits.read().copied() {
        if slot.index_in::<C>().is_some() {
            tell_changed(&mut commands, entity, slot, old, new);
        }
    }
}

/// What is worn comes into view, changes and goes with the inventory that holds it.
fn equip_shown<C: Container>(
    authority: Authority,
    (mut opened, mut resized, mut closed, mut changes): (
        MessageReader<InventoryOpened>,
        MessageReader<InventoryResized>,
        MessageReader<InventoryClosed>,
        MessageReader<SlotChanged>,
    ),
    shown: Query<&C, With<InView>>,
    mut told: Local<EntityHashMap<Slots>>,
    mut commands: Commands,
) {
    let mut entities: Vec<Entity> = opened.read().map(|event| event.entity).collect();
    entities.extend(resized.read().map(|event| event.entity));
    entities.extend(closed.read().map(|event| event.entity));
    entities.extend(changes.read().map(|event| event.entity));
    if authority.is_here() {
        // What a server showed is gone; what is worn here is told by commits.
        for (entity, before) in told.drain() {
            for (index, stack) in before.iter() {
                tell_changed(&mut commands, entity, C::slot(index), Some(stack), None);
            }
        }
        return;
    }
    entities.sort_unstable();
    entities.dedup();
    for entity in entities {
        let before = told.remove(&entity).unwrap_or_default();
        let now =
            shown.get(entity).map_or_else(|_| Slots::default(), |there| there.slots().clone());
        for index in 0..before.len().max(now.len()) {
            tell_changed(&mut commands, entity, C::slot(index), before.get(index), now.get(index));
        }
        if !now.is_empty() {
            told.insert(entity, now);
        }
    }
}

fn tell_changed(
    commands: &mut Commands,
    entity: Entity,
    slot: Slot,
    old: Option<Stack>,
    new: Option<Stack>,
) {
    // A tool that wears out is still the same tool.
    if old.map(|stack| (stack.item, stack.data)) == new.map(|stack| (stack.item, stack.data)) {
        return;
    }
    if let Some(stack) = old {
        tell_later(commands, Unequipped { entity, slot, stack });
    }
    if let Some(stack) = new {
        tell_later(commands, Equipped { entity, slot, stack });
    }
}
