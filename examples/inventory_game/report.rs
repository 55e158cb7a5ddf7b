//! A text report of what is on screen, for scripts and for runs without a visible window. The line of a slot has both
//! what was painted and the slot's contents; the two must match.

mod overlay;

pub use overlay::Overlaid;

use core::{fmt::Write as _, time::Duration};
use std::{fs, path::PathBuf};

use bevy::{
    diagnostic::{DiagnosticsStore, FrameTimeDiagnosticsPlugin},
    input_focus::{InputFocus, InputFocusVisible},
    prelude::*,
    time::common_conditions::on_timer,
};
use bevy_inventory_sync::features::public_view::HeldItem;
use bevy_inventory_sync::{
    params::reader::InventoryReader,
    prelude::*,
    ui::{Carried, Carry, RejectionMessage, SlotCell, SlotLook},
};

use crate::{
    net::Link,
    protocol::{Avatar, GroundItem, Position},
    session::{Last, Paused, Session},
    steps::Steps,
    ui::{Backpack, Entry, LagPanel, Letters, Toast},
    view::{Art, InHand},
};

const PAUSE: Duration = Duration::from_millis(100);

/// The file that is kept up to date, if any, and files that are written once, beside a screenshot.
#[derive(Resource, Default)]
pub struct Files {
    pub live: Option<PathBuf>,
    pub once: Vec<PathBuf>,
}

#[derive(Resource, Default)]
pub struct Lines(String);

impl Lines {
    /// Returns `true` if a line contains `text`.
    pub fn have(&self, text: &str) -> bool {
        self.0.lines().any(|line| line.contains(text))
    }
}

pub fn plugin(app: &mut App) {
    app.add_plugins((FrameTimeDiagnosticsPlugin::default(), overlay::plugin))
        .init_resource::<Lines>()
        .add_systems(
            Last,
            (tell_screen, tell_world, tell_slots, tell_overlay, write)
                .chain()
                .run_if(on_timer(PAUSE).or_else(resource_exists::<Steps>)),
        );
}

macro_rules! line {
    ($lines:expr, $($what:tt)*) => {
        writeln!($lines.0, $($what)*).unwrap_or_default()
    };
}

fn tell_screen(
    session: Res<Session>,
    (last, paused, link): (Res<Last>, Res<Paused>, Option<Res<Link>>),
    (backpack, carried): (Res<Backpack>, Res<Carried>),
    (focus, visible): (Res<InputFocus>, Res<InputFocusVisible>),
    lag: Single<&InheritedVisibility, With<LagPanel>>,
    messages: Query<(&InheritedVisibility, Option<&Children>), With<RejectionMessage>>,
    texts: Query<&Text>,
    letters: Query<(&Text, &InheritedVisibility, &ComputedNode), With<Letters>>,
    toasts: Query<&Text, With<Toast>>,
    (cells, entries): (Query<&SlotCell>, Query<&Entry>),
    reader: InventoryReader,
    diagnostics: Res<DiagnosticsStore>,
    mut lines: ResMut<Lines>,
) {
    lines.0.clear();
    let screen = match (*session, link.as_deref()) {
        (Session::None, _) => "menu",
        _ if paused.0 => "pause",
        (_, Some(Link::Connecting)) => "connecting",
        _ => "game",
    };
    line!(lines, "screen {screen}");
    line!(lines, "session {}", session.words());
    line!(lines, "trouble {}", last.trouble.as_deref().unwrap_or("-"));
    line!(lines, "backpack {}", if backpack.open { "open" } else { "closed" });
    line!(lines, "carried {}", words(carried.get().map(Carry::stack), &reader));
    let shown = messages.iter().filter(|(visible, _)| visible.get());
    let shown = shown.flat_map(|(_, children)| children.into_iter().flatten());
    let message = shown.filter_map(|child| texts.get(*child).ok()).next();
    line!(lines, "rejection {}", message.map_or("-", |text| &text.0));
    for (text, visible, node) in &letters {
        if visible.get() && node.size().min_element() > 0.0 {
            line!(lines, "text {}", text.0);
        }
    }
    for text in &toasts {
        line!(lines, "toast {}", text.0);
    }
    line!(lines, "lag {}", if lag.get() { "shown" } else { "hidden" });
    let focused = focus.get().filter(|_| visible.0);
    match focused.and_then(|on| cells.get(on).ok()) {
        Some(cell) => {
            line!(lines, "focus {} {}", name_of(&reader, cell.place()), cell.slot.index);
        }
        None if focused.is_some_and(|on| entries.contains(on)) => line!(lines, "focus entry"),
        None => line!(lines, "focus -"),
    }
    let fps = diagnostics.get(&FrameTimeDiagnosticsPlugin::FPS);
    line!(lines, "fps {:.1}", fps.and_then(|fps| fps.average()).unwrap_or_default());
}

