//! The grid of one inventory, and slots of several inventories side by side.

use core::time::Duration;

use bevy_egui::egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Pos2, Rect, Response, RichText, Sense, Shape,
    Stroke, StrokeKind, Ui, vec2,
};

use crate::{
    client::debug::CorruptCopy,
    model::{
        container::{ContainerInfo, Slot},
        stack::Stack,
        state::ContainerState,
    },
    overlay::{
        cards::Card,
        context::PanelContext,
        describe::{self, Words},
        faults::wrong_stack,
        style,
    },
};

use super::settings::CORRUPT;

/// Slots per row.
const COLUMNS: usize = 9;

/// Gap between two slots.
const GAP: f32 = 2.0;

/// Draws all containers of a card.
pub(super) fn draw(ui: &mut Ui, ctx: &mut PanelContext, card: &Card, size: f32) {
    ui.spacing_mut().item_spacing.y = GAP;
    let several = card.state.containers().len() > 1;
    for container in card.state.containers() {
        let kinds = ctx.registry.as_slice();
        let Some(kind) = kinds.get(usize::from(container.kind)) else { continue };
        if several {
            style::head(ui, kind.name);
        }
        let cells: Vec<Cell> = cells(kinds, card, container).collect();
        draw_cells(ui, ctx, &cells, size);
        ui.add_space(3.0);
    }
}

/// Draws the slots of several cards side by side.
pub(super) fn draw_together(ui: &mut Ui, ctx: &mut PanelContext, cards: &[Card], size: f32) {
    let kinds = ctx.registry.as_slice();
    let containers =
        cards.iter().flat_map(|card| card.state.containers().iter().map(move |own| (card, own)));
    let known = containers.filter(|(_, container)| usize::from(container.kind) < kinds.len());
    let cells: Vec<Cell> =
        known.flat_map(|(card, container)| cells(kinds, card, container)).collect();
    draw_cells(ui, ctx, &cells, size);
}

/// Returns the slots of a container of a registered type.
fn cells<'a>(
    kinds: &[ContainerInfo],
    card: &'a Card,
    container: &'a ContainerState,
) -> impl Iterator<Item = Cell<'a>> {
    let has_selection = kinds[usize::from(container.kind)].has_selection;
    let selected = card.state.selected.filter(|_| has_selection).map(usize::from);
    let start = card.state.start_of(container.kind);
    container.slots.as_slice().iter().enumerate().map(move |(index, stack)| Cell {
        card,
        slot: Slot::at(kinds, container.kind, index),
        flat: start + index,
        stack: *stack,
        selected: selected == Some(index),
    })
}

/// Draws slots in rows, as a single target of the pointer, because one per slot would be too slow.
fn draw_cells(ui: &mut Ui, ctx: &mut PanelContext, cells: &[Cell], size: f32) {
    let (columns, rows) = (cells.len().min(COLUMNS), cells.len().div_ceil(COLUMNS));
    let step = size + GAP;
    let area = vec2((columns as f32 * step - GAP).max(0.0), rows as f32 * step);
    let (area, response) = ui.allocate_exact_size(area, Sense::click());
    if !ui.is_rect_visible(area) {
        return;
    }
    let place = |index: usize| {
        let place = vec2((index % COLUMNS) as f32, (index / COLUMNS) as f32) * step;
        Rect::from_min_size(area.min + place, vec2(size, size))
    };
    for (index, cell) in cells.iter().enumerate() {
        cell.draw(ui, ctx, place(index));
    }
    let at = |pointer: Pos2| (0..cells.len()).find(|index| place(*index).contains(pointer));
    let pointed = response.hover_pos().and_then(at).map(|index| cells[index]);
    if cells.iter().any(Cell::is_copy) {
        menu(ctx, &response, pointed, cells);
    }
    if let Some(cell) = pointed {
        response.on_hover_ui_at_pointer(|ui| cell.emit(ui, ctx));
    }
}

/// Shows the context menu of the slot that was clicked.
fn menu(ctx: &mut PanelContext, response: &Response, pointed: Option<Cell>, cells: &[Cell]) {
    if response.secondary_clicked() {
        ctx.choices.menu_slot = pointed.map(|cell| cell.place());
    }
    response.context_menu(|ui| {
        style::apply(ui);
        let chosen = ctx.choices.menu_slot;
        let Some(cell) = cells.iter().find(|cell| Some(cell.place()) == chosen) else {
            ui.close();
            return;
        };
        cell.name(ui, ctx);
        if ui.button("Corrupt this slot").on_hover_text(CORRUPT).clicked() {
            let confirmed = ctx.copies.copy(cell.card.entry.entity);
            let stack = confirmed.and_then(|copy| copy.confirmed.get(cell.flat));
            let stack = wrong_stack(stack, ctx.catalog.as_deref());
            let (inventory, slot) = (cell.card.entry.id, cell.flat);
            ctx.commands.trigger(CorruptCopy { inventory, slot, stack });
            ui.close();
        }
    });
}

#[derive(Clone, Copy)]
struct Cell<'a> {
    card: &'a Card,
    slot: Slot,
    /// Index of the slot, counted across all containers.
    flat: usize,
    stack: Option<Stack>,
    selected: bool,
}

