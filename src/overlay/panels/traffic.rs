//! Bytes and messages, compared with the budget and with full updates.

use crate::{
    overlay::{
        context::PanelContext,
        history::{History, KINDS},
        plot::{legend, plot},
        style,
    },
    shared::stats::InventoryStats,
};
use bevy_egui::egui::{self, Color32, RichText, ScrollArea, Ui, vec2};
use egui_plot::{Line, PlotPoints};

const COLORS: [Color32; 8] = [
    Color32::from_rgb(96, 174, 255),
    Color32::from_rgb(201, 140, 255),
    Color32::from_rgb(104, 211, 145),
    Color32::from_rgb(255, 159, 67),
    Color32::from_rgb(246, 200, 95),
    Color32::from_rgb(84, 214, 214),
    Color32::from_rgb(255, 137, 180),
    Color32::from_rgb(150, 158, 172),
];

pub(in crate::overlay) fn draw(ui: &mut Ui, ctx: &PanelContext) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let here = ctx.authority.is_here();
        if here && !ctx.is_serving() {
            ui.label(RichText::new("Nothing is sent: this is not a server.").color(style::DIM));
        }
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(372.0);
                style::title(ui, if here { "Sent to all clients" } else { "Received" });
                facts(ui, ctx, here);
                ui.add_space(8.0);
                if here {
                    style::title(ui, "By category");
                    kinds(ui, &ctx.history, &ctx.stats);
                }
            });
            ui.vertical(|ui| plots(ui, &ctx.history, here));
        });
    });
}

/// Returns the counter of bits for slot updates. On a client it covers everything received.
fn of_slots(here: bool) -> fn(&InventoryStats) -> u64 {
    if here {
        |stats| stats.bits_deltas + stats.bits_full_updates
    } else {
        |stats| stats.bytes_received * 8
    }
}

fn facts(ui: &mut Ui, ctx: &PanelContext, here: bool) {
    let (history, stats) = (&ctx.history, &*ctx.stats);
    let rate = |read: fn(&InventoryStats) -> u64| history.rate(read);
    egui::Grid::new("facts").num_columns(2).spacing(vec2(12.0, 4.0)).show(ui, |ui| {
        let mut fact = |what: &str, text: String, color: Color32, about: &str| {
            style::head(ui, what);
            style::number_in(ui, text, color).on_hover_text(about);
            ui.end_row();
        };
        let handed = "As handed to the messaging backend, over the last second.";
        let (bytes, messages) = if here {
            (rate(|stats| stats.bytes_sent), rate(|stats| stats.messages_sent))
        } else {
            let messages = rate(|stats| stats.messages_received + stats.chunks_received);
            (rate(|stats| stats.bytes_received), messages)
        };
        fact("bytes", style::per_second(bytes), style::TEXT, handed);
        fact("messages", format!("{:>11}", format!("{messages:.1}/s")), style::TEXT, handed);
        if let Some(settings) = ctx.settings.as_ref().filter(|_| ctx.is_serving()) {
            let most = ctx.clients.iter().map(|(_, sync, _)| sync.bytes_per_second).max();
            let (most, limit) = (most.unwrap_or(0) as f64, f64::from(settings.bytes_per_second));
            let share = 100.0 * most / limit.max(1.0);
            let text = format!("{}  {share:.1} % of {}/s", style::per_second(most), style::bytes_short(limit));
            let color = if share > 90.0 { style::BAD } else { style::TEXT };
            fact("busiest client", text, color, "Against SyncSettings::bytes_per_second.");
            if settings.total_bytes_per_second < u32::MAX {
                let limit = f64::from(settings.total_bytes_per_second);
                let text = format!("{:.1} % of {}", 100.0 * bytes / limit.max(1.0), style::bytes_short(limit));
                fact("total budget", text, style::TEXT, "SyncSettings::total_bytes_per_second.");
            }
        }
        if here {
            let (deltas, fulls) = (rate(|s| s.deltas_encoded), rate(|s| s.full_updates_encoded));
            let text = format!("{deltas:>9.1}/s  full {fulls:.1}/s");
            fact("deltas", text, style::TEXT, "Updates with only the changed slots, counted per viewer.");
        } else {
            let text = format!("{:>9.1}/s", rate(|stats| stats.slots_applied));
            fact("slots changed", text, style::TEXT, "In confirmed copies.");
        }
        let bits = of_slots(here)(stats);
        let (changes, what, about) = if here {
            let about = "Bytes of slot updates per commit and viewer, since the start.";
            (history.full.updates, "per commit", about)
        } else {
            let about = "Received bytes per changed slot, since the start.";
            (stats.slots_applied, "per changed slot", about)
        };
        let each = if changes > 0 { bits as f64 / 8.0 / changes as f64 } else { 0.0 };
        fact(what, format!("{each:>9.2} B"), style::TEXT, about);
        let about = "Cost of sending the whole inventory for each commit to each viewer, encoded as this crate's full updates, without message headers. Over the last second.";
        fact("full updates only", style::per_second(history.full_rate() / 8.0), style::FAIR, about);
        let (full, bytes) = (history.full.bits as f64 / 8.0, bits as f64 / 8.0);
        let (more, less) = (style::bytes_short(full), style::bytes_short(bytes));
        if !here {
            let about = "The same since the start. Received bytes also include openings and answers, so the two are only comparable on the server.";
            fact("in total", format!("{more:>11}  received: {less}"), style::FAIR, about);
        } else if bytes > 0.0 && full > 0.0 {
            let about = "Ratio of full updates only to the actual bytes, since the start.";
            fact("saved", format!("{:>9.1} x  {more} : {less}", full / bytes), style::GOOD, about);
        }
    });
}

