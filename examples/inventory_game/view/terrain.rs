//! The ground and the static things on it.

use bevy::{prelude::*, sprite::Anchor};

use crate::{
    map::{self, Ground, Thing},
    protocol::{Position, Stump},
};

use super::{Art, Draw, TILE, place};

const SIDES: [(IVec2, &str); 4] =
    [(IVec2::Y, "top"), (IVec2::X, "right"), (IVec2::NEG_Y, "bottom"), (IVec2::NEG_X, "left")];

/// Width of the forest around the map, in tiles. It fills the window behind the interface.
const OUTSIDE: i32 = 5;

/// A tree or another thing that stands on the map.
#[derive(Component, Debug)]
pub struct Scenery {
    pub tile: IVec2,
    pub thing: Thing,
    pub foot: Vec2,
    /// Whether only the stump of a tree is left.
    pub felled: bool,
}

impl Scenery {
    /// Position for the reach of tools.
    pub fn middle(&self) -> Vec2 {
        map::middle_of(self.tile)
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, draw_map).add_systems(Update, fell.in_set(Draw::Animate));
}

fn draw_map(assets: Res<AssetServer>, mut commands: Commands) {
    let columns = -OUTSIDE..map::WIDTH + OUTSIDE;
    let rows = -OUTSIDE..map::HEIGHT + OUTSIDE;
    for tile in rows.flat_map(|y| columns.clone().map(move |x| IVec2::new(x, y))) {
        lay_ground(tile, &assets, &mut commands);
        if let Some(thing) = map::thing_at(tile)
            && let Some(picture) = picture_of(thing)
        {
            let mut foot = tile.as_vec2() + Vec2::new(0.5, 0.0);
            if thing == Thing::Tree {
                foot += aside(tile);
            }
            commands.spawn((
                Sprite::from_image(assets.load(format!("tiles/{picture}.png"))),
                Anchor::BOTTOM_CENTER,
                Transform::from_translation(place(foot)),
                Scenery { tile, thing, foot, felled: false },
            ));
        }
    }
}

/// Returns a tree's offset from its tile, so that trees are not lined up.
pub fn aside(tile: IVec2) -> Vec2 {
    let pixels = UVec2::new(map::noise(tile) % 9, map::noise(tile) / 9 % 7).as_vec2();
    (pixels - Vec2::new(4.0, 1.0)) / TILE
}

/// Draws the stump of a felled tree in its place, and the tree when it has grown again.
fn fell(
    stumps: Query<&Position, With<Stump>>,
    new: Query<(), Added<Stump>>,
    mut grown: RemovedComponents<Stump>,
    art: Res<Art>,
    mut trees: Query<(&mut Scenery, &mut Sprite)>,
) {
    if new.is_empty() && grown.read().next().is_none() {
        return;
    }
    let tiles: Vec<IVec2> = stumps.iter().map(|stump| map::tile_at(stump.0)).collect();
    for (mut tree, mut sprite) in trees.iter_mut().filter(|(it, _)| it.thing == Thing::Tree) {
        let felled = tiles.contains(&tree.tile);
        if felled != tree.felled {
            tree.felled = felled;
            sprite.image = if felled { art.stump.clone() } else { art.tree.clone() };
        }
    }
}

fn lay_ground(tile: IVec2, assets: &AssetServer, commands: &mut Commands) {
    let ground = map::ground_at(tile);
    let picture = match (ground, map::noise(tile) % 100) {
        (Ground::Path, _) => "path",
        (Ground::Sand, _) => "sand",
        (Ground::Water, _) => "water",
        (Ground::Grass, 0..70) => "grass_0",
        (Ground::Grass, 70..85) => "grass_1",
        (Ground::Grass, _) => "grass_2",
    };
    let mut lay = |picture: &str, height: f32| {
        let sprite = Sprite::from_image(assets.load(format!("tiles/{picture}.png")));
        let at = (tile.as_vec2() + 0.5) * TILE;
        commands.spawn((sprite, Transform::from_translation(at.extend(height))));
    };
    lay(picture, 0.0);
    for (height, (side, name)) in [1.0, 1.1, 1.2, 1.3].into_iter().zip(SIDES) {
        match (ground, map::ground_at(tile + side)) {
            (Ground::Path | Ground::Sand, Ground::Grass) => {
                lay(&format!("grass_edge_{name}"), height)
            }
            (Ground::Water, Ground::Sand | Ground::Grass | Ground::Path) => {
                lay(&format!("shore_{name}"), height);
            }
            _ => {}
        }
    }
}

fn picture_of(thing: Thing) -> Option<&'static str> {
    match thing {
        Thing::Tree => Some("tree"),
        Thing::Bush => Some("bush"),
        Thing::Rock => Some("rock"),
        Thing::Fence => Some("fence"),
        Thing::Flower => Some("flower"),
        // Chests are replicated entities.
        Thing::Chest | Thing::Bank | Thing::Furnace | Thing::Shrine => None,
    }
}
