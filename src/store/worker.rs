//! Runs on the store's thread: merges the changes of ticks, commits them together, and answers claims.

mod answers;
mod commit;
mod history;
mod merge;
mod messages;
mod mirror;
mod unions;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use bevy::platform::collections::HashMap;

use crate::model::id::InventoryId;

use super::{Durability, Store, error::StoreError};
use commit::Sent;
use history::PendingHistory;
pub(super) use messages::{Order, RejectedUnion, Report};
use mirror::{Dirty, Mirror};
use unions::Unions;

/// Pause after the first failure. It doubles with each further one.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// Maximum pause after a failure.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Opens the store.
pub(super) type Opener = Box<dyn FnMut() -> Result<Box<dyn Store>, StoreError> + Send>;

/// The state of the thread.
pub(super) struct Worker {
    opener: Opener,
    store: Option<Box<dyn Store>>,
    durability: Durability,
    mirrors: HashMap<InventoryId, Mirror>,
    /// The inventories that may have changed since the last commit.
    changed: BTreeSet<InventoryId>,
    /// Inventories that have left, and are released once their last changes are stored.
    leaving: BTreeSet<InventoryId>,
    unions: Unions,
    /// Inventories of rejected unions. Nothing that has exchanged items with them is committed until the game has
    /// reverted them.
    blocked: BTreeSet<InventoryId>,
    /// The last batch, if the store has answered with an error. It may have been carried out.
    unanswered: Option<Sent>,
    /// What has changed since the last commit, for the history.
    history: PendingHistory,
    /// Orders that wait until the store is open, or until an inventory has been reverted.
    waiting: Vec<Order>,
    /// The last tick that was handed over.
    merged_tick: u64,
    /// The last tick that was reported as stored.
    reported_tick: u64,
    /// Tick of the store when it was opened. It continues from there.
    base: u64,
    flushing: bool,
    /// Whether all claimed inventories are committed again, to find those of which the store has lost commits.
    recommitting: bool,
    /// When the next heartbeat is due.
    heartbeat_at: Option<Duration>,
    /// Whether the last heartbeat failed.
    heartbeat_failed: bool,
    /// Whether the store is needed. It is not opened before.
    needed: bool,
    last_commit: Duration,
    /// Number of consecutive failures, and when to try again.
    failures: u32,
    retry_at: Duration,
    /// The error that was reported last.
    error: Option<StoreError>,
    reports: Vec<Report>,
}

impl Worker {
    pub(super) fn new(opener: Opener, durability: Durability) -> Self {
        Self {
            opener,
            store: None,
            durability,
            mirrors: HashMap::default(),
            changed: BTreeSet::new(),
            leaving: BTreeSet::new(),
            unions: Unions::default(),
            blocked: BTreeSet::new(),
            unanswered: None,
            history: PendingHistory::default(),
            waiting: Vec::new(),
            merged_tick: 0,
            reported_tick: 0,
            base: 0,
            flushing: false,
            recommitting: false,
            heartbeat_at: None,
            heartbeat_failed: false,
            needed: false,
            last_commit: Duration::ZERO,
            failures: 0,
            retry_at: Duration::ZERO,
            error: None,
            reports: Vec::new(),
        }
    }

    /// Takes the reports for the game.
    pub(super) fn take_reports(&mut self) -> Vec<Report> {
        core::mem::take(&mut self.reports)
    }

    /// Handles an order. Changes are committed by [`step`](Self::step).
    pub(super) fn handle(&mut self, order: Order, now: Duration) {
        self.needed = true;
        match order {
            Order::Tick(changes) => self.merge(*changes),
            Order::Revert { ids, lost } => self.revert(&ids, lost),
            Order::Flush => self.flushing = true,
            order if self.must_wait(&order, now) => self.waiting.push(order),
            Order::Claim { id, request } => self.claim(id, request, now),
            Order::Abandon(id) => self.abandon(id, now),
            Order::Reload { id, request } => self.reload(id, request, now),
            Order::List => self.list(now),
            Order::Read(id) => self.read(id, now),
            Order::History(query) => self.read_history(query, now),
            Order::Redeem { account, ticket } => self.redeem(account, ticket, now),
        }
    }

    /// Does what is due. Returns the time until the next call is due, or `None` if there is nothing to wait for.
    pub(super) fn step(&mut self, now: Duration) -> Option<Duration> {
        self.open(now);
        self.send_heartbeat(now);
        // An order that fails again and again must not stop commits, or other orders.
        self.commit_if_due(now);
        let mut waiting = core::mem::take(&mut self.waiting).into_iter();
        for order in waiting.by_ref() {
            self.handle(order, now);
            if self.retry_at > now {
                break;
            }
        }
        self.waiting.splice(0..0, waiting);
        self.commit_if_due(now);
        let retry = (self.failures > 0).then_some(self.retry_at);
        let next = [self.due_at(), retry, self.heartbeat_at].into_iter().flatten().min();
        next.map(|next| next.saturating_sub(now))
    }

    fn commit_if_due(&mut self, now: Duration) {
        if self.due_at().is_some_and(|due| due <= now) && self.store.is_some() {
            self.commit(now);
        }
    }

    /// Sends a heartbeat to the store if one is due.
    fn send_heartbeat(&mut self, now: Duration) {
        let due = self.heartbeat_at.is_some_and(|at| at <= now && self.retry_at <= now);
        let Some(store) = self.store.as_mut().filter(|_| due) else { return };
        match store.heartbeat() {
            Ok(heartbeat) => {
                if core::mem::take(&mut self.heartbeat_failed) {
                    self.succeed();
                }
                self.heartbeat_at = heartbeat.next.map(|pause| now.saturating_add(pause));
                if heartbeat.lost_commits {
                    self.recommit_all();
                }
            }
            Err(error) => {
                self.fail(error, now);
                self.heartbeat_failed = true;
            }
        }
    }

