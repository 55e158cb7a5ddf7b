//! A text report of what is on screen, for scripts and for runs without a visible window. The line of a slot has both
//! what was painted and the slot's contents; the two must match.

mod overlay;

pub use overlay::Overlaid;

use core::{fmt::Write as _, time::Duration};
use std::{fs, path::PathBuf};

use bevy::{
    diagnostic::{DiagnosticsStore, FrameTimeDiagnosticsPlugin},
    prelude::*,
    time::common_conditions::on_timer,
};
use bevy_inventory_sync::features::public_view::HeldItem;
use bevy_inventory_sync::prelude::*;

use crate::{
    net::Link,
    protocol::{Avatar, Chest, GroundItem, Position},
    session::{Last, Paused, Session},
    steps::Steps,
    ui::{Backpack, Contents, Dragging, Focus, LagPanel, Painted, SlotView, Toast},
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
    (backpack, dragging): (Res<Backpack>, Res<Dragging>),
    focus: Res<Focus>,
    lag: Single<&InheritedVisibility, With<LagPanel>>,
    toast: Single<(&Text, &InheritedVisibility), With<Toast>>,
    slots: Query<&SlotView>,
    contents: Contents,
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
    let dragged = dragging.0.and_then(|drag| Some((drag, contents.get(drag.from)?)));
    match dragged {
        Some((drag, stack)) => {
            let half = if drag.half { "half of " } else { "" };
            line!(lines, "drag {half}{}", words(Some(stack), &contents));
        }
        None => line!(lines, "drag -"),
    }
    let (words, shown) = *toast;
    line!(lines, "toast {}", if shown.get() { &words.0 } else { "-" });
    line!(lines, "lag {}", if lag.get() { "shown" } else { "hidden" });
    match focus.shown().and_then(|on| slots.get(on).ok()) {
        Some(view) => line!(lines, "ring {:?}", view.slot),
        None => line!(lines, "ring {}", if focus.shown().is_some() { "entry" } else { "-" }),
    }
    let fps = diagnostics.get(&FrameTimeDiagnosticsPlugin::FPS);
    line!(lines, "fps {:.1}", fps.and_then(|fps| fps.average()).unwrap_or_default());
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

fn words(stack: Option<Stack>, contents: &Contents) -> String {
    let Some(stack) = stack else { return "-".into() };
    let mut words = format!("{} {}", contents.key(stack.item), stack.count());
    if stack.wear > 0 {
        words += &format!(" worn {}", stack.wear);
    }
    if stack.data.is_some() {
        words += " engraved";
    }
    words
}

fn tell_slots(
    slots: Query<(&SlotView, &Painted)>,
    chests: Query<(), With<Chest>>,
    contents: Contents,
    mut lines: ResMut<Lines>,
) {
    let mut told: Vec<String> = vec![];
    for (view, painted) in &slots {
        let hotbar = view.slot.index_in::<Hotbar>();
        let index = hotbar.or_else(|| view.slot.index_in::<Inventory>()).unwrap_or_default();
        let name = match hotbar {
            Some(_) => "hotbar",
            None if chests.contains(view.inventory) => "chest",
            None => "backpack",
        };
        let (painted, there) = (words(painted.0, &contents), words(contents.get(*view), &contents));
        if painted != "-" || there != "-" {
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
