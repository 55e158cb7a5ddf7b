//! The grid of one inventory.

use core::time::Duration;

use bevy_egui::egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Rect, RichText, Sense, Shape, Stroke,
    StrokeKind, Ui, vec2,
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

/// Slots per row.
const COLUMNS: usize = 9;

/// Gap between two slots.
const GAP: f32 = 2.0;

/// Draws all containers of a card. Each container is a single hover target, because one per slot would be too slow.
pub(super) fn draw(ui: &mut Ui, sight: &Sight, card: &Card, size: f32) {
    let kinds = sight.kinds.as_slice();
    ui.spacing_mut().item_spacing.y = GAP;
    let several = card.unit.sections().len() > 1;
    for section in card.unit.sections() {
        let Some(kind) = kinds.get(usize::from(section.kind)) else { continue };
        if several {
            look::head(ui, kind.name);
        }
        let selected = card.unit.selected.filter(|_| kind.selects).map(usize::from);
        let stacks = section.slots.as_slice();
        let (columns, rows) = (stacks.len().min(COLUMNS), stacks.len().div_ceil(COLUMNS));
        let step = size + GAP;
        let area = vec2(columns as f32 * step - GAP, rows as f32 * step);
        let (area, response) = ui.allocate_exact_size(area, Sense::hover());
        if !ui.is_rect_visible(area) {
            continue;
        }
        let pointer = response.hover_pos();
        let mut pointed = None;
        for (index, stack) in stacks.iter().enumerate() {
            let place = vec2((index % COLUMNS) as f32, (index / COLUMNS) as f32) * step;
            let rect = Rect::from_min_size(area.min + place, vec2(size, size));
            let slot = Slot::at(kinds, section.kind, index);
            let cell = Cell { slot, stack: *stack, selected: selected == Some(index) };
            cell.draw(ui, sight, card, rect);
            if pointer.is_some_and(|pointer| rect.contains(pointer)) {
                pointed = Some(cell);
            }
        }
        if let Some(cell) = pointed {
            response.on_hover_ui_at_pointer(|ui| cell.tell(ui, sight, card));
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
    pub(crate) fn draw(&self, ui: &Ui, sight: &Sight, card: &Card, rect: Rect) {
        if !ui.is_rect_visible(rect) {
            return;
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
        self.draw_stack(painter, sight, rect);
        let edge = |color: Color32, width: f32| {
            painter.rect_stroke(rect, radius, Stroke::new(width, color), StrokeKind::Inside);
        };
        if self.selected {
            edge(Color32::WHITE, 1.5);
        }
        if let Some((strength, tint)) = flash {
            edge(look::tint(tint).gamma_multiply(strength), 2.0);
        }
        if self.is_pending(sight, card) {
            edge(look::PENDING, 1.5);
            let corner = rect.right_top();
            let points = vec![corner - vec2(9.0, 0.0), corner, corner + vec2(0.0, 9.0)];
            painter.add(Shape::convex_polygon(points, look::PENDING, Stroke::NONE));
        }
    }

    fn draw_stack(&self, painter: &Painter, sight: &Sight, rect: Rect) {
        let Some(stack) = self.stack else { return };
        let def = sight.catalogue.as_ref().and_then(|items| items.get(stack.item));
        let letters = describe::letters(def.map_or("?", |def| def.key.as_str()));
        let font = FontId::monospace(rect.height() * 0.35);
        let top = rect.center_top() + vec2(0.0, rect.height() * 0.3);
        let ink = Color32::from_white_alpha(215);
        painter.text(top, Align2::CENTER_CENTER, letters, font.clone(), ink);
        let corner = rect.right_bottom() - vec2(2.0, 1.0);
        let count = short_count(stack.count());
        painter.text(corner, Align2::RIGHT_BOTTOM, count, font, Color32::WHITE);
        if stack.data.is_some() {
            painter.circle_filled(rect.left_bottom() + vec2(4.0, -4.0), 2.0, look::FAIR);
        }
    }

    fn is_pending(&self, sight: &Sight, card: &Card) -> bool {
        let place = (card.entry.entity, self.slot);
        sight.copies.is_pending(place.0, place.1)
    }

    /// Draws the slot's tooltip.
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
            look::number_in(ui, "pending: awaits the server's answer".into(), look::PENDING);
        }
        ui.separator();
        match sight.changes.of(card.entry.entity, self.slot) {
            None => look::number_in(ui, "no change while shown".into(), look::DIM),
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

/// Formats a count with at most three characters.
fn short_count(count: u32) -> String {
    match count {
        0..=999 => count.to_string(),
        1000..=99_999 => format!("{}k", count / 1000),
        _ => "...".into(),
    }
}
