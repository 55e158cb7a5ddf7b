//! The latest actions, with the reasons for rejections.

use bevy_egui::egui::{ComboBox, RichText, ScrollArea, TextEdit, Ui};

use crate::overlay::{
    action_log::{ActionLogEntry, LoggedOutcome},
    context::PanelContext,
    describe::cut,
    style,
};

pub(in crate::overlay) fn draw(ui: &mut Ui, ctx: &mut PanelContext) {
    let mut filter = ctx.choices.filter.clone();
    ui.horizontal(|ui| {
        let mut edit = |text: &mut String, hint: &str| {
            let hint = RichText::new(hint).color(style::DIM);
            ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(130.0));
        };
        edit(&mut filter.player, "player");
        edit(&mut filter.inventory, "inventory");
        outcome(ui, ctx, &mut filter.outcome);
        let copy = ui.button("Copy as text").on_hover_text("Copies the list, oldest first.");
        if copy.clicked() {
            ui.ctx().copy_text(ctx.action_log.as_text(&filter));
        }
        if ui.button("Clear").clicked() {
            ctx.action_log.clear();
        }
    });
    let lines: Vec<&ActionLogEntry> = ctx.action_log.newest(&filter).collect();
    let (shown, kept, total) = (lines.len(), ctx.action_log.len(), ctx.action_log.total);
    let words = format!("{shown} of the last {kept} actions; {total} since the start");
    style::head(ui, &words);
    if lines.is_empty() {
        let words =
            if kept == 0 { "No actions since the start." } else { "No action matches the filter." };
        ui.label(RichText::new(words).color(style::DIM));
    }
    let now = ctx.time.elapsed();
    let row = 17.0;
    ScrollArea::both().auto_shrink(false).show_rows(ui, row, shown, |ui, rows| {
        for line in &lines[rows] {
            ui.horizontal(|ui| {
                let past = now.saturating_sub(line.at).as_secs_f64();
                style::number_in(ui, format!("{past:>6.1} s ago"), style::DIM);
                style::number(ui, format!("{:<18}", cut(&line.player, 18)));
                let color = if line.result.is_ok() { style::GOOD } else { style::BAD };
                let outcome = style::number_in(ui, format!("{:<13}", line.outcome()), color);
                if let Err(reason) = line.result {
                    outcome.on_hover_text(reason.to_string());
                }
                style::number(ui, line.what.clone()).on_hover_text(&line.inventories);
            });
        }
    });
    if ctx.choices.filter != filter {
        ctx.choices.filter = filter;
    }
}

fn outcome(ui: &mut Ui, ctx: &PanelContext, chosen: &mut LoggedOutcome) {
    let name = |outcome: LoggedOutcome| match outcome {
        LoggedOutcome::Any => "any outcome".into(),
        LoggedOutcome::Done => "done".into(),
        LoggedOutcome::Rejected => "rejected".into(),
        LoggedOutcome::Because(reason) => format!("{reason:?}"),
    };
    let reasons = ctx.action_log.reasons().into_iter().map(LoggedOutcome::Because);
    ComboBox::from_id_salt("outcome").selected_text(name(*chosen)).show_ui(ui, |ui| {
        style::apply(ui);
        for outcome in [LoggedOutcome::Any, LoggedOutcome::Done, LoggedOutcome::Rejected]
            .into_iter()
            .chain(reasons)
        {
            ui.selectable_value(chosen, outcome, name(outcome));
        }
    });
}
