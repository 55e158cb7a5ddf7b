//! What is behind something else is still seen. A thing behind a figure or a tree is also drawn, faintly, in front of
//! it, and a tree before the local player is translucent.

use bevy::{prelude::*, sprite::Anchor};
use bevy_inventory_sync::prelude::*;

use crate::map::{self, Thing};

use super::{
    Draw, TILE,
    figures::Parts,
    terrain::{self, Scenery},
};

/// Depth in front of the thing. Something taller than this number of tiles does not exist.
const IN_FRONT: f32 = 2.5;

const FAINT: f32 = 0.5;

/// Half width and height of what is solid in the image of a figure, and of a tree.
const FIGURE: Vec2 = Vec2::new(6.0, 18.0);
const TREE: Vec2 = Vec2::new(7.0, 23.0);

/// A faint copy of its parent's image, with the size of the parent in pixels.
#[derive(Component, Debug)]
struct Ghost(Vec2);

/// Returns what a thing needs as a child, to be seen behind figures.
pub fn ghost(size: Vec2) -> impl Bundle {
    let sprite = Sprite { color: Color::WHITE.with_alpha(FAINT), ..default() };
    let depth = Transform::from_xyz(0.0, 0.0, IN_FRONT);
    (Ghost(size), sprite, Anchor::BOTTOM_CENTER, depth, Visibility::Hidden)
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, (show, fade_trees).in_set(Draw::Animate));
}

fn show(
    figures: Query<&Transform, With<Parts>>,
    things: Query<(&Sprite, &GlobalTransform), Without<Ghost>>,
    mut ghosts: Query<(&Ghost, &ChildOf, &mut Sprite, &mut Visibility)>,
) {
    let figures: Vec<Vec2> = figures.iter().map(|figure| figure.translation.truncate()).collect();
    for (&Ghost(size), child, mut sprite, mut visibility) in &mut ghosts {
        let Ok((thing, at)) = things.get(child.parent()) else { continue };
        let foot = at.translation().truncate();
        let body = standing(foot, Vec2::new(size.x / 2.0, size.y));
        let covered = figures.iter().any(|figure| covers(standing(*figure, FIGURE), body))
            || trees_before(foot).any(|tree| covers(standing(tree, TREE), body));
        visibility.set_if_neq(match covered {
            true => Visibility::Inherited,
            false => Visibility::Hidden,
        });
        if covered && (sprite.image != thing.image || sprite.custom_size != thing.custom_size) {
            sprite.image = thing.image.clone();
            sprite.custom_size = thing.custom_size;
        }
    }
}

fn fade_trees(
    me: Query<&Transform, (With<LocalInventory>, With<Parts>)>,
    mut trees: Query<(&Scenery, &mut Sprite)>,
) {
    let me = me.single().ok().map(|me| standing(me.translation.truncate(), FIGURE));
    for (tree, mut sprite) in trees.iter_mut().filter(|(it, _)| it.thing == Thing::Tree) {
        let tall = !tree.felled;
        let before = me.is_some_and(|me| covers(standing(tree.foot * TILE, TREE), me));
        let alpha = if tall && before { FAINT } else { 1.0 };
        if sprite.color.alpha().to_bits() != alpha.to_bits() {
            sprite.color.set_alpha(alpha);
        }
    }
}

/// Returns `true` if something hides more than an edge of what is behind it.
fn covers(front: Rect, behind: Rect) -> bool {
    let common = front.intersect(behind).size();
    front.min.y < behind.min.y && common.x > 2.0 && common.y > 2.0
}

/// Returns the rectangle of something that stands on the ground.
fn standing(foot: Vec2, Vec2 { x: half, y: height }: Vec2) -> Rect {
    Rect::from_corners(foot - Vec2::new(half, 0.0), foot + Vec2::new(half, height))
}

/// Returns the feet of the trees in the row before a point.
fn trees_before(foot: Vec2) -> impl Iterator<Item = Vec2> {
    let tile = map::tile_at(foot / TILE);
    let row = [-1, 0, 1].map(|x| tile + IVec2::new(x, -1));
    let trees = row.into_iter().filter(|tile| map::thing_at(*tile) == Some(Thing::Tree));
    trees.map(|tile| (tile.as_vec2() + Vec2::new(0.5, 0.0) + terrain::aside(tile)) * TILE)
}
