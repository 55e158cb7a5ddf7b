//! One row per pipeline step.

use bevy::reflect::structs::Struct;
use bevy_egui::egui::{self, CollapsingHeader, RichText, ScrollArea, Ui, vec2};

use crate::overlay::{context::PanelContext, steps::PipelineStep, style};

/// Duration of a frame at 60 Hz, in microseconds.
const FRAME: f64 = 1e6 / 60.0;

/// Wall-clock times in microseconds. They include other systems that the executor runs in between.
const TIMES: [(&str, &str); 4] = [
    ("last µs", "Wall-clock microseconds in the last tick."),
    ("median µs", "Over the last 63 ticks; ignores interruptions."),
    (
        "mean µs",
        "Over about a second. On a busy machine it includes other systems that ran in between.",
    ),
    ("worst µs", "While the overlay was shown."),
];

pub(in crate::overlay) fn draw(ui: &mut Ui, ctx: &mut PanelContext) {
    let here = ctx.authority.is_here();
    let total = ctx.steps.total().max(0.1);
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        egui::Grid::new("walk").striped(true).spacing(vec2(16.0, 5.0)).show(ui, |ui| {
            style::head(ui, "step");
            style::number_head(ui, "per s", 8).on_hover_text("Over the last second.");
            style::head(ui, "of");
            for (name, about) in TIMES {
                style::number_head(ui, name, 9).on_hover_text(about);
            }
            style::head(ui, "share of total").on_hover_text("By the medians.");
            style::number_head(ui, "total", 12).on_hover_text("Since the app started.");
            ui.end_row();
            for step in PipelineStep::ALL {
                row(ui, ctx, step, total, here);
            }
        });
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let total = ctx.steps.total();
            let share = 100.0 * total / FRAME;
            style::number(ui, format!("{total:.1} µs per tick, {share:.2} % of a frame at 60 Hz"))
                .on_hover_text("Sum of the medians of all steps.");
            if ui.button("Reset times").clicked() {
                ctx.steps.forget();
            }
        });
        ui.add_space(4.0);
        CollapsingHeader::new("All counters").show(ui, |ui| counters(ui, ctx));
    });
}

fn row(ui: &mut Ui, ctx: &PanelContext, step: PipelineStep, total: f64, here: bool) {
    let took = ctx.steps.of(step);
    let (read, of) = step.counter();
    let runs = step.runs_on_authority() == here || read(&ctx.stats) > 0;
    let color = if runs { style::TEXT } else { style::DIM };
    ui.label(RichText::new(step.name()).strong().color(color)).on_hover_text(step.about());
    style::number_in(ui, format!("{:>8.1}", ctx.history.rate(read)), color);
    style::head(ui, of);
    if took.runs == 0 {
        for _ in TIMES {
            style::number_in(ui, format!("{:>9}", "-"), style::DIM);
        }
        style::head(ui, step.elsewhere(here));
    } else {
        for time in [took.last, took.median(), took.mean, took.worst] {
            style::number_in(ui, format!("{time:>9.1}"), color);
        }
        let share = took.median() / total;
        ui.horizontal(|ui| {
            #[expect(clippy::cast_possible_truncation, reason = "the value is a fraction")]
            style::bar(ui, share as f32, 110.0, style::ACCENT)
                .on_hover_text(format!("{} runs", took.runs));
            style::number_in(ui, format!("{:>3.0} %", 100.0 * share), color);
        });
    }
    style::number_in(ui, format!("{:>12}", style::grouped(read(&ctx.stats))), color);
    ui.end_row();
}

/// Draws all fields of [`InventoryStats`](crate::shared::stats::InventoryStats) that are not zero.
fn counters(ui: &mut Ui, ctx: &PanelContext) {
    let stats = &*ctx.stats;
    let field = |at: usize| {
        let value = stats.field_at(at)?.try_downcast_ref::<u64>()?;
        Some((stats.name_at(at)?, *value))
    };
    egui::Grid::new("counters").striped(true).num_columns(6).show(ui, |ui| {
        let counted = (0..stats.field_len()).filter_map(field).filter(|(_, value)| *value > 0);
        for (n, (name, value)) in counted.enumerate() {
            style::head(ui, &name.replace('_', " "));
            style::number(ui, format!("{:>14}", style::grouped(value)));
            if n % 3 == 2 {
                ui.end_row();
            }
        }
    });
}
