//! The grids of all inventories.

use bevy_egui::egui::{
    self, Align, Color32, Layout, Response, RichText, ScrollArea, Sense, TextEdit, Ui, vec2,
};

use bevy_replicon::prelude::ClientId;

use crate::overlay::{
    cards::{CARDS_MAX, Card},
    changes::FLASH,
    context::PanelContext,
    describe::player,
    style,
};

use super::{grid, loot};

const LIST_WIDTH: f32 = 176.0;
/// Height of a row of the list.
const ROW: f32 = 17.0;
const SLOT_SMALL: f32 = 29.0;
const SLOT_LARGE: f32 = 42.0;

pub(in crate::overlay) fn draw(ui: &mut Ui, ctx: &mut PanelContext) {
    legend(ui, ctx);
    let height = ui.available_height();
    ui.horizontal_top(|ui| {
        if !ctx.choices.without_list {
            let (size, down) = (vec2(LIST_WIDTH, height), Layout::top_down(Align::Min));
            ui.allocate_ui_with_layout(size, down, |ui| {
                ui.set_width(LIST_WIDTH);
                list(ui, ctx);
            });
            ui.separator();
        }
        ui.vertical(|ui| {
            ScrollArea::vertical().auto_shrink(false).id_salt("cards").show(ui, |ui| {
                let cards = core::mem::take(&mut ctx.cards.cards);
                match ctx.overlay.followed.and(cards.first()) {
                    Some(card) => followed(ui, ctx, card),
                    None => all(ui, ctx, &cards),
                }
                ctx.cards.cards = cards;
            });
        });
    });
}

fn legend(ui: &mut Ui, ctx: &mut PanelContext) {
    ui.horizontal_wrapped(|ui| {
        let without = ctx.choices.without_list;
        let toggle = ui.selectable_label(!without, RichText::new("list").size(11.0));
        if toggle.on_hover_text("Shows or hides the list of inventories.").clicked() {
            ctx.choices.without_list = !without;
        }
        let seconds = FLASH.as_secs_f32();
        style::head(ui, "slots flash when they change, by cause:")
            .on_hover_text(format!("For {seconds} s."));
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let all = style::LEGEND.map(|(tint, name)| (style::tint(tint), name));
        for (color, name) in all.into_iter().chain([(style::PENDING, "corner: pending")]) {
            ui.label(RichText::new(format!("■ {name}")).color(color).size(11.0));
        }
    });
}

fn dot(ui: &mut Ui, color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::click());
    ui.painter().rect_filled(rect, 2.0, color);
    response
}

fn list(ui: &mut Ui, ctx: &mut PanelContext) {
    let hint = RichText::new("filter by name or id").color(style::DIM);
    let edit = TextEdit::singleline(&mut ctx.cards.filter).hint_text(hint);
    ui.add(edit.desired_width(LIST_WIDTH - 12.0))
        .on_hover_text("Separate several terms with commas; matches are listed in that order.");
    let (listed, total) = (ctx.cards.list.len(), ctx.cards.total);
    let what = if listed < total { format!("{listed} of {total}") } else { format!("{total}") };
    style::head(ui, &format!("{what} inventories; click to select"));
    let now = ctx.time.elapsed();
    let followed = ctx.overlay.followed;
    let mut clicked = None;
    ui.spacing_mut().button_padding.y = 0.0;
    ui.spacing_mut().interact_size.y = ROW;
    ui.spacing_mut().item_spacing.y = 2.0;
    ScrollArea::vertical().auto_shrink(false).id_salt("list").show_rows(
        ui,
        ROW,
        listed,
        |ui, rows| {
            for entry in &ctx.cards.list[rows] {
                let flash = ctx.changes.flash_of_unit(entry.entity, now);
                let color = flash.map_or(style::SLOT, |(strength, tint)| {
                    style::SLOT.lerp_to_gamma(style::tint(tint), strength)
                });
                ui.horizontal(|ui| {
                    let dot = dot(ui, color);
                    let here = followed == Some(entry.id);
                    let label = ui.selectable_label(here, RichText::new(&entry.name).monospace());
                    let about = format!("id {}\nentity {}", entry.id, entry.entity);
                    if (dot | label).on_hover_text(about).clicked() {
                        clicked = Some(if here { None } else { Some(entry.id) });
                    }
                });
            }
        },
    );
    if let Some(clicked) = clicked {
        ctx.overlay.followed = clicked;
    }
}

