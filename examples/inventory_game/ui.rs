//! The user interface: the widgets of the crate in the look of this game, and what is special to this game. It is the
//! same on host and client.

mod theme;
mod panels;
mod hotbar;
mod hud;
mod trade;
mod shop;
mod describe;
mod status;
mod keys;
mod toasts;
mod lag;
mod needs;
mod fields;
mod menu;

pub use lag::Panel as LagPanel;
pub use menu::Entry;
pub use panels::{Backpack, close_all};
pub use toasts::Toast;

use bevy::{prelude::*, window::PrimaryWindow};
use bevy_inventory_sync::ui::InventoryUiPlugin;

/// The UI is laid out in pixel-art pixels; at least this many fit into the window.
const FITS: Vec2 = Vec2::new(400.0, 232.0);

const LETTER_SIZE: f32 = 5.6;

const SMALL_LETTERS: f32 = 4.4;

pub const GOLD: Color = Color::srgb(0.99, 0.93, 0.63);

pub fn plugin(app: &mut App) {
    app.add_plugins(InventoryUiPlugin).add_systems(PreUpdate, fit_window).add_plugins((
        theme::plugin,
        panels::plugin,
        hotbar::plugin,
        hud::plugin,
        trade::plugin,
        shop::plugin,
        describe::plugin,
        status::plugin,
        keys::plugin,
        toasts::plugin,
        lag::plugin,
        needs::plugin,
        fields::plugin,
        menu::plugin,
    ));
}

/// Scales the UI to a whole number of physical pixels per pixel-art pixel, regardless of the scale factor. Small
/// windows use half steps.
fn fit_window(window: Single<&Window, With<PrimaryWindow>>, mut scale: ResMut<UiScale>) {
    let fitting = (window.physical_size().as_vec2() / FITS).min_element();
    let step = if fitting < 2.0 { 0.5 } else { 1.0 };
    let whole = ((fitting / step).floor() * step).clamp(1.0, 8.0);
    let fitting = whole / window.scale_factor();
    if scale.0.to_bits() != fitting.to_bits() {
        scale.0 = fitting;
    }
}

/// Marks the game's own texts, for the report.
#[derive(Component, Debug)]
pub struct Letters;

/// Text with a shadow, readable on any background. It ignores the pointer.
fn letters(text: impl Into<String>, color: Color) -> impl Bundle {
    (
        Letters,
        Text::new(text),
        TextFont::from_font_size(LETTER_SIZE),
        TextColor(color),
        theme::SHADOW,
        Pickable::IGNORE,
    )
}

/// Breaks text into lines, because the layout does not compute the height of automatically wrapped text.
fn broken(text: &str, chars_max: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + word.chars().count() >= chars_max {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The dark background of texts in front of the world.
fn plate(alpha: f32) -> BackgroundColor {
    BackgroundColor(Color::srgba(0.11, 0.07, 0.12, alpha))
}

/// An absolutely positioned node that ignores the pointer.
fn floating(node: Node) -> impl Bundle {
    (Node { position_type: PositionType::Absolute, ..node }, Pickable::IGNORE)
}

/// Shows or hides a node. Marks it as changed only if it is.
fn display(node: &mut Mut<Node>, shown: bool) {
    let display = if shown { Display::Flex } else { Display::None };
    if node.display != display {
        node.display = display;
    }
}
