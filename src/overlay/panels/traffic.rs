//! Bytes and messages, compared with the budget and with full updates.

use bevy_egui::egui::{self, Color32, RichText, ScrollArea, Ui, vec2};
use egui_plot::{Corner, GridMark, Legend, Line, Plot, PlotPoints};

use crate::{
    overlay::{
        history::{History, KINDS},
        look,
        window::Sight,
    },
    shared::stats::InventoryStats,
};

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

pub(in crate::overlay) fn draw(ui: &mut Ui, sight: &Sight) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let here = sight.authority.is_here();
        if here && !sight.is_serving() {
            ui.label(RichText::new("Nothing is sent: this is not a server.").color(look::DIM));
        }
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(372.0);
                look::title(ui, if here { "Sent to all clients" } else { "Received" });
                facts(ui, sight, here);
                ui.add_space(8.0);
                if here {
                    look::title(ui, "By category");
                    kinds(ui, &sight.history, &sight.stats);
                }
            });
            ui.vertical(|ui| plots(ui, &sight.history, here));
        });
    });
}

/// Returns the counter of bits for slot updates. On a client it covers everything received.
fn of_slots(here: bool) -> fn(&InventoryStats) -> u64 {
    if here {
        |stats| stats.bits_deltas + stats.bits_fulls
    } else {
        |stats| stats.bytes_received * 8
    }
}

fn facts(ui: &mut Ui, sight: &Sight, here: bool) {
    let (history, stats) = (&sight.history, &*sight.stats);
    let rate = |read: fn(&InventoryStats) -> u64| history.rate(read);
    egui::Grid::new("facts").num_columns(2).spacing(vec2(12.0, 4.0)).show(ui, |ui| {
        let mut fact = |what: &str, text: String, color: Color32, about: &str| {
            look::head(ui, what);
            look::number_in(ui, text, color).on_hover_text(about);
            ui.end_row();
        };
        let handed = "As handed to the messaging backend, over the last second.";
        let (bytes, messages) = if here {
            (rate(|stats| stats.bytes_sent), rate(|stats| stats.messages_sent))
        } else {
            let messages = rate(|stats| stats.messages_received + stats.chunks_received);
            (rate(|stats| stats.bytes_received), messages)
        };
        fact("bytes", look::per_second(bytes), look::TEXT, handed);
        fact("messages", format!("{:>11}", format!("{messages:.1}/s")), look::TEXT, handed);
        if let Some(settings) = sight.settings.as_ref().filter(|_| sight.is_serving()) {
            let most = sight.clients.iter().map(|(_, sync, _)| sync.bytes_per_second).max();
            let (most, limit) = (most.unwrap_or(0) as f64, f64::from(settings.bytes_per_second));
            let share = 100.0 * most / limit.max(1.0);
            let text = format!("{}  {share:.1} % of {}/s", look::per_second(most), look::bytes_short(limit));
            let color = if share > 90.0 { look::BAD } else { look::TEXT };
            fact("busiest client", text, color, "Against SyncSettings::bytes_per_second.");
            if settings.total_bytes_per_second < u32::MAX {
                let limit = f64::from(settings.total_bytes_per_second);
                let text = format!("{:.1} % of {}", 100.0 * bytes / limit.max(1.0), look::bytes_short(limit));
                fact("total budget", text, look::TEXT, "SyncSettings::total_bytes_per_second.");
            }
        }
        if here {
            let (deltas, fulls) = (rate(|s| s.deltas_encoded), rate(|s| s.fulls_encoded));
            let text = format!("{deltas:>9.1}/s  full {fulls:.1}/s");
            fact("deltas", text, look::TEXT, "Updates with only the changed slots, counted per viewer.");
        } else {
            let text = format!("{:>9.1}/s", rate(|stats| stats.slots_applied));
            fact("slots changed", text, look::TEXT, "In confirmed copies.");
        }
        let bits = history.since_begin(stats, of_slots(here));
        let (changes, what, about) = if here {
            let about = "Bytes of slot updates per commit and viewer, since the overlay was opened.";
            (history.full.updates, "per commit", about)
        } else {
            let about = "Received bytes per changed slot, since the overlay was opened.";
            (history.since_begin(stats, |s| s.slots_applied), "per changed slot", about)
        };
        let each = if changes > 0 { bits as f64 / 8.0 / changes as f64 } else { 0.0 };
        fact(what, format!("{each:>9.2} B"), look::TEXT, about);
        let about = "Cost of sending the whole inventory for each commit to each viewer, encoded as this crate's full updates, without message headers. Over the last second.";
        fact("full updates only", look::per_second(history.full_rate() / 8.0), look::FAIR, about);
        let (full, bytes) = (history.full.bits as f64 / 8.0, bits as f64 / 8.0);
        let (more, less) = (look::bytes_short(full), look::bytes_short(bytes));
        if !here {
            let about = "The same since the overlay was opened. Received bytes also include openings and answers, so the two are only comparable on the server.";
            fact("same, in total", format!("{more:>11}  received: {less}"), look::FAIR, about);
        } else if bytes > 0.0 && full > 0.0 {
            let about = "Ratio of full updates only to the actual bytes, since the overlay was opened.";
            fact("saved", format!("{:>9.1} x  {more} : {less}", full / bytes), look::GOOD, about);
        }
    });
}

