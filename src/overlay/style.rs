//! Colors, sizes and number formats.

use bevy_egui::egui::{
    self, Color32, FontFamily, FontId, Margin, RichText, Stroke, Style, TextStyle, Ui, ecolor::Hsva,
};

use crate::model::id::ItemId;

use super::changes::Tint;

pub(super) const TEXT: Color32 = Color32::from_rgb(214, 219, 228);
pub(super) const DIM: Color32 = Color32::from_rgb(128, 137, 152);
pub(super) const ACCENT: Color32 = Color32::from_rgb(96, 174, 255);
pub(super) const GOOD: Color32 = Color32::from_rgb(104, 211, 145);
pub(super) const FAIR: Color32 = Color32::from_rgb(246, 200, 95);
pub(super) const BAD: Color32 = Color32::from_rgb(255, 107, 107);
pub(super) const PENDING: Color32 = Color32::from_rgb(255, 139, 61);
pub(super) const WINDOW: Color32 = Color32::from_rgb(22, 25, 31);
pub(super) const CARD: Color32 = Color32::from_rgb(30, 34, 42);
pub(super) const SLOT: Color32 = Color32::from_rgb(41, 46, 56);
pub(super) const EDGE: Color32 = Color32::from_rgb(55, 62, 75);

/// Font size in lists and tables.
pub(super) const SIZE: f32 = 12.5;

/// Labels of the causes of changes.
pub(super) const LEGEND: [(Tint, &str); 5] = [
    (Tint::Server, "server"),
    (Tint::Acted, "player action"),
    (Tint::Full, "full update"),
    (Tint::Predicted, "predicted"),
    (Tint::RolledBack, "rolled back"),
];

pub(super) fn tint(tint: Tint) -> Color32 {
    match tint {
        Tint::Server => ACCENT,
        Tint::Acted => GOOD,
        Tint::Full => Color32::from_rgb(201, 140, 255),
        Tint::Predicted => FAIR,
        Tint::RolledBack => BAD,
    }
}

/// Returns the color of an item, which is the same everywhere.
pub(super) fn item_color(item: ItemId) -> Color32 {
    let [a, b, ..] = item.to_bits().wrapping_mul(0x9E37_79B1).to_be_bytes();
    let (hue, value) = (f32::from(a) / 256.0, 0.13 + f32::from(b) / 256.0 * 0.12);
    Hsva::new(hue, 0.72, value, 1.0).into()
}

/// Applies the overlay's style to `ui` and its children, without affecting the game's own windows.
pub(super) fn apply(ui: &mut Ui) {
    let style: &mut Style = ui.style_mut();
    style.visuals = egui::Visuals::dark();
    style.visuals.override_text_color = Some(TEXT);
    style.visuals.extreme_bg_color = Color32::from_rgb(15, 17, 22);
    style.visuals.faint_bg_color = Color32::from_rgb(27, 31, 38);
    style.visuals.selection.bg_fill = ACCENT.gamma_multiply(0.45);
    style.visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, EDGE);
    style.spacing.item_spacing = egui::vec2(8.0, 5.0);
    style.spacing.button_padding = egui::vec2(7.0, 2.0);
    for (text, size, family) in [
        (TextStyle::Body, SIZE, FontFamily::Proportional),
        (TextStyle::Button, SIZE, FontFamily::Proportional),
        (TextStyle::Small, 10.5, FontFamily::Proportional),
        (TextStyle::Monospace, SIZE, FontFamily::Monospace),
        (TextStyle::Heading, 15.0, FontFamily::Proportional),
    ] {
        style.text_styles.insert(text, FontId::new(size, family));
    }
}

pub(super) fn window_frame() -> egui::Frame {
    egui::Frame::new()
        .fill(WINDOW)
        .stroke(Stroke::new(1.0, EDGE))
        .corner_radius(6.0)
        .inner_margin(Margin::same(10))
}

pub(super) fn card_frame() -> egui::Frame {
    let frame = egui::Frame::new().fill(CARD).stroke(Stroke::new(1.0, EDGE));
    frame.corner_radius(5.0).inner_margin(Margin::same(8))
}

/// Draws the heading of a column or a group.
pub(super) fn head(ui: &mut Ui, text: &str) -> egui::Response {
    ui.label(RichText::new(text).color(DIM).size(11.0))
}

/// Draws the heading of a column of numbers, right-aligned to `width` characters.
pub(super) fn number_head(ui: &mut Ui, text: &str, width: usize) -> egui::Response {
    ui.label(RichText::new(format!("{text:>width$}")).monospace().color(DIM).size(SIZE))
}

pub(super) fn number(ui: &mut Ui, text: String) -> egui::Response {
    ui.label(RichText::new(text).monospace())
}

pub(super) fn number_in(ui: &mut Ui, text: String, color: Color32) -> egui::Response {
    ui.label(RichText::new(text).monospace().color(color))
}

/// Draws a container title.
pub(super) fn title(ui: &mut Ui, text: &str) -> egui::Response {
    ui.label(RichText::new(text).strong().size(13.5))
}

/// Draws a bar that is filled to a fraction of its width.
pub(super) fn bar(ui: &mut Ui, share: f32, width: f32, color: Color32) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(width, 10.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 2.0, SLOT);
    let mut filled = rect;
    filled.set_width(width * share.clamp(0.0, 1.0));
    ui.painter().rect_filled(filled, 2.0, color);
    response
}

/// Formats a rate with eleven characters: `  1.23 kB/s`.
pub(super) fn per_second(bytes: f64) -> String {
    format!("{:>11}", format!("{}/s", bytes_short(bytes)))
}

/// Formats a size: `512 B`, `1.23 kB`, `4.56 MB`.
pub(super) fn bytes_short(bytes: f64) -> String {
    match bytes {
        b if b < 999.5 => format!("{b:.0} B"),
        b if b < 999_500.0 => format!("{:.2} kB", b / 1e3),
        b if b < 999_500_000.0 => format!("{:.2} MB", b / 1e6),
        b => format!("{:.2} GB", b / 1e9),
    }
}

/// Formats a count with thousands separators: `12'345`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\'');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_with_units() {
        assert_eq!(bytes_short(999.0), "999 B");
        assert_eq!(bytes_short(999.9), "1.00 kB");
        assert_eq!(bytes_short(1_234_000.0), "1.23 MB");
        assert_eq!(per_second(1234.0), "  1.23 kB/s");
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1000), "1'000");
        assert_eq!(grouped(12_345_678), "12'345'678");
    }
}
