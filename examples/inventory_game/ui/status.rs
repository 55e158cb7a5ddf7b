//! A status line at the top, and a notice in the center while connecting.

use core::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_timer};
use bevy_inventory_sync::{shared::stats::InventoryStats, store::persist::StoreStatus};
use bevy_replicon::prelude::*;

use crate::{
    lag::Lag,
    net::Link,
    protocol::Avatar,
    session::{Paused, Session},
    storage::{self, Storage},
};

use super::{floating, letters};

const REFRESH: Duration = Duration::from_millis(250);

#[derive(Component, Debug)]
struct StatusPlate;

#[derive(Component, Debug)]
struct StatusLine;

#[derive(Component, Debug)]
struct Connecting;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (refresh.run_if(on_timer(REFRESH)), tell_link));
}

fn spawn(mut commands: Commands) {
    let plate = BackgroundColor(Color::srgba(0.11, 0.07, 0.12, 0.55));
    let room = UiRect::axes(px(3), px(1.5));
    let top = Node { left: px(2), top: px(2), padding: room, display: Display::None, ..default() };
    commands.spawn((floating(top), plate, GlobalZIndex(3), StatusPlate)).with_children(|top| {
        top.spawn((letters("", Color::WHITE.with_alpha(0.9)), StatusLine));
    });
    let middle = Node {
        width: percent(100),
        height: percent(100),
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        display: Display::None,
        ..default()
    };
    commands.spawn((floating(middle), GlobalZIndex(4), Connecting)).with_children(|middle| {
        let plate = (
            Node { padding: UiRect::axes(px(10), px(6)), ..default() },
            BackgroundColor(Color::srgba(0.11, 0.07, 0.12, 0.92)),
            Pickable::IGNORE,
        );
        middle.spawn(plate).with_child(letters("Connecting ...  (Esc: menu)", Color::WHITE));
    });
}

fn refresh(
    session: Res<Session>,
    avatars: Query<(), With<Avatar>>,
    link: Option<Res<Link>>,
    ping: Res<ClientStats>,
    stats: Res<InventoryStats>,
    lag: Res<Lag>,
    (storage, store, time): (Res<Storage>, Res<StoreStatus>, Res<Time<Real>>),
    mut plate: Single<&mut Node, With<StatusPlate>>,
    mut line: Single<&mut Text, With<StatusLine>>,
) {
    let display = if *session == Session::None { Display::None } else { Display::Flex };
    if plate.display != display {
        plate.display = display;
    }
    let players = avatars.iter().count();
    let s = if players == 1 { "" } else { "s" };
    let lag = lag.delay.as_millis();
    let lag = if lag > 0 { format!(" plus {lag} ms one-way lag") } else { String::new() };
    let rest = match *session {
        Session::None | Session::Alone => String::new(),
        Session::Host(_) if players < 2 => "   no guests yet".into(),
        Session::Host(_) => format!(
            "   {players} player{s}   sent {} B for {} changed slots",
            stats.bytes_sent, stats.slots_marked
        ),
        Session::Guest(_) => format!(
            "   {players} player{s}   ping {:.0} ms{lag}   received {} B for {} slots",
            ping.rtt * 1000.0,
            stats.bytes_received,
            stats.slots_applied
        ),
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

fn tell_link(
    link: Option<Res<Link>>,
    paused: Res<Paused>,
    mut plate: Single<&mut Node, With<Connecting>>,
) {
    let connecting = link.is_some_and(|link| *link == Link::Connecting) && !paused.0;
    let display = if connecting { Display::Flex } else { Display::None };
    if plate.display != display {
        plate.display = display;
    }
}
