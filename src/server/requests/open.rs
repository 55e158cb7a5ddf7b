//! Opens and closes inventories at the request of players, if the game's rules permit it.

use core::time::Duration;

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
        marked::Marked,
        views::access::{Openable, OpenedThrough, OpensInto, Owner, Viewers},
    },
    shared::{
        authority::Authority, ids::InventoryIds, rate::RequestLimits,
        schedule::InventoryServerSystems,
    },
    wire::request::Target,
};

use super::{
    bodies::{self, OwnedInventories},
    inbox::{Inboxes, WORK_RULES},
    rights::rights_offered,
    rules::{self, AccessKind, AccessRequest},
};

/// The inventories that players have opened by request.
#[derive(Resource, Default, Debug)]
pub(crate) struct OpenInventories {
    open: HashMap<ClientId, Vec<OpenInventory>>,
}

#[derive(Clone, Copy, Debug)]
struct OpenInventory {
    inventory: Entity,
    /// Number of the request that opened it.
    request: u64,
    /// The body from which it was opened.
    actor: Option<Entity>,
    /// When the rules were last asked whether it may stay open.
    checked_at: Duration,
    /// The pass of Mark before which they were last asked.
    checked_in_tick: u64,
}

impl OpenInventories {
    fn of(&self, client: ClientId, inventory: Entity) -> Option<&OpenInventory> {
        self.open.get(&client)?.iter().find(|open| open.inventory == inventory)
    }

    /// Records another request that opens an inventory that is already open.
    fn opened_by(&mut self, client: ClientId, inventory: Entity, request: u64) {
        let of_client = self.open.get_mut(&client).into_iter().flatten();
        for open in of_client.filter(|open| open.inventory == inventory) {
            open.request = request;
        }
    }

    fn remove(&mut self, client: ClientId, inventory: Entity) -> bool {
        let Some(open) = self.open.get_mut(&client) else { return false };
        let before = open.len();
        open.retain(|open| open.inventory != inventory);
        let removed = open.len() < before;
        if open.is_empty() {
            self.open.remove(&client);
        }
        removed
    }
}

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<OpenInventories>()
        .add_observer(on_via_changed::<Remove, Viewers>)
        .add_observer(on_via_changed::<Remove, Owner>)
        .add_observer(on_via_changed::<Insert, Unsynced>)
        .add_systems(
            PostUpdate,
            (
                update_changed_vias,
                recheck_due_openings.run_if(|opened: Res<OpenInventories>| !opened.open.is_empty()),
            )
                .in_set(InventoryServerSystems::Features),
        );
}

/// Interval at which the rules are asked whether an inventory may stay open.
const RECHECK_INTERVAL: Duration = Duration::from_millis(500);

/// A request to open an inventory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenRequest {
    /// The body that the client names.
    pub(crate) actor: Option<Entity>,
    pub(crate) target: Target,
    /// Number of the request.
    pub(crate) request: u64,
}

/// Opens an inventory for a player.
///
/// # Errors
///
/// [`Rejection::NotInView`] if the inventory does not exist or cannot be opened, so that clients cannot tell
/// the two apart; otherwise the reason of the rule that denies it, or of [`bodies::check_body`].
pub(crate) fn open(
    world: &mut World,
    client: ClientId,
    OpenRequest { actor, target, request }: OpenRequest,
) -> Result<(), Rejection> {
    let actor = match actor {
        Some(actor) => bodies::check_body(world, client, actor).map(|()| Some(actor))?,
        None => bodies::default_body(world, client),
    };
    let inventory = resolve_target(world, target)?;
    if is_in_view(world, inventory, client) {
        // A player that opens it twice and then closes it cancels the later request.
        world.resource_mut::<OpenInventories>().opened_by(client, inventory, request);
        return Ok(());
    }
    let rights = rights_offered(world, inventory, client).ok_or(Rejection::NotInView)?;
    let slots = world.get::<Baseline>(inventory).map_or(0, Baseline::len) as u64;
    world.resource_mut::<Inboxes>().record_work(WORK_RULES + slots);
    if let Some(through) = world.get::<OpenedThrough>(inventory).map(|through| through.via) {
        recheck_once_per_tick(world, client, through)?;
    }
    let open = world.resource::<OpenInventories>().open.get(&client).map_or(0, Vec::len);
    // Of the pages of a bank, a player has one open at a time.
    let is_page = world.get::<OpenedThrough>(inventory).is_some();
    if !is_page && open >= world.resource::<RequestLimits>().open_inventories {
        return Err(Rejection::TooMuch);
    }
    rules::ask(world, &AccessRequest { client, actor, inventory, kind: AccessKind::Open })?;
    add_viewer(world, inventory, client, rights)?;
    close_others(world, inventory, client);
    let checked_at = world.resource::<Time<Real>>().elapsed();
    let checked_in_tick = world.resource::<Marked>().pass;
    let mut opened = world.resource_mut::<OpenInventories>();
    opened.remove(client, inventory);
    let new = OpenInventory { inventory, request, actor, checked_at, checked_in_tick };
    opened.open.entry(client).or_default().push(new);
    Ok(())
}

