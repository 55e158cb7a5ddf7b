//! Moves a client to the server of another world.

use std::net::SocketAddr;

use bevy::prelude::*;

use crate::{
    net::{self, Link},
    protocol::{Me, OfWorld, Travel},
    session::Session,
};

/// The server that this client was last sent to.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Destination(pub SocketAddr);

pub fn plugin(app: &mut App) {
    app.add_systems(Update, travel);
}

fn travel(mut travels: MessageReader<Travel>, mut commands: Commands) {
    if let Some(travel) = travels.read().last().cloned() {
        commands.queue(move |world: &mut World| {
            world.resource_mut::<Me>().ticket = travel.ticket;
            world.insert_resource(Destination(travel.address));
            switch_server(world, travel.address);
        });
    }
}

/// Leaves the server, and connects to another one.
pub fn switch_server(world: &mut World, address: SocketAddr) {
    net::close(world);
    let mut things = world.query_filtered::<Entity, OfWorld>();
    let things: Vec<Entity> = things.iter(world).collect();
    for thing in things {
        world.despawn(thing);
    }
    if let Err(why) = net::connect(world, address) {
        world.insert_resource(Link::Down(why));
    }
    if let Some(mut session) = world.get_resource_mut::<Session>() {
        *session = Session::Guest(address);
    }
}

/// Reconnects to the last destination if the connection was lost.
pub fn reconnect(world: &mut World) {
    let destination = world.get_resource::<Destination>().map(|destination| destination.0);
    if let (Some(Link::Down(_)), Some(address)) = (world.get_resource::<Link>(), destination) {
        switch_server(world, address);
    }
}
