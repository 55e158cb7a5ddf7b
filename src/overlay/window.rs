//! The overlay's window and its tabs.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_egui::{
    EguiContexts,
    egui::{self, RichText},
};
use bevy_replicon::prelude::*;

use crate::{
    client::{inspect::ClientInspect, predictions::ActionTimes, state::SyncState},
    model::{catalog::Catalogue, data::DataPool},
    server::{
        client_stats::ClientSync,
        health::{Refusals, SyncHealth},
        pacing::{quality::ConnectionQuality, settings::SyncSettings},
    },
    shared::{authority::Authority, containers::Kinds, stats::InventoryStats},
};

use super::{
    InventoryOverlay, OverlayPanel, SimulatedLink,
    cards::Cards,
    changes::Changes,
    clients::{ActionRates, OwnLink},
    gather::Names,
    history::History,
    journal::{Filter, Journal},
    look, panels,
    steps::{self, StepTimes},
};

/// Selections made in the panels.
#[derive(Resource, Default, Debug)]
pub(super) struct Choices {
    pub(super) client: Option<Entity>,
    pub(super) filter: Filter,
    /// Flat index of the slot to corrupt.
    pub(super) spoil: usize,
    /// Whether the list beside the grids is hidden.
    pub(super) without_list: bool,
    /// Smoothed drawing time, in microseconds.
    drawing: f64,
}

/// All data that the panels read and change.
#[derive(SystemParam)]
pub(super) struct Sight<'w, 's> {
    pub(super) overlay: ResMut<'w, InventoryOverlay>,
    pub(super) choices: ResMut<'w, Choices>,
    pub(super) time: Res<'w, Time<Real>>,
    pub(super) authority: Authority<'w>,
    pub(super) serving: Option<Res<'w, State<ServerState>>>,
    pub(super) stats: Res<'w, InventoryStats>,
    pub(super) catalogue: Option<Res<'w, Catalogue>>,
    pub(super) kinds: Res<'w, Kinds>,
    pub(super) pool: Option<Res<'w, DataPool>>,
    pub(super) names: Names<'w, 's>,
    pub(super) steps: ResMut<'w, StepTimes>,
    pub(super) history: Res<'w, History>,
    pub(super) changes: Res<'w, Changes>,
    pub(super) cards: ResMut<'w, Cards>,
    pub(super) journal: ResMut<'w, Journal>,
    pub(super) rates: Res<'w, ActionRates>,
    pub(super) own: Res<'w, OwnLink>,
    pub(super) clients: Query<'w, 's, (Entity, &'static ClientSync, &'static ConnectionQuality)>,
    pub(super) settings: Option<ResMut<'w, SyncSettings>>,
    pub(super) health: Option<Res<'w, SyncHealth>>,
    pub(super) refusals: Option<Res<'w, Refusals>>,
    pub(super) state: Option<Res<'w, SyncState>>,
    pub(super) times: Option<Res<'w, ActionTimes>>,
    pub(super) copies: ClientInspect<'w>,
    pub(super) commands: Commands<'w, 's>,
    pub(super) link: Option<ResMut<'w, SimulatedLink>>,
}

impl Sight<'_, '_> {
    pub(super) fn is_serving(&self) -> bool {
        self.serving.as_ref().is_some_and(|state| ***state == ServerState::Running)
    }

    fn role(&self) -> &'static str {
        match (self.authority.is_here(), self.is_serving()) {
            (true, true) => "server",
            (true, false) => "single player",
            (false, _) => "client",
        }
    }
}

/// Initial size, if it fits into the game's window. If the window is too low, the overlay fills it.
const SIZE: egui::Vec2 = egui::vec2(980.0, 620.0);

/// Minimum width beside the tabs for the byte rate to be shown.
const RATE_WIDTH: f32 = 120.0;

pub(super) fn draw_overlay(mut contexts: EguiContexts, mut sight: Sight) {
    // Without a camera there is no egui context.
    let Ok(ctx) = contexts.ctx_mut() else { return };
    let begin = steps::now();
    let room = ctx.content_rect().size() - egui::vec2(24.0, 24.0);
    let mut open = true;
    egui::Window::new("Inventory sync")
        .id(egui::Id::new("bevy_inventory_sync/overlay"))
        .title_bar(false)
        .frame(look::window_frame())
        .default_pos(egui::pos2(12.0, 12.0))
        .default_size(if room.y < SIZE.y { room } else { SIZE.min(room) })
        .min_size(egui::vec2(560.0, 320.0).min(room))
        .resizable(true)
        .collapsible(false)
        .show(ctx, |ui| {
            look::apply(ui);
            tabs(ui, &mut sight, &mut open);
            ui.separator();
            // A panel gets all the available space, and does not grow the window.
            let room = ui.available_size().floor();
            let down = egui::Layout::top_down(egui::Align::Min);
            ui.allocate_ui_with_layout(room, down, |ui| {
                ui.set_min_size(room);
                ui.set_max_size(room);
                match sight.overlay.panel {
                    OverlayPanel::Inventories => panels::inventories::draw(ui, &mut sight),
                    OverlayPanel::Walk => panels::walk::draw(ui, &mut sight),
                    OverlayPanel::Traffic => panels::traffic::draw(ui, &sight),
                    OverlayPanel::Clients => panels::clients::draw(ui, &mut sight),
                    OverlayPanel::Journal => panels::journal::draw(ui, &mut sight),
                    OverlayPanel::Levers => panels::levers::draw(ui, &mut sight),
                }
            });
        });
    if !open {
        sight.overlay.shown = false;
    }
    let took = begin.elapsed().as_secs_f64() * 1e6;
    sight.choices.drawing += (took - sight.choices.drawing) / 32.0;
}

fn tabs(ui: &mut egui::Ui, sight: &mut Sight, open: &mut bool) {
    ui.horizontal(|ui| {
        for panel in OverlayPanel::ALL {
            let here = sight.overlay.panel == panel;
            let name = match panel {
                OverlayPanel::Clients if !sight.authority.is_here() => "Connection",
                panel => panel.name(),
            };
            let text = RichText::new(name).size(13.5);
            let text = if here { text.strong() } else { text.color(look::DIM) };
            if ui.selectable_label(here, text).clicked() {
                sight.overlay.panel = panel;
            }
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button("x").on_hover_text("Hide. Press the key to open it again.").clicked() {
                *open = false;
            }
            let drawing = sight.choices.drawing / 1000.0;
            look::number_in(ui, format!("{drawing:.2} ms"), look::DIM)
                .on_hover_text("Time to build this window per frame, without rendering.");
            look::number_in(ui, sight.role().into(), look::ACCENT)
                .on_hover_text("Role of this app.");
            if ui.available_width() > RATE_WIDTH {
                let (rate, about) = if sight.authority.is_here() {
                    (sight.history.rate(|stats| stats.bytes_sent), "Sent to all clients.")
                } else {
                    (sight.history.rate(|stats| stats.bytes_received), "Received.")
                };
                let text = format!("{} |", look::per_second(rate));
                look::number_in(ui, text, look::TEXT).on_hover_text(about);
            }
        });
    });
}