/// Returns the inventory that a request means, if it exists and is synced.
fn resolve_target(world: &World, target: Target) -> Result<Entity, Rejection> {
    let inventory = match target {
        Target::Entity(entity) => entity,
        Target::Id(id) => world.resource::<InventoryIds>().get(id).ok_or(Rejection::NotInView)?,
    };
    let entity = world.get_entity(inventory).map_err(|_| Rejection::NotInView)?;
    let is_synced = entity.contains::<Baseline>() && !entity.contains::<Unsynced>();
    is_synced.then_some(inventory).ok_or(Rejection::NotInView)
}

/// Returns `true` if a player owns or views an inventory.
fn is_in_view(world: &World, inventory: Entity, client: ClientId) -> bool {
    let viewers = world.get::<Viewers>(inventory);
    viewers.is_some_and(|viewers| viewers.rights_of(client).is_some())
        || world.get::<Owner>(inventory) == Some(&Owner(client))
}

/// Adds a player that has opened an inventory to its viewers.
fn add_viewer(
    world: &mut World,
    inventory: Entity,
    client: ClientId,
    rights: Rights,
) -> Result<(), Rejection> {
    let mut entity = world.get_entity_mut(inventory).map_err(|_| Rejection::NotInView)?;
    if !entity.contains::<Viewers>() {
        entity.insert(Viewers::new());
    }
    let mut viewers = entity.get_mut::<Viewers>().ok_or(Rejection::NotInView)?;
    viewers.add_by_request(client, rights);
    Ok(())
}

/// Closes the other inventories that a player has opened through the same one.
fn close_others(world: &mut World, inventory: Entity, client: ClientId) {
    let Some(via) = world.get::<OpenedThrough>(inventory).map(|through| through.via) else {
        return;
    };
    for other in opens_into(world, via) {
        let open = world.get::<Viewers>(other).is_some_and(|viewers| viewers.is_by_request(client));
        if other != inventory && open {
            close(world, client, other).ok();
        }
    }
}

fn opens_into(world: &World, via: Entity) -> Vec<Entity> {
    world.get::<OpensInto>(via).into_iter().flat_map(RelationshipTarget::iter).collect()
}

fn on_via_changed<E: EntityEvent, C: Component>(
    event: On<E, C>,
    via: Query<(), (With<OpensInto>, Allow<Disabled>)>,
    authority: Authority,
    mut commands: Commands,
) {
    let inventory = event.event_target();
    if authority.is_here() && via.contains(inventory) {
        commands.queue(move |world: &mut World| update_opened_through(world, inventory));
    }
}

type ChangedVia = (With<OpensInto>, Or<(Changed<Viewers>, Changed<Owner>)>, Allow<Disabled>);

fn update_changed_vias(changed: Query<Entity, ChangedVia>, mut commands: Commands) {
    for via in &changed {
        commands.queue(move |world: &mut World| update_opened_through(world, via));
    }
}

