//! Validates and applies the actions of players. An action is accepted if it is valid for the current contents,
//! if these are what the player saw, and if the player's rights and the game's rules permit it. It is applied
//! as a whole or not at all.

use core::ops::Range;

use bevy::{ecs::world::FilteredEntityMut, prelude::*};
use bevy_replicon::prelude::*;

use crate::{
    model::{
        catalog::ItemCatalog,
        data::{DataOrigin, DataPool, Datum},
        id::InventoryId,
        measure::Limit,
        rejection::Rejection,
        rights::Rights,
        transaction::{Done, Effect, Player, Side, Staged, Transaction, Witness},
    },
    server::{
        audit::{self, ActionResolved, ItemLedger},
        baseline::Baseline,
        exchanges::Exchanges,
        loot::{self, Dropper, LootByDropper, LootSettings},
        marked::Marked,
        returns::ReturnsTo,
        views::subscriptions::Subscriptions,
    },
    shared::{
        actions::{AnyAction, AppliedHead},
        containers::ContainerRegistry,
        events::Cause,
        ids::InventoryIds,
        markers::Loading,
    },
};

use super::{
    bodies,
    inbox::{Inboxes, WORK_RULES},
    open, rights,
    rules::{self, AccessKind, AccessRequest},
};

/// Why an action was rejected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RejectedAction {
    pub(crate) reason: Rejection,
    /// Inventories in which the player may have seen other contents than the server has. They are repaired.
    pub(crate) to_repair: Vec<Entity>,
}

impl From<Rejection> for RejectedAction {
    fn from(reason: Rejection) -> Self {
        Self { reason, to_repair: Vec::new() }
    }
}

/// The result of an action that was run on copies.
struct ActionOutcome {
    done: Done,
    effects: Vec<Effect>,
    output: Box<dyn core::any::Any + Send + Sync>,
}

/// Validates an action of a player and applies it. `witness` is what the player saw; `None` if the player is at
/// the authority.
///
/// # Errors
///
/// The reason for rejecting the action, which then changes nothing.
pub(crate) fn act(
    world: &mut World,
    client: ClientId,
    actor: Option<Entity>,
    action: &AnyAction,
    witness: Option<&Witness>,
) -> Result<(), RejectedAction> {
    let mut created = Vec::new();
    let decided = decide(world, client, actor, action, witness, &mut created);
    let origin = if decided.is_ok() { DataOrigin::Action } else { DataOrigin::Undecided };
    world.resource_mut::<DataPool>().settle(&created, origin);
    let result = decided.as_ref().map(drop).map_err(|rejected| rejected.reason);
    world.write_message(ActionResolved { client, actor, action: action.clone(), result });
    let outcome = decided?;
    let cause = Cause::Acted(client);
    let Done { staged, dropped, .. } = outcome.done;
    write(world, &staged, cause);
    world.resource_mut::<ItemLedger>().enter(&staged, &dropped, cause);
    let by = dropping_inventory(world, client, actor, &staged);
    let members = world.resource_scope(|world, mut exchanges: Mut<Exchanges>| {
        let dropped_by = by.filter(|_| !dropped.is_empty());
        let id_of = |entity| world.get::<InventoryId>(entity).copied();
        let registry = world.resource::<ContainerRegistry>();
        let owner_of = |entity| world.get::<ReturnsTo>(entity).map(|returns| returns.to);
        let state_of = |entity| registry.read_in(world, entity);
        exchanges.record(&staged, dropped_by, id_of, owner_of, state_of);
        loot::dropping(dropped_by, &exchanges, owner_of, id_of, state_of)
    });
    let mut subscriptions = world.resource_mut::<Subscriptions>();
    for Staged { entity, .. } in staged.iter().filter(|staged| staged.state != staged.before) {
        if let Some(viewers) = subscriptions.get_mut(*entity) {
            viewers.hurry(client);
        }
    }
    let head = AppliedHead { client, actor };
    for stack in dropped {
        let members = members.clone();
        loot::drop_stack(world, loot::StackDrop { by, members, client, stack, cause });
    }
    action.0.accept(world, head, outcome.output);
    world.flush();
    Ok(())
}

