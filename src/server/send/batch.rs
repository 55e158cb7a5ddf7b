//! Selects the recipients of each change: one job for all viewers that were last sent the same version.

use crate::model::planted::{Bug, planted};
use crate::{
    model::data::DataPool,
    server::{
        baseline::Baseline,
        marked::Marked,
        pacing::{
            clock::AppInstant,
            priority::SyncPriority,
            quality::{Periods, QualityPolicy},
            settings::SyncSettings,
        },
        views::{
            clients::Clients,
            idle::{IdleChecks, send_checksum},
            lifecycle::reopen,
            queue::QueuePosition,
            resync::SyncClock,
            subscriptions::{InventoryViewers, Subscription, Subscriptions},
            throttle::Throttle,
        },
    },
    shared::stats::InventoryStats,
    wire::checksum::checksum,
};

use super::job::{Batched, ChangedData, Job, NEW_DATA_MAX, content, planned_bytes};
use core::ops::Range;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use smallvec::SmallVec;

/// Creates jobs for the inventories that were marked or wait, and advances the last sent version of their
/// viewers.
pub(crate) fn batch_changes(
    marked: Res<Marked>,
    inventories: Query<(&Baseline, Option<&SyncPriority>), Allow<Disabled>>,
    reprioritized: Query<Entity, (Changed<SyncPriority>, Allow<Disabled>)>,
    settings: Res<SyncSettings>,
    policy: Res<QualityPolicy>,
    time: Res<Time<Real>>,
    clock: Res<SyncClock>,
    pool: Res<DataPool>,
    mut periods: Local<Option<Periods>>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut idle: ResMut<IdleChecks>,
    mut batched: ResMut<Batched>,
    mut stats: ResMut<InventoryStats>,
) {
    let now = AppInstant::new(time.elapsed());
    throttle.begin_tick(clock.tick, now, clients.len());
    let known = periods.filter(|_| !settings.is_changed() && !policy.is_changed());
    let periods = *periods.insert(known.unwrap_or_else(|| policy.periods(&settings)));
    if settings.is_changed() {
        throttle.set_rates(settings.rates(), now, &mut clients);
    }
    if throttle.has_queued() {
        // Queued updates move to the queue of the new priority.
        for inventory in &reprioritized {
            if let Some(viewers) = subscriptions.get_mut(inventory) {
                throttle.wait(inventory, viewers);
            }
        }
    }
    let nothing_new = marked.inventories.is_empty() && batched.jobs.is_empty();
    if nothing_new && throttle.is_empty() && !idle.is_due(now) {
        return;
    }
    let waiting = batched.begin(&mut throttle);
    let mut batching = Batching {
        pool: &pool,
        settings: *settings,
        periods,
        now,
        subscriptions: &mut subscriptions,
        clients: &mut clients,
        throttle: &mut throttle,
        idle: &mut idle,
        batched: &mut batched,
        stats: &mut stats,
    };
    for inventory in &marked.inventories {
        if let Ok((baseline, priority)) = inventories.get(*inventory) {
            batching.serve(*inventory, baseline, priority, Trigger::Changed);
        }
    }
    for inventory in &waiting {
        if let Ok((baseline, priority)) = inventories.get(*inventory) {
            batching.serve(*inventory, baseline, priority, Trigger::Waited);
        }
    }
    batching.batched.end(waiting);
    batching.throttle.begin_queued(batching.clients);
    while let Some((inventory, position)) = batching.throttle.next_queued(batching.clients) {
        if let Ok((baseline, priority)) = inventories.get(inventory) {
            batching.serve(inventory, baseline, priority, Trigger::Queued(position));
        }
    }
    batching.stats.updates_throttled += batching.throttle.end_queued(batching.clients);
    for inventory in idle.take_due(now, settings.checksum_delay, &mut subscriptions) {
        if let Ok((baseline, _)) = inventories.get(inventory) {
            let version = baseline.version();
            let checksum = checksum(baseline.state(), version, clock.epoch, &pool);
            send_checksum(inventory, version, checksum, &mut subscriptions, &mut clients);
        }
    }
}

/// Why an inventory is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trigger {
    /// It has just changed.
    Changed,
    /// It had a viewer that was not due.
    Waited,
    /// It is at the head of the throttle queues, in this position.
    Queued(QueuePosition),
}

impl Trigger {
    fn is_queued(self) -> bool {
        matches!(self, Self::Queued(_))
    }
}

/// Decides which viewers of an inventory are served now, provided that the byte budget allows it.
#[derive(Clone, Copy)]
struct DueCheck {
    trigger: Trigger,
    /// Priority of the inventory.
    priority: SyncPriority,
    now: AppInstant,
    /// Whether everything is sent at once.
    flushing: bool,
}

