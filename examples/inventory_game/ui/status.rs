//! One line at the top: how the game runs. One at the bottom: the keys. And what went wrong.

use core::time::Duration;

use bevy::{prelude::*, time::common_conditions::on_timer};
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::{lag::Lag, net::Link, protocol::Avatar};

use super::{floating, letters};

const REFRESH: Duration = Duration::from_millis(250);

const KEYS: [&str; 4] = [
    "WASD walk   Space pick up   Q drop",
    "1-9 select   E backpack   F chest",
    "Drag move   Right-drag half   L lag   F3 sync",
    "Shift-click send over   Double-click gather",
];

/// What this app is: the host of a game, or a guest.
#[derive(Resource, Debug)]
pub struct Mode(pub String);

#[derive(Component, Debug)]
struct StatusLine;

#[derive(Component, Debug)]
struct Notice;

pub fn plugin(app: &mut App) {
    app.add_systems(Startup, spawn)
        .add_systems(Update, (refresh.run_if(on_timer(REFRESH)), tell_link));
}

fn spawn(mut commands: Commands) {
    let plate = BackgroundColor(Color::srgba(0.11, 0.07, 0.12, 0.55));
    let room = UiRect::axes(px(3), px(1.5));
    let top = Node { left: px(2), top: px(2), padding: room, ..default() };
    commands.spawn((floating(top), plate, GlobalZIndex(3))).with_children(|top| {
        top.spawn((letters("", Color::WHITE.with_alpha(0.9)), StatusLine));
    });
    let corner = Node {
        right: px(2),
        bottom: px(2),
        padding: room,
        flex_direction: FlexDirection::Column,
        align_items: AlignItems::End,
        ..default()
    };
    commands.spawn((floating(corner), plate)).with_children(|corner| {
        for line in KEYS {
            let hint = letters(line, Color::WHITE.with_alpha(0.9));
            corner.spawn(hint).insert(TextFont::from_font_size(4.4));
        }
    });
    let middle = Node {
        width: percent(100),
        height: percent(100),
        align_items: AlignItems::Center,
        justify_content: JustifyContent::Center,
        ..default()
    };
    commands.spawn((floating(middle), GlobalZIndex(4))).with_children(|middle| {
        let plate = (
            Node { padding: UiRect::axes(px(10), px(6)), max_width: percent(80), ..default() },
            BackgroundColor(Color::srgba(0.11, 0.07, 0.12, 0.92)),
            Pickable::IGNORE,
        );
        middle
            .spawn((plate, Notice, Visibility::Hidden))
            .with_child((letters("", Color::WHITE), Notice));
    });
}

fn refresh(
    mode: Res<Mode>,
    avatars: Query<(), With<Avatar>>,
    link: Option<Res<Link>>,
    ping: Res<ClientStats>,
    stats: Res<InventoryStats>,
    lag: Option<Res<Lag>>,
    mut line: Single<&mut Text, With<StatusLine>>,
) {
    let players = avatars.iter().count();
    let s = if players == 1 { "" } else { "s" };
    let (ping, bytes, slots) = if link.is_some() {
        let lag = lag.map_or(0, |lag| lag.delay.as_millis());
        let lag = if lag > 0 { format!(" and {lag} ms lag each way") } else { String::new() };
        let ping = format!("   ping {:.0} ms{lag}", ping.rtt * 1000.0);
        (ping, stats.bytes_received, stats.slots_applied)
    } else {
        (String::new(), stats.bytes_sent, stats.slots_marked)
    };
    let now = format!(
        "{}   {players} player{s}{ping}   sync: {bytes} B for {slots} changed slots",
        mode.0
    );
    line.set_if_neq(Text(now));
}

fn tell_link(
    link: Option<Res<Link>>,
    mut plate: Single<&mut Visibility, (With<Notice>, Without<Text>)>,
    mut text: Single<&mut Text, With<Notice>>,
) {
    let Some(link) = link.filter(|link| link.is_changed()) else { return };
    let words = match &*link {
        Link::Connecting => Some("Connecting ..."),
        Link::Up => None,
        Link::Down(why) => Some(why.as_str()),
    };
    text.0 = words.unwrap_or_default().into();
    **plate = if words.is_some() { Visibility::Visible } else { Visibility::Hidden };
}