/// Decides an action. The instance data that it creates is stored before the rules run, which may create data as
/// well, and added to `created`.
fn decide(
    world: &mut World,
    client: ClientId,
    actor: Option<Entity>,
    action: &AnyAction,
    witness: Option<&Witness>,
    created: &mut Vec<Datum>,
) -> Result<ActionOutcome, RejectedAction> {
    if !world.contains_resource::<Subscriptions>() {
        return Err(Rejection::NotConnected.into());
    }
    if let Some(actor) = actor {
        if world.get::<Loading>(actor).is_some() {
            return Err(Rejection::Loading.into());
        }
        bodies::check_body(world, client, actor)?;
    }
    let mut reserve = |world: &mut World, outcome: &ActionOutcome| {
        world.resource_mut::<DataPool>().reserve(&outcome.done.created);
        created.extend_from_slice(&outcome.done.created);
    };
    let outcome = try_and_record_work(world, client, actor, action, witness, &[])?;
    reserve(world, &outcome);
    let limits = ask_rules(world, client, actor, action, &outcome)?;
    let outcome = if exceeds(world, &limits, &outcome) {
        // The action is tried again in part, within the limits. It may change other inventories then, so the
        // rules decide again.
        let less = try_and_record_work(world, client, actor, action, witness, &limits)
            .map_err(|_| Rejection::TooMuch)?;
        reserve(world, &less);
        let limits = ask_rules(world, client, actor, action, &less)?;
        if exceeds(world, &limits, &less) {
            return Err(Rejection::TooMuch.into());
        }
        less
    } else {
        outcome
    };
    // Rules should not change inventories. If one did, its changes must not be overwritten.
    let registry = world.resource::<ContainerRegistry>();
    let is_there =
        |staged: &Staged| registry.read_in(world, staged.entity).as_ref() == Some(&staged.before);
    if !outcome.done.staged.iter().all(is_there) {
        return Err(Rejection::Stale.into());
    }
    audit::check_moves(world, action, &outcome.done)?;
    let dropped = outcome.done.dropped.len();
    let most = world.resource::<LootSettings>().max_per_player;
    let by = dropping_inventory(world, client, actor, &outcome.done.staged);
    let dropper = Dropper::acting(world, client, by);
    if dropped > 0 && world.resource::<LootByDropper>().count(dropper) + dropped > most {
        return Err(Rejection::TooMuch.into());
    }
    Ok(outcome)
}

/// Runs an action on copies of the inventories, and records the work for the request that is being handled.
fn try_and_record_work(
    world: &mut World,
    client: ClientId,
    actor: Option<Entity>,
    action: &AnyAction,
    witness: Option<&Witness>,
    limits: &[Limit],
) -> Result<ActionOutcome, RejectedAction> {
    let TriedAction { result, work } = try_out(world, client, actor, action, witness, limits);
    world.resource_mut::<Inboxes>().record_work(work);
    result
}

/// An action that was run on copies.
struct TriedAction {
    result: Result<ActionOutcome, RejectedAction>,
    /// The work that it took, in slots.
    work: u64,
}

/// Returns the inventory that drops what an action drops: that of the actor, or the one that was accessed first. A client
/// that names no actor drops from its default body, so that its drops count for the limit of this player.
fn dropping_inventory(
    world: &World,
    client: ClientId,
    actor: Option<Entity>,
    staged: &[Staged],
) -> Option<Entity> {
    let body = actor.or_else(|| bodies::default_body(world, client));
    body.or(staged.first().map(|first| first.entity))
}

/// Asks the rules about every inventory that an action would access: whether it may stay open, and whether the
/// action is permitted. Returns the limits that they set.
fn ask_rules(
    world: &mut World,
    client: ClientId,
    actor: Option<Entity>,
    action: &AnyAction,
    outcome: &ActionOutcome,
) -> Result<Vec<Limit>, RejectedAction> {
    let mut limits = Vec::new();
    // Rules see the default body if the client names none, so a client cannot hide it.
    let actor = actor.or_else(|| bodies::default_body(world, client));
    world.resource_mut::<Inboxes>().record_work(WORK_RULES * outcome.effects.len() as u64);
    for effect in &outcome.effects {
        let inventory = effect.entity;
        open::check_open(world, client, inventory)?;
        let (gains, losses) = (effect.gains.clone(), effect.losses.clone());
        let kind = AccessKind::Act { action: action.clone(), gains, losses };
        limits.extend(rules::ask(world, &AccessRequest { client, actor, inventory, kind })?);
    }
    Ok(limits)
}

