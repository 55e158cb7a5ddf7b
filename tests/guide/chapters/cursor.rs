//! Copied from the guide.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

#[derive(Component)]
pub struct Cursor(pub Slots);

impl Container for Cursor {
    const NAME: &str = "cursor";
    const AUTO_FILL: bool = false;

    fn from_slots(slots: Slots) -> Self { Self(slots) }
    fn slots(&self) -> &Slots { &self.0 }
    fn slots_mut(&mut self) -> &mut Slots { &mut self.0 }
}

/// A click on a slot: picks up a stack, puts it down, or swaps the two.
pub fn click(slot: SlotRef, me: Entity, cursor: &Cursor, actions: &mut InventoryActions) {
    let hand = (me, Cursor::slot(0));
    let (from, to) = if cursor.0.get(0).is_some() { (hand, slot) } else { (slot, hand) };
    actions.request(InventoryAction::Move { from, to, count: None });
}

/// A right click: picks up half of a stack, or puts one item down.
pub fn right_click(
    slot: SlotRef,
    there: Option<Stack>,
    me: Entity,
    cursor: &Cursor,
    actions: &mut InventoryActions,
) {
    let hand = (me, Cursor::slot(0));
    if cursor.0.get(0).is_some() {
        actions.request(InventoryAction::Move { from: hand, to: slot, count: Some(1) });
    } else if let Some(stack) = there {
        let half = stack.count().div_ceil(2);
        actions.request(InventoryAction::Move { from: slot, to: hand, count: Some(half) });
    }
}

/// The window closes: moves the stack back to wherever it fits.
pub fn put_away(mut actions: InventoryActions, me: Single<Entity, With<LocalInventory>>) {
    actions.request(InventoryAction::QuickMove { from: (*me, Cursor::slot(0)), to: (*me).into() });
}
