//! The avatars of players.

use bevy::prelude::*;
use bevy_inventory_sync::{
    features::public_view::HeldItem,
    prelude::*,
    store::{components::PersistComponent, persist::Persist},
};
use bevy_replicon::prelude::*;

use crate::{
    account::Account,
    containers::{Equipment, Worn},
    map,
    protocol::{Avatar, BankId, Energy, Facing, Pace, Position},
    storage::WorldSuffix,
};

use super::{news::News, walk::Heading};

/// Tile at which players enter the world.
pub const ENTRANCE: IVec2 = IVec2::new(19, 7);

/// Offsets from the entrance, so that players do not overlap.
const PLACES: [Vec2; 8] = [
    Vec2::ZERO,
    Vec2::X,
    Vec2::NEG_X,
    Vec2::NEG_Y,
    Vec2::new(1.0, -1.0),
    Vec2::NEG_ONE,
    Vec2::new(2.0, 0.0),
    Vec2::new(-2.0, 0.0),
];

const COLORS: [[u8; 3]; 8] = [
    [214, 69, 63],
    [63, 127, 192],
    [242, 189, 60],
    [154, 96, 180],
    [60, 165, 155],
    [238, 134, 52],
    [230, 130, 170],
    [120, 125, 140],
];

impl PersistComponent for Energy {
    const NAME: &'static str = "energy";
}

/// The client of an avatar. [`Owner`] determines who sees the inventory, and is removed when the client disconnects.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Player(pub ClientId);

/// The account of an avatar.
#[derive(Component, Clone, Copy, Debug)]
pub struct Of(pub Account);

/// A player that enters. [`Owner`] alone makes its inventory visible to the client. A player that has been here before
/// gets its belongings, its energy and its place instead.
pub fn avatar(
    client: ClientId,
    account: Account,
    name: &str,
    number: usize,
    world: &WorldSuffix,
) -> impl Bundle {
    let color = number % COLORS.len();
    let place = map::middle_of(ENTRANCE) + PLACES[color] * 1.7;
    (
        (Player(client), Of(account), Owner(client), Heading::default()),
        (Avatar { name: name.into(), color: COLORS[color] }, Position(place), Facing::default()),
        (Energy(Energy::MAX), Pace::default()),
        (account.inventory("player"), Inventory::default(), first_hotbar(), HeldItem::default()),
        (Equipment::default(), Worn::default()),
        BankId(account.inventory(&format!("bank{}", world.0))),
        Persist,
    )
}

fn first_hotbar() -> Hotbar {
    let mut hotbar = Hotbar::default();
    let start = [("iron_axe", 1), ("torch", 5), ("bread", 2)];
    for (slot, (key, count)) in start.into_iter().enumerate() {
        hotbar.set(slot, ItemId::of(key).stack(count)).expect("a hotbar has nine slots");
    }
    hotbar
}

/// Despawns the avatar of a player who disconnects. It stays in the store.
pub fn part_with_client(
    gone: On<Remove, ConnectedClient>,
    players: Query<(Entity, &Player, &Avatar)>,
    mut news: News,
    mut commands: Commands,
) {
    let client = ClientId::Client(gone.entity);
    for (entity, _, avatar) in players.iter().filter(|(_, player, _)| player.0 == client) {
        news.tell_others(client, format!("{} has left.", avatar.name));
        commands.entity(entity).despawn();
    }
}
