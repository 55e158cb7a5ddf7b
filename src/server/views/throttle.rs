//! Which updates are sent at once, and which wait: because their viewer is not due yet, or because the byte
//! budget is exhausted. Of the latter, a client is first sent the results of its player's actions, then the player's own
//! inventories, then critical ones, then those that have waited longest. If the budget of all clients together is
//! exhausted, the client that was sent least is next.
//!
//! The cost of a tick depends on the updates that it sends and the clients that wait, not on the updates that wait.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use bevy::prelude::*;

use crate::server::{
    baseline::Baseline,
    pacing::{
        budget::{Budget, Credit, Rates, SendCost, UpdateKind},
        clock::AppInstant,
        quality::LinkGrade,
        shares::Shares,
    },
};

use super::{
    clients::{ClientSlot, Clients, Outbox},
    queue::QueuePosition,
    subscriptions::{InventoryViewers, Subscription},
};

/// What waits to be sent, and the budget of all clients together.
#[derive(Resource, Default, Debug)]
pub(crate) struct Throttle {
    /// What all clients together have spent.
    pub(crate) total: Budget,
    pub(crate) shares: Shares,
    /// The last tick in which the total budget was exhausted.
    total_exhausted_at: u64,
    rates: Rates,
    /// Clients whose queue is not empty, each once.
    clients: Vec<ClientSlot>,
    /// The head of each queue with the share of its client, while the queues are served.
    heads: BinaryHeap<Reverse<(Budget, QueuePosition, ClientSlot)>>,
    /// Number of updates that were queued in this tick.
    newly_queued: u64,
    /// Inventories with a viewer that is not due yet, each once.
    waiting: Vec<Entity>,
    /// Until when everything is sent at once, because the server is about to stop. `None` for normal operation.
    pub(crate) flush_until: Option<AppInstant>,
    tick: u64,
    credit: Credit,
    /// Whether the total budget was exhausted in this tick or in the one before.
    total_exhausted: bool,
}

/// What an update costs.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct UpdateCost {
    send: SendCost,
    /// Number of commits that it merges.
    merged: u64,
}

impl Throttle {
    pub(crate) fn begin_tick(&mut self, tick: u64, now: AppInstant, clients: usize) {
        (self.tick, self.credit) = (tick, Credit::at(now));
        self.total_exhausted = self.total_exhausted_at != 0 && self.total_exhausted_at + 1 >= tick;
        self.shares.begin_tick(clients, self.total_exhausted);
    }

