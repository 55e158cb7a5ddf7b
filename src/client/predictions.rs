//! Pending requests and the predicted states that follow from them: the confirmed state with all pending requests
//! applied on top, by the same code that the server runs.

use crate::model::planted::{Bug, planted};
use crate::{
    model::{
        catalog::ItemCatalog,
        container::Slot,
        data::DataPool,
        id::InventoryId,
        rejection::Rejection,
        state::InventoryState,
        transaction::{Player, Side, Staged, Transaction, Witness},
    },
    shared::{
        actions::{AnyAction, RequestId, Requested},
        containers::ContainerRegistry,
        events::SlotCause,
        rate::Bucket,
    },
    wire::{
        ANSWERS_MAX, Answers,
        numbers::{number_at_or_before, number_nearest},
        request::Target,
    },
};

use super::confirmed::ConfirmedInventories;
use bevy::platform::collections::HashSet;
use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;

/// One pending request.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) id: RequestId,
    pub(crate) number: u64,
    pub(crate) actor: Option<Entity>,
    pub(crate) request: Requested,
    /// What the player saw.
    pub(crate) witness: Witness,
    /// The slots that the request changed when it was first predicted.
    pub(crate) slots: Vec<(Entity, Slot)>,
    pub(crate) requested_at: Duration,
}

/// Client: latency of the local player's requests, from the request to the answer. Requests that were not
/// answered are not counted.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct ActionLatency {
    buckets: [u64; ActionLatency::LIMITS.len() + 1],
    last: Duration,
    sum: Duration,
}

impl ActionLatency {
    /// Upper limits of the buckets in milliseconds, inclusive. One more bucket counts the answers above the last
    /// limit.
    pub const LIMITS: [u64; 9] = [17, 34, 50, 100, 150, 200, 300, 500, 1000];

    fn record(&mut self, took: Duration) {
        let at = Self::LIMITS.iter().position(|limit| took <= Duration::from_millis(*limit));
        self.buckets[at.unwrap_or(Self::LIMITS.len())] += 1;
        self.last = took;
        self.sum = self.sum.saturating_add(took);
    }

    /// Returns the number of answers per bucket. The limits of the buckets are [`Self::LIMITS`].
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// Returns the total number of answers.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Returns the latency of the last answer; zero if there was none.
    #[must_use]
    pub fn last(&self) -> Duration {
        self.last
    }

    /// Returns the average latency; zero if there was no answer.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let count = u32::try_from(self.count()).unwrap_or(u32::MAX);
        self.sum.checked_div(count).unwrap_or_default()
    }
}

/// An answer of which the game has not been notified yet.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) id: RequestId,
    pub(crate) request: Requested,
    pub(crate) result: Result<(), Rejection>,
}

/// A request to open an inventory, by which it can be closed before it is in view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenedBy {
    pub(crate) id: RequestId,
    pub(crate) number: u64,
    /// The entity or the id, as the player knows it.
    pub(crate) target: Target,
}

/// Time after which an unanswered request, or its answer, counts as lost. The client then requests a resync.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum number of requests to open that a client remembers.
pub(crate) const OPENS_MAX: usize = 64;

/// The pending requests of the local player, and answers that have not been emitted yet.
#[derive(Resource, Default, Debug)]
pub(crate) struct Predictions {
    /// Requests without an answer, oldest first.
    pub(crate) pending: VecDeque<Pending>,
    /// Number of the last request.
    pub(crate) last: u64,
    /// Number of the last request that the server has answered.
    answered_to: u64,
    pub(crate) bucket: Bucket,
    pub(crate) answered: Vec<Answered>,
    /// The last requests to open an inventory, oldest first, at most [`OPENS_MAX`].
    pub(crate) opens: VecDeque<OpenedBy>,
    /// The slots of pending requests, as of the last notification of the game.
    pub(crate) pending_slots: HashSet<(Entity, Slot)>,
}

