//! The gate to another world, which another server runs.

use std::net::SocketAddr;

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    store::{
        migrate::{MigratePlayer, MigrationFailed, PlayerDeparted},
        persist::InventoryLoaded,
    },
};
use bevy_replicon::prelude::*;

use crate::{
    map,
    protocol::{Facing, Gate, Position, Travel},
};

use super::{
    join::Nickname,
    players::{ENTRANCE, Of, Player},
};

/// Distance within which a player enters the gate, in tiles.
const NEAR: f32 = 0.6;

/// Position of an arriving player relative to the gate, in tiles.
const OUT: Vec2 = Vec2::new(0.0, -1.4);

/// The world behind the gate, and the address of its server.
#[derive(Resource, Clone, Default, Debug)]
pub struct Exit(pub Option<(String, SocketAddr)>);

impl Exit {
    /// Returns the address of the server of a world.
    pub fn address_of(&self, world: &str) -> Option<SocketAddr> {
        self.0.as_ref().filter(|(name, _)| name == world).map(|(_, address)| *address)
    }
}

/// A player that is on its way through the gate.
#[derive(Component, Debug)]
pub struct Passing;

pub fn place_gate(exit: Res<Exit>, mut commands: Commands) {
    if let Some((to, _)) = &exit.0 {
        commands.spawn((Gate { to: to.clone() }, Position(map::GATE), Replicated));
    }
}

/// Sends players who enter the gate to the other world.
pub fn pass(
    gates: Query<(&Gate, &Position)>,
    players: Query<(Entity, &Of, &Position), (With<Player>, With<Inventory>, Without<Passing>)>,
    mut commands: Commands,
) {
    for (Gate { to }, Position(gate)) in &gates {
        for (entity, Of(account), Position(here)) in &players {
            if here.distance(*gate) < NEAR {
                commands.entity(entity).insert(Passing);
                commands.trigger(MigratePlayer {
                    account: account.to_string(),
                    to: to.clone(),
                    client: None,
                    inventories: vec![entity],
                });
            }
        }
    }
}

/// Tells the client of a player that has left where to go.
pub fn send_destination(
    departed: On<PlayerDeparted>,
    exit: Res<Exit>,
    clients: Query<(Entity, &Nickname)>,
    mut travels: MessageWriter<ToClients<Travel>>,
) {
    let client = clients.iter().find(|(_, name)| name.is_account(&departed.account));
    let address = exit.address_of(&departed.to);
    if let (Some((client, _)), Some(address)) = (client, address) {
        let message = Travel { address, ticket: Some(departed.ticket.to_string()) };
        travels.write(ToClients { targets: SendTargets::Single(client.into()), message });
    }
}

/// Lets a player that could not leave use the gate again.
pub fn clear_passing(
    failed: On<MigrationFailed>,
    players: Query<(Entity, &Of), With<Passing>>,
    mut commands: Commands,
) {
    for (entity, _) in players.iter().filter(|(_, of)| of.0.to_string() == failed.account) {
        commands.entity(entity).remove::<Passing>();
    }
}

/// Moves a player that was stored inside the gate, or inside something that was not there before, out of it.
pub fn step_out(
    loaded: On<InventoryLoaded>,
    gates: Query<&Position, (With<Gate>, Without<Player>)>,
    mut players: Query<(&mut Position, &mut Facing), With<Player>>,
) {
    let Ok((mut position, mut facing)) = players.get_mut(loaded.entity) else { return };
    if gates.iter().any(|gate| position.0.distance(gate.0) < NEAR) {
        position.0 = map::GATE + OUT;
        *facing = Facing::Down;
    } else if !map::is_standable(position.0) {
        position.0 = map::middle_of(ENTRANCE);
    }
}
