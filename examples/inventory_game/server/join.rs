//! Players joining: who they are, and whether they may use their names.

use core::time::Duration;

use bevy::{ecs::system::SystemParam, platform::collections::HashMap, prelude::*};
use bevy_inventory_sync::{
    prelude::*,
    store::{
        error::StoreError,
        migrate::{RedeemTicket, TicketRedeemed, TicketRejected},
        persist::InventoryLoadFailed,
        ticket::Ticket,
    },
};
use bevy_replicon::prelude::*;

use crate::{
    account::{Account, AccountKey},
    protocol::{Avatar, JoinRejected, Travel},
    storage::WorldSuffix,
};

use super::{
    gate::Exit,
    news::News,
    players::{self, Of, Player},
    registry::Registry,
    trades,
};

const NAME_CHARS_MAX: usize = 14;

/// Time for a rejected client to receive the reason before it is disconnected.
const FAREWELL: Duration = Duration::from_secs(2);

/// Name and account of a client that has sent its join request.
#[derive(Component, Clone, Debug)]
pub struct Nickname {
    name: String,
    account: Account,
    /// Shown by a player that comes from another world.
    ticket: Option<Ticket>,
}

impl Nickname {
    pub fn new(wish: &str, key: &AccountKey, ticket: Option<&str>) -> Self {
        let ticket = ticket.and_then(|ticket| ticket.parse().ok());
        let name: String = wish.trim().chars().filter(|c| !c.is_control()).collect();
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        let name = name.trim();
        let name = if name.is_empty() { "Nobody".into() } else { name.into() };
        Self { name, account: key.account(), ticket }
    }

    pub fn is_account(&self, account: &str) -> bool {
        self.account.to_string() == account
    }
}

/// The host's player, until it is admitted.
#[derive(Resource, Default, Debug)]
pub struct HostNickname(pub Option<Nickname>);

/// A client whose join request has been answered, or is being checked by the store.
#[derive(Component, Debug)]
pub struct Admitted;

/// A client that may not play, with the time until it is disconnected.
#[derive(Component, Debug)]
pub struct Leaving(Timer);

/// All accounts that have joined since the start, with a number that determines the color.
#[derive(Resource, Default, Debug)]
pub struct Accounts(HashMap<Account, usize>);

/// Admits players, once the registry of names is loaded: the host at once, a client after it has both sent its join
/// request and passed the protocol check, in either order.
#[derive(SystemParam)]
pub struct Entrance<'w, 's> {
    registry: Query<'w, 's, &'static mut Registry>,
    accounts: ResMut<'w, Accounts>,
    world: Res<'w, WorldSuffix>,
    present: Query<'w, 's, (Entity, &'static Of, &'static Player, &'static mut Avatar)>,
    rejections: MessageWriter<'w, ToClients<JoinRejected>>,
    news: News<'w>,
    commands: Commands<'w, 's>,
}

/// Admits one player per frame, so that a second client with the same key finds the avatar of the first one.
pub fn admit_players(
    clients: Query<(Entity, &Nickname), (With<AuthorizedClient>, Without<Admitted>)>,
    mut host: ResMut<HostNickname>,
    mut entrance: Entrance,
) {
    if entrance.registry.is_empty() {
        return;
    }
    if let Some(nickname) = host.0.take() {
        entrance.admit(ClientId::Server, &nickname);
    } else if let Some((client, nickname)) = clients.iter().next() {
        entrance.commands.entity(client).insert(Admitted);
        match nickname.ticket.clone() {
            Some(ticket) => {
                let account = nickname.account.to_string();
                entrance.commands.trigger(RedeemTicket { account, ticket });
            }
            None => entrance.admit(client.into(), nickname),
        }
    }
}

type Applicants<'w, 's> =
    Query<'w, 's, (Entity, &'static Nickname), (With<Admitted>, Without<Leaving>)>;

/// Admits a player that was sent from another world.
pub fn admit_with_ticket(redeemed: On<TicketRedeemed>, clients: Applicants, entrance: Entrance) {
    admit_account(&redeemed.account, &clients, entrance);
}

/// Admits a player whose ticket is not valid. Its inventory is loaded if it is in this world.
pub fn admit_without_ticket(rejected: On<TicketRejected>, clients: Applicants, entrance: Entrance) {
    admit_account(&rejected.account, &clients, entrance);
}

fn admit_account(account: &str, clients: &Applicants, mut entrance: Entrance) {
    let known = clients.iter().find(|(_, name)| name.is_account(account));
    if let Some((client, name)) = known {
        entrance.admit(client.into(), name);
    }
}

impl Entrance<'_, '_> {
    /// Spawns the avatar, or gives the one that is there already to the new client.
    fn admit(&mut self, client: ClientId, Nickname { name, account, .. }: &Nickname) {
        let Ok(mut registry) = self.registry.single_mut() else { return };
        let avatar = self.present.iter_mut().find(|(_, of, ..)| of.0 == *account);
        let there = avatar.as_ref().map(|(.., Player(there), _)| *there);
        if there == Some(ClientId::Server) && client != ClientId::Server {
            return self.reject(client, "This player is the host of the game.");
        }
        if registry.claim(name, *account).is_err() {
            let why =
                format!("The name \"{name}\" belongs to another player. Choose another name.");
            return self.reject(client, &why);
        }
        if let Some((avatar, _, Player(before), mut looks)) = avatar {
            looks.name.clone_from(name);
            let before = *before;
            self.commands.run_system_cached_with(trades::end, avatar);
            self.commands.entity(avatar).insert((Player(client), Owner(client)));
            if before != client {
                self.reject(before, "You have joined this game from another place.");
            }
            return;
        }
        let next = self.accounts.0.len();
        let number = *self.accounts.0.entry(*account).or_insert(next);
        let avatar = players::avatar(client, *account, name, number, &self.world);
        self.commands.spawn(avatar);
        self.news.tell_others(client, format!("{name} has joined."));
    }

    /// Tells a client why it may not play. It is disconnected later.
    fn reject(&mut self, client: ClientId, why: &str) {
        let (targets, message) = (SendTargets::Single(client), JoinRejected(why.into()));
        self.rejections.write(ToClients { targets, message });
        if let Some(client) = client.entity() {
            let farewell = Leaving(Timer::new(FAREWELL, TimerMode::Once));
            self.commands.entity(client).try_insert(farewell);
        }
    }
}

/// Disconnects rejected clients that have not left.
pub fn disconnect_rejected(
    time: Res<Time<Real>>,
    mut clients: Query<(Entity, &mut Leaving)>,
    mut disconnects: MessageWriter<DisconnectRequest>,
) {
    for (client, mut leaving) in &mut clients {
        if leaving.0.tick(time.delta()).just_finished() {
            disconnects.write(DisconnectRequest { client });
        }
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
