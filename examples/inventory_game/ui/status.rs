//! A status line at the top, and a notice in the center while connecting.

use core::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_timer};
use bevy_inventory_sync::{shared::stats::InventoryStats, store::persist::StoreStatus};
use bevy_replicon::prelude::*;

use crate::{
    net::{Link, Silence},
    protocol::Avatar,
    session::{Paused, Session},
    storage::{self, Storage},
};

use super::{display, floating, letters, plate};

const REFRESH: Duration = Duration::from_millis(250);

#[derive(Component, Debug)]
struct StatusPlate;

#[derive(Component, Debug)]
struct StatusLine;

/// The notice in the center, and its text.
#[derive(Component, Debug)]
struct Connecting;

/// Time without a packet after which a guest is warned.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Sizes of messages, in bytes: of the last change, and of the largest opening.
#[derive(Resource, Default, Debug)]
struct Sizes {
    changed: u64,
    opened: u64,
    last_change: u64,
    full_copy: u64,
}

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .init_resource::<Sizes>()
        .add_systems(Update, (measure, refresh.run_if(on_timer(REFRESH)), tell_link).chain());
}

fn spawn(mut commands: Commands) {
    let room = UiRect::axes(px(3), px(1.5));
    let top = Node { left: px(2), top: px(2), padding: room, display: Display::None, ..default() };
    commands.spawn((floating(top), plate(0.55), GlobalZIndex(3), StatusPlate)).with_children(
        |top| {
            top.spawn((letters("", Color::WHITE.with_alpha(0.9)), StatusLine));
        },
    );
    let middle = Node {
        width: percent(100),
        height: percent(100),
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        display: Display::None,
        ..default()
    };
    commands.spawn((floating(middle), GlobalZIndex(4), Connecting)).with_children(|middle| {
        let notice = (
            Node { padding: UiRect::axes(px(10), px(6)), ..default() },
            plate(0.92),
            Pickable::IGNORE,
        );
        middle.spawn(notice).with_child((letters("", Color::WHITE), Connecting));
    });
}

/// Records the sizes of changes and of openings, which do not depend on how much changes.
fn measure(stats: Res<InventoryStats>, session: Res<Session>, mut sizes: ResMut<Sizes>) {
    let (changed, opened) = match *session {
        Session::Guest(_) => {
            let opened = stats.bytes_received_opening;
            (stats.bytes_received - opened, opened)
        }
        _ => ((stats.bits_deltas + stats.bits_full_updates) / 8, stats.bits_opens / 8),
    };
    if session.is_changed() {
        *sizes = Sizes { changed, opened, ..default() };
    }
    if changed > sizes.changed {
        (sizes.last_change, sizes.changed) = (changed - sizes.changed, changed);
    }
    if opened > sizes.opened {
        sizes.full_copy = sizes.full_copy.max(opened - sizes.opened);
        sizes.opened = opened;
    }
}

fn refresh(
    session: Res<Session>,
    avatars: Query<(), With<Avatar>>,
    link: Option<Res<Link>>,
    ping: Res<ClientStats>,
    sizes: Res<Sizes>,
    (storage, store, time): (Res<Storage>, Res<StoreStatus>, Res<Time<Real>>),
    mut plate: Single<&mut Node, With<StatusPlate>>,
    mut line: Single<&mut Text, With<StatusLine>>,
) {
    display(&mut plate, *session != Session::None);
    let players = avatars.iter().count();
    let s = if players == 1 { "" } else { "s" };
    let Sizes { last_change, full_copy, .. } = *sizes;
    let traffic = match last_change {
        0 => String::new(),
        _ => format!("   last change: {last_change} B, full copy: {full_copy} B"),
    };
    let rest = match *session {
        Session::None | Session::Alone => String::new(),
        Session::Host(_) if players < 2 => "   no guests".into(),
        Session::Host(_) => format!("   {players} players{traffic}"),
        Session::Guest(_) => {
            format!("   {players} player{s}   ping {:.0} ms{traffic}", ping.rtt * 1000.0)
        }
    };
    let poor = if link.is_some() { "   L: lag" } else { "" };
    let words = match (*session, link.as_deref()) {
        (Session::Guest(server), Some(Link::Connecting)) => format!("connecting to {server}"),
        (Session::Alone | Session::Host(_), _) => {
            let stored = storage::words(&storage, &store, time.elapsed_secs());
            format!("{}{rest}{stored}", session.words())
        }
        _ => format!("{}{rest}", session.words()),
    };
    line.set_if_neq(Text(format!("{words}{poor}")));
}

/// Shows that the client is connecting, or that the server has stopped responding.
fn tell_link(
    link: Option<Res<Link>>,
    silence: Silence,
    paused: Res<Paused>,
    mut plate: Single<&mut Node, (With<Connecting>, Without<Text>)>,
    mut line: Single<&mut Text, With<Connecting>>,
) {
    let text = match link.as_deref() {
        _ if paused.0 => String::new(),
        Some(Link::Connecting) => "Connecting ...  (Esc: menu)".into(),
        Some(Link::Up) if silence.get() > SILENCE_MAX => {
            format!("The host has not responded for {} s.  (Esc: menu)", silence.get().as_secs())
        }
        _ => String::new(),
    };
    display(&mut plate, !text.is_empty());
    line.set_if_neq(Text(text));
}