    /// Commits all claimed inventories again. Those of which the store has lost commits are rejected.
    fn recommit_all(&mut self) {
        self.recommitting = true;
        for (id, mirror) in &mut self.mirrors {
            if mirror.stored.is_some() && !mirror.reverted {
                mirror.mark_for_commit();
                self.changed.insert(*id);
            }
        }
    }

    /// Commits everything, for the end of the game.
    pub(super) fn finish(&mut self, now: Duration) {
        self.flushing = true;
        self.retry_at = now;
        self.open(now);
        // The second time after a batch that was sent again.
        for _ in 0..2 {
            if self.store.is_some() && self.retry_at <= now {
                self.commit(now);
            }
        }
        if let Some(error) = &self.error {
            log::error!("the last changes were not stored: {error}");
        }
    }

    /// Returns when the next commit is due.
    fn due_at(&mut self) -> Option<Duration> {
        let waits = self.flushing
            || self.recommitting
            || self.unanswered.is_some()
            || !self.leaving.is_empty();
        // Until the game has reverted what was rejected, it does not know what else it has to revert.
        if !self.blocked.is_empty() || (self.merged_tick == self.reported_tick && !waits) {
            return None;
        }
        let due = match self.durability {
            Durability::Interval(interval) if !self.flushing => {
                self.last_commit.saturating_add(interval)
            }
            _ => Duration::ZERO,
        };
        Some(due.max(self.retry_at))
    }

    /// Returns the roots of the unions that are currently blocked.
    fn blocked_roots(&mut self) -> BTreeSet<InventoryId> {
        self.blocked.iter().map(|id| self.unions.root(*id)).collect()
    }

    /// Opens the store, unless it is open.
    fn open(&mut self, now: Duration) {
        if !self.needed || self.store.is_some() || now < self.retry_at {
            return;
        }
        let opened = (self.opener)().and_then(|mut store| {
            self.base = store.latest_tick()?;
            Ok(store)
        });
        match opened {
            Ok(store) => {
                self.store = Some(store);
                self.heartbeat_at = Some(now);
                self.succeed();
            }
            Err(error) => self.fail(error, now),
        }
    }

    /// Returns `true` if an order cannot be answered yet.
    fn must_wait(&mut self, order: &Order, now: Duration) -> bool {
        self.open(now);
        let closed = self.store.is_none() && self.error.as_ref().is_none_or(is_transient);
        let unavailable = closed || (self.store.is_some() && now < self.retry_at);
        match order {
            Order::Claim { id, .. } | Order::Reload { id, .. } => {
                unavailable || self.blocked.contains(id)
            }
            _ => unavailable,
        }
    }

    /// Runs a function of the store. Returns `None` after an error that may be temporary.
    fn try_with<T>(
        &mut self,
        now: Duration,
        run: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let Some(store) = &mut self.store else {
            return Some(Err(self.error.clone()?));
        };
        match run(store.as_mut()) {
            Err(error) if is_transient(&error) => {
                self.fail(error, now);
                None
            }
            result => {
                self.succeed();
                Some(result)
            }
        }
    }

    /// Drops what has changed in inventories since the last commit.
    fn revert(&mut self, ids: &[InventoryId], lost: InventoryId) {
        for id in ids {
            self.blocked.remove(id);
            self.changed.remove(id);
            if let Some(mirror) = self.mirrors.get_mut(id) {
                (mirror.dirty, mirror.reverted) = (Dirty::Nothing, true);
            }
        }
        self.history.remove(ids);
        // The store releases it if this server is still its owner. Loading it again begins with a new claim.
        if let Some(mirror) = self.mirrors.get_mut(&lost) {
            mirror.release_tried = true;
            self.leaving.insert(lost);
        }
        // Players leave with all their inventories, or with none.
        let mut undone = self.departures(self.mirrors.keys());
        undone.retain(|departure| departure.inventories.iter().any(|id| ids.contains(id)));
        undone.iter().for_each(|departure| self.cancel(departure, None));
        let sets = self.unions_where(|id| !ids.contains(&id));
        self.unions.keep(&sets);
    }

    /// Returns the unions, with the inventories that match.
    fn unions_where(&mut self, keep: impl Fn(InventoryId) -> bool) -> Vec<Vec<InventoryId>> {
        let mut sets: BTreeMap<InventoryId, Vec<InventoryId>> = BTreeMap::new();
        for id in self.unions.members() {
            if keep(id) {
                sets.entry(self.unions.root(id)).or_default().push(id);
            }
        }
        sets.into_values().collect()
    }

    fn fail(&mut self, error: StoreError, now: Duration) {
        let pause = RETRY_FIRST.saturating_mul(1 << self.failures.min(10)).min(RETRY_MAX);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.saturating_add(pause);
        // The store may have been restarted. It is checked for lost commits before the next one.
        self.heartbeat_at = self.heartbeat_at.map(|_| self.retry_at);
        if self.error.as_ref() != Some(&error) {
            self.reports.push(Report::Status(Some(error.clone())));
            self.error = Some(error);
        }
    }

    fn succeed(&mut self) {
        self.failures = 0;
        self.retry_at = Duration::ZERO;
        if self.error.take().is_some() {
            self.reports.push(Report::Status(None));
        }
    }
}

/// Returns `true` if an error of the store may be temporary.
fn is_transient(error: &StoreError) -> bool {
    matches!(error, StoreError::Failed(_) | StoreError::Full { .. } | StoreError::ReadOnly { .. })
}
