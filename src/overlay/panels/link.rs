//! The link of a client: its quality, the latency of its actions, and the simulated conditions.

use core::time::Duration;

use bevy::prelude::*;
use bevy_egui::egui::{self, Color32, RichText, Slider, Ui, vec2};
use egui_plot::{Bar, BarChart, Line, Plot};

use crate::{
    client::{predictions::ActionLatency, state::SyncState},
    overlay::{
        SimulatedLink,
        context::PanelContext,
        plot::{legend, plot},
        style,
    },
    server::pacing::quality::{ConnectionQuality, LinkGrade, QualitySample},
};

/// Explains the jitter.
pub(super) const JITTER: &str = "Average difference between the round-trip times of consecutive samples, in milliseconds. A backend \
    that smooths the round-trip time, such as renet, hides jitter from packet to packet.";

pub(super) fn grade_color(grade: LinkGrade) -> Color32 {
    match grade {
        LinkGrade::Excellent => style::GOOD,
        LinkGrade::Good => Color32::from_rgb(176, 214, 104),
        LinkGrade::Fair => style::FAIR,
        LinkGrade::Poor => style::BAD,
    }
}

/// Plots round-trip time and jitter in milliseconds, and loss in percent.
pub(super) fn history(ui: &mut Ui, link: &ConnectionQuality) {
    if !link.is_measured() {
        ui.label(
            RichText::new("The messaging backend provides no measurements.").color(style::DIM),
        );
        return;
    }
    let period = ConnectionQuality::PERIOD.as_secs_f64();
    let points = |read: fn(&QualitySample) -> f64| -> Vec<[f64; 2]> {
        let len = link.history().len();
        let ago = |at: usize| -((len - 1 - at) as f64) * period;
        link.history().enumerate().map(|(at, sample)| [ago(at), read(sample)]).collect()
    };
    let height = (ui.available_height() - 8.0).clamp(110.0, 300.0);
    plot("link", height, 30.0).legend(legend()).show(ui, |plot| {
        let rtt = points(|sample| sample.rtt.as_secs_f64() * 1e3);
        plot.line(Line::new("round trip, ms", rtt).color(style::ACCENT).width(1.8));
        let jitter = points(|sample| sample.jitter.as_secs_f64() * 1e3);
        plot.line(Line::new("jitter, ms", jitter).color(style::FAIR).width(1.5));
        let loss = points(|sample| 100.0 * f64::from(sample.loss));
        plot.line(Line::new("loss, %", loss).color(style::BAD).width(1.5));
    });
}

pub(super) fn draw(ui: &mut Ui, ctx: &mut PanelContext) {
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width(330.0);
            style::title(ui, "Connection");
            egui::Grid::new("own").num_columns(2).spacing(vec2(12.0, 4.0)).show(ui, |ui| {
                let mut fact = |what: &str, text: String, color: Color32, about: &str| {
                    style::head(ui, what);
                    style::number_in(ui, text, color).on_hover_text(about);
                    ui.end_row();
                };
                let link = &ctx.own.quality;
                let (state, color) = match ctx.state.as_deref() {
                    Some(SyncState::Synced) => ("synced".to_owned(), style::GOOD),
                    Some(SyncState::Rejected(why)) => (format!("rejected: {why}"), style::BAD),
                    _ => ("waiting for server".to_owned(), style::FAIR),
                };
                fact("state", state, color, "SyncState");
                let ms = |time: core::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
                fact("round trip", ms(link.rtt()), style::TEXT, "Smoothed over a few seconds.");
                fact("jitter", ms(link.jitter()), style::TEXT, JITTER);
                let loss = format!("{:.1} %", 100.0 * link.loss());
                fact("loss", loss, style::TEXT, "Recent packet loss.");
                let grade = format!("{:?}", link.grade());
                fact("grade", grade, grade_color(link.grade()), "As the server would grade it.");
                if let Some(progress) = ctx.own.transfer {
                    let text = format!("{} of {} chunks", progress.received, progress.total);
                    fact("last transfer", text, style::TEXT, "Received in chunks of about 1 kB.");
                }
                if let Some(repair) = &ctx.faults.last_repair {
                    fact("last repair", repair.clone(), style::TEXT, "Of a slot corrupted here.");
                }
                let pending = ctx.copies.pending_requests();
                fact("pending", pending.to_string(), style::TEXT, "Requests without an answer.");
                let stats = &ctx.stats;
                let wrong = stats.resyncs_requested + stats.repairs_requested;
                let color = if wrong > 0 { style::FAIR } else { style::TEXT };
                let text =
                    format!("{} full, {} single", stats.resyncs_requested, stats.repairs_requested);
                fact(
                    "resyncs",
                    text,
                    color,
                    "Requested after a lost message (full) or for a wrong copy (single).",
                );
                let text = format!(
                    "{} checked, {} wrong",
                    stats.checksums_checked, stats.checksum_mismatches
                );
                fact(
                    "checksums",
                    text,
                    style::TEXT,
                    "Copies compared with the server's checksums.",
                );
            });
        });
        ui.vertical(|ui| {
            ui.set_width(300.0);
            style::title(ui, "Action latency");
            if let Some(times) = &ctx.times {
                answers(ui, times);
            }
            simulation(ui, ctx);
        });
    });
    ui.add_space(6.0);
    style::title(ui, "Last 30 seconds: milliseconds, and percent lost");
    history(ui, &ctx.own.quality);
}

