//! Handles player requests besides inventory actions.

use bevy::prelude::*;
use bevy_replicon::prelude::*;

use crate::protocol::Request;

use super::{
    players::{Entrance, Nickname, Player},
    walk::Heading,
};

pub fn hear_requests(
    mut requests: MessageReader<FromClient<Request>>,
    authorized: Query<(), With<AuthorizedClient>>,
    players: Query<(Entity, &Player)>,
    mut entrance: Entrance,
    mut commands: Commands,
) {
    for FromClient { client_id, message } in requests.read() {
        let player = players.iter().find(|(_, player)| player.0 == *client_id);
        match (message, client_id.entity()) {
            (Request::Join { name, account, ticket }, Some(client)) => {
                let nickname = Nickname::new(name, *account, ticket.as_deref());
                commands.entity(client).try_insert_if_new(nickname);
            }
            (Request::Join { name, account, .. }, None) if player.is_none() => {
                entrance.admit(*client_id, &Nickname::new(name, *account, None));
            }
            (Request::Walk(wish), client)
                if client.is_none_or(|client| authorized.contains(client)) =>
            {
                if let Some((entity, _)) = player {
                    commands.entity(entity).insert(Heading::new(*wish));
                }
            }
            _ => {}
        }
    }
}
