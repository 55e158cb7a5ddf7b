//! Players who move to another world.

use core::time::Duration;
use std::sync::Arc;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use bevy_replicon::prelude::ClientId;
use log::{info, warn};
use thiserror::Error;

use crate::{
    model::id::InventoryId,
    server::views::access::Owner,
    shared::{containers::ContainerRegistry, events::emit, stats::InventoryStats},
};

use super::{
    batch::Fenced,
    changes::{Exit, Leaving, TickBuffer},
    error::StoreError,
    leaving, loading,
    persist::Persist,
    ticket::{Departure, Redeemed, Ticket},
    tracked::{Holders, StarterKit, Tracked},
};

/// How long a ticket is valid.
const TICKET_TTL: Duration = Duration::from_secs(60);

pub(super) fn plugin(app: &mut App) {
    app.init_resource::<Departures>()
        .add_message::<PlayerDeparted>()
        .add_message::<MigrationFailed>()
        .add_message::<TicketRedeemed>()
        .add_message::<TicketRejected>()
        .add_observer(migrate)
        .add_observer(redeem);
}

/// Authority: trigger it to send a player to another world that shares the store, with everything that the player owns.
///
/// The player leaves this world as if it had disconnected: it loses its [`Owner`], so trades end, its open
/// inventories close, and offered items [return](crate::prelude::ReturnsTo). The inventories are then removed from
/// their entities, and one commit stores them with all inventories that they have exchanged items with.
/// [`PlayerDeparted`] or [`MigrationFailed`] follows. Until then, actions are rejected with
/// [`Rejection::Loading`](crate::prelude::Rejection::Loading).
#[derive(Event, Clone, PartialEq, Eq, Debug)]
pub struct MigratePlayer {
    /// Account of the player. The other server must pass the same text to [`RedeemTicket`].
    pub account: String,
    /// Name of the other world.
    pub to: String,
    /// All inventories with [`Persist`] that this client owns move. If `None`, only [`inventories`](Self::inventories)
    /// move.
    pub client: Option<ClientId>,
    /// Further inventories that move. They must have [`Persist`].
    pub inventories: Vec<Entity>,
}

/// Authority: a player has left for another world. The entities of its inventories are despawned. Send the ticket to the
/// player, who shows it to the other server. The inventories can be loaded there even if the ticket is lost.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct PlayerDeparted {
    /// The account of the player.
    pub account: String,
    /// Name of the other world.
    pub to: String,
    /// The inventories.
    pub inventories: Vec<InventoryId>,
    /// For the other world. It is valid for a minute.
    pub ticket: Ticket,
}

/// Authority: a player could not be sent to another world. It stays in this one.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct MigrationFailed {
    /// The account of the player.
    pub account: String,
    /// Name of the other world.
    pub to: String,
    /// The reason.
    pub error: MigrationError,
}

/// Why a player could not be sent to another world.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// There are no inventories to move.
    #[error("the player owns no stored inventory")]
    NoInventories,
    /// An inventory is not stored, not loaded yet, or already leaving.
    #[error("the inventory of entity {0} is not stored, not loaded yet, or already leaving")]
    NotStored(Entity),
    /// The destination is not another world of this store.
    #[error("the destination is not another world of this store")]
    NoSuchWorld,
    /// The destination could not be reached.
    #[error("the destination cannot be reached: {0}")]
    Store(StoreError),
    /// No ticket can be issued.
    #[error("cannot create a ticket: the operating system provides no random numbers: {0}")]
    NoRandomNumbers(String),
    /// The commit was rejected. The changes since the last commit were undone.
    #[error("the commit was rejected: {0}")]
    Rejected(Fenced),
}

/// Authority: trigger it when a client has shown a ticket, and its account is authenticated. [`TicketRedeemed`] or
/// [`TicketRejected`] follows.
#[derive(Event, Clone, PartialEq, Eq, Debug)]
pub struct RedeemTicket {
    /// The account, as authenticated. Never take it from the client's message.
    pub account: String,
    /// The ticket.
    pub ticket: Ticket,
}