/// Updates the rights of the players that have opened inventories through `via`, and closes these inventories for
/// players that no longer see `via`.
fn update_opened_through(world: &mut World, via: Entity) {
    let Ok(entity) = world.get_entity(via) else { return };
    let viewers = entity.get::<Viewers>().into_iter().flat_map(Viewers::iter);
    let owner = entity.get::<Owner>().map(|owner| (owner.0, Rights::all()));
    let mut allowed: HashMap<ClientId, Rights> = viewers.chain(owner).collect();
    if entity.contains::<Unsynced>() {
        allowed.clear();
    }
    for inventory in opens_into(world, via) {
        let most = world.get::<Openable>(inventory).map_or(Rights::all(), |openable| openable.0);
        let Some(viewers) = world.get::<Viewers>(inventory) else { continue };
        let opened = viewers.iter().filter(|(client, _)| viewers.is_by_request(*client));
        let opened: Vec<_> = opened.collect();
        for (client, before) in opened {
            let now = allowed.get(&client).map(|rights| *rights & most | Rights::SEE);
            match (now, world.get_mut::<Viewers>(inventory)) {
                (Some(now), Some(mut viewers)) if now != before => {
                    viewers.add_by_request(client, now)
                }
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
    let was_open = world.resource_mut::<OpenInventories>().remove(client, inventory);
    // Access that the game has granted since can only be revoked by the game.
    let viewers =
        world.get_mut::<Viewers>(inventory).filter(|viewers| viewers.is_by_request(client));
    let (true, Some(mut viewers)) = (was_open, viewers) else { return Err(Rejection::NotInView) };
    viewers.remove(client);
    Ok(())
}

/// Closes the inventory that a player opened with the request of this number, if it is open.
pub(crate) fn cancel(world: &mut World, client: ClientId, request: u64) {
    let opened = world.resource::<OpenInventories>().open.get(&client);
    let of_request = opened.and_then(|open| open.iter().find(|open| open.request == request));
    if let Some(OpenInventory { inventory, .. }) = of_request.copied() {
        close(world, client, inventory).ok();
    }
}

/// Asks the rules whether players may keep the inventories open that they have opened.
fn recheck_due_openings(world: &mut World) {
    let now = world.resource::<Time<Real>>().elapsed();
    let bodies_changed = core::mem::take(&mut world.resource_mut::<OwnedInventories>().changed);
    let mut due: Vec<(ClientId, Entity)> = Vec::new();
    for (client, open) in &world.resource::<OpenInventories>().open {
        let is_due = |open: &&OpenInventory| {
            let lost = |actor| !bodies::is_body(world, *client, actor);
            now.saturating_sub(open.checked_at) >= RECHECK_INTERVAL
                || (bodies_changed && open.actor.is_some_and(lost))
        };
        due.extend(open.iter().filter(is_due).map(|open| (*client, open.inventory)));
    }
    due.sort_unstable();
    for (client, inventory) in due {
        recheck_opening(world, client, inventory).ok();
    }
}

/// Asks the rules whether a player may keep using an inventory that it has opened, unless they have been asked in
/// this tick.
///
/// # Errors
///
/// The reason of the rule that denies it. The inventory is closed then.
pub(crate) fn check_open(
    world: &mut World,
    client: ClientId,
    inventory: Entity,
) -> Result<(), Rejection> {
    if let Some(through) = world.get::<OpenedThrough>(inventory).filter(|t| t.via != inventory) {
        // A page closes with its bank.
        recheck_once_per_tick(world, client, through.via)?;
    }
    recheck_once_per_tick(world, client, inventory)
}

fn recheck_once_per_tick(
    world: &mut World,
    client: ClientId,
    inventory: Entity,
) -> Result<(), Rejection> {
    let pass = world.resource::<Marked>().pass;
    let open = world.resource::<OpenInventories>().of(client, inventory);
    if open.is_none_or(|open| open.checked_in_tick == pass) {
        return Ok(());
    }
    recheck_opening(world, client, inventory)
}

fn recheck_opening(
    world: &mut World,
    client: ClientId,
    inventory: Entity,
) -> Result<(), Rejection> {
    let Some(open) = world.resource::<OpenInventories>().of(client, inventory) else {
        return Ok(());
    };
    // The viewer may have left, or the game may have granted access since.
    let viewers = world.get::<Viewers>(inventory);
    if !viewers.is_some_and(|viewers| viewers.is_by_request(client)) {
        world.resource_mut::<OpenInventories>().remove(client, inventory);
        return Ok(());
    }
    // Rules measure from the body that the player has now.
    let body = open.actor.filter(|actor| bodies::is_body(world, client, *actor));
    let actor = body.or_else(|| bodies::default_body(world, client));
    let ask = AccessRequest { client, actor, inventory, kind: AccessKind::KeepOpen };
    if let Err(reason) = rules::ask(world, &ask) {
        close(world, client, inventory).ok();
        return Err(reason);
    }
    let checked_at = world.resource::<Time<Real>>().elapsed();
    let checked_in_tick = world.resource::<Marked>().pass;
    let mut opened = world.resource_mut::<OpenInventories>();
    let open = opened.open.get_mut(&client).into_iter().flatten();
    for open in open.filter(|open| open.inventory == inventory) {
        *open = OpenInventory { actor, checked_at, checked_in_tick, ..*open };
    }
    Ok(())
}
