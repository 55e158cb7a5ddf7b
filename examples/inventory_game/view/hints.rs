//! Key hints, shown at the chest, item or thing that the key would act on.

use bevy::{prelude::*, sprite::Text2dShadow};
use bevy_inventory_sync::prelude::*;

use crate::{
    map::{self, Thing},
    protocol::{CHEST_REACH, Chest, GroundItem, ITEM_REACH, Position, WORK_REACH},
    session::IsPlayed,
    ui::Backpack,
};

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
        TextFont::from_font_size(17.0),
        TextColor(GOLD),
        Text2dShadow { offset: Vec2::new(1.5, -1.5), color: Color::BLACK.with_alpha(0.85) },
        Hint,
    ));
}

/// Items come first, because chests can be reached from farther away.
fn hint(
    me: Query<(&Position, &Hotbar), With<LocalInventory>>,
    items: Query<(&Position, &Shown, &GroundItem, Option<&Inventory>)>,
    chests: Query<(&Position, &Shown), (With<Chest>, Without<InView>)>,
    (played, backpack): (IsPlayed, Res<Backpack>),
    catalog: Res<ItemCatalog>,
    zoom: Res<Zoom>,
    hint: Single<(&mut Text2d, &mut Transform), With<Hint>>,
) {
    let (mut text, mut transform) = hint.into_inner();
    let mut say = |words: &str| {
        if text.0 != words {
            text.0 = words.into();
        }
    };
    let Ok((me, hotbar)) = me.single() else { return say("") };
    // The hint would show between the panels.
    if !played.get() || backpack.open {
        return say("");
    }
    let name = |item: ItemId| catalog.get(item).map_or("", |def| &def.name);
    let items = items.iter().filter_map(|(at, shown, item, inside)| {
        let many = inside.and_then(|inside| inside.get(0)).map_or(1, |stack| stack.count());
        Some((at.0.distance(me.0), (shown.0, name(item.0?), many)))
    });
    let item = nearest(items, ITEM_REACH).map(|(at, name, many)| {
        let many = if many > 1 { format!(" x{many}") } else { String::new() };
        (format!("Space: {name}{many}"), at, -6.0)
    });
    let chests = chests.iter().map(|(at, shown)| (me.distance_to_chest(*at), shown.0));
    let chest = || nearest(chests, CHEST_REACH).map(|at| ("F: open".into(), at, 20.0));
    let work = || Some(("R: use tool".into(), workable(me.0, hotbar, &catalog)?, 28.0));
    let Some((words, at, height)) = item.or_else(chest).or_else(work) else {
        return say("");
    };
    say(&words);
    transform.translation = (at * TILE + Vec2::new(0.0, height)).extend(95.0);
    transform.scale = Vec2::splat(zoom.0.recip()).extend(1.0);
}

/// Returns the position of a thing within reach that the held tool works on.
fn workable(me: Vec2, hotbar: &Hotbar, catalog: &ItemCatalog) -> Option<Vec2> {
    let tool = catalog.get(hotbar.held()?.item)?;
    let tags = [("fells", Thing::Tree), ("mines", Thing::Rock)];
    let (_, thing) = tags.into_iter().find(|(tag, _)| tool.has_tag(tag))?;
    map::nearest(me, thing, WORK_REACH).map(map::middle_of)
}

fn nearest<T>(things: impl Iterator<Item = (f32, T)>, reach: f32) -> Option<T> {
    let in_reach = things.filter(|(far, _)| *far < reach);
    in_reach.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, thing)| thing)
}
