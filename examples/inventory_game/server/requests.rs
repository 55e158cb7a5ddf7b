//! Handles player requests besides inventory actions.

use bevy::prelude::*;
use bevy_replicon::prelude::*;

use crate::protocol::Request;

use super::{
    join::{HostNickname, Nickname},
    players::Player,
    trades,
    walk::Heading,
};

pub fn handle_requests(
    mut requests: MessageReader<FromClient<Request>>,
    authorized: Query<(), With<AuthorizedClient>>,
    players: Query<(Entity, &Player)>,
    mut host: ResMut<HostNickname>,
    mut commands: Commands,
) {
    for FromClient { client_id, message } in requests.read() {
        let player = players.iter().find(|(_, player)| player.0 == *client_id);
        let client = client_id.entity();
        if let Request::Join { name, account, ticket } = message {
            match client {
                Some(client) => {
                    let nickname = Nickname::new(name, account, ticket.as_deref());
                    commands.entity(client).try_insert_if_new(nickname);
                }
                None if player.is_none() => host.0 = Some(Nickname::new(name, account, None)),
                None => {}
            }
            continue;
        }
        if client.is_some_and(|client| !authorized.contains(client)) {
            continue;
        }
        let Some((player, _)) = player else { continue };
        match message {
            Request::Join { .. } => {}
            Request::Walk(wish) => {
                commands.entity(player).insert(Heading::new(*wish));
            }
            Request::Trade => commands.run_system_cached_with(trades::ask, player),
            Request::WithdrawAcceptance => {
                commands.run_system_cached_with(trades::withdraw, player);
            }
            Request::EndTrade => commands.run_system_cached_with(trades::end, player),
        }
    }
}
