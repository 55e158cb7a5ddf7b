//! The grids of all inventories.

use bevy_egui::egui::{
    self, Align, Color32, Layout, Response, RichText, ScrollArea, Sense, TextEdit, Ui, vec2,
};

use bevy_replicon::prelude::ClientId;

use crate::overlay::{
    cards::{CARDS_MAX, Card},
    changes::FLASH,
    describe::player,
    look,
    window::Sight,
};

use super::grid;

const LIST_WIDTH: f32 = 176.0;
/// Height of a row of the list.
const ROW: f32 = 17.0;
const SLOT_SMALL: f32 = 29.0;
const SLOT_LARGE: f32 = 42.0;

pub(in crate::overlay) fn draw(ui: &mut Ui, sight: &mut Sight) {
    legend(ui, sight);
    let height = ui.available_height();
    ui.horizontal_top(|ui| {
        if !sight.choices.without_list {
            let (size, down) = (vec2(LIST_WIDTH, height), Layout::top_down(Align::Min));
            ui.allocate_ui_with_layout(size, down, |ui| {
                ui.set_width(LIST_WIDTH);
                list(ui, sight);
            });
            ui.separator();
        }
        ui.vertical(|ui| {
            ScrollArea::vertical().auto_shrink(false).id_salt("cards").show(ui, |ui| {
                let cards = core::mem::take(&mut sight.cards.cards);
                match sight.overlay.followed.and(cards.first()) {
                    Some(card) => followed(ui, sight, card),
                    None => all(ui, sight, &cards),
                }
                sight.cards.cards = cards;
            });
        });
    });
}

fn legend(ui: &mut Ui, sight: &mut Sight) {
    ui.horizontal_wrapped(|ui| {
        let without = sight.choices.without_list;
        let toggle = ui.selectable_label(!without, RichText::new("list").size(11.0));
        if toggle.on_hover_text("Shows or hides the list of inventories.").clicked() {
            sight.choices.without_list = !without;
        }
        let seconds = FLASH.as_secs_f32();
        look::head(ui, "slots flash when they change, by cause:")
            .on_hover_text(format!("For {seconds} s. Recorded while the overlay is shown."));
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let all = look::LEGEND.map(|(tint, name)| (look::tint(tint), name));
        for (color, name) in all.into_iter().chain([(look::PENDING, "corner: pending")]) {
            ui.label(RichText::new(format!("■ {name}")).color(color).size(11.0));
        }
    });
}

fn dot(ui: &mut Ui, color: Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::click());
    ui.painter().rect_filled(rect, 2.0, color);
    response
}

fn list(ui: &mut Ui, sight: &mut Sight) {
    let hint = RichText::new("filter by name or id").color(look::DIM);
    let edit = TextEdit::singleline(&mut sight.cards.filter).hint_text(hint);
    ui.add(edit.desired_width(LIST_WIDTH - 12.0))
        .on_hover_text("Separate several terms with commas; matches are listed in that order.");
    let (listed, total) = (sight.cards.list.len(), sight.cards.total);
    let what = if listed < total { format!("{listed} of {total}") } else { format!("{total}") };
    look::head(ui, &format!("{what} inventories; click to follow"));
    let now = sight.time.elapsed();
    let followed = sight.overlay.followed;
    let mut clicked = None;
    ui.spacing_mut().button_padding.y = 0.0;
    ui.spacing_mut().interact_size.y = ROW;
    ui.spacing_mut().item_spacing.y = 2.0;
    ScrollArea::vertical().auto_shrink(false).id_salt("list").show_rows(
        ui,
        ROW,
        listed,
        |ui, rows| {
            for entry in &sight.cards.list[rows] {
                let flash = sight.changes.flash_of_unit(entry.entity, now);
                let color = flash.map_or(look::SLOT, |(strength, tint)| {
                    look::SLOT.lerp_to_gamma(look::tint(tint), strength)
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
        sight.overlay.followed = clicked;
    }
}

fn all(ui: &mut Ui, sight: &Sight, cards: &[Card]) {
    if cards.is_empty() {
        ui.add_space(20.0);
        ui.label(RichText::new("No inventories in view.").color(look::DIM));
        return;
    }
    let width = 9.0 * (SLOT_SMALL + 2.0) + 18.0;
    let mut columns = 1;
    while (columns + 1) as f32 * (width + 8.0) <= ui.available_width() + 8.0
        && columns < cards.len().min(4)
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
                for card in cards.iter().skip(column).step_by(columns) {
                    look::card_frame().show(ui, |ui| {
                        ui.set_width(width - 18.0);
                        ui.horizontal(|ui| {
                            ui.label(RichText::new(&card.entry.name).strong());
                            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                                look::head(ui, &summary(card)).on_hover_text(SUMMARY);
                            });
                        });
                        grid::draw(ui, sight, card, size);
                    });
                }
            });
        }
    });
    if sight.cards.total > CARDS_MAX {
        let more = sight.cards.total - CARDS_MAX;
        look::head(ui, &format!("and {more} more: filter, or follow one"));
    }
}

