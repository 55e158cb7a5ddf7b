//! Players joining and leaving.

use bevy::{ecs::system::SystemParam, platform::collections::HashMap, prelude::*};
use bevy_inventory_sync::features::public_view::HeldItem;
use bevy_inventory_sync::{
    prelude::*,
    store::{
        error::StoreError,
        migrate::{RedeemTicket, TicketRedeemed, TicketRejected},
        persist::{InventoryLoadFailed, Persist},
        ticket::Ticket,
    },
};
use bevy_replicon::prelude::*;

use crate::{
    map,
    protocol::{Avatar, Facing, Position, Travel},
};

use super::{gate::Exit, walk::Heading};

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

/// The client of an avatar. [`Owner`] determines who sees the inventory, and is removed when the client disconnects.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Player(pub ClientId);

/// Name and account of a client that has sent its join request.
#[derive(Component, Clone, Debug)]
pub struct Nickname {
    name: String,
    account: u64,
    /// Shown by a player that comes from another world.
    ticket: Option<Ticket>,
}

impl Nickname {
    pub fn new(wish: &str, account: u64, ticket: Option<&str>) -> Self {
        let ticket = ticket.and_then(|ticket| ticket.parse().ok());
        let name: String = wish.trim().chars().filter(|c| !c.is_control()).collect();
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        Self { name: if name.is_empty() { "Nobody".into() } else { name }, account, ticket }
    }

    pub fn is_account(&self, account: &str) -> bool {
        self.account.to_string() == account
    }
}

#[derive(Component, Debug)]
pub struct Admitted;

/// All accounts that have joined since the start, with a number that determines the color.
#[derive(Resource, Default, Debug)]
pub struct Accounts(HashMap<u64, usize>);

/// The account of an avatar.
#[derive(Component, Clone, Copy, Debug)]
pub struct Of(pub u64);

/// Admits players: the host at once, a client after it has both sent its join request and passed the protocol
/// check, in either order.
#[derive(SystemParam)]
pub struct Entrance<'w, 's> {
    accounts: ResMut<'w, Accounts>,
    present: Query<'w, 's, (Entity, &'static Of)>,
    commands: Commands<'w, 's>,
}

pub fn admit_clients(
    clients: Query<(Entity, &Nickname), (With<AuthorizedClient>, Without<Admitted>)>,
    mut entrance: Entrance,
) {
    for (client, name) in &clients {
        entrance.commands.entity(client).insert(Admitted);
        match name.ticket.clone() {
            // This game does not authenticate accounts; yours must.
            Some(ticket) => {
                let account = name.account.to_string();
                entrance.commands.trigger(RedeemTicket { account, ticket });
            }
            None => entrance.admit(client.into(), name),
        }
    }
}

/// Admits a player that was sent from another world.
pub fn admit_with_ticket(
    redeemed: On<TicketRedeemed>,
    clients: Query<(Entity, &Nickname), With<Admitted>>,
    mut entrance: Entrance,
) {
    admit_account(&redeemed.account, &clients, &mut entrance);
}

/// Admits a player whose ticket is not valid. Its inventory is loaded if it is in this world.
pub fn admit_without_ticket(
    rejected: On<TicketRejected>,
    clients: Query<(Entity, &Nickname), With<Admitted>>,
    mut entrance: Entrance,
) {
    admit_account(&rejected.account, &clients, &mut entrance);
}

fn admit_account(
    account: &str,
    clients: &Query<(Entity, &Nickname), With<Admitted>>,
    entrance: &mut Entrance,
) {
    let known = clients.iter().find(|(_, name)| name.is_account(account));
    if let Some((client, name)) = known {
        entrance.admit(client.into(), name);
    }
}

/// Sends a player on whose inventory is in another world.
pub fn redirect(
    failed: On<InventoryLoadFailed>,
    players: Query<&Player>,
    exit: Res<Exit>,
    mut travels: MessageWriter<ToClients<Travel>>,
    mut commands: Commands,
) {
    let Ok(&Player(client)) = players.get(failed.entity) else { return };
    commands.entity(failed.entity).despawn();
    if let StoreError::Elsewhere { world, .. } = &failed.error
        && let Some(address) = exit.address_of(world)
    {
        let message = Travel { address, ticket: None };
        travels.write(ToClients { targets: SendTargets::Single(client), message });
    } else if let Some(client) = client.entity() {
        commands.write_message(DisconnectRequest { client });
    }
}

impl Entrance<'_, '_> {
    /// Spawns the avatar. [`Owner`] alone makes its inventory visible to the client.
    pub fn admit(&mut self, client: ClientId, Nickname { name, account, .. }: &Nickname) {
        let avatar = self.present.iter().find(|(_, of)| of.0 == *account);
        if let Some((avatar, _)) = avatar {
            // The player reconnected before the old connection timed out.
            self.commands.entity(avatar).insert((Player(client), Owner(client)));
            return;
        }
        let next = self.accounts.0.len();
        let color = *self.accounts.0.entry(*account).or_insert(next) % COLORS.len();
        // A player that has been here before gets its belongings and its place instead.
        self.commands.spawn((
            (Player(client), Of(*account)),
            Avatar { name: name.clone(), color: COLORS[color] },
            Position(map::middle_of(ENTRANCE) + PLACES[color] * 1.7),
            Facing::default(),
            Heading::default(),
            InventoryId::named("player", *account),
            Inventory::default(),
            first_hotbar(),
            HeldItem::default(),
            Owner(client),
            Persist,
        ));
    }
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
    players: Query<(Entity, &Player)>,
    mut commands: Commands,
) {
    let client = ClientId::Client(gone.entity);
    for (entity, _) in players.iter().filter(|(_, player)| player.0 == client) {
        commands.entity(entity).despawn();
    }
}
