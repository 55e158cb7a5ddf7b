//! Predicts a player's requests before they are answered. The shown state is the confirmed state with all pending
//! requests applied on top, by the same code that the server runs.

use crate::{
    model::{catalog::ItemCatalog, rejection::Rejection, transaction::Witness},
    shared::{
        actions::{ActionTypes, RequestId, Requested, emit_answer},
        containers::ContainerRegistry,
        events::SlotCause,
        messages::SyncRequest,
        rate::RequestLimits,
        stats::InventoryStats,
    },
    wire::{
        ANSWERS_MAX, Schema,
        bits::{BitReader, BitWriter, low_byte},
        request::{
            ActionReader, ActionWriter, REQUEST_BYTES_MAX, RequestBody, Target, read_body,
            write_body,
        },
        witness::write_seen,
    },
};

use super::{
    confirmed::ConfirmedInventories,
    notify,
    predictions::{OPENS_MAX, OpenedBy, Pending, PredictedOutcome, Predictions, predict_action},
    reconcile,
    state::SyncState,
};

use bevy::prelude::*;
use bevy_replicon::shared::server_entity_map::ServerEntityMap;

/// Predicts a request and sends it. If this fails, rejects the request with the reason.
pub(crate) fn request(world: &mut World, id: RequestId, actor: Option<Entity>, request: Requested) {
    if let Err(reason) = try_request(world, id, actor, &request) {
        if let Some(mut stats) = world.get_resource_mut::<InventoryStats>() {
            stats.actions_rejected += 1;
        }
        emit_answer(world, id, request, Err(reason));
    }
}

fn try_request(
    world: &mut World,
    id: RequestId,
    actor: Option<Entity>,
    request: &Requested,
) -> Result<(), Rejection> {
    let synced = world.get_resource::<SyncState>() == Some(&SyncState::Synced);
    if !synced || !world.contains_resource::<ItemCatalog>() {
        return Err(Rejection::NotConnected);
    }
    let now = world.resource::<Time<Real>>().elapsed();
    let limits = *world.resource::<RequestLimits>();
    if world.resource::<Predictions>().pending.len() >= ANSWERS_MAX {
        return Err(Rejection::TooManyPending);
    }
    let predicted = match request {
        Requested::Action(action) => predict_action(world, actor, action)?,
        _ => PredictedOutcome::default(),
    };
    let number = world.resource::<Predictions>().last + 1;
    let bytes = encode(world, number, actor, request, &predicted.witness)?;
    let mut predictions = world.resource_mut::<Predictions>();
    if !predictions.bucket.take(now, limits.per_second, limits.burst / 2) {
        return Err(Rejection::TooFast);
    }
    predictions.last = number;
    if let Requested::Open(target) = request {
        if predictions.opens.len() == OPENS_MAX {
            predictions.opens.pop_front();
        }
        predictions.opens.push_back(OpenedBy { id, number, target: *target });
    }
    let registry = world.resource::<ContainerRegistry>().clone();
    let mut confirmations = world.resource_mut::<ConfirmedInventories>();
    let mut slots = Vec::new();
    let mut views = Vec::new();
    for staged in &predicted.staged {
        let Some(copy) = confirmations.by_entity_mut(staged.entity) else { continue };
        views.push(copy.head.view);
        for (flat, (old, new)) in staged.before.iter().zip(staged.state.iter()).enumerate() {
            let address = staged.state.address(registry.as_slice(), flat).filter(|_| old != new);
            slots.extend(address.map(|slot| (staged.entity, slot)));
        }
        copy.show(&staged.state, SlotCause::Predicted);
    }
    // Events for the other touched views are emitted when those views are written, which may not have happened
    // yet.
    let others = core::mem::replace(&mut confirmations.touched, views.clone());
    let request = request.clone();
    let PredictedOutcome { witness, .. } = predicted;
    let pending = Pending { id, number, actor, request, witness, slots, requested_at: now };
    world.resource_mut::<Predictions>().pending.push_back(pending);
    let mut stats = world.resource_mut::<InventoryStats>();
    stats.requests_sent += 1;
    stats.actions_predicted += u64::from(!views.is_empty());
    world.write_message(SyncRequest(bytes.into()));
    for view in views {
        reconcile::write(world, &registry, view);
    }
    // Answers are emitted after the changes that came with them have been written.
    notify::emit_changes(world);
    world.resource_mut::<ConfirmedInventories>().touched.extend(others);
    notify::emit_pending(world);
    Ok(())
}

