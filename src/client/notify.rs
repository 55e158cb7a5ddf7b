//! Tells the game what changed, once per real change, after everything has been written.

use bevy::prelude::*;

use crate::{
    containers::Kinds,
    events::{
        InView, InventoryClosed, InventoryOpened, InventoryResized, LocalInventory,
        SelectedChanged, SlotChanged, tell,
    },
    model::{container::Slot, id::InventoryId, unit::Unit},
    stats::InventoryStats,
};

use super::{
    confirmed::{Closed, Confirmations, Confirmed},
    predict,
};

/// What is to be told. It is collected before anything is told: observers of the game may want what is
/// read here.
enum Told {
    Opened(InventoryOpened),
    Resized(InventoryResized),
    Slot(SlotChanged),
    Selected(SelectedChanged),
}

pub(super) fn notify_game(world: &mut World) {
    let mut confirmations = world.resource_mut::<Confirmations>();
    if confirmations.touched.is_empty() {
        return predict::tell_answers(world);
    }
    let touched = core::mem::take(&mut confirmations.touched);
    let kinds = world.resource::<Kinds>().clone();
    let mut told = Vec::new();
    let mut confirmations = world.resource_mut::<Confirmations>();
    for held in touched.into_iter() {
        if let Some(held) = confirmations.get_mut(held) {
            collect(held, &kinds, &mut told);
        }
    }
    for event in told {
        match event {
            Told::Opened(event) => tell(world, event),
            Told::Resized(event) => tell(world, event),
            Told::Selected(event) => tell(world, event),
            Told::Slot(event) => {
                world.resource_mut::<InventoryStats>().slots_notified += 1;
                tell(world, event);
            }
        }
    }
    world.flush();
    predict::tell_answers(world);
}

/// Tells that views have ended, and cleans their entities. It comes before anything is attached: the same
/// entity may show the next view.
pub(super) fn close_views(world: &mut World, kinds: &Kinds) {
    let closed = core::mem::take(&mut world.resource_mut::<Confirmations>().closed);
    for closed in closed {
        close(world, kinds, &closed);
    }
}

fn close(world: &mut World, kinds: &Kinds, closed: &Closed) {
    let Closed { entity, id, reason, mirror, alive } = *closed;
    tell(world, InventoryClosed { entity, inventory: id, reason });
    // Of an entity that has gone only global observers hear.
    if !alive {
        return;
    }
    if mirror {
        world.try_despawn(entity).ok();
        return;
    }
    kinds.restructure(world, entity, &Unit::default());
    if let Ok(mut entity) = world.get_entity_mut(entity) {
        entity.remove::<(InView, LocalInventory, InventoryId)>();
    }
}

fn collect(held: &mut Confirmed, kinds: &Kinds, told: &mut Vec<Told>) {
    let Some(entity) = held.entity else { return };
    let (inventory, rights) = (held.head.id, held.head.rights);
    let changes = held.take_changes();
    let selected_before = held.selected_before.take();
    let resized = core::mem::take(&mut held.resized);
    if !core::mem::replace(&mut held.opened, true) {
        told.push(Told::Opened(InventoryOpened { entity, inventory, rights }));
        return;
    }
    if resized {
        told.push(Told::Resized(InventoryResized { entity, inventory }));
    }
    for change in changes {
        let new = held.shown_at(change.kind, change.index);
        if new != change.old {
            let slot = Slot::at(kinds.as_slice(), change.kind, change.index);
            let (old, cause) = (change.old, change.cause);
            told.push(Told::Slot(SlotChanged { entity, slot, old, new, cause }));
        }
    }
    if let (Some(old), Some(new)) = (selected_before, held.shown().selected)
        && old != new
    {
        told.push(Told::Selected(SelectedChanged { entity, old, new }));
    }
}
