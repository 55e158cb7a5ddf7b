//! Connection quality of each client. On a client, the quality of its own link.

use bevy::prelude::Entity;
use bevy_egui::egui::{self, RichText, ScrollArea, Ui, vec2};

use crate::{
    overlay::{context::PanelContext, style},
    server::health::HealthStatus,
};

use super::link::{self, JITTER, grade_color};

pub(in crate::overlay) fn draw(ui: &mut Ui, ctx: &mut PanelContext) {
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        if ctx.authority.is_here() {
            if ctx.is_serving() {
                health(ui, ctx);
            }
            of_server(ui, ctx);
        } else {
            link::draw(ui, ctx);
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

const COLUMNS: [(&str, usize, &str); 13] = [
    ("rtt ms", 7, "Round-trip time, smoothed over a few seconds."),
    ("jitter", 6, JITTER),
    ("loss %", 6, "Recent packet loss."),
    ("grade", 9, "Link grade, as defined by QualityPolicy."),
    ("views", 6, "Inventories in the client's view."),
    ("queue", 5, "Inventories in view whose latest state has not been sent yet."),
    ("merged", 6, "Commits that were sent together with a later one."),
    ("throttled", 9, "Updates that were held back by the byte budget."),
    ("sent", 11, "Bytes sent to the client, over the last half second."),
    ("actions/s", 9, "Resolved actions per second, over the last two seconds."),
    ("accepted", 8, "Accepted actions."),
    ("rejected", 8, "Rejected actions."),
    ("resyncs", 7, "Resyncs requested after a lost message or a wrong copy."),
];

fn of_server(ui: &mut Ui, ctx: &mut PanelContext) {
    let mut rows: Vec<_> = ctx.clients.iter().collect();
    rows.sort_by_key(|(client, ..)| client.index());
    if rows.is_empty() {
        ui.label(RichText::new("No client is connected.").color(style::DIM));
        return;
    }
    let is_listed = |client: &Entity| rows.iter().any(|(row, ..)| row == client);
    let chosen = ctx.choices.client.filter(is_listed).unwrap_or(rows[0].0);
    let mut clicked = None;
    egui::Grid::new("clients").striped(true).spacing(vec2(6.0, 4.0)).show(ui, |ui| {
        style::head(ui, "client");
        style::head(ui, "owns").on_hover_text("Inventories that the client owns.");
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
            style::number_in(ui, format!("{:>9}", sync.throttled), warn(sync.throttled > 0));
            #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
            style::number(ui, style::per_second(sync.bytes_per_second as f64));
            style::number(ui, format!("{:>9.1}", ctx.rates.of(*client)));
            style::number(ui, format!("{:>8}", sync.accepted));
            style::number_in(ui, format!("{:>8}", sync.rejected), warn(sync.rejected > 0));
            style::number_in(ui, format!("{:>7}", sync.desyncs), warn(sync.desyncs > 0));
            ui.end_row();
        }
    });
    ui.add_space(8.0);
    if let Some((.., quality)) = rows.iter().find(|(client, ..)| *client == chosen) {
        style::title(
            ui,
            &format!("Link of {chosen}, last 30 seconds: milliseconds, and percent lost"),
        );
        link::history(ui, quality);
    }
    if clicked.is_some() {
        ctx.choices.client = clicked;
    }
}
