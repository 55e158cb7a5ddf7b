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
        context::PanelContext,
        describe::{self, Words},
        style,
    },
};

/// Slots per row.
const COLUMNS: usize = 9;

/// Gap between two slots.
const GAP: f32 = 2.0;

/// Draws all containers of a card. Each container is a single hover target, because one per slot would be too slow.
pub(super) fn draw(ui: &mut Ui, ctx: &PanelContext, card: &Card, size: f32) {
    let kinds = ctx.registry.as_slice();
    ui.spacing_mut().item_spacing.y = GAP;
    let several = card.state.containers().len() > 1;
    for container in card.state.containers() {
        let Some(kind) = kinds.get(usize::from(container.kind)) else { continue };
        if several {
            style::head(ui, kind.name);
        }
        let selected = card.state.selected.filter(|_| kind.has_selection).map(usize::from);
        let stacks = container.slots.as_slice();
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
            let slot = Slot::at(kinds, container.kind, index);
            let cell = Cell { slot, stack: *stack, selected: selected == Some(index) };
            cell.draw(ui, ctx, card, rect);
            if pointer.is_some_and(|pointer| rect.contains(pointer)) {
                pointed = Some(cell);
            }
        }
        if let Some(cell) = pointed {
            response.on_hover_ui_at_pointer(|ui| cell.emit(ui, ctx, card));
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
    pub(crate) fn draw(&self, ui: &Ui, ctx: &PanelContext, card: &Card, rect: Rect) {
        if !ui.is_rect_visible(rect) {
            return;
        }
        let entity = card.entry.entity;
        let flash = ctx.changes.flash(entity, self.slot, ctx.time.elapsed());
        let painter = ui.painter();
        let radius = CornerRadius::same(3);
        let fill = self.stack.map_or(style::SLOT, |stack| style::item_color(stack.item));
        let fill = match flash {
            Some((strength, tint)) => fill.lerp_to_gamma(style::tint(tint), 0.65 * strength),
            None => fill,
        };
        painter.rect_filled(rect, radius, fill);
        self.draw_stack(painter, ctx, rect);
        let edge = |color: Color32, width: f32| {
            painter.rect_stroke(rect, radius, Stroke::new(width, color), StrokeKind::Inside);
        };
        if self.selected {
            edge(Color32::WHITE, 1.5);
        }
        if let Some((strength, tint)) = flash {
            edge(style::tint(tint).gamma_multiply(strength), 2.0);
        }
        if self.is_pending(ctx, card) {
            edge(style::PENDING, 1.5);
            let corner = rect.right_top();
            let points = vec![corner - vec2(9.0, 0.0), corner, corner + vec2(0.0, 9.0)];
            painter.add(Shape::convex_polygon(points, style::PENDING, Stroke::NONE));
        }
    }

    fn draw_stack(&self, painter: &Painter, ctx: &PanelContext, rect: Rect) {
        let Some(stack) = self.stack else { return };
        let def = ctx.catalog.as_ref().and_then(|items| items.get(stack.item));
        let letters = describe::letters(def.map_or("?", |def| def.key.as_str()));
        let font = FontId::monospace(rect.height() * 0.35);
        let top = rect.center_top() + vec2(0.0, rect.height() * 0.3);
        let ink = Color32::from_white_alpha(215);
        painter.text(top, Align2::CENTER_CENTER, letters, font.clone(), ink);
        let corner = rect.right_bottom() - vec2(2.0, 1.0);
        let count = short_count(stack.count());
        painter.text(corner, Align2::RIGHT_BOTTOM, count, font, Color32::WHITE);
        if stack.data.is_some() {
            painter.circle_filled(rect.left_bottom() + vec2(4.0, -4.0), 2.0, style::FAIR);
        }
    }

    fn is_pending(&self, ctx: &PanelContext, card: &Card) -> bool {
        let place = (card.entry.entity, self.slot);
        ctx.copies.is_pending(place.0, place.1)
    }

    /// Draws the slot's tooltip.
    fn emit(&self, ui: &mut Ui, ctx: &PanelContext, card: &Card) {
        style::apply(ui);
        let name = |entity| ctx.names.of(entity);
        let catalog = ctx.catalog.as_deref();
        let words = Words { kinds: ctx.registry.as_slice(), catalog, name: &name };
        ui.label(RichText::new(words.slot(self.slot)).monospace().color(style::DIM));
        ui.label(RichText::new(words.stack(self.stack)).strong());
        if let Some(stack) = self.stack {
            if let Some(def) = catalog.and_then(|items| items.get(stack.item)) {
                let tags = def.tags.join(", ");
                let tags = if tags.is_empty() { String::new() } else { format!("   {tags}") };
                style::number_in(ui, format!("stacks to {}{tags}", def.max_stack), style::DIM);
            }
            if let Some(data) = ctx.pool.as_ref().and_then(|pool| describe::data(pool, &stack)) {
                style::number(ui, data);
            }
        }
        if self.is_pending(ctx, card) {
            style::number_in(ui, "pending: awaits the server's answer".into(), style::PENDING);
        }
        ui.separator();
        match ctx.changes.of(card.entry.entity, self.slot) {
            None => style::number_in(ui, "no change while shown".into(), style::DIM),
            Some(change) => {
                let (old, new) = (words.stack(change.old), words.stack(change.new));
                let past = ctx.time.elapsed().saturating_sub(change.at);
                let version = change.commit.map(|(_, version)| format!(", version {version}"));
                style::number(ui, format!("{old} -> {new}"));
                let (past, version) = (ago(past), version.unwrap_or_default());
                style::number_in(ui, format!("{past}{version}"), style::DIM);
                style::number_in(ui, format!("by {}", change.by()), style::tint(change.tint))
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
