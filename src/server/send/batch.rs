//! Selects the recipients of each change: one job for all viewers that were last sent the same version.

use core::ops::Range;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use smallvec::SmallVec;

use crate::{
    server::{
        baseline::Baseline,
        mark::Marked,
        pacing::{
            clock::Moment,
            priority::Pace,
            quality::{Periods, QualityPolicy},
            settings::{FullPolicy, SyncSettings},
        },
        views::{
            clients::{ClientSlot, Clients},
            idle::{IdleChecks, send_checksum},
            lifecycle::reopen,
            queue::QueuePosition,
            resync::{Epoch, SyncTick},
            subscriptions::{InventoryViews, Subscription, Subscriptions},
            throttle::{Cost, Throttle},
        },
    },
    shared::stats::InventoryStats,
    wire::{checksum::digest, encode::Entry},
};

/// What a job sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Delta,
    Full,
    Smaller,
}

/// One update, which is encoded once for all its targets.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) unit: Entity,
    pub(super) handle: u32,
    /// The version that all targets have.
    pub(super) base: u64,
    /// The version that they will have.
    pub(super) version: u64,
    /// The selected slot, if it changed in between.
    pub(super) selected: Option<u8>,
    /// Number of slots of the inventory.
    pub(super) len: usize,
    /// Whether any slot contains instance data.
    pub(super) has_data: bool,
    pub(super) content: Content,
    /// The slots that changed in between, as a range of [`Batched::entries`].
    pub(super) entries: Range<usize>,
    /// The recipients, as a range of [`Batched::targets`].
    pub(super) targets: Range<usize>,
    /// Whether the targets are those of the job before, so that both share one part.
    pub(super) joins: bool,
}

/// The jobs of this tick. The buffers are kept from tick to tick.
#[derive(Resource, Default, Debug)]
pub(crate) struct Batched {
    pub(super) jobs: Vec<Job>,
    /// Clients with the view by which they know the inventory.
    pub(super) targets: Vec<(ClientSlot, u32)>,
    pub(super) entries: Vec<Entry>,
    /// Inventories with a viewer that was not due in the tick before.
    waiting: Vec<Entity>,
}

