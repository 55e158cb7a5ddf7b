//! Connection quality: of each client on a server, of this client on a client.

use bevy::prelude::Entity;
use bevy_egui::egui::{self, Color32, RichText, ScrollArea, Ui, vec2};
use egui_plot::{Bar, BarChart, Line, Plot};

use crate::{
    client::{predictions::ActionLatency, state::SyncState},
    overlay::{
        context::PanelContext,
        plot::{legend, plot},
        style,
    },
    server::{
        health::HealthStatus,
        pacing::quality::{ConnectionQuality, LinkGrade, QualitySample},
    },
};

pub(in crate::overlay) fn draw(ui: &mut Ui, ctx: &mut PanelContext) {
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        if ctx.authority.is_here() {
            if ctx.is_serving() {
                health(ui, ctx);
            }
            of_server(ui, ctx);
        } else {
            of_client(ui, ctx);
        }
    });
}

fn health(ui: &mut Ui, ctx: &PanelContext) {
    let Some(health) = &ctx.health else { return };
    let color = match health.status() {
        HealthStatus::Healthy => style::GOOD,
        HealthStatus::Degraded => style::FAIR,
        HealthStatus::Failing => style::BAD,
    };
    ui.horizontal(|ui| {
        style::number_in(ui, format!("{:?}", health.status()), color);
        for reason in health.reasons() {
            style::number(ui, format!("{reason:?}"));
        }
        let all = ctx.rejections.iter().flat_map(|rejections| rejections.iter());
        let all: Vec<String> = all.map(|(reason, count)| format!("{reason:?} {count}")).collect();
        if !all.is_empty() {
            style::head(ui, &format!("rejected so far: {}", all.join(", ")));
        }
    });
    ui.add_space(4.0);
}

fn grade_color(grade: LinkGrade) -> Color32 {
    match grade {
        LinkGrade::Excellent => style::GOOD,
        LinkGrade::Good => Color32::from_rgb(176, 214, 104),
        LinkGrade::Fair => style::FAIR,
        LinkGrade::Poor => style::BAD,
    }
}

const COLUMNS: [(&str, usize, &str); 13] = [
    ("rtt ms", 7, "Round-trip time, smoothed over a few seconds."),
    ("± ms", 6, "Jitter: how much the round-trip time varies."),
    ("loss %", 6, "Recent packet loss."),
    ("grade", 9, "Link grade, as defined by QualityPolicy."),
    ("views", 6, "Inventories in the client's view."),
    ("queue", 5, "Inventories in view whose latest state has not been sent yet."),
    ("merged", 6, "Commits that were sent together with a later one."),
    ("delayed", 7, "Updates that were throttled by the byte budget."),
    ("bytes", 11, "Sent to the client, over the last half second."),
    ("act/s", 6, "Resolved actions per second, over the last two seconds."),
    ("done", 6, "Applied actions."),
    ("rejected", 8, "Rejected actions."),
    ("resyncs", 8, "Resyncs requested after a lost message or a wrong copy."),
];