/// Returns the name of a container: `backpack`, `hotbar`, `chest`, or its own name.
pub fn name_of<'a>(reader: &'a InventoryReader, (inventory, slot): SlotRef) -> &'a str {
    match reader.container(slot.container).map(|container| container.name) {
        Some("inventory") if reader.is_own(inventory) => "backpack",
        Some("inventory") => "chest",
        name => name.unwrap_or_default(),
    }
}

/// Reports what all players can see: positions, held items, and items on the ground.
fn tell_world(
    avatars: Query<(&Avatar, &HeldItem, &Position, Option<&InHand>, Has<LocalInventory>)>,
    items: Query<(&GroundItem, &Position)>,
    art: Res<Art>,
    catalog: Res<ItemCatalog>,
    mut lines: ResMut<Lines>,
) {
    let key =
        |item: Option<ItemId>| item.and_then(|item| catalog.get(item)).map_or("-", |d| &d.key);
    let mut players: Vec<String> = vec![];
    for (avatar, held, position, in_hand, me) in &avatars {
        let who = if me { "me" } else { "other" };
        let shown = in_hand.and_then(|hand| art.item_of(&hand.0));
        let at = position.0;
        players.push(format!(
            "{who} {} holds {} shown {} at {:.1} {:.1}",
            avatar.name,
            key(held.0),
            key(shown),
            at.x,
            at.y
        ));
    }
    players.sort();
    let mut ground: Vec<String> = items
        .iter()
        .map(|(item, at)| format!("ground {} at {:.1} {:.1}", key(item.0), at.0.x, at.0.y))
        .collect();
    ground.sort();
    for line in players.iter().chain(&ground) {
        line!(lines, "{line}");
    }
}

fn words(stack: Option<Stack>, reader: &InventoryReader) -> String {
    let Some(stack) = stack else { return "-".into() };
    let item = reader.catalog().and_then(|catalog| catalog.get(stack.item));
    let mut words = format!("{} {}", item.map_or("?", |item| &item.key), stack.count());
    if stack.wear > 0 {
        words += &format!(" worn {}", stack.wear);
    }
    if stack.data.is_some() {
        words += " engraved";
    }
    words
}

/// Reports what each slot on screen shows, and what it contains without what is carried.
fn tell_slots(
    cells: Query<(&SlotCell, &SlotLook)>,
    carried: Res<Carried>,
    reader: InventoryReader,
    mut lines: ResMut<Lines>,
) {
    let mut told: Vec<String> = vec![];
    for (cell, look) in &cells {
        let name = name_of(&reader, cell.place());
        let carry = carried.get().filter(|carry| carry.from == cell.place());
        let there = carry.map_or_else(|| reader.get(cell.place()), Carry::rest);
        let (painted, there) = (words(look.stack, &reader), words(there, &reader));
        if painted != "-" || there != "-" {
            let index = cell.slot.index;
            told.push(format!("slot {name} {index:>2} painted {painted} | holds {there}"));
        }
    }
    told.sort();
    for line in told {
        line!(lines, "{line}");
    }
}

/// Counter differences start from the latest screenshot.
fn tell_overlay(mut truth: overlay::Truth, files: Res<Files>, mut lines: ResMut<Lines>) {
    for line in truth.lines() {
        line!(lines, "{line}");
    }
    if !files.once.is_empty() {
        truth.begin();
    }
}

/// Writes to a temporary file and renames it, so that readers never see a partial report.
fn write(lines: Res<Lines>, mut files: ResMut<Files>) {
    let once = core::mem::take(&mut files.once);
    for file in files.live.iter().chain(&once) {
        let half = file.with_extension("part");
        let written = fs::write(&half, &lines.0).and_then(|()| fs::rename(&half, file));
        if let Err(why) = written {
            eprintln!("Cannot write the report to {}: {why}.", file.display());
        }
    }
}
