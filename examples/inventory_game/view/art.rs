//! All images, loaded once and kept.

use bevy::{platform::collections::HashMap, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::protocol::Facing;

/// The two layers of a figure for one direction and one step. `body` is tinted.
#[derive(Clone, Default, Debug)]
pub struct Figure {
    pub base: Handle<Image>,
    pub body: Handle<Image>,
}

#[derive(Resource, Default)]
pub struct Art {
    icons: HashMap<ItemId, Handle<Image>>,
    figures: [[Figure; 2]; 3],
    pub shadow: Handle<Image>,
    pub chest: [Handle<Image>; 2],
    pub gate: Handle<Image>,
    pub panel: Handle<Image>,
    pub slot: Handle<Image>,
    pub slot_hover: Handle<Image>,
    pub slot_selected: Handle<Image>,
}

impl Art {
    pub fn icon(&self, item: ItemId) -> Handle<Image> {
        self.icons.get(&item).cloned().unwrap_or_default()
    }

    /// Returns the item that has this icon.
    pub fn item_of(&self, icon: &Handle<Image>) -> Option<ItemId> {
        self.icons.iter().find(|(_, known)| *known == icon).map(|(item, _)| *item)
    }

    /// Returns the images for a direction. Left uses the image of right, which is mirrored when drawn.
    pub fn figure(&self, facing: Facing, step: usize) -> &Figure {
        let side = match facing {
            Facing::Down => 0,
            Facing::Up => 1,
            Facing::Left | Facing::Right => 2,
        };
        &self.figures[side][step.min(1)]
    }
}

pub fn plugin(app: &mut App) {
    app.init_resource::<Art>().add_systems(PreStartup, load);
}

fn load(assets: Res<AssetServer>, catalog: Res<ItemCatalog>, mut art: ResMut<Art>) {
    let picture = |path: String| assets.load::<Image>(path);
    art.icons = catalog.defs().iter().map(|d| (d.id(), picture(d.icon.clone()))).collect();
    for (figures, side) in art.figures.iter_mut().zip(["down", "up", "side"]) {
        for (figure, step) in figures.iter_mut().zip(0..) {
            let layer = |name| picture(format!("sprites/player_{side}_{step}_{name}.png"));
            *figure = Figure { base: layer("base"), body: layer("body") };
        }
    }
    art.shadow = picture("sprites/shadow.png".into());
    art.chest = ["closed", "open"].map(|lid| picture(format!("sprites/chest_{lid}.png")));
    art.gate = picture("sprites/gate.png".into());
    art.panel = picture("ui/panel.png".into());
    art.slot = picture("ui/slot.png".into());
    art.slot_hover = picture("ui/slot_hover.png".into());
    art.slot_selected = picture("ui/slot_selected.png".into());
}
