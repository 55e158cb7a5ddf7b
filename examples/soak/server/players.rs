//! Players joining, and what each of them may see.

use std::collections::BTreeMap;

use bevy::prelude::*;
use bevy_inventory_sync::{features::tabs::Tabs, prelude::*};
use bevy_replicon::{prelude::*, shared::backend::connected_client::NetworkId};

use crate::{
    game::{self, Body, Contents},
    net::ConnectionId,
    pipe::{self, Order, Report, Shown, View},
};

use super::ledger::ItemsMade;

/// The player's most recent connection.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Player(pub ConnectionId);

/// Marks a connection that has been given to its player.
#[derive(Component)]
pub struct Admitted;

/// What a new player has.
const FIRST_ITEMS: [(&str, u32); 5] =
    [("gold", 60), ("coal", 30), ("stick", 30), ("apple", 10), ("ring", 1)];

/// Gives an authorized connection to the player of its account. The body stays in the world while the player is away.
pub fn admit(
    clients: Query<(Entity, &NetworkId), (With<AuthorizedClient>, Without<Admitted>)>,
    players: Query<(Entity, &Player)>,
    mut banks: Query<&mut Viewers, With<Tabs>>,
    mut made: ResMut<ItemsMade>,
    mut commands: Commands,
) {
    for (client, id) in &clients {
        commands.entity(client).insert(Admitted);
        let connection = ConnectionId::from_bits(id.get());
        let body = players.iter().find(|(_, player)| player.0.account == connection.account);
        let owner = (Player(connection), Owner(client.into()));
        match body {
            // A late packet of an earlier connection.
            Some((_, player)) if player.0.number > connection.number => continue,
            Some((body, _)) => drop(commands.entity(body).insert(owner)),
            None => {
                let id = InventoryId::named("player", connection.account.into());
                let stacks = FIRST_ITEMS.map(|(item, count)| ItemId::of(item).stack(count));
                stacks.iter().for_each(|stack| made.add(stack.item, stack.count().into()));
                let slots = stacks.into_iter().map(Some).chain([None; 22]);
                let inventory = Inventory(slots.collect());
                commands.spawn((id, inventory, Hotbar::default(), owner, Body, Replicated));
            }
        }
        for mut viewers in &mut banks {
            viewers.add(client.into(), Rights::USE);
        }
    }
}

/// Reports what the client of each player may see.
pub fn show(world: &mut World) {
    let orders: Vec<Order> = world.resource_mut::<Messages<Order>>().drain().collect();
    for order in orders {
        if let Order::Show { number, in_full } = order {
            let report = Report::Shown(shown(world, number, in_full));
            pipe::tell(&report);
        }
    }
}

fn shown(world: &mut World, number: u64, in_full: bool) -> Shown {
    let mut players = world.query::<(&Player, &Owner)>();
    let players: Vec<_> = players.iter(world).map(|(player, owner)| (player.0, owner.0)).collect();
    let mut inventories =
        world.query::<(&InventoryId, Option<&Owner>, Option<&Viewers>, Contents)>();
    let mut views = BTreeMap::new();
    let pool = world.resource::<DataPool>();
    for (ConnectionId { account, .. }, client) in players {
        let seen: BTreeMap<u64, View> = inventories
            .iter(world)
            .filter_map(|(id, owner, viewers, contents)| {
                let owns = owner == Some(&Owner(client));
                let rights = if owns { Some(Rights::all()) } else { viewers?.rights_of(client) };
                let text = game::describe(rights?, contents, pool);
                Some((id.to_bits(), View::new(text, in_full)))
            })
            .collect();
        views.insert(account, seen);
    }
    // Not whether updates wait: some wait for a connection that is lost, until it is given up.
    Shown { number, settled: true, views }
}