/// Authority: a ticket was valid. Spawn the inventories with [`Persist`] to load them.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct TicketRedeemed {
    /// The account.
    pub account: String,
    /// The world that it left.
    pub from: String,
    /// The inventories that it brings.
    pub inventories: Vec<InventoryId>,
}

/// Authority: a ticket was not accepted.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct TicketRejected {
    /// The account.
    pub account: String,
    /// The reason.
    pub error: StoreError,
}

/// The players that are leaving.
#[derive(Resource, Default)]
struct Departures(Vec<PendingDeparture>);

/// A player that is leaving.
struct PendingDeparture {
    departure: Arc<Departure>,
    /// The inventories, with their entities and owners.
    members: Vec<(InventoryId, Entity, Option<Owner>)>,
    /// Number of inventories whose departure is stored.
    stored: usize,
}

fn migrate(migrate: On<MigratePlayer>, mut commands: Commands) {
    let migrate = migrate.event().clone();
    commands.queue(move |world: &mut World| {
        let (account, to) = (migrate.account.clone(), migrate.to.clone());
        if let Err(error) = depart(world, migrate) {
            fail(world, account, to, error);
        }
    });
}

fn redeem(redeem: On<RedeemTicket>, mut buffer: ResMut<TickBuffer>) {
    let RedeemTicket { account, ticket } = redeem.event().clone();
    buffer.tickets.push((account, ticket));
}

/// Removes the inventories of a player from their entities, to store them as leaving.
fn depart(world: &mut World, migrate: MigratePlayer) -> Result<(), MigrationError> {
    let MigratePlayer { account, to, client, mut inventories } = migrate;
    let mut owned = world.query_filtered::<(Entity, &Owner), (With<Persist>, Allow<Disabled>)>();
    let owned = owned.iter(world).filter(|(_, owner)| client == Some(owner.0));
    inventories.extend(owned.map(|(entity, _)| entity));
    inventories.sort_unstable();
    inventories.dedup();
    if inventories.is_empty() {
        return Err(MigrationError::NoInventories);
    }
    check_stored(world, &inventories)?;
    // The store knows in which world it is.
    let ticket = Ticket::issue("");
    let ticket = ticket.map_err(|error| MigrationError::NoRandomNumbers(error.to_string()))?;
    let owners: Vec<Option<Owner>> =
        inventories.iter().map(|entity| world.get(*entity).copied()).collect();
    for entity in &inventories {
        if let Ok(mut entity) = world.get_entity_mut(*entity) {
            entity.remove::<Owner>();
        }
    }
    if let Err(error) = check_stored(world, &inventories) {
        inventories.into_iter().zip(owners).for_each(|member| restore_owner(world, member));
        return Err(error);
    }
    let members: Vec<_> = inventories
        .into_iter()
        .zip(owners)
        .filter_map(|(entity, owner)| Some((world.get::<Tracked>(entity)?.id, entity, owner)))
        .collect();
    let ids = members.iter().map(|(id, ..)| *id).collect();
    let departure = Departure { to, account, inventories: ids, ticket, valid_for: TICKET_TTL };
    let departure = Arc::new(departure);
    for (id, entity, _) in &members {
        unload_departing(world, *id, *entity, &departure);
    }
    world.resource_mut::<Departures>().0.push(PendingDeparture { departure, members, stored: 0 });
    Ok(())
}

fn check_stored(world: &World, inventories: &[Entity]) -> Result<(), MigrationError> {
    let missing = inventories.iter().find(|entity| world.get::<Tracked>(**entity).is_none());
    missing.map_or(Ok(()), |entity| Err(MigrationError::NotStored(*entity)))
}