impl DueCheck {
    #[inline]
    fn is_due(self, viewer: &Subscription) -> bool {
        let has_rank = || match self.trigger {
            Trigger::Queued(position) => viewer.rank(self.priority) == position.rank,
            _ => true,
        };
        self.flushing || (has_rank() && viewer.timer.is_due(self.now))
    }
}

/// What the viewers at one version of an inventory are sent.
struct VersionStep {
    base: u64,
    version: u64,
    /// Whether the changes fit into a delta. If not, the inventory is sent in full.
    fits: bool,
    /// Estimated bytes of the update, without instance data.
    bytes: usize,
    /// The instance data in the changed slots.
    data: Option<ChangedData>,
}

impl VersionStep {
    /// Returns the bytes of instance data that a viewer has not been sent.
    fn new_data(&self, viewer: &Subscription, clients: &Clients) -> usize {
        let Some(data) = &self.data else { return 0 };
        clients.get(viewer.slot.client).map_or(0, |client| data.bytes_new_to(client))
    }
}

/// What [`batch_changes`] works with.
struct Batching<'a> {
    pool: &'a DataPool,
    settings: SyncSettings,
    periods: Periods,
    now: AppInstant,
    subscriptions: &'a mut Subscriptions,
    clients: &'a mut Clients,
    throttle: &'a mut Throttle,
    idle: &'a mut IdleChecks,
    batched: &'a mut Batched,
    stats: &'a mut InventoryStats,
}

impl Batching<'_> {
    /// Creates jobs for the viewers of an inventory that are due.
    fn serve(
        &mut self,
        inventory: Entity,
        baseline: &Baseline,
        priority: Option<&SyncPriority>,
        trigger: Trigger,
    ) {
        let priority = priority.copied().unwrap_or_default();
        let Some(viewers) = self.subscriptions.get_mut(inventory) else { return };
        match trigger {
            Trigger::Changed if !self.settings.debounce_delay.is_zero() => {
                viewers.debounce_delay(baseline.version(), self.now, self.settings.debounce_delay);
            }
            Trigger::Waited => viewers.end_wait(),
            _ => {}
        }
        let flushing = self.throttle.is_flushing();
        let mut serving = Serving {
            due: DueCheck { trigger, priority, now: self.now, flushing },
            baseline,
            inventory,
            viewers,
            outgrown: SmallVec::new(),
            pool: self.pool,
            settings: &self.settings,
            periods: &self.periods,
            clients: self.clients,
            throttle: self.throttle,
            batched: self.batched,
        };
        // Viewers are served version by version. Usually all of them have the same version.
        let mut all_current = false;
        while !all_current && let Some(base) = serving.next_base() {
            let served = serving.serve_version(base);
            all_current = served.all_current;
            if served.any_sent {
                self.stats.jobs_batched += 1;
                self.stats.commits_merged += baseline.version() - base - 1;
                let delay = self.settings.checksum_delay;
                self.idle.record_sent(inventory, serving.viewers, self.now, delay);
            }
        }
        if all_current {
            serving.viewers.record_all_sent();
        } else {
            self.stats.updates_deferred += u64::from(serving.defer());
        }
        for at in serving.outgrown {
            reopen(inventory, at, self.subscriptions, self.clients);
        }
    }
}

/// How the viewers at one version were served.
#[derive(Clone, Copy)]
struct Served {
    /// Whether any viewer was sent an update.
    any_sent: bool,
    /// Whether all viewers of the inventory are up to date now.
    all_current: bool,
}

/// One inventory that is served.
struct Serving<'a> {
    due: DueCheck,
    baseline: &'a Baseline,
    inventory: Entity,
    viewers: &'a mut InventoryViewers,
    /// Positions of the viewers that need a full update.
    outgrown: SmallVec<[usize; 4]>,
    pool: &'a DataPool,
    settings: &'a SyncSettings,
    periods: &'a Periods,
    clients: &'a mut Clients,
    throttle: &'a mut Throttle,
    batched: &'a mut Batched,
}

