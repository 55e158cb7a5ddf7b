//! What can be made, beside the open backpack. A click makes it.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

use crate::{hands::Hands, view::Art};

use super::{
    floating, letters,
    panels::{Backpack, GOLD},
};

/// What is free beside the panels in a small window.
const WIDTH: f32 = 98.0;

/// One row: a recipe.
#[derive(Component, Clone, Copy, Debug)]
struct Row(RecipeId);

#[derive(Component, Debug)]
struct List;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn).add_systems(Update, (show, grey)).add_observer(craft);
}

fn spawn(catalogue: Res<Catalogue>, art: Res<Art>, mut commands: Commands) {
    let list = Node {
        left: px(4),
        top: px(30),
        width: px(WIDTH),
        padding: UiRect::all(px(4)),
        row_gap: px(3),
        flex_direction: FlexDirection::Column,
        display: Display::None,
        ..default()
    };
    let plate = BackgroundColor(Color::srgba(0.11, 0.07, 0.12, 0.88));
    commands.spawn((floating(list), plate, List, GlobalZIndex(2))).with_children(|list| {
        list.spawn(letters("Make", GOLD));
        for recipe in catalogue.recipes() {
            let row = Node { align_items: AlignItems::Center, column_gap: px(3), ..default() };
            list.spawn((row, Row(recipe.id())))
                .with_children(|row| spawn_row(row, recipe, &catalogue, &art));
        }
    });
}

fn spawn_row(row: &mut ChildSpawnerCommands, recipe: &Recipe, catalogue: &Catalogue, art: &Art) {
    let name = |item: ItemId| catalogue.get(item).map_or("", |def| &def.name).to_lowercase();
    for (item, _) in recipe.gives.iter().take(1) {
        let icon = Node { width: px(12), height: px(12), ..default() };
        row.spawn((icon, ImageNode::new(art.icon(*item)), Pickable::IGNORE));
    }
    let part = |(item, count): &(ItemId, u32)| format!("{count} {}", name(*item));
    let list = |parts: &[(ItemId, u32)]| parts.iter().map(part).collect::<Vec<_>>().join(", ");
    let lines = Node { flex_direction: FlexDirection::Column, ..default() };
    row.spawn((lines, Pickable::IGNORE)).with_children(|lines| {
        for (text, size) in [(list(&recipe.gives), 5.2), (list(&recipe.takes), 4.2)] {
            lines.spawn(letters(text, Color::WHITE)).insert(TextFont::from_font_size(size));
        }
    });
}

fn show(backpack: Res<Backpack>, mut list: Single<&mut Node, With<List>>) {
    let display = if backpack.open { Display::Flex } else { Display::None };
    if list.display != display {
        list.display = display;
    }
}

/// What cannot be made now is grey: the same code says so that will make it.
fn grey(
    backpack: Res<Backpack>,
    hands: Hands,
    rows: Query<(Entity, &Row)>,
    parts: Query<&Children>,
    mut texts: Query<&mut TextColor>,
    mut icons: Query<&mut ImageNode>,
) {
    let Some(me) = hands.me().filter(|_| backpack.open) else { return };
    for (entity, row) in &rows {
        let can = hands.actions.check(&Action::craft(row.0, me)).is_ok();
        let alpha = if can { 1.0 } else { 0.4 };
        for part in parts.iter_descendants(entity) {
            if let Ok(mut color) = texts.get_mut(part) {
                color.set_if_neq(TextColor(Color::WHITE.with_alpha(alpha)));
            }
            if let Ok(mut icon) = icons.get_mut(part) {
                icon.color.set_alpha(alpha);
            }
        }
    }
}

fn craft(event: On<Pointer<Click>>, rows: Query<&Row>, mut hands: Hands) {
    if let (Ok(row), Some(me)) = (rows.get(event.entity), hands.me()) {
        hands.actions.request(Action::craft(row.0, me));
    }
}