fn kinds(ui: &mut Ui, history: &History, stats: &InventoryStats) {
    let sum: f64 = KINDS.iter().map(|(_, read, _)| history.rate(read)).sum();
    egui::Grid::new("kinds").striped(true).spacing(vec2(12.0, 4.0)).show(ui, |ui| {
        style::head(ui, "category");
        style::number_head(ui, "rate", 11);
        style::head(ui, "share");
        style::number_head(ui, "total", 10).on_hover_text("Since the app started.");
        ui.end_row();
        for ((name, read, about), color) in KINDS.iter().zip(COLORS) {
            let rate = history.rate(read);
            ui.label(RichText::new(*name).color(color)).on_hover_text(*about);
            style::number(ui, style::per_second(rate / 8.0));
            #[expect(clippy::cast_possible_truncation, reason = "the value is a fraction")]
            style::bar(ui, if sum > 0.0 { (rate / sum) as f32 } else { 0.0 }, 80.0, color);
            style::number(ui, format!("{:>10}", style::bytes_short(read(stats) as f64 / 8.0)));
            ui.end_row();
        }
    });
}

fn plots(ui: &mut Ui, history: &History, here: bool) {
    let height = (ui.available_height() / 2.0 - 34.0).max(120.0);
    style::title(
        ui,
        if here {
            "Slot updates, and full updates only: bytes per second"
        } else {
            "Received, and full updates only: bytes per second"
        },
    )
    .on_hover_text("Over the last minute.");
    plot("against full", height, 60.0).legend(legend()).show(ui, |plot| {
        let full = Line::new("full updates only", in_bytes(history.full_plot()));
        plot.line(full.color(style::FAIR).width(1.5).fill(0.0).fill_alpha(0.08));
        let sent = Line::new("actual", in_bytes(history.plot(of_slots(here))));
        plot.line(sent.color(style::ACCENT).width(1.8).fill(0.0).fill_alpha(0.25));
    });
    ui.add_space(4.0);
    if here {
        style::title(ui, "By category: bytes per second").on_hover_text("Over the last minute.");
        plot("by kind", height, 60.0).show(ui, |plot| {
            for ((name, read, _), color) in KINDS.iter().zip(COLORS) {
                if history.is_quiet(read) {
                    continue;
                }
                let line = Line::new(*name, in_bytes(history.plot(read)));
                plot.line(line.color(color).width(1.5));
            }
        });
    } else {
        style::title(ui, "Messages per second");
        plot("messages", height, 60.0).show(ui, |plot| {
            let points = history.plot(|stats| stats.messages_received + stats.chunks_received);
            plot.line(Line::new("messages", PlotPoints::from(points)).color(style::GOOD));
        });
    }
}

fn in_bytes(bits: Vec<[f64; 2]>) -> PlotPoints<'static> {
    bits.into_iter().map(|[at, bits]| [at, bits / 8.0]).collect()
}
