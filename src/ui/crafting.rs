//! The recipes that the player can craft.

use accesskit::Role;
use bevy::prelude::*;

use crate::{
    model::{
        action::InventoryAction,
        catalog::ItemCatalog,
        container::ContainerRef,
        id::{ContainerKey, ItemId},
        recipe::{Recipe, RecipeId},
        stack::Stack,
    },
    params::{actions::InventoryActions, reader::InventoryReader},
    shared::events::SlotChanged,
};

use super::{
    button::{self, ButtonPressed},
    focus::TabGroups,
    icons::ItemIcons,
    request::request,
    scroll::{self, ListBar},
    source::{Source, Sources, mark_inserted},
    texts::InventoryUiTexts,
    theme::{InventoryUiTheme, hidden, set_background},
};

/// Lists recipes that take no time: those that need no station, and those of the station that the player has opened. A
/// click crafts one from the player's items; a Shift-click crafts as many as possible, up to 64. Recipes that cannot be
/// crafted now are dimmed, and missing ingredients are highlighted.
///
/// The recipes scroll if they do not fit in the panel. The height of the panel is limited by its parent node, or by
/// `max_height` in its own [`Node`].
#[derive(Component, Clone, Copy, Default, Debug)]
#[require(Node = column(), BackgroundColor, Pickable)]
pub struct CraftingPanel;

fn column() -> Node {
    Node { flex_direction: FlexDirection::Column, ..default() }
}

/// Maximum number of times that a Shift-click crafts a recipe.
const CRAFTS_MAX: u32 = 64;

/// The row of a recipe.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecipeRow {
    /// The recipe.
    pub recipe: RecipeId,
    /// The station, for a recipe that needs one.
    pub at: Option<Entity>,
}

/// An ingredient in the row of a recipe.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct Ingredient(ItemId, u32);

/// The recipes that a panel lists.
#[derive(Component, Default, Debug)]
pub(super) struct Listed(Vec<RecipeRow>);

/// Whether the dimming of rows may have to change.
#[derive(Resource, Default, Debug)]
pub(super) struct CraftingChanged(bool);

pub(super) fn observe(app: &mut App) {
    app.add_observer(mark_inserted::<CraftingPanel>)
        .add_observer(follow_change)
        .add_observer(press);
}

fn follow_change(
    change: On<SlotChanged>,
    reader: InventoryReader,
    panels: Query<(), With<CraftingPanel>>,
    mut changed: ResMut<CraftingChanged>,
) {
    if !panels.is_empty() && reader.is_own(change.entity) {
        changed.0 = true;
    }
}

pub(super) fn has_changed(changed: Res<CraftingChanged>) -> bool {
    changed.0
}

/// Lists the recipes again if another station has been opened.
pub(super) fn arrange(
    panels: Query<(Entity, Option<&Listed>), With<CraftingPanel>>,
    sources: Sources,
    theme: Res<InventoryUiTheme>,
    texts: Res<InventoryUiTexts>,
    tab_groups: TabGroups,
    catalog: Option<Res<ItemCatalog>>,
    mut icons: ItemIcons,
    mut changed: ResMut<CraftingChanged>,
    mut commands: Commands,
) {
    let Some(catalog) = catalog.filter(|_| sources.reader.own().is_some()) else { return };
    let station = |key: ContainerKey| sources.find(Source::Opened, Some(key));
    let row = |recipe: &Recipe| match recipe.station() {
        None => Some(RecipeRow { recipe: recipe.id(), at: None }),
        Some(key) => Some(RecipeRow { recipe: recipe.id(), at: Some(station(key)?) }),
    };
    let rows: Vec<_> =
        catalog.recipes().filter(|recipe| recipe.millis == 0).filter_map(row).collect();
    for (entity, listed) in &panels {
        changed.0 = true;
        if listed.is_some_and(|listed| listed.0 == rows) && !theme.is_changed() {
            continue;
        }
        tab_groups.add(entity, &mut commands);
        commands.entity(entity).despawn_children().insert(Listed(rows.clone()));
        let list = spawn_list(&mut commands, entity, &theme, &texts);
        for row in &rows {
            if let Some(recipe) = catalog.recipe(row.recipe) {
                let look = (&*theme, &*texts);
                spawn_row(&mut commands, list, *row, (recipe, &catalog), look, &mut icons);
            }
        }
    }
}

