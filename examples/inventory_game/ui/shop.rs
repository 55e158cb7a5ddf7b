//! Whatever moves items out of a shop buys them, and whatever moves items into it sells them.

use bevy::prelude::*;
use bevy_inventory_sync::{params::reader::InventoryReader, prelude::*, ui::WidgetAction};

use crate::{
    protocol::{Chest, ChestKind},
    shop::{Buy, Sell},
};

pub fn plugin(app: &mut App) {
    app.add_observer(trade);
}

fn trade(
    mut event: On<WidgetAction>,
    chests: Query<(&Chest, &InventoryId)>,
    reader: InventoryReader,
    mut actions: InventoryActions,
) {
    let shop = |entity| {
        let found = chests.get(entity).ok();
        found.filter(|(chest, _)| chest.kind == ChestKind::Vendor).map(|(_, id)| *id)
    };
    let (from, to, count) = match &event.action {
        InventoryAction::Move { from, to, count } => (*from, to.0, *count),
        InventoryAction::QuickMove { from, to } => (*from, to.entity, None),
        _ => return,
    };
    // A quick move buys one item, like a click with Shift in most shops.
    let quick = matches!(event.action, InventoryAction::QuickMove { .. });
    let all = || reader.get(from).map_or(0, |stack| stack.count());
    match (shop(from.0), shop(to)) {
        (Some(vendor), None) => {
            let count = if quick { 1 } else { count.unwrap_or_else(all) };
            actions.request(Buy { vendor, slot: from.1, count });
        }
        (None, Some(vendor)) => {
            actions.request(Sell { vendor, slot: from.1, count: count.unwrap_or_else(all) });
        }
        _ => return,
    }
    event.handled = true;
}
