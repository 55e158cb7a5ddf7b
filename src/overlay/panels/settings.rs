//! Settings that can be changed while the game runs.

use bevy::prelude::*;
use bevy_egui::egui::{self, RichText, ScrollArea, Slider, Ui, vec2};

use crate::{
    client::debug::{CorruptCopy, RequestResync},
    overlay::{context::PanelContext, faults::wrong_stack, style},
    server::{
        pacing::settings::{FullPolicy, SyncSettings},
        views::resync::ResendInventories,
    },
};

use super::link::{self, millis};

pub(in crate::overlay) fn draw(ui: &mut Ui, ctx: &mut PanelContext) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().slider_width = 220.0;
        if ctx.authority.is_here() {
            of_server(ui, ctx);
            link::simulation(ui, ctx);
        } else {
            of_client(ui, ctx);
        }
    });
}

fn of_server(ui: &mut Ui, ctx: &mut PanelContext) {
    style::title(ui, "Sync settings");
    if let Some(settings) = &mut ctx.settings {
        let mut wanted = **settings;
        edit_settings(ui, &mut wanted);
        settings.set_if_neq(wanted);
    }
    ui.add_space(8.0);
    style::title(ui, "Full updates");
    let followed = ctx.overlay.followed;
    let entity = ctx.cards.list.iter().find(|entry| Some(entry.id) == followed);
    ui.horizontal(|ui| {
        if ui.button("Resend everything").on_hover_text("To all viewers.").clicked() {
            ctx.commands.trigger(ResendInventories { inventory: None });
        }
        match entity {
            Some(entry) => {
                if ui.button(format!("Resend {}", entry.name)).clicked() {
                    let inventory = Some(entry.entity);
                    ctx.commands.trigger(ResendInventories { inventory });
                }
            }
            None => {
                style::head(ui, "select an inventory in the first tab to resend only that one");
            }
        }
    });
}

/// Minimum panel width to show the descriptions beside the controls.
const ROOMY: f32 = 860.0;

fn edit_settings(ui: &mut Ui, settings: &mut SyncSettings) {
    let roomy = ui.available_width() >= ROOMY;
    let lever = |ui: &mut Ui, name: &str, about: &str, add: &mut dyn FnMut(&mut Ui)| {
        ui.label(name).on_hover_text(about);
        add(ui);
        if roomy {
            style::head(ui, about);
        }
        ui.end_row();
    };
    egui::Grid::new("settings").num_columns(3).spacing(vec2(14.0, 6.0)).show(ui, |ui| {
        let about = "Off: every change sends a full update of the inventory.";
        lever(ui, "deltas", about, &mut |ui| {
            ui.checkbox(&mut settings.deltas_enabled, "send only changed slots");
        });
        let about = "Sends a full update if more slots than this have changed.";
        lever(ui, "full update above", about, &mut |ui| {
            ui.horizontal(|ui| {
                let mut smaller = settings.full_policy == FullPolicy::Smaller;
                let mut percent = match settings.full_policy {
                    FullPolicy::AbovePercent(percent) => percent,
                    FullPolicy::Smaller => 50,
                };
                ui.add_enabled(!smaller, Slider::new(&mut percent, 0..=100).suffix(" %"));
                ui.checkbox(&mut smaller, "whichever is smaller");
                settings.full_policy =
                    if smaller { FullPolicy::Smaller } else { FullPolicy::AbovePercent(percent) };
            });
        });
        let about = "Time between updates of inventories with this priority.";
        lever(ui, "normal interval", about, &mut |ui| {
            millis(ui, &mut settings.normal_interval, 1000)
        });
        lever(ui, "low interval", about, &mut |ui| millis(ui, &mut settings.low_interval, 2000));
        let about = "Minimum time that a change is held back to merge with later ones.";
        lever(ui, "debounce delay", about, &mut |ui| millis(ui, &mut settings.debounce_delay, 500));
        let about = "Idle time after which viewers are sent a checksum. Zero: never.";
        lever(ui, "checksum delay", about, &mut |ui| {
            millis(ui, &mut settings.checksum_delay, 20_000)
        });
        let about = "Per client and second, on average.";
        lever(ui, "bytes per client", about, &mut |ui| {
            let range = 100..=1_000_000;
            let slider = Slider::new(&mut settings.bytes_per_second, range).logarithmic(true);
            ui.add(slider.suffix(" B/s"));
        });
        let about = "Per second, for all clients together.";
        lever(ui, "bytes for all clients", about, &mut |ui| {
            ui.horizontal(|ui| {
                let mut limited = settings.total_bytes_per_second < u32::MAX;
                let mut bytes = settings.total_bytes_per_second.min(10_000_000);
                if limited {
                    let slider = Slider::new(&mut bytes, 100..=10_000_000).logarithmic(true);
                    ui.add(slider.suffix(" B/s"));
                }
                ui.checkbox(&mut limited, "limited");
                settings.total_bytes_per_second = if limited { bytes } else { u32::MAX };
            });
        });
        let about = "Bytes of chunked transfers, per client and tick.";
        lever(ui, "chunk bytes per tick", about, &mut |ui| {
            ui.add(Slider::new(&mut settings.chunk_bytes_per_tick, 100..=20_000).suffix(" B"));
        });
    });
    if ui.button("Reset to defaults").clicked() {
        *settings = SyncSettings::default();
    }
}