impl Cell<'_> {
    /// Identifies the slot among all cards.
    fn place(&self) -> (bevy::prelude::Entity, usize) {
        (self.card.entry.entity, self.flat)
    }

    /// Returns `true` if the slot is in a client's copy of an inventory.
    fn is_copy(&self) -> bool {
        self.card.rights.is_some()
    }

    fn draw(&self, ui: &Ui, ctx: &PanelContext, rect: Rect) {
        if !ui.is_rect_visible(rect) {
            return;
        }
        let entity = self.card.entry.entity;
        let flash = ctx.changes.flash(entity, self.slot, ctx.time.elapsed());
        let painter = ui.painter();
        let radius = CornerRadius::same(3);
        let def = self.stack.and_then(|stack| ctx.catalog.as_ref()?.get(stack.item));
        let icon = def.and_then(|def| ctx.icons.get(def));
        let fill = match self.stack {
            Some(stack) if icon.is_none() => style::item_color(stack.item),
            _ => style::SLOT,
        };
        let fill = match flash {
            Some((strength, tint)) => fill.lerp_to_gamma(style::tint(tint), 0.65 * strength),
            None => fill,
        };
        painter.rect_filled(rect, radius, fill);
        if let Some(icon) = icon {
            let whole = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
            painter.image(icon, rect.shrink(rect.height() * 0.1), whole, Color32::WHITE);
        } else if self.stack.is_some() {
            draw_name(painter, rect, def.map_or("?", |def| def.name.as_str()));
        }
        self.draw_count(painter, rect);
        let edge = |color: Color32, width: f32| {
            painter.rect_stroke(rect, radius, Stroke::new(width, color), StrokeKind::Inside);
        };
        if self.selected {
            edge(Color32::WHITE, 1.5);
        }
        if let Some((strength, tint)) = flash {
            edge(style::tint(tint).gamma_multiply(strength), 2.0);
        }
        if self.is_pending(ctx) {
            edge(style::PENDING, 1.5);
            let corner = rect.right_top();
            let points = vec![corner - vec2(9.0, 0.0), corner, corner + vec2(0.0, 9.0)];
            painter.add(Shape::convex_polygon(points, style::PENDING, Stroke::NONE));
        }
    }

    fn draw_count(&self, painter: &Painter, rect: Rect) {
        let Some(stack) = self.stack else { return };
        if stack.count() > 1 {
            let font = FontId::monospace(rect.height() * 0.35);
            let corner = rect.right_bottom() - vec2(2.0, 1.0);
            let count = painter.layout_no_wrap(short_count(stack.count()), font, Color32::WHITE);
            let place = Align2::RIGHT_BOTTOM.anchor_size(corner, count.size());
            // A dark plate keeps it readable on any icon.
            painter.rect_filled(
                place.expand2(vec2(1.0, -1.0)),
                2.0,
                Color32::from_black_alpha(150),
            );
            painter.galley(place.min, count, Color32::WHITE);
        }
        if stack.data.is_some() {
            painter.circle_filled(rect.left_bottom() + vec2(4.0, -4.0), 2.0, style::FAIR);
        }
    }

    fn is_pending(&self, ctx: &PanelContext) -> bool {
        ctx.copies.is_pending(self.card.entry.entity, self.slot)
    }

    /// Draws the names of the inventory and the slot.
    fn name(&self, ui: &mut Ui, ctx: &PanelContext) {
        let kind = ctx.registry.as_slice().iter().find(|kind| kind.key == self.slot.container);
        let kind = kind.map_or("?", |kind| kind.name);
        let text = format!("{} {kind}[{}]", self.card.entry.name, self.slot.index);
        ui.label(RichText::new(text).monospace().color(style::DIM));
    }

    /// Draws the slot's tooltip.
    fn emit(&self, ui: &mut Ui, ctx: &PanelContext) {
        style::apply(ui);
        let name = |entity| ctx.names.of(entity);
        let catalog = ctx.catalog.as_deref();
        let words = Words { kinds: ctx.registry.as_slice(), catalog, name: &name };
        self.name(ui, ctx);
        ui.label(RichText::new(words.stack(self.stack)).strong());
        if let Some(stack) = self.stack {
            if let Some(def) = catalog.and_then(|items| items.get(stack.item)) {
                let tags = def.tags.join(", ");
                let tags = if tags.is_empty() { String::new() } else { format!("   {tags}") };
                let text = format!("{}   stacks to {}{tags}", def.key, def.max_stack);
                style::number_in(ui, text, style::DIM);
            }
            if let Some(data) = ctx.pool.as_ref().and_then(|pool| describe::data(pool, &stack)) {
                style::number(ui, data);
            }
        }
        if self.is_pending(ctx) {
            style::number_in(ui, "pending: no answer from the server yet".into(), style::PENDING);
        }
        ui.separator();
        match ctx.changes.of(self.card.entry.entity, self.slot) {
            None => style::number_in(ui, "no recent change".into(), style::DIM),
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

/// Draws as many letters of an item's name as fit into the slot.
fn draw_name(painter: &Painter, rect: Rect, name: &str) {
    let size = rect.height() * 0.3;
    // A letter of this font is 0.6 times as wide as it is high.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few letters")]
    let letters = ((rect.width() - 2.0) / (0.6 * size)) as usize;
    let top = rect.center_top() + vec2(0.0, rect.height() * 0.3);
    let (font, ink) = (FontId::monospace(size), Color32::from_white_alpha(215));
    painter.text(top, Align2::CENTER_CENTER, describe::cut(name, letters), font, ink);
}

fn ago(past: Duration) -> String {
    format!("{:.1} s ago", past.as_secs_f32())
}

/// Formats a count with at most three characters.
fn short_count(count: u32) -> String {
    match count {
        0..=999 => count.to_string(),
        1000..=99_999 => format!("{}k", count / 1000),
        _ => "…".into(),
    }
}
