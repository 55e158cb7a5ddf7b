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
    // A quick move trades one item, like a Shift-click in most shops.
    let (from, to, count) = match &event.action {
        InventoryAction::Move { from, to, count } => {
            let all = || reader.get(*from).map_or(0, |stack| stack.count());
            (*from, (to.0, Some(to.1)), count.unwrap_or_else(all))
        }
        InventoryAction::QuickMove { from, to } => (*from, (to.entity, None), 1),
        _ => return,
    };
    match (shop(from.0), shop(to.0)) {
        (Some(vendor), None) => {
            let to = to.1.filter(|_| reader.is_own(to.0));
            actions.request(Buy { vendor, slot: from.1, count, to });
        }
        (None, Some(vendor)) => {
            actions.request(Sell { vendor, slot: from.1, count });
        }
        _ => return,
    }
    event.handled = true;
}
