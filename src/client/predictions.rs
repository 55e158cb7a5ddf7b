//! Requests without an answer, and what the player is shown because of them: the confirmed state with all pending
//! requests applied on top, by the code that the server runs.

use crate::{
    model::{
        catalog::ItemCatalog,
        container::Slot,
        data::DataPool,
        id::InventoryId,
        rejection::Rejection,
        state::InventoryState,
        transaction::{Player, Staged, Transaction},
    },
    shared::{
        actions::{AnyAction, RequestId, Requested},
        containers::ContainerRegistry,
        events::SlotCause,
        rate::Bucket,
    },
    wire::Answers,
};

use super::confirmed::ConfirmedInventories;
use bevy::platform::collections::HashSet;
use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;

/// One request without an answer.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) request: RequestId,
    pub(crate) number: u64,
    pub(crate) actor: Option<Entity>,
    pub(crate) what: Requested,
    /// The slots that it changed when it was first shown.
    pub(crate) slots: Vec<(Entity, Slot)>,
    pub(crate) asked_at: Duration,
}

/// Client: how long the answers to the local player's requests took, from the click to the answer.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct ActionLatency {
    buckets: [u64; ActionLatency::LIMITS.len() + 1],
    last: Duration,
    sum: Duration,
}

impl ActionLatency {
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

/// An answer for the game to handle of.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) request: RequestId,
    pub(crate) what: Requested,
    pub(crate) result: Result<(), Rejection>,
}

/// The requests of the local player that have no answer yet, oldest first.
#[derive(Resource, Default, Debug)]
pub(crate) struct Predictions {
    pub(crate) pending: VecDeque<Pending>,
    /// The number of the last request.
    pub(crate) last: u64,
    pub(crate) bucket: Bucket,
    pub(crate) answered: Vec<Answered>,
    /// The slots that take part in pending requests, as the game knows it.
    pub(crate) told: HashSet<(Entity, Slot)>,
}

impl Predictions {
    /// Takes in what the server says. Says no if an answer before these was lost.
    pub(crate) fn answer(
        &mut self,
        answers: &Answers,
        now: Duration,
        times: &mut ActionLatency,
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
            let result = result.unwrap_or(Err(Rejection::Unanswered));
            let Pending { request, what, asked_at, .. } = pending;
            if at.is_some() {
                times.note(now.saturating_sub(asked_at));
            }
            self.answered.push(Answered { request, what, result });
        }
        whole
    }

    /// The connection is gone: nothing will be answered any more.
    pub(crate) fn disconnect(&mut self) {
        let result = Err(Rejection::NotConnected);
        for Pending { request, what, .. } in self.pending.drain(..) {
            self.answered.push(Answered { request, what, result });
        }
        (self.last, self.bucket) = (0, Bucket::default());
    }
}

/// What a request looks like before it is answered.
#[derive(Default)]
pub(crate) struct PredictedOutcome {
    pub(crate) staged: Vec<Staged>,
    /// A hash of what the player saw, zero for nothing.
    pub(crate) witness: u16,
}

pub(crate) fn show(
    world: &World,
    actor: Option<Entity>,
    action: &AnyAction,
) -> Result<PredictedOutcome, Rejection> {
    let confirmations = world.resource::<ConfirmedInventories>();
    let load = |entity| Some(confirmations.by_entity(entity)?.shown().clone());
    run(world, actor, action, &load)
}

/// Runs an action on what `load` gives. One that only the server can emit the outcome of changes nothing.
fn run(
    world: &World,
    actor: Option<Entity>,
    action: &AnyAction,
    load: &dyn Fn(Entity) -> Option<InventoryState>,
) -> Result<PredictedOutcome, Rejection> {
    let (catalog, registry) =
        (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
    let confirmations = world.resource::<ConfirmedInventories>();
    let head = |entity| Some(confirmations.by_entity(entity)?.head);
    let find = |id: InventoryId| confirmations.by_id(id)?.entity;
    let name = |entity| Some(head(entity)?.id);
    let player = Player { actor, find: &find, name: &name, decides: false, limits: &[] };
    let pool = world.get_resource::<DataPool>();
    let mut tx = Transaction::new(catalog, registry.as_slice(), load, pool, Some(player));
    match action.0.run(&mut tx) {
        Err(Rejection::ServerOnly) => {
            let witness = tx.witnessed_in_part().unwrap_or(0);
            return Ok(PredictedOutcome { staged: Vec::new(), witness });
        }
        ran => ran?,
    };
    tx.check_rights(|entity| Some(head(entity)?.rights))?;
    let witness = tx.witnessed();
    Ok(PredictedOutcome { staged: tx.done().staged, witness })
}

/// Does everything that is pending again, on what is confirmed now.
pub(crate) fn rebase(world: &mut World) {
    let predictions = world.resource::<Predictions>();
    let rolled_back = predictions.answered.iter().any(|answered| answered.result.is_err());
    let predicted = world.resource::<ConfirmedInventories>().predicted();
    if predictions.pending.is_empty() && predicted.is_empty() {
        return;
    }
    let shown = replay(world);
    let cause = if rolled_back { SlotCause::RolledBack } else { SlotCause::Server };
    let mut confirmations = world.resource_mut::<ConfirmedInventories>();
    for view in predicted {
        let Some(held) = confirmations.get_mut(view) else { continue };
        if !shown.iter().any(|(entity, _)| held.entity == Some(*entity)) {
            held.show_confirmed(cause);
            confirmations.touched.push(view);
        }
    }
    for (entity, state) in &shown {
        let Some(held) = confirmations.by_entity_mut(*entity) else { continue };
        held.show(state, cause);
        let view = held.head.view;
        confirmations.touched.push(view);
    }
}

/// What all pending requests make of what is confirmed. One that is not lawful any more is passed over:
/// its answer will say so.
pub(crate) fn replay(world: &World) -> Vec<(Entity, InventoryState)> {
    let confirmations = world.resource::<ConfirmedInventories>();
    let mut shown: Vec<(Entity, InventoryState)> = Vec::new();
    for pending in &world.resource::<Predictions>().pending {
        let Requested::Action(action) = &pending.what else { continue };
        let load = |entity| match shown.iter().find(|(there, _)| *there == entity) {
            Some((_, state)) => Some(state.clone()),
            None => Some(confirmations.by_entity(entity)?.state.clone()),
        };
        let Ok(PredictedOutcome { staged, .. }) = run(world, pending.actor, action, &load) else {
            continue;
        };
        for Staged { entity, state, .. } in staged {
            match shown.iter_mut().find(|(there, _)| *there == entity) {
                Some((_, before)) => *before = state,
                None => shown.push((entity, state)),
            }
        }
    }
    shown
}
