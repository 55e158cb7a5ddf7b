//! What is put on and taken off, as events.

use bevy::prelude::*;

use crate::{
    app::InventoryAppExt,
    authority::{Authority, authority_is_here},
    events::{Commit, SlotChanged, tell_later},
    model::{
        container::{Container, Slot},
        stack::Stack,
    },
    systems::InventorySystems,
};

/// Something was put on. On the authority for everybody, on a client for what it sees.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Equipped {
    /// Who wears it.
    pub entity: Entity,
    /// Where.
    pub slot: Slot,
    /// What.
    pub stack: Stack,
}

/// Something was taken off.
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

fn equip_shown<C: Container>(
    authority: Authority,
    mut changes: MessageReader<SlotChanged>,
    mut commands: Commands,
) {
    for SlotChanged { entity, slot, old, new, .. } in changes.read().copied() {
        if slot.index_in::<C>().is_some() && !authority.is_here() {
            tell_changed(&mut commands, entity, slot, old, new);
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