/// Spawns a title, an empty list and its scroll bar. Returns the list.
fn spawn_list(
    commands: &mut Commands,
    panel: Entity,
    theme: &InventoryUiTheme,
    texts: &InventoryUiTexts,
) -> Entity {
    let (padding, gap) = (UiRect::all(px(theme.padding)), px(theme.space()));
    commands.entity(panel).entry::<Node>().and_modify(move |mut node| {
        (node.padding, node.row_gap) = (padding, gap);
    });
    let image = theme.panel_image.as_ref();
    set_background(commands, panel, None, image, theme.panel_color);
    let title = theme.text(&texts.crafting, theme.text_size, theme.text_color);
    commands.spawn((title, ChildOf(panel)));
    // Without a minimum height, it shrinks to the available space.
    let beside = Node { min_height: px(0), column_gap: px(theme.gap), ..default() };
    let beside = commands.spawn((beside, Pickable::IGNORE, ChildOf(panel))).id();
    let list = Node { row_gap: gap, flex_grow: 1.0, overflow: Overflow::scroll_y(), ..column() };
    let list = commands.spawn((list, ChildOf(beside))).id();
    let bar = Node { width: px(scroll::width(theme)), display: Display::None, ..default() };
    let bar = scroll::spawn_bar(commands, beside, list, bar, theme);
    commands.entity(list).insert(ListBar(bar));
    list
}

fn spawn_row(
    commands: &mut Commands,
    list: Entity,
    row: RecipeRow,
    (recipe, catalog): (&Recipe, &ItemCatalog),
    (theme, texts): (&InventoryUiTheme, &InventoryUiTexts),
    icons: &mut ItemIcons,
) {
    let name = |(item, count): (ItemId, u32)| {
        Stack::new(item, count).map_or(String::new(), |stack| (texts.stack)(catalog, stack))
    };
    let product = recipe.gives.first().copied();
    let title = product.map(name).unwrap_or_default();
    let parts: Vec<String> = recipe.takes.iter().copied().map(name).collect();
    let label = format!("{title}: {}", parts.join(", "));
    let node = Node {
        align_items: AlignItems::Center,
        column_gap: px(2.0 * theme.space()),
        padding: UiRect::axes(px(theme.space()), px(theme.space() / 2.0)),
        flex_shrink: 0.0,
        ..default()
    };
    let icon = product.and_then(|(item, _)| icons.get(catalog.get(item)?));
    let button = button::bundle(theme, &label, Role::Button);
    commands.spawn((ChildOf(list), node, button, row)).with_children(|row| {
        if let Some(icon) = icon {
            let side = theme.icon * 0.75;
            let node = Node { width: px(side), height: px(side), flex_shrink: 0.0, ..default() };
            row.spawn((node, ImageNode::new(icon), hidden(), Pickable::IGNORE));
        }
        row.spawn((column(), Pickable::IGNORE)).with_children(|lines| {
            lines.spawn(theme.text(title, theme.text_size, theme.text_color));
            let across = Node { column_gap: px(2.0 * theme.space()), ..default() };
            lines.spawn((across, Pickable::IGNORE)).with_children(|line| {
                for (text, (item, count)) in parts.into_iter().zip(&recipe.takes) {
                    let text = theme.text(text, theme.small_text_size, theme.dim_text_color);
                    line.spawn((text, Ingredient(*item, *count)));
                }
            });
        });
    });
}

/// Dims recipes that cannot be crafted now, using the same check as the action itself.
pub(super) fn dim(
    rows: Query<(Entity, &RecipeRow)>,
    children: Query<&Children>,
    actions: InventoryActions,
    reader: InventoryReader,
    theme: Res<InventoryUiTheme>,
    mut texts: Query<(&mut TextColor, Option<&Ingredient>)>,
    mut icons: Query<&mut ImageNode>,
    mut changed: ResMut<CraftingChanged>,
) {
    changed.0 = false;
    let Some(own) = reader.own() else { return };
    for (entity, row) in &rows {
        let possible = actions.check(&craft(*row, 1, own)).is_ok();
        let alpha = if possible { 1.0 } else { 0.5 };
        for part in children.iter_descendants(entity) {
            if let Ok((mut color, ingredient)) = texts.get_mut(part) {
                let missing = ingredient.is_some_and(|Ingredient(item, count)| {
                    reader.count(own, *item) < u64::from(*count)
                });
                let plain =
                    if ingredient.is_some() { theme.dim_text_color } else { theme.text_color };
                let next = if missing { theme.error_color } else { plain.with_alpha(alpha) };
                color.set_if_neq(TextColor(next));
            }
            if let Ok(mut icon) = icons.get_mut(part)
                && icon.color.alpha().to_bits() != alpha.to_bits()
            {
                icon.color.set_alpha(alpha);
            }
        }
    }
}

fn craft(row: RecipeRow, times: u32, own: Entity) -> InventoryAction {
    let mine = ContainerRef::all(own);
    InventoryAction::Craft { recipe: row.recipe, times, from: vec![mine], to: mine, at: row.at }
}

fn press(
    event: On<ButtonPressed>,
    rows: Query<&RecipeRow>,
    actions: InventoryActions,
    reader: InventoryReader,
    mut commands: Commands,
) {
    let (Ok(row), Some(own)) = (rows.get(event.entity), reader.own()) else { return };
    let possible = |times: &u32| actions.check(&craft(*row, *times, own)).is_ok();
    let most = if event.shift { CRAFTS_MAX } else { 1 };
    let times = (2..=most).rev().find(possible);
    request(&mut commands, craft(*row, times.unwrap_or(1), own));
}
