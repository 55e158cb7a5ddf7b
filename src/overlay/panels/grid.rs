//! The grid of one inventory.

use core::time::Duration;

use bevy_egui::egui::{
    Align2, Color32, CornerRadius, FontId, Response, RichText, Sense, Stroke, StrokeKind, Ui, pos2,
    vec2,
};

use crate::{
    model::{container::Slot, stack::Stack},
    overlay::{
        cards::Card,
        describe::{self, Words},
        look,
        window::Sight,
    },
};

/// Slots in a row.
const COLUMNS: usize = 9;

/// Draws all containers of a card.
pub(super) fn draw(ui: &mut Ui, sight: &Sight, card: &Card, size: f32) {
    let kinds = sight.kinds.as_slice();
    ui.spacing_mut().item_spacing = vec2(2.0, 2.0);
    let several = card.unit.sections().len() > 1;
    for section in card.unit.sections() {
        let Some(kind) = kinds.get(usize::from(section.kind)) else { continue };
        if several {
            look::head(ui, kind.name);
        }
        let selected = card.unit.selected.filter(|_| kind.selects).map(usize::from);
        let slots = section.slots.as_slice();
        for (row, stacks) in slots.chunks(COLUMNS).enumerate() {
            ui.horizontal(|ui| {
                for (column, stack) in stacks.iter().enumerate() {
                    let index = row * COLUMNS + column;
                    let slot = Slot::at(kinds, section.kind, index);
                    let cell = Cell { slot, stack: *stack, selected: selected == Some(index) };
                    let response = cell.draw(ui, sight, card, size);
                    response.on_hover_ui(|ui| cell.tell(ui, sight, card));
                }
            });
        }
        ui.add_space(3.0);
    }
}

#[derive(Clone, Copy)]
struct Cell {
    slot: Slot,
    stack: Option<Stack>,
    selected: bool,
}

impl Cell {
    fn draw(&self, ui: &mut Ui, sight: &Sight, card: &Card, size: f32) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let entity = card.entry.entity;
        let flash = sight.changes.flash(entity, self.slot, sight.time.elapsed());
        let painter = ui.painter();
        let radius = CornerRadius::same(3);
        let fill = self.stack.map_or(look::SLOT, |stack| look::item_color(stack.item));
        let fill = match flash {
            Some((strength, tint)) => fill.lerp_to_gamma(look::tint(tint), 0.65 * strength),
            None => fill,
        };
        painter.rect_filled(rect, radius, fill);
        if let Some(stack) = self.stack {
            let def = sight.catalogue.as_ref().and_then(|items| items.get(stack.item));
            let key = def.map_or("?", |def| def.key.as_str());
            let (top, font) = (rect.center_top() + vec2(0.0, size * 0.3), size * 0.3);
            let mono = |size| FontId::monospace(size);
            let ink = Color32::from_white_alpha(235);
            painter.text(top, Align2::CENTER_CENTER, describe::letters(key), mono(font), ink);
            let corner = rect.right_bottom() - vec2(2.0, 1.0);
            let count = short_count(stack.count());
            painter.text(corner, Align2::RIGHT_BOTTOM, count, mono(font), Color32::WHITE);
            if stack.data.is_some() {
                painter.circle_filled(rect.left_bottom() + vec2(4.0, -4.0), 2.0, look::FAIR);
            }
        }
        if self.selected {
            let stroke = Stroke::new(1.5, Color32::WHITE);
            painter.rect_stroke(rect, radius, stroke, StrokeKind::Inside);
        }
        if let Some((strength, tint)) = flash {
            let color = look::tint(tint).gamma_multiply(strength);
            painter.rect_stroke(rect, radius, Stroke::new(2.0, color), StrokeKind::Inside);
        }
        if self.is_pending(sight, card) {
            let (a, b) = (rect.right_top() - vec2(9.0, 0.0), rect.right_top() + vec2(0.0, 9.0));
            let points = vec![a, pos2(rect.right(), rect.top()), b];
            let stroke = Stroke::new(1.5, look::PENDING);
            painter.rect_stroke(rect, radius, stroke, StrokeKind::Inside);
            let shape = bevy_egui::egui::Shape::convex_polygon(points, look::PENDING, Stroke::NONE);
            painter.add(shape);
        }
        response
    }

    fn is_pending(&self, sight: &Sight, card: &Card) -> bool {
        let place = (card.entry.entity, self.slot);
        sight.predictions.as_ref().is_some_and(|there| there.told.contains(&place))
    }

    /// What is known of the slot.
    fn tell(&self, ui: &mut Ui, sight: &Sight, card: &Card) {
        look::apply(ui);
        let name = |entity| sight.names.of(entity);
        let catalogue = sight.catalogue.as_deref();
        let words = Words { kinds: sight.kinds.as_slice(), catalogue, name: &name };
        ui.label(RichText::new(words.slot(self.slot)).monospace().color(look::DIM));
        ui.label(RichText::new(words.stack(self.stack)).strong());
        if let Some(stack) = self.stack {
            if let Some(def) = catalogue.and_then(|items| items.get(stack.item)) {
                let tags = def.tags.join(", ");
                let tags = if tags.is_empty() { String::new() } else { format!("   {tags}") };
                look::number_in(ui, format!("stacks to {}{tags}", def.max_stack), look::DIM);
            }
            if let Some(data) = sight.pool.as_ref().and_then(|pool| describe::data(pool, &stack)) {
                look::number(ui, data);
            }
        }
        if self.is_pending(sight, card) {
            look::number_in(ui, "awaits the server's answer".into(), look::PENDING);
        }
        ui.separator();
        match sight.changes.of(card.entry.entity, self.slot) {
            None => look::number_in(ui, "has not changed while shown".into(), look::DIM),
            Some(change) => {
                let (old, new) = (words.stack(change.old), words.stack(change.new));
                let past = sight.time.elapsed().saturating_sub(change.at);
                let version = change.commit.map(|(_, version)| format!(", version {version}"));
                look::number(ui, format!("{old} -> {new}"));
                let (past, version) = (ago(past), version.unwrap_or_default());
                look::number_in(ui, format!("{past}{version}"), look::DIM);
                look::number_in(ui, format!("by {}", change.by()), look::tint(change.tint))
            }
        };
    }
}

fn ago(past: Duration) -> String {
    format!("{:.1} s ago", past.as_secs_f32())
}

/// Three letters at most.
fn short_count(count: u32) -> String {
    match count {
        0..=999 => count.to_string(),
        1000..=99_999 => format!("{}k", count / 1000),
        _ => "...".into(),
    }
}
