//! Shows a player's requests ahead of their answers: what is shown is what is confirmed, and on top of it
//! everything that is still unanswered, done by the same code that the server runs.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::{ecs::reflect::ReflectResource, platform::collections::HashSet, prelude::*};
use bevy_replicon::shared::server_entity_map::ServerEntityMap;

use crate::{
    actions::{ActionTypes, AnyAction, RequestId, Requested, SlotPending, tell_answer},
    containers::Kinds,
    events::{SlotCause, tell},
    model::{
        container::Slot,
        data::DataPool,
        id::InventoryId,
        items::Catalogue,
        reason::Reason,
        tx::{Player, Staged, Tx},
        unit::Unit,
    },
    protocol::SyncRequest,
    server::sessions::{Bucket, RequestLimits},
    stats::InventoryStats,
    wire::{
        ANSWERS_MAX, Answers, Schema,
        bits::{BitReader, BitWriter},
        request::{
            ActionReader, ActionWriter, Body, REQUEST_BYTES_MAX, Target, read_body, write_body,
        },
    },
};

use super::{confirmed::Confirmations, notify, reconcile, submit::SyncState};

/// One request without an answer.
#[derive(Debug)]
struct Pending {
    request: RequestId,
    number: u64,
    actor: Option<Entity>,
    what: Requested,
    /// The slots that it changed when it was first shown.
    slots: Vec<(Entity, Slot)>,
    asked_at: Duration,
}

/// Client: how long the answers to the local player's requests took, from the click to the answer.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct ActionTimes {
    buckets: [u64; ActionTimes::LIMITS.len() + 1],
    last: Duration,
    sum: Duration,
}

impl ActionTimes {
    /// The upper limits of the buckets, in milliseconds; above the last one is one more bucket.
    pub const LIMITS: [u64; 9] = [17, 34, 50, 100, 150, 200, 300, 500, 1000];

    fn note(&mut self, took: Duration) {
        let at = Self::LIMITS.iter().position(|limit| took <= Duration::from_millis(*limit));
        self.buckets[at.unwrap_or(Self::LIMITS.len())] += 1;
        self.last = took;
        self.sum = self.sum.saturating_add(took);
    }

    /// How many answers took so long, by [`Self::LIMITS`].
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// How many answers there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How long the last one took.
    #[must_use]
    pub fn last(&self) -> Duration {
        self.last
    }

    /// How long they took on average.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let count = u32::try_from(self.count()).unwrap_or(u32::MAX);
        self.sum.checked_div(count).unwrap_or_default()
    }
}

/// An answer for the game to hear of.
#[derive(Debug)]
pub(super) struct Answered {
    request: RequestId,
    what: Requested,
    result: Result<(), Reason>,
}

/// The requests of the local player that have no answer yet, oldest first.
#[derive(Resource, Default, Debug)]
pub(crate) struct Predictions {
    pending: VecDeque<Pending>,
    /// The number of the last request.
    last: u64,
    bucket: Bucket,
    pub(super) answered: Vec<Answered>,
    /// The slots that take part in pending requests, as the game knows it.
    pub(crate) told: HashSet<(Entity, Slot)>,
}

impl Predictions {
    /// Takes in what the server says. Says no if an answer before these was lost.
    pub(super) fn answer(
        &mut self,
        answers: &Answers,
        now: Duration,
        times: &mut ActionTimes,
    ) -> bool {
        let Answers { last, results } = answers;
        let [low, ..] = self.last.to_le_bytes();
        let behind = u64::from(low.wrapping_sub(*last) & 0x3F);
        let Some(last) = self.last.checked_sub(behind) else { return true };
        let first = (last + 1).saturating_sub(results.len() as u64);
        let mut whole = true;
        while let Some(pending) = self.pending.pop_front_if(|pending| pending.number <= last) {
            let at = pending.number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            whole &= at.is_some();
            let result = at.and_then(|at| results.get(at)).copied();
            let result = result.unwrap_or(Err(Reason::Unanswered));
            let Pending { request, what, asked_at, .. } = pending;
            if at.is_some() {
                times.note(now.saturating_sub(asked_at));
            }
            self.answered.push(Answered { request, what, result });
        }
        whole
    }

    /// How many there are.
    #[cfg(feature = "overlay")]
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// The connection is gone: nothing will be answered any more.
    pub(super) fn disconnect(&mut self) {
        let result = Err(Reason::NotConnected);
        for Pending { request, what, .. } in self.pending.drain(..) {
            self.answered.push(Answered { request, what, result });
        }
        (self.last, self.bucket) = (0, Bucket::default());
    }
}

/// Shows a request ahead and sends it, or tells why not.
pub(crate) fn request(
    world: &mut World,
    request: RequestId,
    actor: Option<Entity>,
    what: Requested,
) {
    if let Err(reason) = try_request(world, request, actor, &what) {
        if let Some(mut stats) = world.get_resource_mut::<InventoryStats>() {
            stats.actions_rejected += 1;
        }
        tell_answer(world, request, what, Err(reason));
    }
}

