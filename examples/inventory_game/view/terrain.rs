//! The ground and the static things on it.

use bevy::{prelude::*, sprite::Anchor};

use crate::map::{self, Ground, Thing};

use super::{TILE, place};

const SIDES: [(IVec2, &str); 4] =
    [(IVec2::Y, "top"), (IVec2::X, "right"), (IVec2::NEG_Y, "bottom"), (IVec2::NEG_X, "left")];

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, draw_map);
}

fn draw_map(assets: Res<AssetServer>, mut commands: Commands) {
    for tile in map::tiles() {
        lay_ground(tile, &assets, &mut commands);
        if let Some(picture) = map::thing_at(tile).and_then(picture_of) {
            let mut foot = tile.as_vec2() + Vec2::new(0.5, 0.0);
            if picture == "tree" {
                foot += aside(tile);
            }
            commands.spawn((
                Sprite::from_image(assets.load(format!("tiles/{picture}.png"))),
                Anchor::BOTTOM_CENTER,
                Transform::from_translation(place(foot)),
            ));
        }
    }
}

/// Returns a tree's offset from its tile, so that trees are not lined up.
fn aside(tile: IVec2) -> Vec2 {
    let pixels = UVec2::new(map::noise(tile) % 9, map::noise(tile) / 9 % 7).as_vec2();
    (pixels - Vec2::new(4.0, 1.0)) / TILE
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
        Thing::Chest => None,
    }
}
