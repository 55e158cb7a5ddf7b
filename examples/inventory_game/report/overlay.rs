//! What the overlay has painted, and the state of the world to compare it with. A line `is` holds now, a line `was`
//! held a moment ago, because the painted values may have been sampled then.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use bevy::{ecs::system::SystemParam, prelude::*, reflect::structs::Struct};
use bevy_egui::{
    EguiFullOutput, EguiPostUpdateSet,
    egui::{OutputCommand, Rect, Shape, epaint::ClippedShape},
};
use bevy_inventory_sync::features::tabs::Tabs;
use bevy_inventory_sync::{
    overlay::{InventoryOverlay, SimulatedLink},
    prelude::*,
};
use bevy_inventory_sync::{
    server::{audit::ActionResolved, client_stats::ClientSyncStats},
    shared::stats::InventoryStats,
};
use bevy_replicon_renet::RenetClient;

use crate::containers::{Equipment, FurnaceInput, FurnaceOutput, Offerings, Till};

/// How long old facts are reported. The overlay samples some data only twice a second.
const PAST: Duration = Duration::from_millis(1500);

/// How long byte counts are kept.
const BYTES_PAST: Duration = Duration::from_secs(5);

/// A visible text of the overlay.
#[derive(Clone, PartialEq, Debug)]
pub struct Painted {
    pub text: String,
    /// Position in the window, in points.
    pub place: Rect,
    /// Whether the text is clipped at the left or right.
    cut: bool,
}

/// What egui painted in this frame.
#[derive(Resource, Default, Debug)]
pub struct Overlaid {
    pub painted: Vec<Painted>,
    /// The text that was last copied to the clipboard.
    copied: Option<String>,
}

/// Recent state, for comparison.
#[derive(Resource, Default)]
pub struct Past {
    facts: VecDeque<(Duration, BTreeSet<String>)>,
    bytes: VecDeque<(Duration, u64)>,
    decided: (u64, String),
    pictured: InventoryStats,
}

pub fn plugin(app: &mut App) {
    let pass = EguiPostUpdateSet::EndPass;
    app.init_resource::<Overlaid>()
        .init_resource::<Past>()
        .add_message::<ActionResolved>()
        .add_systems(PostUpdate, look.after(pass).before(EguiPostUpdateSet::ProcessOutput));
}

fn look(outputs: Query<&EguiFullOutput>, mut overlaid: ResMut<Overlaid>) {
    overlaid.painted.clear();
    for output in outputs.iter().filter_map(|output| output.0.as_ref()) {
        for ClippedShape { clip_rect, shape } in &output.shapes {
            add_texts(&mut overlaid.painted, *clip_rect, shape);
        }
        for command in &output.platform_output.commands {
            if let OutputCommand::CopyText(text) = command {
                overlaid.copied = Some(text.clone());
            }
        }
    }
}

fn add_texts(painted: &mut Vec<Painted>, clip: Rect, shape: &Shape) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| add_texts(painted, clip, shape)),
        Shape::Text(text) => {
            let place = text.visual_bounding_rect();
            let seen = clip.intersect(place);
            let text = text.galley.text().trim();
            if seen.is_positive() && !text.is_empty() {
                let cut = seen.width() + 1.0 < place.width();
                painted.push(Painted { text: text.replace('\n', " / "), place, cut });
            }
        }
        _ => {}
    }
}

/// The state that the overlay must match.
#[derive(SystemParam)]
pub struct Truth<'w, 's> {
    time: Res<'w, Time<Real>>,
    overlay: Res<'w, InventoryOverlay>,
    overlaid: Res<'w, Overlaid>,
    stats: Res<'w, InventoryStats>,
    settings: Option<Res<'w, SyncSettings>>,
    link: Option<Res<'w, SimulatedLink>>,
    clients: Query<'w, 's, (Entity, &'static ClientSyncStats)>,
    guest: Option<Res<'w, RenetClient>>,
    held: Query<'w, 's, Held>,
    names: Query<'w, 's, &'static Name>,
    decided: MessageReader<'w, 's, ActionResolved>,
    past: ResMut<'w, Past>,
}

type Held = (Entity, &'static InventoryId, Option<&'static Name>, Containers, Has<InView>);

type Containers = (
    Option<&'static Inventory>,
    Option<&'static Hotbar>,
    Option<&'static Equipment>,
    Option<&'static Till>,
    Option<&'static FurnaceInput>,
    Option<&'static FurnaceOutput>,
    Option<&'static Offerings>,
    Option<&'static Tabs>,
);

impl Truth<'_, '_> {
    /// Counts later differences from now.
    pub fn begin(&mut self) {
        self.past.pictured = *self.stats;
    }