fn answers(ui: &mut Ui, times: &ActionLatency) {
    let ms = |time: core::time::Duration| time.as_secs_f64() * 1e3;
    let (count, mean, last) = (times.count(), ms(times.mean()), ms(times.last()));
    style::number(ui, format!("answers: {count}, mean {mean:.0} ms, last {last:.0} ms"));
    let bars = times.buckets().iter().enumerate().map(|(at, count)| {
        let label = bucket(at);
        Bar::new(at as f64, *count as f64).width(0.85).name(label).fill(style::ACCENT)
    });
    Plot::new("answers")
        .height(150.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_y(1.0)
        .show_grid([false, true])
        .x_grid_spacer(|_| {
            (0..=ActionLatency::LIMITS.len())
                .map(|at| egui_plot::GridMark { value: at as f64, step_size: 10.0 })
                .collect()
        })
        .x_axis_formatter(|mark, _| {
            (0..=ActionLatency::LIMITS.len())
                .find(|at| (*at as f64 - mark.value).abs() < 0.1)
                .map_or_else(String::new, bucket)
        })
        .x_axis_label("at most, ms")
        .show(ui, |plot| plot.bar_chart(BarChart::new("answers", bars.collect())));
}

fn bucket(at: usize) -> String {
    ActionLatency::LIMITS.get(at).map_or_else(|| "more".into(), u64::to_string)
}

/// Draws the sliders of the simulated link, if the game simulates one.
pub(super) fn simulation(ui: &mut Ui, ctx: &mut PanelContext) {
    let Some(link) = &mut ctx.link else { return };
    ui.add_space(6.0);
    style::title(ui, "Simulated link").on_hover_text("Applied by the game, in both directions.");
    let mut wanted: SimulatedLink = **link;
    egui::Grid::new("simulated link").num_columns(2).spacing(vec2(14.0, 6.0)).show(ui, |ui| {
        ui.label("latency").on_hover_text("One way. The round-trip time grows by twice as much.");
        millis(ui, &mut wanted.latency, 500);
        ui.end_row();
        ui.label("jitter")
            .on_hover_text("Maximum deviation from the latency, in either direction.");
        millis(ui, &mut wanted.jitter, 200);
        ui.end_row();
        ui.label("loss").on_hover_text("Of packets, in each direction.");
        let mut percent = wanted.loss * 100.0;
        if ui.add(Slider::new(&mut percent, 0.0..=30.0).suffix(" %")).changed() {
            wanted.loss = percent / 100.0;
        }
        ui.end_row();
    });
    link.set_if_neq(wanted);
}

/// Draws a slider for a duration.
pub(super) fn millis(ui: &mut Ui, duration: &mut Duration, max: u64) {
    let mut value = u64::try_from(duration.as_millis()).unwrap_or(max);
    if ui.add(Slider::new(&mut value, 0..=max).suffix(" ms")).changed() {
        *duration = Duration::from_millis(value);
    }
}
