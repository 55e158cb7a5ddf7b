//! Notifies the game of changes: one event per actual change, after all components have been written.

use bevy::prelude::*;

use crate::{
    model::container::Slot,
    shared::{
        actions::{SlotPendingChanged, emit_answer},
        containers::ContainerRegistry,
        events::{InventoryOpened, InventoryResized, SelectedChanged, SlotChanged, emit},
        stats::InventoryStats,
    },
};

use super::{
    confirmed::{ConfirmedInventories, inventory::ConfirmedInventory},
    predictions::{Answered, Predictions},
};
use bevy::platform::collections::HashSet;

/// An event to emit. All events are collected before the first is emitted, because observers of the game may
/// access the resources that are read here.
enum GameEvent {
    Opened(InventoryOpened),
    Resized(InventoryResized),
    Slot(SlotChanged),
    Selected(SelectedChanged),
}

pub(crate) fn notify_game(world: &mut World) {
    emit_changes(world);
    emit_answers(world);
}

/// Emits the changes of the touched views, whose components have been written.
pub(crate) fn emit_changes(world: &mut World) {
    let mut confirmations = world.resource_mut::<ConfirmedInventories>();
    if confirmations.touched.is_empty() {
        return;
    }
    let touched = core::mem::take(&mut confirmations.touched);
    let registry = world.resource::<ContainerRegistry>().clone();
    let mut events = Vec::new();
    let mut confirmations = world.resource_mut::<ConfirmedInventories>();
    for view in touched {
        if let Some(copy) = confirmations.get_mut(view) {
            collect(copy, &registry, &mut events);
        }
    }
    for event in events {
        match event {
            GameEvent::Opened(event) => emit(world, event),
            GameEvent::Resized(event) => emit(world, event),
            GameEvent::Selected(event) => emit(world, event),
            GameEvent::Slot(event) => {
                world.resource_mut::<InventoryStats>().slots_notified += 1;
                emit(world, event);
            }
        }
    }
    world.flush();
}

fn collect(
    copy: &mut ConfirmedInventory,
    registry: &ContainerRegistry,
    events: &mut Vec<GameEvent>,
) {
    let Some(entity) = copy.entity else { return };
    let (inventory, rights) = (copy.head.id, copy.head.rights);
    let changes = copy.take_changes();
    let selected_before = copy.selected_before.take();
    let resized = core::mem::take(&mut copy.resized);
    if !core::mem::replace(&mut copy.opened, true) {
        events.push(GameEvent::Opened(InventoryOpened { entity, inventory, rights }));
        return;
    }
    if resized {
        events.push(GameEvent::Resized(InventoryResized { entity, inventory }));
    }
    for change in changes {
        let slots = copy.shown().container(change.kind);
        // A slot that was removed after it had changed is part of the resize.
        let Some(new) = slots.and_then(|slots| slots.as_slice().get(change.index)).copied() else {
            continue;
        };
        if new != change.old {
            let slot = Slot::at(registry.as_slice(), change.kind, change.index);
            let (old, cause) = (change.old, change.cause);
            events.push(GameEvent::Slot(SlotChanged { entity, slot, old, new, cause }));
        }
    }
    if let (Some(old), Some(new)) = (selected_before, copy.shown().selected)
        && old != new
    {
        events.push(GameEvent::Selected(SelectedChanged { entity, old, new }));
    }
}

/// Emits an event for each slot that became part of a pending request, or is no longer part of one.
pub(crate) fn emit_pending(world: &mut World) {
    let mut predictions = world.resource_mut::<Predictions>();
    let now: HashSet<(Entity, Slot)> =
        predictions.pending.iter().flat_map(|pending| pending.slots.iter().copied()).collect();
    if now == predictions.pending_slots {
        return;
    }
    let before = core::mem::replace(&mut predictions.pending_slots, now.clone());
    let ended = before.difference(&now).map(|at| (*at, false));
    let begun = now.difference(&before).map(|at| (*at, true));
    for ((entity, slot), pending) in ended.chain(begun) {
        // If the entity no longer exists, only global observers receive the event.
        emit(world, SlotPendingChanged { entity, slot, pending });
    }
}

/// Notifies the game of answers, after the changes that came with them are shown.
fn emit_answers(world: &mut World) {
    if world.resource::<Predictions>().answered.is_empty() {
        return;
    }
    emit_pending(world);
    let answered = core::mem::take(&mut world.resource_mut::<Predictions>().answered);
    for Answered { id, request, result } in answered {
        world.resource_mut::<InventoryStats>().actions_rejected += u64::from(result.is_err());
        emit_answer(world, id, request, result);
    }
    world.flush();
}
