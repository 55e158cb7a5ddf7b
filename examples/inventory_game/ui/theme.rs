//! The look of the widgets, in pixel-art pixels.

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    ui::{InventoryUiTheme, Sliced},
};

use crate::items::Props;

use super::{GOLD, LETTER_SIZE};

pub const SHADOW: TextShadow =
    TextShadow { offset: Vec2::splat(0.5), color: Color::srgba(0.0, 0.0, 0.0, 0.85) };

pub const SLOT: f32 = 20.0;

pub const ICON: f32 = 16.0;

pub fn plugin(app: &mut App) {
    app.add_systems(PreStartup, set_theme);
}

fn set_theme(assets: Res<AssetServer>, mut commands: Commands) {
    let image = |name: &str, border: f32| {
        Some(Sliced { image: assets.load(format!("ui/{name}.png")), border, scale: 1.0 })
    };
    commands.insert_resource(InventoryUiTheme {
        slot: SLOT,
        icon: ICON,
        gap: 0.0,
        padding: 7.0,
        line: 1.0,
        text_size: LETTER_SIZE,
        small_text_size: 3.9,
        count_size: LETTER_SIZE,
        text_shadow: SHADOW,
        count_shadow: SHADOW,
        focus_color: GOLD,
        button_color: Color::srgba(0.06, 0.03, 0.05, 0.3),
        hover_color: Color::srgba(0.06, 0.03, 0.05, 0.7),
        dim_text_color: Color::srgb(0.82, 0.84, 0.87),
        slot_image: image("slot", 0.0),
        hover_image: image("slot_hover", 0.0),
        selected_image: image("slot_selected", 0.0),
        selected_outset: 2.0,
        panel_image: image("panel", 8.0),
        button_image: image("button", 4.0),
        button_hover_image: image("button_hover", 4.0),
        tooltip_image: image("tooltip", 4.0),
        wear_left,
        ..default()
    });
}

/// Returns the remaining part of a tool that has been used.
fn wear_left(catalog: &ItemCatalog, stack: Stack) -> Option<f32> {
    let uses = catalog.props::<Props>(stack.item)?.uses;
    let left = f32::from(uses.saturating_sub(stack.wear)) / f32::from(uses.max(1));
    (uses > 0 && stack.wear > 0).then_some(left)
}