/// Maximum number of request numbers that are skipped after requests were lost. Leaves room for more losses before the
/// server ignores a number.
const SKIPPED_MAX: u64 = ANSWERS_MAX as u64 / 2;

impl Predictions {
    /// Processes answers from the server. Returns `false` if an earlier answer was lost; its request is
    /// reported as [`Rejection::Unanswered`].
    pub(crate) fn answer(
        &mut self,
        answers: &Answers,
        now: Duration,
        times: &mut ActionLatency,
    ) -> bool {
        let Answers { last, results } = answers;
        let Some(last) = number_at_or_before(self.last, *last) else { return true };
        self.answered_to = self.answered_to.max(last);
        let first = (last + 1).saturating_sub(results.len() as u64);
        let mut all_answered = true;
        while let Some(pending) = self.pending.pop_front_if(|pending| pending.number <= last) {
            let at = pending.number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            all_answered &= at.is_some();
            let result = at.and_then(|at| results.get(at)).copied();
            let result = result.unwrap_or(Err(Rejection::Unanswered));
            let Pending { id, request, requested_at, number, .. } = pending;
            if at.is_some() {
                times.record(now.saturating_sub(requested_at));
            }
            if planted(Bug::AnsweredTwice) && number.is_multiple_of(16) {
                self.answered.push(Answered { id, request: request.clone(), result });
            }
            self.answered.push(Answered { id, request, result });
        }
        all_answered
    }

    /// Processes a reset that was requested after request number `after`. Requests travel in order, so those up to
    /// `after` that have no answer now are lost. They are reported as [`Rejection::Unanswered`]. `handled` is the last
    /// request that the server has handled, as in [`Reset`](crate::wire::Reset).
    pub(crate) fn catch_up(&mut self, handled: u32, after: u64) {
        let handled = number_nearest(after, handled);
        let lost = after.max(handled);
        while let Some(pending) = self.pending.pop_front_if(|pending| pending.number <= lost) {
            let Pending { id, request, .. } = pending;
            self.answered.push(Answered { id, request, result: Err(Rejection::Unanswered) });
        }
        // The server repeats its answer to a number that it has handled, also in a request that this client has not sent.
        // A reset that arrives late states an older number than the last answer, but an altered answer may state any.
        let in_range = self.answered_to.saturating_sub(handled) <= 2 * ANSWERS_MAX as u64;
        let handled = if in_range { handled.max(self.answered_to) } else { handled };
        self.last = self.last.max(handled);
        if self.pending.is_empty() {
            // A request that was taken for lost may still arrive, so its number is not used again. But the server ignores
            // numbers that are too far ahead.
            self.last = self.last.min(handled + SKIPPED_MAX);
            self.opens.retain(|open| open.number <= self.last);
        }
    }

    /// Returns `true` if a request has been waiting for its answer for longer than any server takes.
    pub(crate) fn is_overdue(&self, now: Duration) -> bool {
        if planted(Bug::LostAnswerAwaited) {
            return false;
        }
        self.pending
            .front()
            .is_some_and(|oldest| now.saturating_sub(oldest.requested_at) > ANSWER_TIMEOUT)
    }

    /// Rejects all pending requests with [`Rejection::NotConnected`] when the connection ends.
    pub(crate) fn disconnect(&mut self) {
        let result = Err(Rejection::NotConnected);
        for Pending { id, request, .. } in self.pending.drain(..) {
            self.answered.push(Answered { id, request, result });
        }
        (self.last, self.answered_to, self.bucket) = (0, 0, Bucket::default());
        self.opens.clear();
    }
}

/// The predicted outcome of a request.
#[derive(Default)]
pub(crate) struct PredictedOutcome {
    pub(crate) staged: Vec<Staged>,
    /// What the player saw.
    pub(crate) witness: Witness,
}

/// Predicts an action on the shown states.
pub(crate) fn predict_action(
    world: &World,
    actor: Option<Entity>,
    action: &AnyAction,
) -> Result<PredictedOutcome, Rejection> {
    let confirmations = world.resource::<ConfirmedInventories>();
    let load = |entity| Some(confirmations.by_entity(entity)?.shown().clone());
    run_on(world, actor, action, &load, None)
}