/// Returns `true` if an inventory would hold more than a limit permits.
fn exceeds(world: &World, limits: &[Limit], outcome: &ActionOutcome) -> bool {
    let Some(catalog) = world.get_resource::<ItemCatalog>() else { return true };
    limits.iter().any(|limit| {
        let mut staged = outcome.done.staged.iter();
        let of = staged.find(|staged| staged.entity == limit.entity);
        of.is_some_and(|staged| !limit.permits(catalog, &staged.before, &staged.state))
    })
}

/// Runs an action on copies of the inventories.
fn try_out(
    world: &World,
    client: ClientId,
    actor: Option<Entity>,
    action: &AnyAction,
    witness: Option<&Witness>,
    limits: &[Limit],
) -> TriedAction {
    let registry = world.resource::<ContainerRegistry>();
    let Some(catalog) = world.get_resource::<ItemCatalog>() else {
        return TriedAction { result: Err(Rejection::NotConnected.into()), work: 0 };
    };
    let ids = world.resource::<InventoryIds>();
    let rights = |entity: Entity| rights::rights_to(world, entity, client);
    let load = |entity: Entity| {
        rights(entity)?;
        registry.read_in(world, entity)
    };
    let entity_of = |id: InventoryId| ids.get(id).filter(|entity| rights(*entity).is_some());
    let id_of = |entity: Entity| world.get::<InventoryId>(entity).copied();
    let unchanged = |entity: Entity, slots: Range<usize>, version: Option<u32>| {
        let baseline = world.get::<Baseline>(entity);
        let state = registry.read_in(world, entity);
        baseline.zip(state).is_some_and(|(baseline, state)| {
            let version = version.unwrap_or_else(|| baseline.low_version());
            baseline.is_unchanged_since(version, slots, &state)
        })
    };
    let side = Side::Decides { witness, unchanged: &unchanged };
    let player = Player { actor, entity_of: &entity_of, id_of: &id_of, side, limits };
    let pool = world.get_resource::<DataPool>();
    let mut tx = Transaction::new(catalog, registry.as_slice(), &load, pool, Some(player));
    let ran = action.0.run(&mut tx);
    let work = tx.work();
    TriedAction { result: finish(tx, ran, witness, &rights), work }
}

type Ran = Result<Box<dyn core::any::Any + Send + Sync>, Rejection>;

/// Checks what an action did: whether the player saw what it depends on, and has the rights.
fn finish(
    tx: Transaction,
    ran: Ran,
    witness: Option<&Witness>,
    rights: &dyn Fn(Entity) -> Option<Rights>,
) -> Result<ActionOutcome, RejectedAction> {
    if let Some(witness) = witness {
        let stale = (!tx.is_as_seen(witness)).then_some(Rejection::Stale);
        let rejected = ran.as_ref().err().copied();
        // Something that does not exist was not part of what the player saw, so that reason comes first.
        let missing =
            |reason: &Rejection| matches!(reason, Rejection::NotInView | Rejection::NoSuchSlot);
        let reason = rejected.filter(missing).or(stale).or(rejected);
        if let Some(reason) = reason {
            let to_repair = tx.staged().iter().map(|staged| staged.entity).collect();
            return Err(RejectedAction { reason, to_repair });
        }
    }
    let output = ran?;
    tx.check_rights(rights)?;
    let effects = tx.effects();
    Ok(ActionOutcome { done: tx.done(), effects, output })
}

/// Writes the result of a transaction to the components, and declares the cause of each changed slot.
fn write(world: &mut World, staged: &[Staged], cause: Cause) {
    let registry = world.resource::<ContainerRegistry>().clone();
    for Staged { entity, state, before } in staged {
        if state == before {
            continue;
        }
        let mut written = Vec::new();
        if let Ok(mut target) = world.get_entity_mut(*entity) {
            registry.write(&mut FilteredEntityMut::from(&mut target), state, |kind, index| {
                written.push((kind, index));
            });
        }
        let mut marked = world.resource_mut::<Marked>();
        for (kind, index) in written {
            marked.declare(*entity, kind, index, cause);
        }
    }
}