fn all(ui: &mut Ui, ctx: &mut PanelContext, cards: &[Card]) {
    if cards.is_empty() {
        ui.add_space(20.0);
        ui.label(RichText::new("No inventories in view.").color(style::DIM));
        return;
    }
    // Loot comes last.
    let (cards, loot) = cards.split_at(cards.partition_point(|card| !card.entry.is_loot()));
    let count = cards.len() + usize::from(!loot.is_empty());
    let width = 9.0 * (SLOT_SMALL + 2.0) + 18.0;
    let mut columns = 1;
    while (columns + 1) as f32 * (width + 8.0) <= ui.available_width() + 8.0
        && columns < count.min(4)
    {
        columns += 1;
    }
    let room = (ui.available_width() - 8.0 * (columns - 1) as f32) / columns as f32;
    let size = ((room - 18.0) / 9.0 - 2.0).floor().clamp(SLOT_SMALL, SLOT_LARGE);
    let width = 9.0 * (size + 2.0) + 18.0;
    ui.horizontal_top(|ui| {
        for column in 0..columns {
            ui.vertical(|ui| {
                ui.set_width(width);
                for at in (column..count).step_by(columns) {
                    style::card_frame().show(ui, |ui| {
                        ui.set_width(width - 18.0);
                        match cards.get(at) {
                            Some(card) => one(ui, ctx, card, size),
                            None => loot::draw(ui, ctx, loot, size),
                        }
                    });
                }
            });
        }
    });
    let others = ctx.cards.total - ctx.cards.loot;
    if others > CARDS_MAX {
        let more = others - CARDS_MAX;
        style::head(ui, &format!("and {more} more: filter the list, or select one"));
    }
}

fn one(ui: &mut Ui, ctx: &mut PanelContext, card: &Card, size: f32) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(&card.entry.name).strong());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            style::head(ui, &summary(card)).on_hover_text(SUMMARY);
        });
    });
    grid::draw(ui, ctx, card, size);
}

const SUMMARY: &str = "Version, incremented by each commit; slots in use; number of viewers.";

fn summary(card: &Card) -> String {
    let seen = if card.rights.is_none() {
        let viewers = card.sent.len() + usize::from(card.seen_here);
        format!("   seen by {viewers}")
    } else {
        String::new()
    };
    format!("v{}   {} of {} used{seen}", card.version, card.full, card.state.len())
}

fn followed(ui: &mut Ui, ctx: &mut PanelContext, card: &Card) {
    ui.heading(&card.entry.name);
    egui::Grid::new("facts").num_columns(2).spacing(vec2(14.0, 3.0)).show(ui, |ui| {
        let mut fact = |what: &str, text: String, color: Color32, about: &str| {
            style::head(ui, what);
            style::number_in(ui, text, color).on_hover_text(about);
            ui.end_row();
        };
        let (id, entity, handle) = (card.entry.id, card.entry.entity, card.handle);
        let text = format!("{id}   entity {entity}   network id {handle}");
        let about = "Id in saves, local entity, and id on the wire.";
        fact("id", text, style::TEXT, about);
        let filled =
            format!("{} of {} slots, {} items", card.full, card.state.len(), card.state.total());
        fact("contents", filled, style::TEXT, "Slots in use.");
        fact("version", card.version.to_string(), style::TEXT, "Incremented by each commit.");
        let (agrees, color) = match card.expected {
            _ if card.rights.is_none() => ("", style::TEXT),
            None => ("   none received for this version", style::DIM),
            expected if expected == card.checksum => ("   matches the server", style::GOOD),
            Some(_) => ("   differs from the server", style::BAD),
        };
        let checksum = format!("{:016x}{agrees}", card.checksum.unwrap_or_default());
        fact("checksum", checksum, color, "Equal copies have equal checksums.");
        if let Some(rights) = card.rights {
            let names: Vec<&str> = rights.iter_names().map(|(name, _)| name).collect();
            fact(
                "rights",
                names.join(", ").to_lowercase(),
                style::TEXT,
                "What the local player may do with it.",
            );
        }
        if let Some(priority) = card.priority {
            let period = ctx.settings.as_ref().map(|settings| priority.period(settings));
            let every = match period {
                Some(period) if !period.is_zero() => format!(", every {} ms", period.as_millis()),
                _ => ", every tick".into(),
            };
            let text = format!("{priority:?}{every}").to_lowercase();
            fact(
                "priority",
                text,
                style::TEXT,
                "Sync priority and update interval, for viewers with good links.",
            );
            let host = card.seen_here.then(|| "host".to_owned());
            let clients = card.sent.iter().map(|sent| {
                let id = player(ClientId::Client(sent.client));
                let priority =
                    sent.priority.map(|priority| format!(" {priority:?}").to_lowercase());
                let id = id + &priority.unwrap_or_default();
                match sent.version {
                    Some(version) if version == card.version => id,
                    Some(version) => format!("{id} ({} behind)", card.version - version),
                    None => format!("{id} (full update in transit)"),
                }
            });
            let all: Vec<String> = host.into_iter().chain(clients).take(12).collect();
            let text = if all.is_empty() { "nobody".to_owned() } else { all.join(", ") };
            fact("seen by", text, style::TEXT, "Viewers, and how many versions they are behind.");
        }
    });
    ui.add_space(6.0);
    style::card_frame().show(ui, |ui| grid::draw(ui, ctx, card, SLOT_LARGE));
}
