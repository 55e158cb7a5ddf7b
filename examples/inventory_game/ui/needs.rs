//! What empty slots are for: a pale icon, and in the shrine the number of items that it needs.

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    ui::{ItemIcons, SlotCell, SlotPainted, SlotParts},
};

use crate::containers::{Equipment, FurnaceInput, Offerings};

use super::theme::{ICON, SLOT};

const ALPHA: f32 = 0.28;

/// The pale icon of a slot.
#[derive(Component, Clone, Copy, Debug)]
struct PaleIcon(Entity);

pub fn plugin(app: &mut App) {
    app.add_observer(draw);
}

/// Returns an item that a slot is for, and the number that is needed.
fn need(slot: Slot) -> Option<(&'static str, Option<u32>)> {
    let furnace = slot.index_in::<FurnaceInput>();
    let worn = slot.index_in::<Equipment>();
    let offering = slot.index_in::<Offerings>();
    // A server may have more slots.
    let furnace = furnace.and_then(|slot| ["iron_ore", "fish", "coal"].get(slot));
    let worn = worn.and_then(|slot| ["iron_helmet", "iron_armor", "leather_boots"].get(slot));
    let offering = offering.and_then(|slot| Offerings::NEEDS.get(slot));
    let plain = furnace.or(worn).map(|key| (*key, None));
    plain.or(offering.map(|(key, count)| (*key, Some(*count))))
}

fn draw(
    painted: On<SlotPainted>,
    cells: Query<(&SlotCell, &SlotParts, Option<&PaleIcon>)>,
    catalog: Res<ItemCatalog>,
    mut icons: ItemIcons,
    mut texts: Query<&mut Text>,
    mut commands: Commands,
) {
    let Ok((cell, parts, pale)) = cells.get(painted.entity) else { return };
    let Some((key, count)) = need(cell.slot) else { return };
    if let Some(needed) = count
        && let Ok(mut text) = texts.get_mut(parts.count)
    {
        let have = painted.look.stack.map_or(0, |stack| stack.count());
        text.set_if_neq(Text(format!("{have}/{needed}")));
    }
    match (painted.look.stack, pale) {
        (Some(_), Some(pale)) => {
            commands.entity(pale.0).despawn();
            commands.entity(painted.entity).remove::<PaleIcon>();
        }
        (None, None) => {
            let item = catalog.get(ItemId::of(key));
            let Some(icon) = item.and_then(|item| icons.get(item)) else { return };
            let node = Node {
                position_type: PositionType::Absolute,
                left: px((SLOT - ICON) / 2.0),
                top: px((SLOT - ICON) / 2.0),
                width: px(ICON),
                height: px(ICON),
                ..default()
            };
            let image = ImageNode::new(icon).with_color(Color::WHITE.with_alpha(ALPHA));
            let pale = (node, image, Pickable::IGNORE, ChildOf(painted.entity));
            let pale = commands.spawn(pale).id();
            commands.entity(painted.entity).insert(PaleIcon(pale));
        }
        _ => {}
    }
}
