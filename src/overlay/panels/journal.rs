//! The latest actions, with the reasons for rejections.

use bevy_egui::egui::{ComboBox, RichText, ScrollArea, TextEdit, Ui};

use crate::overlay::{
    journal::{Line, Outcome},
    look,
    window::Sight,
};

pub(in crate::overlay) fn draw(ui: &mut Ui, sight: &mut Sight) {
    let mut filter = sight.choices.filter.clone();
    ui.horizontal(|ui| {
        let mut edit = |text: &mut String, hint: &str| {
            let hint = RichText::new(hint).color(look::DIM);
            ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(130.0));
        };
        edit(&mut filter.player, "player");
        edit(&mut filter.inventory, "inventory");
        outcome(ui, sight, &mut filter.outcome);
        let copy = ui.button("Copy as text").on_hover_text("Copies the list, oldest first.");
        if copy.clicked() {
            ui.ctx().copy_text(sight.journal.as_text(&filter));
        }
        if ui.button("Clear").clicked() {
            sight.journal.clear();
        }
    });
    let lines: Vec<&Line> = sight.journal.newest(&filter).collect();
    let (shown, kept, total) = (lines.len(), sight.journal.len(), sight.journal.total);
    let words = format!("{shown} of the last {kept} actions; {total} since the overlay was opened");
    look::head(ui, &words);
    if lines.is_empty() {
        let words = if kept == 0 {
            "No actions since the overlay was opened."
        } else {
            "No action matches the filter."
        };
        ui.label(RichText::new(words).color(look::DIM));
    }
    let now = sight.time.elapsed();
    let row = 17.0;
    ScrollArea::both().auto_shrink(false).show_rows(ui, row, shown, |ui, rows| {
        for line in &lines[rows] {
            ui.horizontal(|ui| {
                let past = now.saturating_sub(line.at).as_secs_f64();
                look::number_in(ui, format!("{past:>6.1} s ago"), look::DIM);
                look::number(ui, format!("{:<18}", cut(&line.player, 18)));
                let color = if line.result.is_ok() { look::GOOD } else { look::BAD };
                let outcome = look::number_in(ui, format!("{:<13}", line.outcome()), color);
                if let Err(reason) = line.result {
                    outcome.on_hover_text(reason.to_string());
                }
                look::number(ui, line.what.clone()).on_hover_text(&line.inventories);
            });
        }
    });
    if sight.choices.filter != filter {
        sight.choices.filter = filter;
    }
}

fn outcome(ui: &mut Ui, sight: &Sight, chosen: &mut Outcome) {
    let name = |outcome: Outcome| match outcome {
        Outcome::Any => "any outcome".into(),
        Outcome::Done => "done".into(),
        Outcome::Refused => "rejected".into(),
        Outcome::Because(reason) => format!("{reason:?}"),
    };
    let reasons = sight.journal.reasons().into_iter().map(Outcome::Because);
    ComboBox::from_id_salt("outcome").selected_text(name(*chosen)).show_ui(ui, |ui| {
        look::apply(ui);
        for outcome in [Outcome::Any, Outcome::Done, Outcome::Refused].into_iter().chain(reasons) {
            ui.selectable_value(chosen, outcome, name(outcome));
        }
    });
}

fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.into();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}
