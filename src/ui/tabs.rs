//! The tabs of a paged inventory.

use accesskit::Role;
use bevy::prelude::*;

use crate::{
    features::tabs::{PageActions, Tabs},
    model::{catalog::ItemCatalog, container::Container, id::ContainerKey},
    shared::events::SlotChanged,
};

use super::{
    button::{self, ButtonPressed},
    focus::TabGroups,
    icons::ItemIcons,
    source::{Source, Sources, SourcesChanged, mark_inserted},
    theme::{InventoryUiTheme, hidden},
};

/// A row of buttons, one for each page of a bank, which open the pages. An
/// [`InventoryGrid::opened`](super::grid::InventoryGrid::opened) shows the page that is open.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
#[require(Node = row(), Pickable::IGNORE)]
pub struct TabBar {
    /// The inventory with [`Tabs`].
    pub of: Source,
}

impl TabBar {
    /// Shows the tabs of the bank that the player has opened.
    #[must_use]
    pub const fn opened() -> Self {
        Self { of: Source::Opened }
    }
}

fn row() -> Node {
    Node { column_gap: px(4), row_gap: px(4), flex_wrap: FlexWrap::Wrap, ..default() }
}

/// The button of a page.
#[derive(Component, Clone, Copy, Debug)]
pub(super) struct TabButton {
    bank: Entity,
    page: u32,
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(mark_inserted::<TabBar>).add_observer(follow_change).add_observer(press);
}

/// A renamed tab is a change to a slot of the bank.
fn follow_change(change: On<SlotChanged>, mut changed: ResMut<SourcesChanged>) {
    if change.slot.container == ContainerKey::of(Tabs::NAME) {
        changed.0 = true;
    }
}

pub(super) fn arrange(
    bars: Query<(Entity, &TabBar)>,
    sources: Sources,
    pages: PageActions,
    theme: Res<InventoryUiTheme>,
    tab_groups: TabGroups,
    catalog: Option<Res<ItemCatalog>>,
    mut icons: ItemIcons,
    mut commands: Commands,
) {
    for (entity, bar) in &bars {
        commands.entity(entity).despawn_children();
        let bank = sources.find(bar.of, Some(ContainerKey::of(Tabs::NAME)));
        let Some(bank) = bank else { continue };
        tab_groups.add(entity, &mut commands);
        for (tab, open) in pages.tabs(bank) {
            let icon = catalog.as_deref().and_then(|catalog| catalog.get(tab.icon()));
            let icon = icon.and_then(|item| icons.get(item));
            let node = Node {
                padding: UiRect::axes(px(theme.padding / 2.0), px(theme.padding / 4.0)),
                column_gap: px(4),
                align_items: AlignItems::Center,
                border: UiRect::bottom(px(theme.line)),
                ..default()
            };
            let color = if open.is_some() { theme.selected_color } else { Color::NONE };
            let button = button::bundle(&theme, tab.name(), Role::Tab);
            let tab_button = TabButton { bank, page: tab.page() };
            commands
                .spawn((ChildOf(entity), node, button, tab_button, BorderColor::all(color)))
                .with_children(|button| {
                    if let Some(icon) = icon {
                        let side = theme.icon / 2.0;
                        let node = Node { width: px(side), height: px(side), ..default() };
                        button.spawn((node, ImageNode::new(icon), hidden(), Pickable::IGNORE));
                    }
                    button.spawn(theme.text(tab.name(), theme.text_size, theme.text_color));
                });
        }
    }
}

fn press(event: On<ButtonPressed>, buttons: Query<&TabButton>, mut pages: PageActions) {
    if let Ok(button) = buttons.get(event.entity) {
        pages.open(button.bank, button.page);
    }
}
