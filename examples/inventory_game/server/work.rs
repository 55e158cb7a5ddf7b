//! Tools: axes fell trees, pickaxes mine rocks, and both wear out.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::{
    items::Props,
    map::{self, Thing},
    protocol::{Position, WORK_REACH},
};

use super::ground;

/// What tools yield: the thing, the tag of the tool, and the possible items.
const YIELDS: [(Thing, &str, &[&str]); 2] =
    [(Thing::Tree, "fells", &["wood"]), (Thing::Rock, "mines", &["stone", "coal", "iron_ore"])];

/// Implements [`InventoryAction::Use`], which has no effect by itself. Written as if there were no network.
pub fn use_tool(
    used: On<ActionApplied<InventoryAction>>,
    items: Res<Items<Props>>,
    mut players: Query<(&Position, &mut Inventory, &mut Hotbar)>,
    mut commands: Commands,
) {
    let InventoryAction::Use { slot: (_, slot) } = used.action else { return };
    let Some((position, mut inventory, mut hotbar)) =
        used.actor.and_then(|actor| players.get_mut(actor).ok())
    else {
        return;
    };
    let Some(index) = slot.index_in::<Hotbar>() else { return };
    let Some(tool) = hotbar.slots.get(index) else { return };
    let catalog = items.catalog();
    let fits = |tag| catalog.get(tool.item).is_some_and(|def| def.has_tag(tag));
    let found = YIELDS.iter().find(|(thing, tag, _)| {
        fits(tag) && map::nearest(position.0, *thing, WORK_REACH).is_some()
    });
    let Some((_, _, yields)) = found else { return };
    let won = ItemId::of(yields[fastrand::usize(..yields.len())]).stack(fastrand::u32(1..=2));
    if let Some(rest) = inventory.add(won, catalog.max_stack(won.item)) {
        commands.spawn(ground::loot(position.0, rest));
    }
    let uses = items.props(tool.item).map_or(0, |props| props.uses);
    let worn = tool.with_wear(tool.wear + 1);
    let left = (worn.wear < uses).then_some(worn);
    hotbar.set(index, left).expect("the slot contains the tool");
}
