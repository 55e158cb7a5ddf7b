//! Opens and closes inventories at the request of players, if the game's rules permit it.

use bevy::{
    ecs::{
        entity_disabling::Disabled,
        lifecycle::{Insert, Remove},
        query::Allow,
    },
    platform::collections::HashMap,
    prelude::*,
};
use bevy_replicon::prelude::*;

use crate::{
    model::{rejection::Rejection, rights::Rights},
    server::{
        baseline::Baseline,
        faults::Unsynced,
        views::access::{Openable, OpenedThrough, OpensInto, Owner, Viewers},
    },
    shared::{authority::Authority, ids::InventoryIds, schedule::InventoryServerSystems},
    wire::request::Target,
};

use super::rules::{self, AccessDecision, AccessKind, AccessRequest};

/// The inventories that players have opened, which are reviewed periodically.
#[derive(Resource, Default, Debug)]
pub(crate) struct Opened {
    open: Vec<OpenedInventory>,
    ticks: usize,
}

#[derive(Clone, Copy, Debug)]
struct OpenedInventory {
    inventory: Entity,
    client: ClientId,
    actor: Option<Entity>,
}

impl OpenedInventory {
    fn is(&self, inventory: Entity, client: ClientId) -> bool {
        self.inventory == inventory && self.client == client
    }
}

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<Opened>()
        .add_observer(review_when::<Remove, Viewers>)
        .add_observer(review_when::<Remove, Owner>)
        .add_observer(review_when::<Insert, Unsynced>)
        .add_systems(
            PostUpdate,
            (review_changed, review_openings.run_if(|opened: Res<Opened>| !opened.open.is_empty()))
                .in_set(InventoryServerSystems::Features),
        );
}

/// Number of frames within which every open inventory is reviewed once.
const REVIEW_TICKS: usize = 30;

/// Opens an inventory for a player.
///
/// # Errors
///
/// [`Rejection::NotInView`] if the inventory does not exist or cannot be opened, so that clients cannot tell
/// the two apart; otherwise the reason of the rule that denies it.
pub(crate) fn open(
    world: &mut World,
    client: ClientId,
    actor: Option<Entity>,
    target: Target,
) -> Result<(), Rejection> {
    let inventory = match target {
        Target::Entity(entity) => entity,
        Target::Id(id) => world.resource::<InventoryIds>().get(id).ok_or(Rejection::NotInView)?,
    };
    let there = world.get_entity(inventory).ok().filter(|there| there.contains::<Baseline>());
    let there = there.filter(|there| !there.contains::<Unsynced>()).ok_or(Rejection::NotInView)?;
    let viewer = there.get::<Viewers>().is_some_and(|v| v.rights_of(client).is_some());
    if viewer || there.get::<Owner>() == Some(&Owner(client)) {
        return Ok(());
    }
    let rights = offered(world, inventory, client).ok_or(Rejection::NotInView)?;
    let ask = AccessRequest { client, actor, inventory, kind: AccessKind::Open };
    if let AccessDecision::Deny(reason) = rules::ask(world, &ask) {
        return Err(reason);
    }
    let Ok(mut there) = world.get_entity_mut(inventory) else { return Err(Rejection::NotInView) };
    let mut viewers = there.get::<Viewers>().cloned().unwrap_or_default();
    viewers.add_asked(client, rights);
    there.insert(viewers);
    close_others(world, inventory, client);
    let open = &mut world.resource_mut::<Opened>().open;
    open.retain(|opening| !opening.is(inventory, client));
    open.push(OpenedInventory { inventory, client, actor });
    Ok(())
}

/// Returns the rights that a player gets by opening an inventory, or `None` if the player may not open it.
fn offered(world: &World, inventory: Entity, client: ClientId) -> Option<Rights> {
    let openable = world.get::<Openable>(inventory).map(|openable| openable.0);
    let Some(through) = world.get::<OpenedThrough>(inventory) else { return openable };
    Some(rights_to(world, through.via, client)? & openable.unwrap_or(Rights::all()))
}

/// Returns the rights that a player has to an inventory that it sees.
fn rights_to(world: &World, inventory: Entity, client: ClientId) -> Option<Rights> {
    let there = world.get_entity(inventory).ok().filter(|there| !there.contains::<Unsynced>())?;
    if there.get::<Owner>() == Some(&Owner(client)) {
        return Some(Rights::all());
    }
    there.get::<Viewers>()?.rights_of(client)
}