    pub fn lines(&mut self) -> Vec<String> {
        let now = self.time.elapsed();
        self.note_actions();
        let facts = self.facts();
        let past = &mut *self.past;
        past.facts.retain(|(at, _)| now.saturating_sub(*at) <= PAST);
        let mut before: BTreeSet<&String> =
            past.facts.iter().flat_map(|(_, facts)| facts).collect();
        before.retain(|fact| !facts.contains(*fact));
        let mut lines = vec![if self.overlay.shown {
            format!("overlay {}", self.overlay.panel.name())
        } else {
            "overlay -".into()
        }];
        lines.extend(self.overlaid.painted.iter().map(|Painted { text, place, cut }| {
            let (at, size, cut) = (place.min, place.size(), if *cut { "cut" } else { "whole" });
            format!("painted {:.1} {:.1} {:.1} {:.1} {cut} {text}", at.x, at.y, size.x, size.y)
        }));
        if let Some(copied) = &self.overlaid.copied {
            lines.extend(copied.lines().map(|line| format!("copied {line}")));
        }
        lines.extend(facts.iter().map(|fact| format!("is {fact}")));
        lines.extend(before.into_iter().map(|fact| format!("was {fact}")));
        let new = counters(&self.stats).into_iter().zip(counters(&past.pictured));
        let new = new.filter(|(now, before)| now.1 > before.1);
        lines.extend(new.map(|(now, before)| format!("since {} {}", now.0, now.1 - before.1)));
        past.facts.push_back((now, facts));
        past.bytes.push_back((now, self.stats.bytes_sent));
        past.bytes.retain(|(at, _)| now.saturating_sub(*at) <= BYTES_PAST);
        lines
    }

    fn note_actions(&mut self) {
        for decided in self.decided.read() {
            let who = decided.actor.and_then(|actor| self.names.get(actor).ok());
            let what = match decided.action.get::<InventoryAction>() {
                Some(action) => in_words(&format!("{action:?}")),
                None => decided.action.name().to_owned(),
            };
            let outcome = decided.result.map_or_else(|why| format!("{why:?}"), |()| "done".into());
            let who = who.map_or("?", Name::as_str);
            let total = self.past.decided.0 + 1;
            self.past.decided = (total, format!("{total} | {who} | {outcome} | {what}"));
        }
    }

    fn facts(&self) -> BTreeSet<String> {
        let mut facts = BTreeSet::new();
        let guest = self.guest.is_some();
        let mut inventories = 0;
        for (entity, _, name, containers, in_view) in &self.held {
            if guest && !in_view {
                continue;
            }
            inventories += 1;
            let (inventory, hotbar, equipment, till, input, output, offerings, tabs) = containers;
            let lists = [
                inventory.map(Container::slots),
                hotbar.map(Container::slots),
                equipment.map(Container::slots),
                till.map(Container::slots),
                input.map(Container::slots),
                output.map(Container::slots),
                offerings.map(Container::slots),
                tabs.map(Container::slots),
            ];
            let slots = || lists.into_iter().flatten().flat_map(|list| list.as_slice());
            let (full, all) = (slots().flatten().count(), slots().count());
            let name = name.map_or_else(|| entity.to_string(), ToString::to_string);
            facts.insert(format!("inventory {name}: {full}/{all}"));
        }
        facts.insert(format!("inventories {inventories}"));
        facts.insert(format!("clients {}", self.clients.iter().count()));
        for (client, sync) in &self.clients {
            let ClientSyncStats {
                views,
                behind,
                merged,
                throttled,
                accepted,
                rejected,
                desyncs,
                ..
            } = sync;
            facts.insert(format!(
                "client {client} {views} {behind} {merged} {throttled} {accepted} {rejected} {desyncs}"
            ));
        }
        let counted = counters(&self.stats);
        facts.extend(counted.iter().map(|(name, count)| format!("counted {name} {count}")));
        let (least, most) = self.bytes_per_second();
        facts.insert(format!("bytes per second {least:.1} {most:.1}"));
        facts.insert(format!("decided {}", self.past.decided.1));
        if let Some(settings) = &self.settings {
            facts.insert(format!("deltas_enabled {}", settings.deltas_enabled));
        }
        if let Some(SimulatedLink { latency, jitter, loss }) = self.link.as_deref() {
            let (latency, jitter) = (latency.as_millis(), jitter.as_millis());
            facts.insert(format!("simulated {latency} {jitter} {:.1}", loss * 100.0));
        }
        facts
    }

    /// Returns the minimum and maximum byte rate over intervals of about a second that ended recently.
    fn bytes_per_second(&self) -> (f64, f64) {
        let now = self.time.elapsed();
        let bytes = &self.past.bytes;
        let ends = bytes.iter().filter(|(at, _)| now.saturating_sub(*at) <= PAST);
        let rates = ends.flat_map(|(end, there)| {
            bytes.iter().filter_map(move |(begin, before)| {
                let seconds = end.checked_sub(*begin)?.as_secs_f64();
                #[expect(clippy::cast_precision_loss, reason = "the comparison has a tolerance")]
                let rate = (there - before) as f64 / seconds;
                (0.9..2.5).contains(&seconds).then_some(rate)
            })
        });
        rates.fold((f64::MAX, 0.0), |(least, most), rate| (least.min(rate), most.max(rate)))
    }
}

fn counters(stats: &InventoryStats) -> Vec<(&str, u64)> {
    let field = |at| Some((stats.name_at(at)?, *stats.field_at(at)?.try_downcast_ref::<u64>()?));
    (0..stats.field_len()).filter_map(field).collect()
}

/// Turns `QuickMove { .. }` into `quick move`.
fn in_words(debug: &str) -> String {
    let mut words = String::new();
    for letter in debug.chars().take_while(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