fn encode(
    world: &World,
    number: u64,
    actor: Option<Entity>,
    request: &Requested,
    witness: &Witness,
) -> Result<Vec<u8>, Rejection> {
    let (types, registry) =
        (world.resource::<ActionTypes>(), world.resource::<ContainerRegistry>());
    let confirmations = world.resource::<ConfirmedInventories>();
    let view = |entity| Some(confirmations.by_entity(entity)?.head.view);
    let mut w = BitWriter::default();
    let body = match request {
        Requested::Action(action) => {
            let kind = types.kind_of(action).ok_or(Rejection::Invalid)?;
            RequestBody::Act { actor: actor.and_then(view), witness: witness.hash, kind }
        }
        Requested::Open(target) => {
            let target = match target {
                Target::Id(_) => *target,
                Target::Entity(entity) => {
                    let map = world.resource::<ServerEntityMap>();
                    let server = map.to_server().get(entity).ok_or(Rejection::NotInView)?;
                    Target::Entity(*server)
                }
            };
            // With a single inventory of its own, the player cannot mean another one.
            let owned = confirmations.iter().filter(|copy| copy.head.owner).count();
            let actor = actor.filter(|_| owned > 1).and_then(view);
            let actor = actor.and_then(|view| u16::try_from(view).ok());
            RequestBody::Open { target, actor }
        }
        Requested::Close(entity) => match confirmations.by_entity(*entity) {
            Some(copy) => RequestBody::Close { view: copy.head.view, handle: copy.head.handle },
            None => cancel(world, number, |open| open.target == Target::Entity(*entity))?,
        },
        Requested::Cancel(id) => cancel(world, number, |open| open.id == *id)?,
    };
    write_body(&mut w, low_byte(number), &body, types.len());
    let schema = Schema { catalog: world.resource::<ItemCatalog>(), registry: registry.as_slice() };
    if let Requested::Action(action) = request {
        action.0.write(&mut ActionWriter { w: &mut w, schema, view: &view })?;
        if let Some(seen) = &witness.seen {
            write_seen(&mut w, schema, seen)?;
        }
    }
    let bytes = w.finish();
    // An action that the server could not decode is rejected here.
    let mut r = BitReader::new(bytes);
    if let Ok((_, RequestBody::Act { kind, .. })) = read_body(&mut r, types.len()) {
        let mut reader = ActionReader { r: &mut r, schema, entity: &|_| None };
        types.read(kind, &mut reader).map_err(|_| Rejection::Invalid)?;
    }
    if bytes.len() > REQUEST_BYTES_MAX { Err(Rejection::Invalid) } else { Ok(bytes.to_vec()) }
}

/// Returns a request that closes what an earlier request opened or will open.
fn cancel(
    world: &World,
    number: u64,
    of: impl Fn(&OpenedBy) -> bool,
) -> Result<RequestBody, Rejection> {
    let opens = &world.resource::<Predictions>().opens;
    let open = opens.iter().rev().find(|open| of(open)).ok_or(Rejection::NotInView)?;
    let back = (number - 1).checked_sub(open.number).and_then(|back| u32::try_from(back).ok());
    Ok(RequestBody::Cancel { back: back.ok_or(Rejection::NotInView)? })
}

/// Checks that shown states are the confirmed states with all pending requests applied: of every view that shows a
/// prediction, and of one other view per frame in turn.
#[cfg(debug_assertions)]
pub(crate) fn check_rebase(world: &mut World, mut next_idle_view: Local<usize>) {
    let mut expected = super::predictions::replay(world);
    let confirmations = world.resource::<ConfirmedInventories>();
    if *next_idle_view >= confirmations.views.len() {
        *next_idle_view = 0;
    }
    for (view, copy) in confirmations.views.iter().enumerate() {
        let Some((copy, entity)) = copy.as_ref().and_then(|copy| Some((copy, copy.entity?))) else {
            continue;
        };
        let is_replayed = expected.iter().any(|(replayed, _)| *replayed == entity);
        if !is_replayed && (copy.predicted.is_some() || view == *next_idle_view) {
            expected.push((entity, copy.state.clone()));
        }
    }
    *next_idle_view += 1;
    let registry = world.resource::<ContainerRegistry>();
    let wrong = expected.iter().filter(|(entity, state)| {
        registry.read_in(world, *entity).is_some_and(|actual| actual != *state)
    });
    let wrong = wrong.count() as u64;
    if wrong > 0 {
        log::error!("{wrong} inventories show a state that is neither confirmed nor predicted");
        world.resource_mut::<InventoryStats>().rebase_mismatches += wrong;
    }
}