fn kinds(ui: &mut Ui, history: &History, stats: &InventoryStats) {
    let sum: f64 = KINDS.iter().map(|(_, read, _)| history.rate(read)).sum();
    egui::Grid::new("kinds").striped(true).spacing(vec2(12.0, 4.0)).show(ui, |ui| {
        look::head(ui, "category");
        look::number_head(ui, "now", 11);
        look::head(ui, "share");
        look::number_head(ui, "total", 10).on_hover_text("Since the app started.");
        ui.end_row();
        for ((name, read, about), color) in KINDS.iter().zip(COLORS) {
            let rate = history.rate(read);
            ui.label(RichText::new(*name).color(color)).on_hover_text(*about);
            look::number(ui, look::per_second(rate / 8.0));
            #[expect(clippy::cast_possible_truncation, reason = "the value is a fraction")]
            look::bar(ui, if sum > 0.0 { (rate / sum) as f32 } else { 0.0 }, 80.0, color);
            look::number(ui, format!("{:>10}", look::bytes_short(read(stats) as f64 / 8.0)));
            ui.end_row();
        }
    });
}

fn plots(ui: &mut Ui, history: &History, here: bool) {
    let height = (ui.available_height() / 2.0 - 34.0).max(120.0);
    look::title(
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
        plot.line(full.color(look::FAIR).width(1.5).fill(0.0).fill_alpha(0.08));
        let sent = Line::new("actual", in_bytes(history.plot(of_slots(here))));
        plot.line(sent.color(look::ACCENT).width(1.8).fill(0.0).fill_alpha(0.25));
    });
    ui.add_space(4.0);
    if here {
        look::title(ui, "By category: bytes per second").on_hover_text("Over the last minute.");
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
        look::title(ui, "Messages per second");
        plot("messages", height, 60.0).show(ui, |plot| {
            let points = history.plot(|stats| stats.messages_received + stats.chunks_received);
            plot.line(Line::new("messages", PlotPoints::from(points)).color(look::GOOD));
        });
    }
}

fn in_bytes(bits: Vec<[f64; 2]>) -> PlotPoints<'static> {
    bits.into_iter().map(|[at, bits]| [at, bits / 8.0]).collect()
}

/// Creates a plot of the last `seconds` without drag, zoom or scroll.
pub(super) fn plot(name: &str, height: f32, seconds: f64) -> Plot<'static> {
    Plot::new(name.to_owned())
        .height(height)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_x(-seconds)
        .include_x(0.0)
        .include_y(0.0)
        .include_y(10.0)
        .grid_color(look::EDGE)
        .y_axis_min_width(46.0)
        .x_grid_spacer(move |_| {
            let mark = |n: i32| GridMark { value: f64::from(n) * seconds / 3.0, step_size: 60.0 };
            (-3..=0).map(mark).collect()
        })
        .x_axis_formatter(|mark, _| format!("{:.0} s", mark.value))
        .y_axis_formatter(
            |mark, _| if mark.value < 0.0 { String::new() } else { short(mark.value) },
        )
}

pub(super) fn legend() -> Legend {
    Legend::default().position(Corner::LeftTop).text_style(egui::TextStyle::Small)
}

fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1} M", v / 1e6),
        v if v >= 1e4 => format!("{:.0} k", v / 1e3),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}
