//! A background with a title around grids and buttons.

use bevy::prelude::*;

use crate::{model::container::ContainerRef, shared::events::InventoryClosed};

use super::{
    focus::TabGroups,
    source::{Source, Sources, SourcesChanged},
    texts::InventoryUiTexts,
    theme::{Backdrop, InventoryUiTheme, set_background},
};

/// A panel around the widgets of an inventory, with a title above its other children. It is displayed only while the
/// inventory is in view.
///
/// To hide a panel, such as a closed backpack, set its [`Visibility`] or hide a parent.
#[derive(Component, Clone, PartialEq, Eq, Debug)]
#[component(immutable)]
#[require(Node = column(), BackgroundColor, Pickable)]
pub struct InventoryPanel {
    /// The inventory.
    pub of: Source,
    /// The title. An observer of [`DescribePanel`] may replace it, for example with the name of the chest.
    pub title: String,
}

impl InventoryPanel {
    /// Creates a panel for the local player's inventory.
    #[must_use]
    pub fn local(title: impl Into<String>) -> Self {
        Self { of: Source::Local, title: title.into() }
    }

    /// Creates a panel for the inventory that the player has opened.
    #[must_use]
    pub fn opened(title: impl Into<String>) -> Self {
        Self { of: Source::Opened, title: title.into() }
    }

    /// Creates a panel for the inventory of an entity.
    #[must_use]
    pub fn of(entity: Entity, title: impl Into<String>) -> Self {
        Self { of: Source::Entity(entity), title: title.into() }
    }
}

fn column() -> Node {
    Node { flex_direction: FlexDirection::Column, align_items: AlignItems::Start, ..default() }
}

/// The inventory that a panel currently shows, and the node of its title.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct PanelShown {
    inventory: Option<Entity>,
    title: Entity,
}

impl PanelShown {
    /// Returns where stacks that are released on the panel go.
    pub(super) fn area(&self) -> ContainerRef {
        ContainerRef::all(self.inventory.unwrap_or(Entity::PLACEHOLDER))
    }
}

/// Triggered when a panel shows another inventory. An observer may change the title.
#[derive(EntityEvent, Clone, PartialEq, Eq, Debug)]
pub struct DescribePanel {
    /// The entity with the [`InventoryPanel`].
    pub entity: Entity,
    /// The inventory.
    pub inventory: Entity,
    /// The title.
    pub title: String,
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(spawn).add_observer(forget_closed);
}

/// The same entity may show another inventory next.
fn forget_closed(closed: On<InventoryClosed>, mut panels: Query<&mut PanelShown>) {
    for mut shown in &mut panels {
        if shown.inventory == Some(closed.entity) {
            shown.inventory = None;
        }
    }
}

fn spawn(
    event: On<Insert, InventoryPanel>,
    shown: Query<&PanelShown>,
    theme: Res<InventoryUiTheme>,
    mut changed: ResMut<SourcesChanged>,
    mut commands: Commands,
) {
    changed.0 = true;
    if let Ok(shown) = shown.get(event.entity) {
        commands.entity(event.entity).insert(PanelShown { inventory: None, ..*shown });
        return;
    }
    let title = commands.spawn(theme.text("", theme.text_size, theme.text_color)).id();
    commands
        .entity(event.entity)
        .insert_child(0, title)
        .insert(PanelShown { inventory: None, title });
    draw_background(&mut commands, event.entity, None, &theme);
}

fn draw_background(
    commands: &mut Commands,
    panel: Entity,
    backdrop: Option<&Backdrop>,
    theme: &InventoryUiTheme,
) {
    set_background(commands, panel, backdrop, theme.panel_image.as_ref(), theme.panel_color);
}

/// Redraws all panels after a change of the theme.
pub(super) fn redraw(
    panels: Query<(Entity, &PanelShown, Option<&Backdrop>)>,
    theme: Res<InventoryUiTheme>,
    mut titles: Query<(&mut TextFont, &mut TextColor, &mut TextShadow)>,
    mut commands: Commands,
) {
    for (entity, shown, backdrop) in &panels {
        draw_background(&mut commands, entity, backdrop, &theme);
        if let Ok((mut font, mut color, mut shadow)) = titles.get_mut(shown.title) {
            *font =
                TextFont { font: theme.font.clone(), ..TextFont::from_font_size(theme.text_size) };
            (color.0, *shadow) = (theme.text_color, theme.text_shadow);
        }
    }
}

pub(super) fn arrange(
    mut panels: Query<(Entity, &InventoryPanel, &mut PanelShown, &mut Node)>,
    sources: Sources,
    theme: Res<InventoryUiTheme>,
    texts: Res<InventoryUiTexts>,
    tab_groups: TabGroups,
    mut commands: Commands,
) {
    for (entity, panel, mut shown, mut node) in &mut panels {
        tab_groups.add(entity, &mut commands);
        let inventory = sources.find(panel.of, None);
        let opening = panel.of == Source::Opened && inventory.is_none() && sources.is_opening();
        let display = if inventory.is_some() || opening { Display::Flex } else { Display::None };
        if node.display != display {
            node.display = display;
        }
        let (padding, gap) = (UiRect::all(px(theme.padding)), px(theme.padding / 2.0));
        if node.padding != padding || node.row_gap != gap {
            (node.padding, node.row_gap) = (padding, gap);
        }
        if opening {
            shown.inventory = None;
            let opening = texts.opening.clone();
            commands.entity(shown.title).insert(Text(opening));
        } else if let Some(inventory) = inventory.filter(|it| shown.inventory != Some(*it)) {
            shown.inventory = Some(inventory);
            let (label, title) = (shown.title, panel.title.clone());
            let mut event = DescribePanel { entity, inventory, title };
            commands.queue(move |world: &mut World| {
                world.trigger_ref(&mut event);
                if let Ok(mut label) = world.get_entity_mut(label) {
                    label.insert(Text(event.title));
                }
            });
        } else if inventory.is_none() && shown.inventory.is_some() {
            shown.inventory = None;
        }
    }
}