/// Creates jobs for the inventories that were marked or wait, and advances the last sent version of their
/// viewers.
pub(crate) fn batch_changes(
    marked: Res<Marked>,
    units: Query<(&Baseline, Option<&Pace>), Allow<Disabled>>,
    reprioritized: Query<Entity, (Changed<Pace>, Allow<Disabled>)>,
    settings: Res<SyncSettings>,
    policy: Res<QualityPolicy>,
    time: Res<Time<Real>>,
    tick: Res<SyncTick>,
    epoch: Res<Epoch>,
    mut periods: Local<Option<Periods>>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut idle: ResMut<IdleChecks>,
    mut batched: ResMut<Batched>,
    mut stats: ResMut<InventoryStats>,
) {
    let now = Moment::new(time.elapsed());
    throttle.begin_tick(tick.0, now);
    let known = periods.filter(|_| !settings.is_changed() && !policy.is_changed());
    let periods = *periods.insert(known.unwrap_or_else(|| policy.periods(&settings)));
    if settings.is_changed() {
        throttle.set_rates(settings.rates(), now, &mut clients);
    }
    if throttle.has_queued() {
        // Queued updates move to the queue of the new priority.
        for unit in &reprioritized {
            if let Some(views) = subscriptions.get_mut(unit) {
                throttle.wait(unit, views);
            }
        }
    }
    let nothing_new = marked.units().is_empty() && batched.jobs.is_empty();
    if nothing_new && throttle.is_empty() && !idle.is_due(now) {
        return;
    }
    let waiting = batched.begin(&mut throttle);
    let mut batching = Batching {
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
    for unit in marked.units() {
        batching.serve(*unit, units.get(*unit), Trigger::Changed);
    }
    for unit in &waiting {
        batching.serve(*unit, units.get(*unit), Trigger::Waited);
    }
    batching.batched.end(waiting);
    batching.throttle.begin_queued(batching.clients);
    while let Some((unit, position)) = batching.throttle.next_queued(batching.clients) {
        batching.serve(unit, units.get(unit), Trigger::Queued(position));
    }
    batching.stats.updates_choked += batching.throttle.end_queued(batching.clients);
    while let Some(unit) = idle.next(now, settings.digest_after, &mut subscriptions) {
        if let Ok((baseline, _)) = units.get(unit) {
            let version = baseline.version();
            let checksum = digest(baseline.unit(), version, epoch.0);
            send_checksum(unit, version, checksum, &subscriptions, &mut clients);
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

    /// Returns `true` if a viewer is served now, provided that there are bytes. `pace` is the priority of the
    /// inventory.
    #[inline]
    fn serves(self, viewer: &Subscription, pace: Pace, now: Moment) -> bool {
        let has_priority = match self {
            Self::Queued(position) => viewer.pace.unwrap_or(pace) == position.pace,
            _ => true,
        };
        has_priority && viewer.timer.is_due(now)
    }
}

/// What the viewers at one version of an inventory are sent.
#[derive(Clone, Copy)]
struct Step {
    base: u64,
    version: u64,
    /// Whether the changes fit into a delta. Otherwise the inventory is sent in full.
    fits: bool,
    cost: Cost,
}

/// What [`batch_changes`] works with.
struct Batching<'a> {
    settings: SyncSettings,
    periods: Periods,
    now: Moment,
    subscriptions: &'a mut Subscriptions,
    clients: &'a mut Clients,
    throttle: &'a mut Throttle,
    idle: &'a mut IdleChecks,
    batched: &'a mut Batched,
    stats: &'a mut InventoryStats,
}

impl Batching<'_> {
    /// Creates jobs for the viewers of an inventory that are due.
    fn serve<E>(
        &mut self,
        unit: Entity,
        found: Result<(&Baseline, Option<&Pace>), E>,
        trigger: Trigger,
    ) {
        let Ok((baseline, pace)) = found else { return };
        let pace = pace.copied().unwrap_or_default();
        let Some(views) = self.subscriptions.get_mut(unit) else { return };
        match trigger {
            Trigger::Changed if !self.settings.debounce.is_zero() => {
                views.debounce(baseline.version(), self.now, self.settings.debounce);
            }
            Trigger::Waited => views.end_wait(),
            _ => {}
        }
        let mut served = Serving {
            trigger,
            pace,
            baseline,
            unit,
            views,
            outgrown: SmallVec::new(),
            now: self.now,
            settings: &self.settings,
            periods: &self.periods,
            clients: self.clients,
            throttle: self.throttle,
            batched: self.batched,
        };
        // Viewers are served version by version. Mostly there is one version.
        let mut all_sent = false;
        while !all_sent && let Some(base) = served.next_base() {
            let (sent, complete) = served.serve_version(base);
            all_sent = complete;
            if sent {
                self.stats.jobs_batched += 1;
                self.stats.commits_merged += baseline.version() - base - 1;
                let delay = self.settings.digest_after;
                self.idle.record_sent(unit, served.views, self.now, delay);
            }
        }
        if all_sent {
            served.views.record_all_sent();
        } else {
            self.stats.updates_deferred += u64::from(served.defer());
        }
        for at in served.outgrown {
            reopen(unit, at, self.subscriptions, self.clients);
        }
    }
}

/// One inventory that is served.
struct Serving<'a> {
    trigger: Trigger,
    pace: Pace,
    baseline: &'a Baseline,
    unit: Entity,
    views: &'a mut InventoryViews,
    /// Positions of the viewers that need a full update.
    outgrown: SmallVec<[usize; 4]>,
    now: Moment,
    settings: &'a SyncSettings,
    periods: &'a Periods,
    clients: &'a mut Clients,
    throttle: &'a mut Throttle,
    batched: &'a mut Batched,
}