fn try_request(
    world: &mut World,
    request: RequestId,
    actor: Option<Entity>,
    what: &Requested,
) -> Result<(), Reason> {
    let synced = world.get_resource::<SyncState>() == Some(&SyncState::Synced);
    if !synced || !world.contains_resource::<Catalogue>() {
        return Err(Reason::NotConnected);
    }
    let now = world.resource::<Time<Real>>().elapsed();
    let limits = *world.resource::<RequestLimits>();
    if world.resource::<Predictions>().pending.len() >= ANSWERS_MAX {
        return Err(Reason::TooManyPending);
    }
    let shown = match what {
        Requested::Action(action) => show(world, actor, action)?,
        _ => Shown::default(),
    };
    let number = world.resource::<Predictions>().last + 1;
    let bytes = encode(world, number, actor, what, shown.witness)?;
    let mut predictions = world.resource_mut::<Predictions>();
    if !predictions.bucket.take(now, limits.per_second, limits.burst / 2) {
        return Err(Reason::TooFast);
    }
    predictions.last = number;
    let kinds = world.resource::<Kinds>().clone();
    let mut confirmations = world.resource_mut::<Confirmations>();
    let mut slots = Vec::new();
    let mut views = Vec::new();
    for staged in &shown.staged {
        let Some(held) = confirmations.by_entity_mut(staged.entity) else { continue };
        views.push(held.head.view);
        for (flat, (old, new)) in staged.before.iter().zip(staged.unit.iter()).enumerate() {
            let address = staged.unit.address(kinds.as_slice(), flat).filter(|_| old != new);
            slots.extend(address.map(|slot| (staged.entity, slot)));
        }
        held.show(&staged.unit, SlotCause::Predicted);
    }
    // What else has changed is told when it is shown, and that may not be yet.
    let others = core::mem::replace(&mut confirmations.touched, views.clone());
    let what = what.clone();
    let pending = Pending { request, number, actor, what, slots, asked_at: now };
    world.resource_mut::<Predictions>().pending.push_back(pending);
    let mut stats = world.resource_mut::<InventoryStats>();
    stats.requests_sent += 1;
    stats.actions_predicted += u64::from(!views.is_empty());
    world.write_message(SyncRequest(bytes.into()));
    for view in views {
        reconcile::write(world, &kinds, view);
    }
    notify::notify_game(world);
    world.resource_mut::<Confirmations>().touched.extend(others);
    tell_pending(world);
    Ok(())
}

/// What a request looks like before it is answered.
#[derive(Default)]
struct Shown {
    staged: Vec<Staged>,
    /// A hash of what the player saw, zero for nothing.
    witness: u16,
}

fn show(world: &World, actor: Option<Entity>, action: &AnyAction) -> Result<Shown, Reason> {
    let confirmations = world.resource::<Confirmations>();
    let load = |entity| Some(confirmations.by_entity(entity)?.shown().clone());
    run(world, actor, action, &load)
}

/// Runs an action on what `load` gives. One that only the server can tell the outcome of changes nothing.
fn run(
    world: &World,
    actor: Option<Entity>,
    action: &AnyAction,
    load: &dyn Fn(Entity) -> Option<Unit>,
) -> Result<Shown, Reason> {
    let (catalogue, kinds) = (world.resource::<Catalogue>(), world.resource::<Kinds>());
    let confirmations = world.resource::<Confirmations>();
    let head = |entity| Some(confirmations.by_entity(entity)?.head);
    let find = |id: InventoryId| confirmations.by_id(id)?.entity;
    let name = |entity| Some(head(entity)?.id);
    let player = Player { actor, find: &find, name: &name, decides: false, limits: &[] };
    let pool = world.get_resource::<DataPool>();
    let mut tx = Tx::new(catalogue, kinds.as_slice(), load, pool, Some(player));
    match action.0.run(&mut tx) {
        Err(Reason::Unpredictable) => {
            let witness = tx.witnessed_in_part().unwrap_or(0);
            return Ok(Shown { staged: Vec::new(), witness });
        }
        ran => ran?,
    };
    tx.check_rights(|entity| Some(head(entity)?.rights))?;
    let witness = tx.witnessed();
    Ok(Shown { staged: tx.done().staged, witness })
}