/// Describes the button that corrupts a slot.
pub(super) const CORRUPT: &str = "Writes a wrong stack into the confirmed copy, as faulty memory would. The checksum \
    detects it, and the client requests a repair. The Actions tab lists how long that takes.";

fn of_client(ui: &mut Ui, ctx: &mut PanelContext) {
    style::title(ui, "Local copies");
    let request = ui.button("Request full resync");
    if request.on_hover_text("As a client does after a lost message.").clicked() {
        ctx.commands.trigger(RequestResync);
    }
    let followed = ctx.overlay.followed;
    let entry = ctx.cards.list.iter().find(|entry| Some(entry.id) == followed);
    ui.add_space(4.0);
    let selected = entry.and_then(|entry| Some((entry, ctx.copies.copy(entry.entity)?)));
    let Some((entry, look)) = selected else {
        style::head(
            ui,
            "To corrupt a slot, select its inventory in the first tab, or right-click the slot there.",
        );
        return;
    };
    let (len, checksum, expected) = (look.confirmed.len(), look.checksum(), look.expected_checksum);
    let slot = ctx.choices.corrupt_slot.min(len.saturating_sub(1));
    let stack = look.confirmed.get(slot);
    ui.horizontal(|ui| {
        let mut wanted = slot;
        ui.label(format!("slot of {}", entry.name));
        ui.add(egui::DragValue::new(&mut wanted).range(0..=len.saturating_sub(1)));
        ctx.choices.corrupt_slot = wanted;
        if ui.button("Corrupt this slot").on_hover_text(CORRUPT).clicked() {
            let wrong = wrong_stack(stack, ctx.catalog.as_deref());
            let inventory = entry.id;
            ctx.commands.trigger(CorruptCopy { inventory, slot, stack: wrong });
        }
        let (text, color) = match expected {
            None => (
                "no checksum of this version yet; the server sends it when the inventory is idle",
                style::DIM,
            ),
            Some(expected) if expected == checksum => ("the checksum matches", style::GOOD),
            Some(_) => ("the checksum does not match", style::BAD),
        };
        ui.label(RichText::new(text).color(color));
    });
    if let Some(repair) = &ctx.faults.last_repair {
        style::number_in(ui, repair.clone(), style::GOOD);
    }
    style::head(
        ui,
        "Corrupts only this client's copy. The checksum detects it, and the client requests a repair.",
    );
}
