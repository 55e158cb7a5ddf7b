//! Requests of widgets, which the game may replace.

use bevy::prelude::*;

use crate::{model::action::InventoryAction, params::actions::InventoryActions};

use super::{
    carry::Carried,
    cell::{DirtyCells, SlotCells},
};

/// Triggered before a widget requests an action. An observer may set `handled` and request something else instead, such
/// as a purchase from a shop. A stack that the player carries is then put back.
///
/// ```
/// use bevy::prelude::*;
/// use bevy_inventory_sync::{prelude::*, ui::WidgetAction};
///
/// # #[derive(Component)] struct Shop;
/// fn buy(mut event: On<WidgetAction>, shops: Query<&InventoryId, With<Shop>>) {
///     let InventoryAction::Move { from, .. } = event.action else { return };
///     if let Ok(shop) = shops.get(from.0) {
///         event.handled = true;
///         info!("buying slot {:?} of {shop:?}", from.1); // request the game's own action here
///     }
/// }
/// # App::new().add_observer(buy);
/// ```
#[derive(Event, Clone, Debug)]
pub struct WidgetAction {
    /// The action that the widget requests.
    pub action: InventoryAction,
    /// Whether an observer has handled it. If so, it is not requested.
    pub handled: bool,
}

/// Requests an action, unless the game handles it.
pub(super) fn request(commands: &mut Commands, action: InventoryAction) {
    commands.queue(move |world: &mut World| {
        let mut event = WidgetAction { action, handled: false };
        world.trigger_ref(&mut event);
        if event.handled {
            world.run_system_cached(put_back).ok();
        } else {
            world.run_system_cached_with(send, event.action).ok();
        }
    });
}

fn put_back(mut carried: ResMut<Carried>, cells: Res<SlotCells>, mut dirty: ResMut<DirtyCells>) {
    if carried.get().is_some() {
        carried.set(None, &cells, &mut dirty);
    }
}

fn send(In(action): In<InventoryAction>, mut actions: InventoryActions) {
    actions.request(action);
}