fn of_server(ui: &mut Ui, ctx: &mut PanelContext) {
    let mut rows: Vec<_> = ctx.clients.iter().collect();
    rows.sort_by_key(|(client, ..)| client.index());
    if rows.is_empty() {
        ui.label(RichText::new("No client is connected.").color(style::DIM));
        return;
    }
    let there = |client: &Entity| rows.iter().any(|(row, ..)| row == client);
    let chosen = ctx.choices.client.filter(there).unwrap_or(rows[0].0);
    let mut clicked = None;
    egui::Grid::new("clients").striped(true).spacing(vec2(9.0, 4.0)).show(ui, |ui| {
        style::head(ui, "client");
        style::head(ui, "plays").on_hover_text("Inventories that the client owns.");
        for (name, width, about) in COLUMNS {
            style::number_head(ui, name, width).on_hover_text(about);
        }
        ui.end_row();
        for (client, sync, link) in &rows {
            let name = RichText::new(client.to_string()).monospace();
            if ui.selectable_label(*client == chosen, name).clicked() {
                clicked = Some(*client);
            }
            ui.label(ctx.names.owned_by(*client));
            let ms = |time: core::time::Duration| time.as_secs_f64() * 1e3;
            let grade = if link.is_measured() { format!("{:?}", link.grade()) } else { "-".into() };
            let warn = |bad: bool| if bad { style::FAIR } else { style::TEXT };
            style::number(ui, format!("{:>7.1}", ms(link.rtt())));
            style::number(ui, format!("{:>6.1}", ms(link.jitter())));
            style::number(ui, format!("{:>6.1}", 100.0 * link.loss()));
            style::number_in(ui, format!("{grade:>9}"), grade_color(link.grade()));
            style::number(ui, format!("{:>6}", sync.views));
            style::number_in(ui, format!("{:>5}", sync.behind), warn(sync.behind > 0));
            style::number(ui, format!("{:>6}", sync.merged));
            style::number_in(ui, format!("{:>7}", sync.throttled), warn(sync.throttled > 0));
            #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
            style::number(ui, style::per_second(sync.bytes_per_second as f64));
            style::number(ui, format!("{:>6.1}", ctx.rates.of(*client)));
            style::number(ui, format!("{:>6}", sync.accepted));
            style::number_in(ui, format!("{:>8}", sync.rejected), warn(sync.rejected > 0));
            style::number_in(ui, format!("{:>8}", sync.desyncs), warn(sync.desyncs > 0));
            ui.end_row();
        }
    });
    ui.add_space(8.0);
    if let Some((.., link)) = rows.iter().find(|(client, ..)| *client == chosen) {
        style::title(
            ui,
            &format!("Link of {chosen}, last 30 seconds: milliseconds, and percent lost"),
        );
        history(ui, link);
    }
    if clicked.is_some() {
        ctx.choices.client = clicked;
    }
}

/// Plots round-trip time and jitter in milliseconds, and loss in percent.
fn history(ui: &mut Ui, link: &ConnectionQuality) {
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

fn of_client(ui: &mut Ui, ctx: &PanelContext) {
    let link = &ctx.own.quality;
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width(330.0);
            style::title(ui, "This client");
            egui::Grid::new("own").num_columns(2).spacing(vec2(12.0, 4.0)).show(ui, |ui| {
                let mut fact = |what: &str, text: String, color: Color32, about: &str| {
                    style::head(ui, what);
                    style::number_in(ui, text, color).on_hover_text(about);
                    ui.end_row();
                };
                let (state, color) = match ctx.state.as_deref() {
                    Some(SyncState::Synced) => ("synced".to_owned(), style::GOOD),
                    Some(SyncState::Rejected(why)) => (format!("rejected: {why}"), style::BAD),
                    _ => ("waiting for server".to_owned(), style::FAIR),
                };
                fact("state", state, color, "SyncState");
                let ms = |time: core::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
                fact("round trip", ms(link.rtt()), style::TEXT, "Smoothed over a few seconds.");
                fact("jitter", ms(link.jitter()), style::TEXT, "Variation of the round-trip time.");
                let loss = format!("{:.1} %", 100.0 * link.loss());
                fact("loss", loss, style::TEXT, "Recent packet loss.");
                let grade = format!("{:?}", link.grade());
                fact("grade", grade, grade_color(link.grade()), "As the server would grade it.");
                if let Some(there) = ctx.own.transfer {
                    let text = format!("{} of {} chunks", there.received, there.total);
                    fact("last transfer", text, style::TEXT, "Received in chunks of about 1 kB.");
                }
                let pending = ctx.copies.pending_requests();
                fact("pending", pending.to_string(), style::TEXT, "Requests awaiting an answer.");
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
            style::title(ui, "Action latency");
            if let Some(times) = &ctx.times {
                answers(ui, times);
            }
        });
    });
    ui.add_space(6.0);
    style::title(ui, "Link, last 30 seconds: milliseconds, and percent lost");
    history(ui, link);
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