impl Serving<'_> {
    /// Returns the version of the viewers to serve next: of those that are due, behind, and can be afforded.
    fn next_base(&self) -> Option<u64> {
        let version = self.baseline.version();
        let structure_version = self.baseline.structure_version();
        let from_queue = self.due.trigger.is_queued();
        let due = self.viewers.subscriptions.iter();
        let due = due.filter(|viewer| self.due.is_due(viewer) && viewer.is_behind(version));
        let mut bases = due.filter_map(|viewer| {
            // A viewer that needs a full update does not wait for bytes.
            viewer.sent.filter(|base| {
                *base < structure_version
                    || self.throttle.can_afford(viewer, from_queue, self.clients)
            })
        });
        // From the queues, viewers with the oldest version are served first.
        if from_queue { bases.min() } else { bases.next() }
    }

    /// Creates a job for the viewers at one version.
    fn serve_version(&mut self, base: u64) -> Served {
        let (first, start) = (self.batched.entries.len(), self.batched.targets.len());
        let version = self.baseline.version();
        let fits = base >= self.baseline.structure_version()
            && self.baseline.collect_changes(base, &self.viewers.log, &mut self.batched.entries);
        let changed = self.batched.entries.len() - first;
        let bytes = planned_bytes(changed, self.baseline.len(), self.settings);
        let entries = &self.batched.entries[first..];
        let data = self.baseline.has_data().then(|| ChangedData::of(entries, self.pool));
        let all_current = self.advance(&VersionStep { base, version, fits, bytes, data });
        let any_sent = self.batched.targets.len() > start;
        if any_sent {
            self.push_job(base, first, start);
        } else {
            self.batched.entries.truncate(first);
        }
        Served { any_sent, all_current }
    }

    /// Advances the viewers that are due and can be afforded, and lists them as targets. Returns `true` if every
    /// viewer of the inventory is up to date.
    fn advance(&mut self, step: &VersionStep) -> bool {
        let VersionStep { base, version, fits, bytes, .. } = *step;
        let Self { due, periods, .. } = *self;
        let (throttle, clients) = (&mut *self.throttle, &mut *self.clients);
        let targets = &mut self.batched.targets;
        let from_queue = due.trigger.is_queued();
        let mut all_current = true;
        for (at, viewer) in self.viewers.subscriptions.iter_mut().enumerate() {
            if !(due.is_due(viewer) && viewer.sent == Some(base)) {
                all_current &= !viewer.is_behind(version);
                continue;
            }
            let new_data = step.new_data(viewer, clients);
            if !fits || new_data > NEW_DATA_MAX {
                viewer.sent = None;
                self.outgrown.push(at);
                continue;
            }
            let cost = throttle.cost(bytes + new_data, version - base - 1);
            let Some(grade) = throttle.afford(viewer, cost, from_queue, clients) else {
                all_current = false;
                continue;
            };
            viewer.sent = Some(version);
            let priority = viewer.priority.unwrap_or(due.priority);
            viewer.timer.record_sent(due.now, periods.of(priority, grade));
            if planted(Bug::SkipsOneViewer) && at % 2 == 1 {
                continue;
            }
            targets.push((viewer.slot, viewer.view));
        }
        all_current
    }

    /// Adds a job with the entries and targets that were collected since `first` and `start`.
    fn push_job(&mut self, base: u64, first: usize, start: usize) {
        let batched = &mut *self.batched;
        let shared = batched.targets.len() - start > 1;
        let before = batched.jobs.last().map_or(0..0, |job| job.targets.clone());
        let slots = |targets: Range<usize>| batched.targets[targets].iter().map(|(slot, _)| *slot);
        let joins = shared && slots(before.clone()).eq(slots(start..batched.targets.len()));
        if joins {
            batched.targets.truncate(start);
        }
        let clients = &mut *self.clients;
        for (slot, _) in &batched.targets[start..] {
            let Some(outbox) = clients.mark_pending(*slot) else { continue };
            outbox.shared_parts += u32::from(shared);
            outbox.private_updates += u32::from(!shared);
        }
        let changed = batched.entries.len() - first;
        batched.jobs.push(Job {
            inventory: self.inventory,
            handle: self.viewers.handle,
            base,
            version: self.baseline.version(),
            selected: self.baseline.selected_since(base),
            len: self.baseline.len(),
            has_data: self.baseline.has_data(),
            content: content(changed, self.baseline.len(), self.settings),
            entries: first..batched.entries.len(),
            targets: if joins { before } else { start..batched.targets.len() },
            joins,
        });
    }

    /// Queues the viewers that could not be afforded, and keeps track of those that are behind. Returns `true`
    /// if all viewers were up to date before.
    fn defer(&mut self) -> bool {
        let version = self.baseline.version();
        let due = self.due;
        let since = match due.trigger {
            Trigger::Queued(position) => position.since,
            _ => due.now,
        };
        for viewer in &self.viewers.subscriptions {
            if due.is_due(viewer) && viewer.is_behind(version) {
                let rank = viewer.rank(due.priority);
                self.throttle.queue(viewer, QueuePosition { rank, since }, self.clients);
            }
        }
        let committed = due.trigger == Trigger::Changed;
        self.throttle.keep_late(
            self.inventory,
            self.viewers,
            self.baseline,
            committed,
            self.clients,
        )
    }
}
