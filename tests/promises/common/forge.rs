//! Requests of a client that checks nothing.

use super::*;
use bevy_inventory_sync::wire::{
    Schema,
    bits::BitWriter,
    request::{ActionWriter, RequestBody, write_body},
};

/// Number of action types that the tests' apps register.
pub const TYPES: usize = 1;

/// Encodes a request. Views are given as entities with that index.
pub fn forged(
    pair: &Simulation,
    number: u8,
    actor: Option<u32>,
    action: &InventoryAction,
) -> Vec<u8> {
    let world = pair.server.world();
    let (catalog, kinds) = (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
    let schema = Schema { catalog, registry: kinds.as_slice() };
    let mut w = BitWriter::default();
    write_body(&mut w, number, &RequestBody::Act { actor, witness: 0, kind: 0 }, TYPES);
    let view = |entity: Entity| Some(entity.index_u32());
    ActionWriter { w: &mut w, schema, view: &view }.action(action);
    w.finish().to_vec()
}

/// Makes the server receive bytes from a client.
pub fn send(pair: &mut Simulation, client: usize, bytes: Vec<u8>) {
    let channel = pair.request_channel();
    let client = pair.client_id(client).entity().unwrap();
    let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
    messages.insert_received(client, channel, bytes);
}

/// The entity that [`forged`] encodes as this view.
pub fn view(n: u32) -> Entity {
    Entity::from_raw_u32(n).unwrap()
}
