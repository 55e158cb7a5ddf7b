//! The list of recipes beside the open backpack. A click or Enter crafts one.

use bevy::{prelude::*, ui::widget::NodeImageMode};
use bevy_inventory_sync::model::recipe::Recipe;
use bevy_inventory_sync::prelude::*;

use crate::{hands::Hands, view::Art};

use super::{
    floating,
    focus::{Focusable, Pressed},
    letters,
    panels::{Backpack, GOLD},
};

/// Width that is free beside the panels in a small window.
const WIDTH: f32 = 97.0;

/// The row of a recipe.
#[derive(Component, Clone, Copy, Debug)]
pub struct RecipeRow(pub RecipeId);

/// An ingredient in the row of a recipe, with its count.
#[derive(Component, Clone, Copy, Debug)]
struct Part(ItemId, u32);

#[derive(Component, Debug)]
struct List;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (show, grey.run_if(something_changed)).chain())
        .add_observer(craft);
}

fn spawn(catalog: Res<ItemCatalog>, art: Res<Art>, mut commands: Commands) {
    let list = Node {
        left: px(2),
        top: px(16),
        width: px(WIDTH),
        padding: UiRect::axes(px(7), px(7)),
        row_gap: px(1),
        flex_direction: FlexDirection::Column,
        display: Display::None,
        ..default()
    };
    let slices = TextureSlicer { border: BorderRect::all(8.0), ..default() };
    let wood = ImageNode::new(art.panel.clone()).with_mode(NodeImageMode::Sliced(slices));
    let behind = Node { left: px(0), right: px(0), top: px(0), bottom: px(0), ..default() };
    commands.spawn((floating(list), List, GlobalZIndex(2))).with_children(|list| {
        list.spawn((floating(behind), wood));
        list.spawn(letters("Craft", GOLD));
        for recipe in catalog.recipes() {
            let row = Node {
                align_items: AlignItems::Center,
                column_gap: px(3),
                padding: UiRect::axes(px(1), px(1)),
                ..default()
            };
            let dark = BackgroundColor(Color::srgba(0.06, 0.03, 0.05, 0.25));
            list.spawn((row, dark, RecipeRow(recipe.id()), Focusable::Panel))
                .with_children(|row| spawn_row(row, recipe, &catalog, &art));
        }
    });
}

fn spawn_row(row: &mut ChildSpawnerCommands, recipe: &Recipe, catalog: &ItemCatalog, art: &Art) {
    let name = |item: ItemId| catalog.get(item).map_or("", |def| &def.name);
    for (item, _) in recipe.gives.iter().take(1) {
        let icon = Node { width: px(16), height: px(16), flex_shrink: 0.0, ..default() };
        row.spawn((icon, ImageNode::new(art.icon(*item)), Pickable::IGNORE));
    }
    let lines = Node { flex_direction: FlexDirection::Column, ..default() };
    row.spawn((lines, Pickable::IGNORE)).with_children(|lines| {
        for &(item, count) in recipe.gives.iter().take(1) {
            let many = if count > 1 { format!(" x{count}") } else { String::new() };
            let title = letters(format!("{}{many}", name(item)), Color::WHITE);
            lines.spawn(title).insert(TextFont::from_font_size(4.8));
        }
        let parts = Node { column_gap: px(3), ..default() };
        lines.spawn((parts, Pickable::IGNORE)).with_children(|parts| {
            for &(item, count) in &recipe.takes {
                let words = format!("{count} {}", name(item).to_lowercase());
                let part = (letters(words, Color::WHITE), Part(item, count));
                parts.spawn(part).insert(TextFont::from_font_size(3.9));
            }
        });
    });
}

fn show(backpack: Res<Backpack>, mut list: Single<&mut Node, With<List>>) {
    let display = if backpack.open { Display::Flex } else { Display::None };
    if list.display != display {
        list.display = display;
    }
}

fn something_changed(
    mut changes: MessageReader<SlotChanged>,
    mut opened: MessageReader<InventoryOpened>,
    backpack: Res<Backpack>,
) -> bool {
    changes.read().count() + opened.read().count() > 0 || backpack.is_changed()
}

/// Grays out recipes that cannot be crafted now, using the same check as the action itself. Missing ingredients are
/// red.
fn grey(
    hands: Hands,
    mine: Query<(&Inventory, &Hotbar), With<LocalInventory>>,
    rows: Query<(Entity, &RecipeRow)>,
    parts: Query<&Children>,
    mut texts: Query<(&mut TextColor, Option<&Part>)>,
    mut icons: Query<&mut ImageNode>,
) {
    let (Some(me), Ok((inventory, hotbar))) = (hands.me(), mine.single()) else { return };
    let has = |part: &Part| inventory.count(part.0) + hotbar.count(part.0) >= u64::from(part.1);
    for (entity, row) in &rows {
        let can = hands.actions.check(&InventoryAction::craft(row.0, me)).is_ok();
        let alpha = if can { 1.0 } else { 0.45 };
        for below in parts.iter_descendants(entity) {
            if let Ok((mut color, part)) = texts.get_mut(below) {
                let now = match part {
                    Some(part) if !has(part) => LACKING,
                    _ => Color::WHITE.with_alpha(alpha),
                };
                color.set_if_neq(TextColor(now));
            }
            if let Ok(mut icon) = icons.get_mut(below) {
                icon.color.set_alpha(alpha);
            }
        }
    }
}

const LACKING: Color = Color::srgba(1.0, 0.55, 0.5, 0.75);

fn craft(event: On<Pressed>, rows: Query<&RecipeRow>, mut hands: Hands) {
    if let (Ok(row), Some(me)) = (rows.get(event.entity), hands.me()) {
        hands.actions.request(InventoryAction::craft(row.0, me));
    }
}