fn encode(
    world: &World,
    number: u64,
    actor: Option<Entity>,
    what: &Requested,
    witness: u16,
) -> Result<Vec<u8>, Reason> {
    let (types, kinds) = (world.resource::<ActionTypes>(), world.resource::<Kinds>());
    let confirmations = world.resource::<Confirmations>();
    let view = |entity| Some(confirmations.by_entity(entity)?.head.view);
    let mut w = BitWriter::default();
    let [low, ..] = number.to_le_bytes();
    let body = match what {
        Requested::Action(action) => {
            let kind = types.kind_of(action).ok_or(Reason::Invalid)?;
            Body::Act { actor: actor.and_then(view), witness, kind }
        }
        Requested::Open(Target::Id(id)) => Body::Open(Target::Id(*id)),
        Requested::Open(Target::Entity(entity)) => {
            let map = world.resource::<ServerEntityMap>();
            let server = map.to_server().get(entity).ok_or(Reason::NotInView)?;
            Body::Open(Target::Entity(*server))
        }
        Requested::Close(entity) => {
            let held = confirmations.by_entity(*entity).ok_or(Reason::NotInView)?;
            Body::Close { view: held.head.view, handle: held.head.handle }
        }
    };
    write_body(&mut w, low, &body, types.len());
    let schema = Schema { catalogue: world.resource::<Catalogue>(), kinds: kinds.as_slice() };
    if let Requested::Action(action) = what {
        action.0.write(&mut ActionWriter { w: &mut w, schema, view: &view })?;
    }
    let bytes = w.finish();
    // What the server could not read is refused here.
    let mut r = BitReader::new(bytes);
    if let Ok((_, Body::Act { kind, .. })) = read_body(&mut r, types.len()) {
        let mut reader = ActionReader { r: &mut r, schema, entity: &|_| None };
        types.read(kind, &mut reader).map_err(|_| Reason::Invalid)?;
    }
    if bytes.len() > REQUEST_BYTES_MAX { Err(Reason::Invalid) } else { Ok(bytes.to_vec()) }
}

/// Does everything that is pending again, on what is confirmed now.
pub(super) fn rebase(world: &mut World) {
    let predictions = world.resource::<Predictions>();
    let rolled_back = predictions.answered.iter().any(|answered| answered.result.is_err());
    let predicted = world.resource::<Confirmations>().predicted();
    if predictions.pending.is_empty() && predicted.is_empty() {
        return;
    }
    let shown = replay(world);
    let cause = if rolled_back { SlotCause::RolledBack } else { SlotCause::Server };
    let mut confirmations = world.resource_mut::<Confirmations>();
    for view in predicted {
        let Some(held) = confirmations.get_mut(view) else { continue };
        if !shown.iter().any(|(entity, _)| held.entity == Some(*entity)) {
            held.show_confirmed(cause);
            confirmations.touched.push(view);
        }
    }
    for (entity, unit) in &shown {
        let Some(held) = confirmations.by_entity_mut(*entity) else { continue };
        held.show(unit, cause);
        let view = held.head.view;
        confirmations.touched.push(view);
    }
}

/// What all pending requests make of what is confirmed. One that is not lawful any more is passed over:
/// its answer will say so.
fn replay(world: &World) -> Vec<(Entity, Unit)> {
    let confirmations = world.resource::<Confirmations>();
    let mut shown: Vec<(Entity, Unit)> = Vec::new();
    for pending in &world.resource::<Predictions>().pending {
        let Requested::Action(action) = &pending.what else { continue };
        let load = |entity| match shown.iter().find(|(there, _)| *there == entity) {
            Some((_, unit)) => Some(unit.clone()),
            None => Some(confirmations.by_entity(entity)?.unit.clone()),
        };
        let Ok(Shown { staged, .. }) = run(world, pending.actor, action, &load) else { continue };
        for Staged { entity, unit, .. } in staged {
            match shown.iter_mut().find(|(there, _)| *there == entity) {
                Some((_, before)) => *before = unit,
                None => shown.push((entity, unit)),
            }
        }
    }
    shown
}

/// Tells which slots wait for an answer, and which do so no more.
pub(super) fn tell_pending(world: &mut World) {
    let mut predictions = world.resource_mut::<Predictions>();
    let now: HashSet<(Entity, Slot)> =
        predictions.pending.iter().flat_map(|pending| pending.slots.iter().copied()).collect();
    if now == predictions.told {
        return;
    }
    let before = core::mem::replace(&mut predictions.told, now.clone());
    let ended = before.difference(&now).map(|at| (*at, false));
    let begun = now.difference(&before).map(|at| (*at, true));
    for ((entity, slot), pending) in ended.chain(begun) {
        // Of an entity that has gone only global observers hear.
        tell(world, SlotPending { entity, slot, pending });
    }
}

/// Tells the game of answers, after what they changed is shown.
pub(super) fn tell_answers(world: &mut World) {
    if world.resource::<Predictions>().answered.is_empty() {
        return;
    }
    tell_pending(world);
    let answered = core::mem::take(&mut world.resource_mut::<Predictions>().answered);
    for Answered { request, what, result } in answered {
        world.resource_mut::<InventoryStats>().actions_rejected += u64::from(result.is_err());
        tell_answer(world, request, what, result);
    }
    world.flush();
}

/// Looks whether everything shown is what is confirmed with all that is pending on top.
#[cfg(debug_assertions)]
pub(super) fn check_rebase(world: &mut World) {
    if world.resource::<Predictions>().pending.is_empty() {
        return;
    }
    let expected = replay(world);
    let kinds = world.resource::<Kinds>();
    let wrong = expected
        .iter()
        .filter(|(entity, unit)| kinds.read_in(world, *entity).is_some_and(|there| there != *unit));
    let wrong = wrong.count() as u64;
    if wrong > 0 {
        log::error!("{wrong} inventories show what is neither confirmed nor requested");
        world.resource_mut::<InventoryStats>().rebase_mismatches += wrong;
    }
}