    /// Returns `true` if no update waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.has_queued()
    }

    /// Returns `true` if an update waits for bytes.
    pub(crate) fn has_queued(&self) -> bool {
        !self.clients.is_empty()
    }

    /// Returns `true` if updates are sent at once, because the server is about to stop.
    pub(crate) fn is_flushing(&self) -> bool {
        self.flush_until.is_some()
    }

    /// Returns `true` if the total budget was exhausted in this tick or in the one before.
    pub(crate) fn is_total_exhausted(&self) -> bool {
        self.total_exhausted
    }

    /// Applies changed rates. Debt remains the same number of bytes.
    pub(crate) fn set_rates(&mut self, rates: Rates, now: AppInstant, clients: &mut Clients) {
        let before = core::mem::replace(&mut self.rates, rates);
        if rates.client != before.client {
            clients
                .budgets_mut()
                .for_each(|budget| budget.convert(before.client, rates.client, now));
        }
        if rates.total != before.total {
            self.total.convert(before.total, rates.total, now);
            self.shares = Shares::default();
            clients.shares_mut().for_each(|share| *share = Budget::default());
        }
    }

    /// Returns the cost of an update of about this many bytes, which merges this many commits.
    pub(crate) fn cost(&self, bytes: usize, merged: u64) -> UpdateCost {
        UpdateCost { send: self.rates.cost(bytes), merged }
    }

    /// Returns `true` if the byte budgets allow an update. While the client has queued updates or the total
    /// budget is exhausted, only updates `from_queue` and results of actions are allowed. Those of a flush are always
    /// allowed.
    #[inline]
    pub(crate) fn can_afford(
        &self,
        viewer: &Subscription,
        from_queue: bool,
        clients: &Clients,
    ) -> bool {
        let Some(outbox) = clients.outbox(viewer.slot) else { return true };
        let kind = viewer.kind();
        let in_turn = from_queue || !(outbox.throttled || self.is_total_exhausted());
        (in_turn || kind == UpdateKind::Action)
            && outbox.budget.has(kind, self.credit)
            && clients.share(viewer.slot).is_none_or(|share| self.has_share(share, kind))
            || self.is_flushing()
    }

    /// Returns `true` if a client may be sent bytes of the total budget. The results of actions and the player's own
    /// inventories depend only on what was sent to this client, so that the others cannot delay them.
    #[inline]
    fn has_share(&self, share: &Budget, kind: UpdateKind) -> bool {
        // The total may be in debt because of others.
        let limit = if self.shares.is_behind(share) { UpdateKind::Own } else { UpdateKind::Other };
        let has_total = kind != UpdateKind::Other || self.total.has(limit, self.credit);
        has_total && share.has(kind, self.shares.credit())
    }

    /// Reserves bytes for an update and returns the grade of the viewer's link, or `None` if it
    /// [cannot be afforded](Self::can_afford).
    #[inline]
    pub(crate) fn afford(
        &mut self,
        viewer: &Subscription,
        cost: UpdateCost,
        from_queue: bool,
        clients: &mut Clients,
    ) -> Option<LinkGrade> {
        if !self.can_afford(viewer, from_queue, clients) {
            return None;
        }
        let Some((outbox, state)) = clients.at_mut(viewer.slot) else {
            return Some(LinkGrade::default());
        };
        let SendCost { client_nanos, total_nanos } = cost.send;
        outbox.budget.plan(client_nanos, self.credit);
        if total_nanos > 0 {
            self.total.plan(total_nanos, self.credit);
            state.share.plan(total_nanos, self.shares.credit());
        }
        outbox.totals.updates += 1;
        outbox.totals.merged += cost.merged;
        if !self.total.has(UpdateKind::Own, self.credit) {
            // From now on, what each client was sent is compared.
            self.total_exhausted_at = self.tick;
        }
        let grade = outbox.grade;
        if outbox.throttled {
            state.queue.remove(viewer.view);
            if viewer.kind() == UpdateKind::Action {
                // The answers that waited are sent with the result.
                clients.mark_eventful(viewer.slot.client);
            }
        }
        Some(grade)
    }

    fn exhaust_total(&mut self) {
        (self.total_exhausted_at, self.total_exhausted) = (self.tick, true);
    }

    /// Queues an update that cannot be afforded.
    #[cold]
    pub(crate) fn queue(
        &mut self,
        viewer: &Subscription,
        position: QueuePosition,
        clients: &mut Clients,
    ) {
        let Some((outbox, state)) = clients.at_mut(viewer.slot) else { return };
        let kind = position.rank.kind;
        if !self.has_total() && outbox.budget.has(kind, self.credit) {
            self.exhaust_total();
        }
        if state.queue.insert(viewer.view, position) {
            outbox.totals.throttled += 1;
            self.newly_queued += 1;
        }
        if !core::mem::replace(&mut outbox.throttled, true) {
            self.clients.push(viewer.slot);
        }
    }

    /// Starts to serve the queues.
    pub(crate) fn begin_queued(&mut self, clients: &Clients) {
        self.heads.clear();
        let heads = self.clients.iter().filter_map(|slot| {
            let state = clients.get(slot.client)?;
            Some(Reverse((state.share, state.queue.head()?, *slot)))
        });
        self.heads.extend(heads);
    }

    /// Returns the next queued inventory whose client has bytes left.
    pub(crate) fn next_queued(&mut self, clients: &mut Clients) -> Option<(Entity, QueuePosition)> {
        while let Some(Reverse((share, position, slot))) = self.heads.pop() {
            let Some((outbox, state)) = clients.at_mut(slot) else { continue };
            // The client may have been sent something together with another one.
            let mut next = None;
            if (state.share, state.queue.head()) == (share, Some(position)) {
                if !self.is_flushing() && !self.begin_turn(outbox, share, position.rank.kind) {
                    continue;
                }
                let view = state.queue.pop(position.rank);
                next = view.and_then(|view| *state.inventory_by_view.get(view as usize)?);
            }
            let head = state.queue.head();
            self.heads.extend(head.map(|position| Reverse((state.share, position, slot))));
            if position.rank.kind == UpdateKind::Action && next.is_some() {
                // The answers are sent with the result.
                clients.mark_eventful(slot.client);
            }
            if let Some(inventory) = next {
                return Some((inventory, position));
            }
        }
        None
    }

    /// Returns `true` if the client that was sent least of those that wait may be sent an update.
    fn begin_turn(&mut self, outbox: &Outbox, share: Budget, kind: UpdateKind) -> bool {
        if !outbox.budget.has(kind, self.credit) {
            return false;
        }
        if self.has_total() {
            self.shares.give_turn(share);
        }
        let has_share = self.has_share(&share, kind);
        if !has_share {
            self.exhaust_total();
        }
        has_share
    }

    fn has_total(&self) -> bool {
        self.total.has(UpdateKind::Other, self.credit)
    }

    /// Ends the tick. Returns the number of updates that were queued in it.
    pub(crate) fn end_queued(&mut self, clients: &mut Clients) -> u64 {
        self.clients.retain(|slot| {
            let Some((outbox, state)) = clients.at_mut(*slot) else { return false };
            outbox.throttled = state.queue.len() > 0;
            outbox.throttled
        });
        core::mem::take(&mut self.newly_queued)
    }

    /// Puts an inventory on the list of those with a viewer that is not due yet.
    pub(crate) fn wait(&mut self, inventory: Entity, viewers: &mut InventoryViewers) {
        if !core::mem::replace(&mut viewers.waits, true) {
            self.waiting.push(inventory);
        }
    }

    /// Swaps the list of inventories with a viewer that is not due yet for an empty one.
    pub(crate) fn swap_waiting(&mut self, waiting: &mut Vec<Entity>) {
        core::mem::swap(&mut self.waiting, waiting);
    }

    pub(super) fn waiting(&self) -> &[Entity] {
        &self.waiting
    }

    /// Keeps track of an inventory after an update. Returns `true` if a viewer is behind now and all were up to
    /// date before.
    #[cold]
    pub(crate) fn keep_late(
        &mut self,
        inventory: Entity,
        viewers: &mut InventoryViewers,
        baseline: &Baseline,
        committed: bool,
        clients: &Clients,
    ) -> bool {
        let version = baseline.version();
        if !viewers.subscriptions.iter().any(|viewer| viewer.is_behind(version)) {
            viewers.record_all_sent();
            return false;
        }
        if viewers.subscriptions.iter().any(|viewer| viewer.is_unqueued(version, clients)) {
            self.wait(inventory, viewers);
        }
        viewers.record_late(baseline, committed)
    }
}
