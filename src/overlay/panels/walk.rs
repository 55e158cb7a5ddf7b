//! One row per pipeline step.

use bevy::reflect::structs::Struct;
use bevy_egui::egui::{self, CollapsingHeader, RichText, ScrollArea, Ui, vec2};

use crate::overlay::{look, steps::Step, window::Sight};

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
    ("worst µs", "Since the overlay was opened."),
];

pub(in crate::overlay) fn draw(ui: &mut Ui, sight: &mut Sight) {
    let here = sight.authority.is_here();
    let total = sight.steps.total().max(0.1);
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        egui::Grid::new("walk").striped(true).spacing(vec2(16.0, 5.0)).show(ui, |ui| {
            look::head(ui, "step");
            look::number_head(ui, "per s", 8).on_hover_text("Over the last second.");
            look::head(ui, "of");
            for (name, about) in TIMES {
                look::number_head(ui, name, 9).on_hover_text(about);
            }
            look::head(ui, "share of total").on_hover_text("By the medians.");
            look::number_head(ui, "total", 12).on_hover_text("Since the app started.");
            ui.end_row();
            for step in Step::ALL {
                row(ui, sight, step, total, here);
            }
        });
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let total = sight.steps.total();
            let share = 100.0 * total / FRAME;
            look::number(ui, format!("{total:.1} µs per tick, {share:.2} % of a frame at 60 Hz"))
                .on_hover_text("Sum of the medians of all steps.");
            if ui.button("Reset times").clicked() {
                sight.steps.forget();
            }
        });
        ui.add_space(4.0);
        CollapsingHeader::new("All counters").show(ui, |ui| counters(ui, sight));
    });
}

fn row(ui: &mut Ui, sight: &Sight, step: Step, total: f64, here: bool) {
    let took = sight.steps.of(step);
    let (read, of) = step.counter();
    let runs = step.is_of_authority() == here || read(&sight.stats) > 0;
    let color = if runs { look::TEXT } else { look::DIM };
    ui.label(RichText::new(step.name()).strong().color(color)).on_hover_text(step.about());
    look::number_in(ui, format!("{:>8.1}", sight.history.rate(read)), color);
    look::head(ui, of);
    if took.runs == 0 {
        for _ in TIMES {
            look::number_in(ui, format!("{:>9}", "-"), look::DIM);
        }
        look::head(ui, step.elsewhere(here));
    } else {
        for time in [took.last, took.median(), took.mean, took.worst] {
            look::number_in(ui, format!("{time:>9.1}"), color);
        }
        let share = took.median() / total;
        ui.horizontal(|ui| {
            #[expect(clippy::cast_possible_truncation, reason = "the value is a fraction")]
            look::bar(ui, share as f32, 110.0, look::ACCENT)
                .on_hover_text(format!("{} runs", took.runs));
            look::number_in(ui, format!("{:>3.0} %", 100.0 * share), color);
        });
    }
    look::number_in(ui, format!("{:>12}", look::grouped(read(&sight.stats))), color);
    ui.end_row();
}

/// Draws all fields of [`InventoryStats`](crate::prelude::InventoryStats) that are not zero.
fn counters(ui: &mut Ui, sight: &Sight) {
    let stats = &*sight.stats;
    let field = |at: usize| {
        let value = stats.field_at(at)?.try_downcast_ref::<u64>()?;
        Some((stats.name_at(at)?, *value))
    };
    egui::Grid::new("counters").striped(true).num_columns(6).show(ui, |ui| {
        let counted = (0..stats.field_len()).filter_map(field).filter(|(_, value)| *value > 0);
        for (n, (name, value)) in counted.enumerate() {
            look::head(ui, &name.replace('_', " "));
            look::number(ui, format!("{:>14}", look::grouped(value)));
            if n % 3 == 2 {
                ui.end_row();
            }
        }
    });
}