/// Runs an action on the states that `load` returns. An action whose outcome only the server can determine changes
/// nothing. A pending action is run again with what the player saw, since the server takes the kinds of stack that
/// were predicted first.
fn run_on(
    world: &World,
    actor: Option<Entity>,
    action: &AnyAction,
    load: &dyn Fn(Entity) -> Option<InventoryState>,
    again: Option<&Witness>,
) -> Result<PredictedOutcome, Rejection> {
    let (catalog, registry) =
        (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
    let confirmations = world.resource::<ConfirmedInventories>();
    let head = |entity| Some(confirmations.by_entity(entity)?.head);
    let entity_of = |id: InventoryId| confirmations.by_id(id)?.entity;
    let id_of = |entity| Some(head(entity)?.id);
    // Only states that the server has confirmed have a version number.
    let is_pending = |entity: Entity| {
        let changes = |pending: &Pending| pending.slots.iter().any(|(of, _)| *of == entity);
        world.resource::<Predictions>().pending.iter().any(changes)
    };
    let version = |entity: Entity| {
        let copy = confirmations.by_entity(entity).ok_or(Rejection::NotInView)?;
        let [a, b, c, d, ..] = copy.version.to_le_bytes();
        let confirmed = copy.predicted.is_none() && !is_pending(entity);
        confirmed.then_some(u32::from_le_bytes([a, b, c, d])).ok_or(Rejection::Unconfirmed)
    };
    let side = Side::Predicts { version: &version, again };
    let player = Player { actor, entity_of: &entity_of, id_of: &id_of, side, limits: &[] };
    let pool = world.get_resource::<DataPool>();
    let mut tx = Transaction::new(catalog, registry.as_slice(), load, pool, Some(player));
    match action.0.run(&mut tx) {
        Err(Rejection::ServerOnly) => {
            let witness = tx.witness_in_part().unwrap_or_default();
            return Ok(PredictedOutcome { staged: Vec::new(), witness });
        }
        ran => ran?,
    };
    tx.check_rights(|entity| Some(head(entity)?.rights))?;
    let witness = tx.witness();
    Ok(PredictedOutcome { staged: tx.done().staged, witness })
}

/// Replays all pending requests on the current confirmed states and updates the predicted states.
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
        let Some(copy) = confirmations.get_mut(view) else { continue };
        if !shown.iter().any(|(entity, _)| copy.entity == Some(*entity)) {
            copy.show_confirmed(cause);
            confirmations.touched.push(view);
        }
    }
    for (entity, state) in &shown {
        let Some(copy) = confirmations.by_entity_mut(*entity) else { continue };
        copy.show(state, cause);
        let view = copy.head.view;
        confirmations.touched.push(view);
    }
}

/// Returns the states that result from applying all pending requests to the confirmed states. A request that is no
/// longer valid is skipped; the server will reject it.
pub(crate) fn replay(world: &World) -> Vec<(Entity, InventoryState)> {
    let confirmations = world.resource::<ConfirmedInventories>();
    let mut shown: Vec<(Entity, InventoryState)> = Vec::new();
    for pending in &world.resource::<Predictions>().pending {
        let Requested::Action(action) = &pending.request else { continue };
        let load = |entity| match shown.iter().find(|(shown, _)| *shown == entity) {
            Some((_, state)) => Some(state.clone()),
            None => Some(confirmations.by_entity(entity)?.state.clone()),
        };
        let Ok(PredictedOutcome { staged, .. }) =
            run_on(world, pending.actor, action, &load, Some(&pending.witness))
        else {
            continue;
        };
        for Staged { entity, state, .. } in staged {
            match shown.iter_mut().find(|(shown, _)| *shown == entity) {
                Some((_, before)) => *before = state,
                None => shown.push((entity, state)),
            }
        }
    }
    shown
}
