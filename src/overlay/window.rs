//! The overlay's window and its tabs.

use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{self, RichText},
};

use super::{OverlayPanel, context::PanelContext, panels, steps, style};

/// Initial size, if it fits into the game's window. If the window is too low, the overlay fills it.
const SIZE: egui::Vec2 = egui::vec2(980.0, 620.0);

/// Minimum width beside the tabs for the byte rate to be shown.
const RATE_WIDTH: f32 = 120.0;

pub(super) fn draw_overlay(mut contexts: EguiContexts, mut ctx: PanelContext) {
    // Without a camera there is no egui context.
    let Ok(egui) = contexts.ctx_mut() else { return };
    let begin = steps::now();
    let room = egui.content_rect().size() - egui::vec2(24.0, 24.0);
    let mut open = true;
    egui::Window::new("Inventory sync")
        .id(egui::Id::new("bevy_inventory_sync/overlay"))
        .title_bar(false)
        .frame(style::window_frame())
        .default_pos(egui::pos2(12.0, 12.0))
        .default_size(if room.y < SIZE.y { room } else { SIZE.min(room) })
        .min_size(egui::vec2(560.0, 320.0).min(room))
        .resizable(true)
        .collapsible(false)
        .show(egui, |ui| {
            style::apply(ui);
            tabs(ui, &mut ctx, &mut open);
            ui.separator();
            // A panel gets all the available space, and does not grow the window.
            let room = ui.available_size().floor();
            let down = egui::Layout::top_down(egui::Align::Min);
            ui.allocate_ui_with_layout(room, down, |ui| {
                ui.set_min_size(room);
                ui.set_max_size(room);
                match ctx.overlay.panel {
                    OverlayPanel::Inventories => panels::inventories::draw(ui, &mut ctx),
                    OverlayPanel::Pipeline => panels::pipeline::draw(ui, &mut ctx),
                    OverlayPanel::Traffic => panels::traffic::draw(ui, &ctx),
                    OverlayPanel::Clients => panels::clients::draw(ui, &mut ctx),
                    OverlayPanel::Actions => panels::action_log::draw(ui, &mut ctx),
                    OverlayPanel::Settings => panels::settings::draw(ui, &mut ctx),
                }
            });
        });
    if !open {
        ctx.overlay.shown = false;
    }
    let took = begin.elapsed().as_secs_f64() * 1e6;
    ctx.choices.drawing += (took - ctx.choices.drawing) / 32.0;
}

fn tabs(ui: &mut egui::Ui, ctx: &mut PanelContext, open: &mut bool) {
    ui.horizontal(|ui| {
        for panel in OverlayPanel::ALL {
            let here = ctx.overlay.panel == panel;
            let name = match panel {
                OverlayPanel::Clients if !ctx.authority.is_here() => "Link",
                panel => panel.name(),
            };
            let text = RichText::new(name).size(13.5);
            let text = if here { text.strong() } else { text.color(style::DIM) };
            if ui.selectable_label(here, text).clicked() {
                ctx.overlay.panel = panel;
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button("x").on_hover_text("Hide. Press the key to open it again.").clicked() {
                *open = false;
            }
            let drawing = ctx.choices.drawing / 1000.0;
            style::number_in(ui, format!("{drawing:.2} ms"), style::DIM)
                .on_hover_text("Time to build this window per frame, without rendering.");
            style::number_in(ui, ctx.role().into(), style::ACCENT)
                .on_hover_text("Role of this app.");
            if ui.available_width() > RATE_WIDTH {
                let (rate, about) = if ctx.authority.is_here() {
                    (ctx.history.rate(|stats| stats.bytes_sent), "Sent to all clients.")
                } else {
                    (ctx.history.rate(|stats| stats.bytes_received), "Received.")
                };
                let text = format!("{} |", style::per_second(rate));
                style::number_in(ui, text, style::TEXT).on_hover_text(about);
            }
        });
    });
}