impl Serving<'_> {
    #[inline]
    fn is_due(&self, viewer: &Subscription) -> bool {
        self.throttle.is_flushing() || self.trigger.serves(viewer, self.pace, self.now)
    }

    /// Returns the version of the viewers to serve next: of those that are due, behind, and can be afforded.
    fn next_base(&self) -> Option<u64> {
        let version = self.baseline.version();
        let structure_version = self.baseline.structure_version();
        let from_queue = self.trigger.is_queued();
        let due = self.views.subscriptions.iter();
        let due = due.filter(|viewer| self.is_due(viewer) && viewer.is_behind(version));
        let mut bases = due.filter_map(|viewer| {
            // A viewer of an outgrown copy does not wait for bytes.
            viewer.sent.filter(|base| {
                *base < structure_version
                    || self.throttle.can_afford(viewer, from_queue, self.clients)
            })
        });
        // In the queues the viewer that was sent something longest ago is first.
        if from_queue { bases.min() } else { bases.next() }
    }

    /// Creates a job for the viewers at one version. Returns whether there were any, and whether all viewers of
    /// the inventory are up to date now.
    fn serve_version(&mut self, base: u64) -> (bool, bool) {
        let (first, start) = (self.batched.entries.len(), self.batched.targets.len());
        let version = self.baseline.version();
        let fits = base >= self.baseline.structure_version()
            && self.baseline.collect_changes(base, &self.views.log, &mut self.batched.entries);
        let changed = self.batched.entries.len() - first;
        let bytes = planned_bytes(changed, self.baseline.len(), self.settings);
        let cost = self.throttle.cost(bytes, version - base - 1);
        let all_sent = self.advance(Step { base, version, fits, cost });
        let sent = self.batched.targets.len() > start;
        if sent {
            self.push_job(base, first, start);
        } else {
            self.batched.entries.truncate(first);
        }
        (sent, all_sent)
    }

    /// Advances the viewers that are due and can be afforded, and lists them as targets. Returns `true` if every
    /// viewer of the inventory is up to date.
    fn advance(&mut self, step: Step) -> bool {
        let Step { base, version, fits, cost } = step;
        let from_queue = self.trigger.is_queued();
        let flushing = self.throttle.is_flushing();
        let mut all_sent = true;
        for (at, viewer) in self.views.subscriptions.iter_mut().enumerate() {
            let is_due = flushing || self.trigger.serves(viewer, self.pace, self.now);
            if !(is_due && viewer.sent == Some(base)) {
                all_sent &= !viewer.is_behind(version);
                continue;
            }
            if !fits {
                viewer.sent = None;
                self.outgrown.push(at);
                continue;
            }
            let Some(grade) = self.throttle.afford(viewer, cost, from_queue, self.clients) else {
                all_sent = false;
                continue;
            };
            viewer.sent = Some(version);
            let pace = viewer.pace.unwrap_or(self.pace);
            viewer.timer.told(self.now, self.periods.of(pace, grade));
            self.batched.targets.push((viewer.slot, viewer.view));
        }
        all_sent
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
        for (slot, _) in &batched.targets[start..] {
            let Some(outbox) = self.clients.mark_pending(*slot) else { continue };
            outbox.shared_parts += u32::from(shared);
            outbox.private_updates += u32::from(!shared);
        }
        let changed = batched.entries.len() - first;
        batched.jobs.push(Job {
            unit: self.unit,
            handle: self.views.handle,
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
        let since = match self.trigger {
            Trigger::Queued(position) => position.since,
            _ => self.now,
        };
        let flushing = self.throttle.is_flushing();
        for viewer in &self.views.subscriptions {
            let is_due = flushing || self.trigger.serves(viewer, self.pace, self.now);
            if is_due && viewer.is_behind(version) {
                let pace = viewer.pace.unwrap_or(self.pace);
                self.throttle.queue(viewer, QueuePosition { pace, since }, self.clients);
            }
        }
        let committed = self.trigger == Trigger::Changed;
        self.throttle.keep_late(self.unit, self.views, self.baseline, committed, self.clients)
    }
}

/// Estimates the bytes of an update of this many slots of an inventory.
fn planned_bytes(changed: usize, len: usize, settings: &SyncSettings) -> usize {
    let slots = if content(changed, len, settings) == Content::Full { len } else { changed };
    2 * slots + 3
}

impl Batched {
    /// Drops the jobs of the tick before, and returns the inventories that wait.
    fn begin(&mut self, throttle: &mut Throttle) -> Vec<Entity> {
        self.jobs.clear();
        self.targets.clear();
        self.entries.clear();
        let mut waiting = core::mem::take(&mut self.waiting);
        throttle.swap_waiting(&mut waiting);
        waiting
    }

    /// Returns the buffer of [`begin`](Self::begin).
    fn end(&mut self, mut waiting: Vec<Entity>) {
        waiting.clear();
        self.waiting = waiting;
    }
}

fn content(changed: usize, len: usize, settings: &SyncSettings) -> Content {
    if !settings.granular {
        return Content::Full;
    }
    match settings.full_policy {
        FullPolicy::Smaller => Content::Smaller,
        FullPolicy::AbovePercent(percent) => {
            let above = changed * 100 > len * usize::from(percent);
            if above { Content::Full } else { Content::Delta }
        }
    }
}
