//! Players come and go.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    map,
    protocol::{Avatar, Facing, Position},
};

use super::walk::Heading;

/// Where everybody enters the world.
const ENTRANCE: IVec2 = IVec2::new(19, 7);

/// Where the next ones stand, so that nobody stands on somebody.
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

const NAME_CHARS_MAX: usize = 14;

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

/// Whose avatar this is. [`Owner`] says who sees the inventory, and is gone as soon as the client is.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Player(pub ClientId);

/// On a client that has said its name.
#[derive(Component, Debug)]
pub struct Nickname(String);

impl Nickname {
    pub fn new(wish: &str) -> Self {
        let name: String = wish.trim().chars().filter(|c| !c.is_control()).collect();
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        Self(if name.is_empty() { "Nobody".into() } else { name })
    }
}

#[derive(Component, Debug)]
pub struct Admitted;

/// Lets clients in that have said their name and speak the same protocol, in whichever order the two came.
pub fn admit_clients(
    clients: Query<(Entity, &Nickname), (With<AuthorizedClient>, Without<Admitted>)>,
    mut joined: Local<u64>,
    mut commands: Commands,
) {
    for (client, name) in &clients {
        commands.entity(client).insert(Admitted);
        *joined += 1;
        admit(&mut commands, client.into(), name, *joined);
    }
}

/// Spawns the avatar. All that makes its inventory known to the client is [`Owner`].
pub fn admit(commands: &mut Commands, client: ClientId, name: &Nickname, number: u64) {
    let mut hotbar = Hotbar::default();
    let start = [("iron_axe", 1), ("torch", 5), ("bread", 2)];
    for (slot, (key, count)) in start.into_iter().enumerate() {
        hotbar.set(slot, ItemId::of(key).stack(count)).expect("a hotbar has nine slots");
    }
    let color = usize::try_from(number).unwrap_or_default() % COLORS.len();
    let aside = PLACES[color] * 1.2;
    commands.spawn((
        Replicated,
        Player(client),
        Avatar { name: name.0.clone(), color: COLORS[color] },
        Position(map::middle_of(ENTRANCE) + aside),
        Facing::default(),
        Heading::default(),
        InventoryId::named("player", number),
        Inventory::default(),
        hotbar,
        HeldItem::default(),
        Owner(client),
    ));
}

/// What a player carried stays where the player stood.
pub fn part_with_client(
    gone: On<Remove, ConnectedClient>,
    players: Query<(Entity, &Player)>,
    mut inventories: Inventories,
    mut commands: Commands,
) {
    let client = ClientId::Client(gone.entity);
    for (entity, _) in players.iter().filter(|(_, player)| player.0 == client) {
        if let Err(error) = inventories.drop_where(entity, |_| true) {
            warn!("{error}");
        }
        commands.entity(entity).despawn();
    }
}
