//! Which key does something here: over the chest or the item that it would be done to.

use bevy::{prelude::*, sprite::Text2dShadow};
use bevy_inventory_sync::prelude::*;

use crate::protocol::{CHEST_REACH, Chest, GroundItem, ITEM_REACH, Position};

use super::{Shown, TILE, Zoom};

const GOLD: Color = Color::srgb(0.99, 0.93, 0.63);

#[derive(Component, Debug)]
struct Hint;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn).add_systems(Update, hint);
}

fn spawn(mut commands: Commands) {
    commands.spawn((
        Text2d::default(),
        TextFont::from_font_size(14.0),
        TextColor(GOLD),
        Text2dShadow { offset: Vec2::new(1.5, -1.5), color: Color::BLACK.with_alpha(0.85) },
        Hint,
    ));
}

/// Items come first: a chest can be reached from farther away.
fn hint(
    me: Query<&Position, With<LocalInventory>>,
    items: Query<(&Position, &Shown), With<GroundItem>>,
    chests: Query<(&Position, &Shown), (With<Chest>, Without<InView>)>,
    zoom: Res<Zoom>,
    hint: Single<(&mut Text2d, &mut Transform), With<Hint>>,
) {
    let (mut text, mut transform) = hint.into_inner();
    let mut say = |key: &str| {
        if text.0 != key {
            text.0 = key.into();
        }
    };
    let Ok(me) = me.single() else { return say("") };
    let items = items.iter().map(|(at, shown)| (at.0.distance(me.0), shown.0));
    let item = nearest(items, ITEM_REACH).map(|at| ("Space", at, -6.0));
    let chests = chests.iter().map(|(at, shown)| (me.distance_to_chest(*at), shown.0));
    let chest = || nearest(chests, CHEST_REACH).map(|at| ("F", at, 20.0));
    let Some((key, at, height)) = item.or_else(chest) else {
        return say("");
    };
    say(key);
    transform.translation = (at * TILE + Vec2::new(0.0, height)).extend(95.0);
    transform.scale = Vec2::splat(zoom.0.recip()).extend(1.0);
}

fn nearest(places: impl Iterator<Item = (f32, Vec2)>, reach: f32) -> Option<Vec2> {
    let in_reach = places.filter(|(far, _)| *far < reach);
    in_reach.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, at)| at)
}
