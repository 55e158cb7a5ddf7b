//! What players ask for. Nothing they say is trusted: who they are, what they may touch and what is in
//! reach is looked up here, and every change is a transaction.

use bevy::{
    ecs::{entity::EntityHashSet, system::SystemParam},
    prelude::*,
};
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;

use crate::protocol::{CHEST_REACH, Chest, Facing, GroundItem, ITEM_REACH, Position, Request};

use super::{
    ground,
    players::{self, Nickname, Player},
    walk::Heading,
};

/// How far in front of the feet a dropped stack lands.
const THROW: f32 = 0.7;

type Body = (Entity, &'static Player, &'static Position, &'static Facing);
type Access = (Option<&'static Owner>, Option<&'static mut Viewers>);

/// All that requests are answered with.
#[derive(SystemParam)]
pub struct Desk<'w, 's> {
    pub(super) inventories: Inventories<'w, 's>,
    ids: Res<'w, InventoryIds>,
    bodies: Query<'w, 's, Body>,
    access: Query<'w, 's, Access>,
    pub(super) chests: Query<'w, 's, (Entity, &'static Position), With<Chest>>,
    items: Query<'w, 's, (Entity, &'static Position, &'static mut GroundItem)>,
    /// Despawned in this run, though still in `items`.
    taken: Local<'s, EntityHashSet>,
    commands: Commands<'w, 's>,
}

/// The player who asks.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    client: ClientId,
    pub(super) entity: Entity,
    position: Position,
    facing: Facing,
}

pub fn hear_requests(
    mut requests: MessageReader<FromClient<Request>>,
    authorized: Query<(), With<AuthorizedClient>>,
    mut desk: Desk,
) {
    desk.taken.clear();
    for FromClient { client_id, message } in requests.read() {
        if let Request::Join { name } = message {
            desk.join(*client_id, Nickname::new(name));
        } else if client_id.entity().is_none_or(|client| authorized.contains(client))
            && let Some(asker) = desk.asker(*client_id)
            && let Err(refusal) = desk.answer(asker, message)
        {
            debug!("refused {message:?} of {client_id}: {refusal}");
        }
    }
}

impl Desk<'_, '_> {
    fn join(&mut self, client: ClientId, name: Nickname) {
        match client {
            ClientId::Client(client) => {
                self.commands.entity(client).try_insert_if_new(name);
            }
            ClientId::Server if self.asker(client).is_none() => {
                players::admit(&mut self.commands, client, &name, 0);
            }
            ClientId::Server => {}
        }
    }

    fn asker(&self, client: ClientId) -> Option<Asker> {
        let body = self.bodies.iter().find(|(_, player, ..)| player.0 == client);
        body.map(|(entity, _, position, facing)| Asker {
            client,
            entity,
            position: *position,
            facing: *facing,
        })
    }

    fn answer(&mut self, asker: Asker, request: &Request) -> Result {
        match *request {
            Request::Join { .. } => {}
            Request::Walk(wish) => {
                self.commands.entity(asker.entity).insert(Heading::new(wish));
            }
            Request::PickUp => self.pick_up(asker),
            Request::Drop { from, count } => {
                let holder = self.reach(asker, from.0, Rights::TAKE)?;
                let stack = self.inventories.take_from(holder, from.1, count)?;
                let ahead = asker.position.0 + asker.facing.vector() * THROW;
                ground::drop_near(&mut self.commands, stack, ahead, asker.position.0);
            }
            Request::Select(index) => {
                let slot = Hotbar::slot(index.into());
                self.inventories.transact(|tx| tx.select(asker.entity, slot))?;
            }
            Request::MoveSlot { from, to, count } => self.move_slot(asker, from, to, count)?,
            Request::QuickMove { from } => self.quick_move(asker, from)?,
            Request::OpenChest => self.open_chest(asker),
            Request::CloseChests => self.close_chests(asker),
        }
        Ok(())
    }

    /// Takes the nearest stack in reach, as much of it as fits.
    fn pick_up(&mut self, asker: Asker) {
        let distance = |(_, position, _): &(Entity, &Position, &GroundItem)| {
            position.0.distance(asker.position.0)
        };
        let in_reach = self
            .items
            .iter()
            .filter(|item| distance(item) < ITEM_REACH && !self.taken.contains(&item.0));
        let nearest = in_reach.min_by(|a, b| distance(a).total_cmp(&distance(b)));
        let Some((item, _, &GroundItem(stack))) = nearest else { return };
        match self.inventories.give(asker.entity, stack).into_stack() {
            None => {
                self.taken.insert(item);
                self.commands.entity(item).despawn();
            }
            Some(rest) => {
                if let Ok((_, _, mut there)) = self.items.get_mut(item) {
                    there.set_if_neq(GroundItem(rest));
                }
            }
        }
    }

    /// The entity with an inventory that the player may use in a certain way. Whoever guesses at others'
    /// ids learns nothing.
    pub(super) fn reach(&self, asker: Asker, id: InventoryId, needed: Rights) -> Result<Entity> {
        let entity = self.ids.get(id);
        let may = |entity: &Entity| {
            let Ok((owner, viewers)) = self.access.get(*entity) else { return false };
            let rights = viewers.and_then(|viewers| viewers.rights_of(asker.client));
            owner == Some(&Owner(asker.client))
                || rights.is_some_and(|rights| rights.contains(needed))
        };
        entity.filter(may).ok_or_else(|| format!("{id} is not theirs").into())
    }

    /// Opens the nearest chest in reach, and closes every other.
    fn open_chest(&mut self, asker: Asker) {
        let from_here = |chest: &Position| asker.position.distance_to_chest(*chest);
        let in_reach = self.chests.iter().filter(|(_, chest)| from_here(chest) < CHEST_REACH);
        let nearest = in_reach.min_by(|a, b| from_here(a.1).total_cmp(&from_here(b.1)));
        let Some((nearest, _)) = nearest else { return };
        self.close_chests(asker);
        if let Ok((_, Some(mut viewers))) = self.access.get_mut(nearest) {
            viewers.add(asker.client, Rights::USE);
        }
    }

    fn close_chests(&mut self, asker: Asker) {
        for (chest, _) in &self.chests {
            if let Ok((_, Some(mut viewers))) = self.access.get_mut(chest)
                && viewers.rights_of(asker.client).is_some()
            {
                viewers.remove(asker.client);
            }
        }
    }

    /// The chest that the player has open.
    pub(super) fn open_chest_of(&self, asker: Asker) -> Option<Entity> {
        let has_open = |chest: &Entity| {
            let viewers = self.access.get(*chest).ok().and_then(|(_, viewers)| viewers);
            viewers.is_some_and(|viewers| viewers.rights_of(asker.client).is_some())
        };
        self.chests.iter().map(|(chest, _)| chest).find(has_open)
    }
}
