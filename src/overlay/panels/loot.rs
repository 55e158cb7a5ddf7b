//! Inventories with one slot, such as items on the ground, side by side in one card.

use bevy_egui::egui::{RichText, Ui};

use crate::overlay::{
    cards::{Card, LOOT_MAX},
    context::PanelContext,
    style,
};

use super::grid;

pub(super) fn draw(ui: &mut Ui, ctx: &mut PanelContext, cards: &[Card], size: f32) {
    let title = format!("Loot: {}", ctx.cards.loot);
    ui.label(RichText::new(title).strong())
        .on_hover_text("Inventories with one slot, such as items on the ground.");
    grid::draw_together(ui, ctx, cards, size);
    if ctx.cards.loot > LOOT_MAX {
        style::head(ui, &format!("and {} more: filter the list", ctx.cards.loot - LOOT_MAX));
    }
}
