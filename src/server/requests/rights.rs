//! The rights that players have to inventories when a request is handled.

use bevy::prelude::*;
use bevy_replicon::prelude::*;

use crate::{
    model::{
        planted::{Bug, planted},
        rights::Rights,
    },
    server::{
        faults::Unsynced,
        views::{
            access::{Openable, OpenedThrough, Owner, Viewers},
            subscriptions::Subscriptions,
        },
    },
};

/// Returns the rights that a player gets by opening an inventory, or `None` if the player may not open it.
pub(super) fn rights_offered(world: &World, inventory: Entity, client: ClientId) -> Option<Rights> {
    let openable = world.get::<Openable>(inventory).map(|openable| openable.0);
    let Some(through) = world.get::<OpenedThrough>(inventory) else { return openable };
    Some(rights_to(world, through.via, client)? & openable.unwrap_or(Rights::all()))
}

/// Returns the rights that a player has to an inventory: those in what it was last sent, unless they have been
/// revoked since. Rights that were granted since do not count yet.
pub(crate) fn rights_to(world: &World, inventory: Entity, client: ClientId) -> Option<Rights> {
    let sent = world.resource::<Subscriptions>().access(inventory, client)?.rights;
    if planted(Bug::StaleRights) {
        return Some(sent);
    }
    let rights = sent & rights_now(world, inventory, client)?;
    rights.contains(Rights::SEE).then_some(rights)
}

/// Returns the rights that the components give a player now. The rights to a page that the player has opened are
/// restricted to those to its bank.
fn rights_now(world: &World, inventory: Entity, client: ClientId) -> Option<Rights> {
    let rights = rights_as_openable(world, inventory, client)?;
    let through = world.get::<OpenedThrough>(inventory);
    let Some(through) = through.filter(|_| is_by_request(world, inventory, client)) else {
        return Some(rights);
    };
    let of_bank = rights_as_openable(world, through.via, client)?;
    Some(rights & (of_bank | Rights::SEE))
}

/// Like [`rights_granted`], and restricted to what [`Openable`] permits now if the player has opened the inventory.
fn rights_as_openable(world: &World, inventory: Entity, client: ClientId) -> Option<Rights> {
    let rights = rights_granted(world, inventory, client)?;
    if !is_by_request(world, inventory, client) {
        return Some(rights);
    }
    match world.get::<Openable>(inventory) {
        Some(openable) => Some(rights & (openable.0 | Rights::SEE)),
        None => world.get::<OpenedThrough>(inventory).map(|_| rights),
    }
}

/// Returns `true` if a player sees an inventory only because it has opened it.
fn is_by_request(world: &World, inventory: Entity, client: ClientId) -> bool {
    world.get::<Owner>(inventory) != Some(&Owner(client))
        && world.get::<Viewers>(inventory).is_some_and(|viewers| viewers.is_by_request(client))
}

/// Returns the rights that the components of an inventory give a player.
fn rights_granted(world: &World, inventory: Entity, client: ClientId) -> Option<Rights> {
    let entity =
        world.get_entity(inventory).ok().filter(|entity| !entity.contains::<Unsynced>())?;
    if entity.get::<Owner>() == Some(&Owner(client)) {
        return Some(Rights::all());
    }
    entity.get::<Viewers>()?.rights_of(client)
}
