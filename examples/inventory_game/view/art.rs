//! All images, loaded once and kept.

use bevy::{platform::collections::HashMap, prelude::*};
use bevy_inventory_sync::prelude::*;

use crate::protocol::{ChestKind, Facing};

/// The two layers of a figure for one direction and one step. `body` is tinted.
#[derive(Clone, Default, Debug)]
pub struct Figure {
    pub base: Handle<Image>,
    pub body: Handle<Image>,
}

/// Something that a figure wears: an image for each direction and step.
type Clothes = [[Handle<Image>; 2]; 3];

const SIDES: [&str; 3] = ["down", "up", "side"];

/// Items that have images of a figure that wears them.
const CLOTHES: [&str; 3] = ["iron_armor", "iron_helmet", "leather_boots"];

#[derive(Resource, Default)]
pub struct Art {
    icons: HashMap<ItemId, Handle<Image>>,
    figures: [[Figure; 2]; 3],
    clothes: HashMap<ItemId, Clothes>,
    chests: [[Handle<Image>; 2]; 4],
    furnace: [Handle<Image>; 2],
    shrine: [Handle<Image>; 4],
    pub shadow: Handle<Image>,
    pub gate: Handle<Image>,
    pub tree: Handle<Image>,
    pub stump: Handle<Image>,
    pub puff: [Handle<Image>; 4],
    pub sparkle: [Handle<Image>; 3],
    pub swing: Handle<Image>,
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
        &self.figures[side(facing)][step.min(1)]
    }

    /// Returns the image of something worn, for the same direction and step as the figure's.
    pub fn worn(&self, item: ItemId, facing: Facing, step: usize) -> Option<&Handle<Image>> {
        self.clothes.get(&item).map(|clothes| &clothes[side(facing)][step.min(1)])
    }

    pub fn chest(&self, kind: ChestKind, open: bool) -> &Handle<Image> {
        let kind = match kind {
            ChestKind::Plain => 0,
            ChestKind::Locked => 1,
            ChestKind::Vendor => 2,
            ChestKind::Bank => 3,
        };
        &self.chests[kind][usize::from(open)]
    }

    pub fn furnace(&self, lit: bool) -> &Handle<Image> {
        &self.furnace[usize::from(lit)]
    }

    pub fn shrine(&self, stage: u8) -> &Handle<Image> {
        &self.shrine[usize::from(stage).min(self.shrine.len() - 1)]
    }
}

fn side(facing: Facing) -> usize {
    match facing {
        Facing::Down => 0,
        Facing::Up => 1,
        Facing::Left | Facing::Right => 2,
    }
}

pub fn plugin(app: &mut App) {
    app.init_resource::<Art>().add_systems(PreStartup, load);
}

fn load(assets: Res<AssetServer>, catalog: Res<ItemCatalog>, mut art: ResMut<Art>) {
    let picture = |path: String| assets.load::<Image>(path);
    let sprite = |name: &str| picture(format!("sprites/{name}.png"));
    let figure = |side: &str, step: usize| {
        let layer = |name| sprite(&format!("player_{side}_{step}_{name}"));
        Figure { base: layer("base"), body: layer("body") }
    };
    let clothes = |item: &str| {
        SIDES.map(|side| [0, 1].map(|step| sprite(&format!("worn_{item}_{side}_{step}"))))
    };
    let lids = |kind: &str| ["closed", "open"].map(|lid| sprite(&format!("{kind}_{lid}")));
    *art = Art {
        icons: catalog.defs().iter().map(|d| (d.id(), picture(d.icon.clone()))).collect(),
        figures: SIDES.map(|side| [0, 1].map(|step| figure(side, step))),
        clothes: CLOTHES.iter().map(|item| (ItemId::of(item), clothes(item))).collect(),
        chests: ["chest", "chest_locked", "chest_shop", "chest_bank"].map(lids),
        furnace: ["furnace", "furnace_lit"].map(sprite),
        shrine: ["shrine_0", "shrine_1", "shrine_2", "shrine_3"].map(sprite),
        shadow: sprite("shadow"),
        gate: sprite("gate"),
        tree: picture("tiles/tree.png".into()),
        stump: sprite("stump"),
        puff: ["puff_0", "puff_1", "puff_2", "puff_3"].map(sprite),
        sparkle: ["sparkle_0", "sparkle_1", "sparkle_2"].map(sprite),
        swing: sprite("swing"),
    };
}
