//! The root of the widgets of one window.

use bevy::{input_focus::tab_navigation::TabGroup, prelude::*};

use super::{cursor::CursorStack, rejection::RejectionMessage, tooltip::ItemTooltip};

/// A column in the middle of the window, for panels and the hotbar. Also spawns a [`CursorStack`], an [`ItemTooltip`]
/// and a [`RejectionMessage`], unless they already exist. Clicks outside its children reach the game.
#[derive(Component, Clone, Copy, Default, Debug)]
#[require(Node = column(), Pickable::IGNORE, TabGroup)]
pub struct InventoryScreen;

fn column() -> Node {
    Node {
        position_type: PositionType::Absolute,
        width: percent(100),
        height: percent(100),
        flex_direction: FlexDirection::Column,
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        row_gap: px(12),
        ..default()
    }
}

pub(super) fn observe(app: &mut App) {
    app.add_observer(spawn);
}

fn spawn(
    _: On<Add, InventoryScreen>,
    cursors: Query<(), With<CursorStack>>,
    tooltips: Query<(), With<ItemTooltip>>,
    messages: Query<(), With<RejectionMessage>>,
    mut commands: Commands,
) {
    if cursors.is_empty() {
        commands.spawn(CursorStack);
    }
    if tooltips.is_empty() {
        commands.spawn(ItemTooltip);
    }
    if messages.is_empty() {
        // Across the top of the window.
        let line = Node {
            position_type: PositionType::Absolute,
            top: px(16),
            width: percent(100),
            justify_content: JustifyContent::Center,
            ..default()
        };
        commands.spawn((line, Pickable::IGNORE)).with_child(RejectionMessage);
    }
}