/// Removes an inventory from its entity, to store it as leaving.
fn unload_departing(
    world: &mut World,
    id: InventoryId,
    entity: Entity,
    departure: &Arc<Departure>,
) {
    let state = world.resource::<ContainerRegistry>().read_in(world, entity).unwrap_or_default();
    let leaving = Leaving {
        id,
        committed: leaving::committed(world, entity),
        last: leaving::last_state(world, entity, &state),
        exit: Exit::Depart(departure.clone()),
    };
    world.resource_mut::<Holders>().remove(id, entity);
    loading::unload(world, entity);
    // If it stays, the stored state takes precedence.
    if let Ok(mut entity) = world.get_entity_mut(entity) {
        entity.remove::<StarterKit>();
    }
    world.resource_mut::<TickBuffer>().leaving_next_tick.push(leaving);
}

fn restore_owner(world: &mut World, (entity, owner): (Entity, Option<Owner>)) {
    if let (Ok(mut entity), Some(owner)) = (world.get_entity_mut(entity), owner) {
        entity.insert(owner);
    }
}

fn fail(world: &mut World, account: String, to: String, error: MigrationError) {
    warn!("account `{account}` cannot move to the world `{to}`: {error}");
    emit(world, MigrationFailed { account, to, error });
}

/// Records that the departure of an inventory is stored.
pub(super) fn on_departed(world: &mut World, id: InventoryId, from: &str) {
    let mut departures = world.resource_mut::<Departures>();
    let is_member =
        |leave: &PendingDeparture| leave.members.iter().any(|(member, ..)| *member == id);
    let Some(at) = departures.0.iter().position(is_member) else { return };
    let leave = &mut departures.0[at];
    leave.stored += 1;
    let is_last = leave.stored == leave.members.len();
    world.resource_mut::<InventoryStats>().store_departures += 1;
    if !is_last {
        return;
    }
    let PendingDeparture { departure, members, .. } =
        world.resource_mut::<Departures>().0.remove(at);
    for (_, entity, _) in members {
        if let Ok(entity) = world.get_entity_mut(entity) {
            entity.despawn();
        }
    }
    let Departure { to, account, inventories, ticket, .. } = Arc::unwrap_or_clone(departure);
    info!("account `{account}` has left for the world `{to}`");
    let ticket = ticket.issued_by(from);
    emit(world, PlayerDeparted { account, to, inventories, ticket });
}

/// Returns the departures with any of these inventories.
pub(super) fn departures_of(world: &World, ids: &[InventoryId]) -> Vec<Arc<Departure>> {
    let leaves = world.resource::<Departures>().0.iter();
    let departures = leaves.map(|leave| leave.departure.clone());
    departures.filter(|leave| leave.inventories.iter().any(|id| ids.contains(id))).collect()
}

/// Reloads the inventories of a player who does not leave.
pub(super) fn cancel_departure(
    world: &mut World,
    departure: &Arc<Departure>,
    error: MigrationError,
) {
    let mut departures = world.resource_mut::<Departures>();
    let is_it = |leave: &PendingDeparture| Arc::ptr_eq(&leave.departure, departure);
    let Some(at) = departures.0.iter().position(is_it) else { return };
    let PendingDeparture { members, .. } = departures.0.remove(at);
    for (id, entity, owner) in members {
        restore_owner(world, (entity, owner));
        if world.get::<Persist>(entity).is_some() {
            loading::begin_loading(world, entity);
        } else if world.resource::<Holders>().get(id).is_none() {
            // Its entity is gone, so the claim ends.
            loading::release(world, id);
        }
    }
    let (account, to) = (departure.account.clone(), departure.to.clone());
    fail(world, account, to, error);
}

/// Reports whether a ticket was accepted.
pub(super) fn on_redeemed(
    world: &mut World,
    account: String,
    ticket: &Ticket,
    result: Result<Redeemed, StoreError>,
) {
    match result {
        Ok(Redeemed { inventories }) => {
            let from = ticket.world().to_owned();
            emit(world, TicketRedeemed { account, from, inventories });
        }
        Err(error) => {
            warn!("account `{account}`: {error}");
            emit(world, TicketRejected { account, error });
        }
    }
}