const SUMMARY: &str = "Version, incremented by each commit; slots in use; number of viewers.";

fn summary(card: &Card) -> String {
    let seen = if card.rights.is_none() {
        let viewers = card.told.len() + usize::from(card.seen_here);
        format!("   seen by {viewers}")
    } else {
        String::new()
    };
    format!("v{}   {} of {} used{seen}", card.version, card.full, card.unit.len())
}

fn followed(ui: &mut Ui, sight: &Sight, card: &Card) {
    ui.heading(&card.entry.name);
    egui::Grid::new("facts").num_columns(2).spacing(vec2(14.0, 3.0)).show(ui, |ui| {
        let mut fact = |what: &str, text: String, color: Color32, about: &str| {
            look::head(ui, what);
            look::number_in(ui, text, color).on_hover_text(about);
            ui.end_row();
        };
        let (id, entity, handle) = (card.entry.id, card.entry.entity, card.handle);
        let text = format!("{id}   entity {entity}   network id {handle}");
        let about = "Id in saves, local entity, and id on the wire.";
        fact("id", text, look::TEXT, about);
        let filled =
            format!("{} of {} slots, {} items", card.full, card.unit.len(), card.unit.total());
        fact("contents", filled, look::TEXT, "Slots in use.");
        fact("version", card.version.to_string(), look::TEXT, "Incremented by each commit.");
        let (agrees, color) = match card.expected {
            _ if card.rights.is_none() => ("", look::TEXT),
            None => ("   none received for this version", look::DIM),
            expected if expected == card.digest => ("   matches the server", look::GOOD),
            Some(_) => ("   differs from the server", look::BAD),
        };
        let digest = format!("{:016x}{agrees}", card.digest.unwrap_or_default());
        fact("checksum", digest, color, "Equal copies have equal checksums.");
        if let Some(rights) = card.rights {
            let names: Vec<&str> = rights.iter_names().map(|(name, _)| name).collect();
            fact("rights", names.join(", ").to_lowercase(), look::TEXT, "What you may do with it.");
        }
        if let Some(pace) = card.pace {
            let period = sight.settings.as_ref().map(|settings| pace.period(settings));
            let every = match period {
                Some(period) if !period.is_zero() => format!(", every {} ms", period.as_millis()),
                _ => ", every tick".into(),
            };
            let text = format!("{pace:?}{every}").to_lowercase();
            fact(
                "priority",
                text,
                look::TEXT,
                "Sync priority and update interval, for viewers with good links.",
            );
            let host = card.seen_here.then(|| "host".to_owned());
            let clients = card.told.iter().map(|told| {
                let id = player(ClientId::Client(told.client));
                let pace = told.priority.map(|pace| format!(" {pace:?}").to_lowercase());
                let id = id + &pace.unwrap_or_default();
                match told.version {
                    Some(version) if version == card.version => id,
                    Some(version) => format!("{id} ({} behind)", card.version - version),
                    None => format!("{id} (full update in transit)"),
                }
            });
            let all: Vec<String> = host.into_iter().chain(clients).take(12).collect();
            let text = if all.is_empty() { "nobody".to_owned() } else { all.join(", ") };
            fact("seen by", text, look::TEXT, "Viewers, and how many versions they are behind.");
        }
    });
    ui.add_space(6.0);
    look::card_frame().show(ui, |ui| grid::draw(ui, sight, card, SLOT_LARGE));
}
