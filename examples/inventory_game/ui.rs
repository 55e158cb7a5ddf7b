//! The user interface. It only reads inventories in view and observes this crate's events, so it is
//! the same on host and client.

mod focus;
mod slots;
mod hotbar;
mod panels;
mod drag;
mod keyboard;
mod tooltip;
mod status;
mod keys;
mod toast;
mod crafting;
mod lag;
mod fields;
mod menu;

pub use crafting::RecipeRow;
pub use drag::{Drag, Dragging};
pub use focus::Focus;
pub use keyboard::ContainerQuery;
pub use lag::Panel as LagPanel;
pub use panels::{Backpack, close_all};
pub use slots::{Contents, Painted, SlotView};
pub use toast::Toast;

use bevy::{prelude::*, window::PrimaryWindow};

/// The UI is laid out in pixel-art pixels; at least this many fit into the window.
const FITS: Vec2 = Vec2::new(400.0, 232.0);

const LETTER_SIZE: f32 = 5.6;

pub fn plugin(app: &mut App) {
    app.add_systems(PreUpdate, fit_window).add_plugins((
        focus::plugin,
        slots::plugin,
        hotbar::plugin,
        panels::plugin,
        drag::plugin,
        keyboard::plugin,
        tooltip::plugin,
        status::plugin,
        keys::plugin,
        toast::plugin,
        crafting::plugin,
        lag::plugin,
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

/// Text with a shadow, readable on any background. It ignores the pointer.
fn letters(text: impl Into<String>, color: Color) -> impl Bundle {
    (
        Text::new(text),
        TextFont::from_font_size(LETTER_SIZE),
        TextColor(color),
        TextShadow { offset: Vec2::splat(0.5), color: Color::BLACK.with_alpha(0.85) },
        Pickable::IGNORE,
    )
}

/// An absolutely positioned node that ignores the pointer.
fn floating(node: Node) -> impl Bundle {
    (Node { position_type: PositionType::Absolute, ..node }, Pickable::IGNORE)
}

/// Converts a position in the window to UI coordinates.
fn to_ui(place: Vec2, scale: &UiScale) -> Vec2 {
    place / scale.0
}