/// Closes the other inventories that a player has opened through the same one.
fn close_others(world: &mut World, inventory: Entity, client: ClientId) {
    let Some(via) = world.get::<OpenedThrough>(inventory).map(|through| through.via) else {
        return;
    };
    for other in opens_into(world, via) {
        let open = world.get::<Viewers>(other).is_some_and(|viewers| viewers.has_asked(client));
        if other != inventory && open {
            close(world, client, other).ok();
        }
    }
}

fn opens_into(world: &World, via: Entity) -> Vec<Entity> {
    world.get::<OpensInto>(via).into_iter().flat_map(RelationshipTarget::iter).collect()
}

fn review_when<E: EntityEvent, C: Component>(
    event: On<E, C>,
    via: Query<(), (With<OpensInto>, Allow<Disabled>)>,
    authority: Authority,
    mut commands: Commands,
) {
    let inventory = event.event_target();
    if authority.is_here() && via.contains(inventory) {
        commands.queue(move |world: &mut World| review(world, inventory));
    }
}

type Reviewed = (With<OpensInto>, Or<(Changed<Viewers>, Changed<Owner>)>, Allow<Disabled>);

fn review_changed(changed: Query<Entity, Reviewed>, mut commands: Commands) {
    for via in &changed {
        commands.queue(move |world: &mut World| review(world, via));
    }
}

/// Updates the rights of the players that have opened inventories through `via`, and closes these inventories for
/// players that no longer see `via`.
fn review(world: &mut World, via: Entity) {
    let Ok(there) = world.get_entity(via) else { return };
    let viewers = there.get::<Viewers>().into_iter().flat_map(Viewers::iter);
    let owner = there.get::<Owner>().map(|owner| (owner.0, Rights::all()));
    let mut allowed: HashMap<ClientId, Rights> = viewers.chain(owner).collect();
    if there.contains::<Unsynced>() {
        allowed.clear();
    }
    for inventory in opens_into(world, via) {
        let most = world.get::<Openable>(inventory).map_or(Rights::all(), |openable| openable.0);
        let Some(viewers) = world.get::<Viewers>(inventory) else { continue };
        let opened = viewers.iter().filter(|(client, _)| viewers.has_asked(*client));
        let opened: Vec<_> = opened.collect();
        for (client, before) in opened {
            let now = allowed.get(&client).map(|rights| *rights & most | Rights::SEE);
            match (now, world.get_mut::<Viewers>(inventory)) {
                (Some(now), Some(mut viewers)) if now != before => viewers.add_asked(client, now),
                (None, _) => {
                    close(world, client, inventory).ok();
                }
                _ => {}
            }
        }
    }
}

/// Closes an inventory that a player has opened.
///
/// # Errors
///
/// [`Rejection::NotInView`] if the player has not opened it, or if the game has made the player a viewer since.
pub(crate) fn close(
    world: &mut World,
    client: ClientId,
    inventory: Entity,
) -> Result<(), Rejection> {
    let mut opened = world.resource_mut::<Opened>();
    let before = opened.open.len();
    opened.open.retain(|opening| !opening.is(inventory, client));
    let was_open = opened.open.len() < before;
    // Access that the game has granted since can only be revoked by the game.
    let viewers = world.get_mut::<Viewers>(inventory).filter(|viewers| viewers.has_asked(client));
    let (true, Some(mut viewers)) = (was_open, viewers) else { return Err(Rejection::NotInView) };
    viewers.remove(client);
    Ok(())
}

/// Asks the rules whether players may keep the inventories open that they have opened. Reviews some of them in
/// each frame.
fn review_openings(world: &mut World) {
    let mut opened = world.resource_mut::<Opened>();
    opened.ticks = (opened.ticks + 1) % REVIEW_TICKS;
    let ticks = opened.ticks;
    let due: Vec<_> = opened.open.iter().skip(ticks).step_by(REVIEW_TICKS).copied().collect();
    for OpenedInventory { inventory, client, actor } in due {
        // The viewer may have left or been removed in another way.
        let viewers = world.get::<Viewers>(inventory);
        let goes_on = viewers.is_some_and(|viewers| viewers.has_asked(client)) && {
            let ask = AccessRequest { client, actor, inventory, kind: AccessKind::KeepOpen };
            !matches!(rules::ask(world, &ask), AccessDecision::Deny(_))
        };
        if !goes_on {
            close(world, client, inventory).ok();
        }
    }
}
