//! Finds who must be told what: one job for all viewers who stand at the same version.

use core::{ops::Range, time::Duration};

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow, reflect::ReflectResource},
    prelude::*,
};
use smallvec::SmallVec;

use crate::{
    stats::InventoryStats,
    wire::{digest::digest, encode::Entry},
};

use super::{
    baseline::Baseline,
    budget::Rate,
    mark::Marked,
    pace::{Moment, Pace},
    quality::QualityPolicy,
    views::{Cost, Seat, Touching, UnitViews, Views},
};

/// How changes are sent. May be changed at any time.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[reflect(Resource)]
pub struct SyncSettings {
    /// Sends only the slots that changed. Off: a full copy of the unit for every change, as the way
    /// back should anything go wrong in production.
    pub granular: bool,
    /// When a delta gives way to a full copy.
    pub full_policy: FullPolicy,
    /// How many bytes of a transfer in chunks go to one client in one tick. A chunk that was begun is sent
    /// whole, so that one goes in any case.
    pub bulk_bytes_per_tick: usize,
    /// The time between two updates at [`Pace::Normal`].
    pub normal: Duration,
    /// The time between two updates at [`Pace::Low`].
    pub low: Duration,
    /// So long a change waits for others at least, at any pace.
    pub debounce: Duration,
    /// How many bytes may go to one client in a second, in the long run. What is too much waits and is told of
    /// together with what comes later: first what is [`Critical`](Pace::Critical), then what has waited longest.
    /// Answers to players, openings and closings do not wait; they count.
    pub bytes_per_second: u32,
    /// The same for all clients together; `u32::MAX` for as many as there are.
    pub total_bytes_per_second: u32,
    /// So long after its last change an inventory has come to rest, and its viewers are told a digest of it: who
    /// finds another copy than that asks for a new one. Zero for never.
    pub digest_after: Duration,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            granular: true,
            full_policy: FullPolicy::AbovePercent(50),
            bulk_bytes_per_tick: 1000,
            normal: Duration::from_millis(50),
            low: Duration::from_millis(200),
            debounce: Duration::ZERO,
            bytes_per_second: 50_000,
            total_bytes_per_second: u32::MAX,
            digest_after: Duration::from_secs(5),
        }
    }
}

impl SyncSettings {
    /// How fast bytes are earned: by one client, and by all together.
    pub(super) fn rates(&self) -> [Rate; 2] {
        [self.bytes_per_second, self.total_bytes_per_second].map(Rate::new)
    }
}

/// When a delta gives way to a full copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Reflect)]
pub enum FullPolicy {
    /// When more than this share of the unit's slots changed: of 36 at 50 %, 18 are a delta and 19 are
    /// full.
    AbovePercent(u8),
    /// Whichever takes fewer bits. Both are encoded.
    Smaller,
}

/// What a job sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Delta,
    Full,
    Smaller,
}

/// One update, encoded once for all its targets.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) unit: Entity,
    pub(super) handle: u32,
    /// The version that all targets hold.
    pub(super) base: u64,
    /// The version that they will hold.
    pub(super) version: u64,
    /// The selected slot, if it changed in between.
    pub(super) selected: Option<u8>,
    /// How many slots the unit has.
    pub(super) len: usize,
    /// Whether any of them holds instance data.
    pub(super) has_data: bool,
    pub(super) content: Content,
    /// The slots that changed in between.
    pub(super) entries: Range<usize>,
    pub(super) targets: Range<usize>,
    /// Whether the targets are those of the job before, so that one part serves for both.
    pub(super) joins: bool,
}

/// The jobs of this tick. The buffers are kept from tick to tick.
#[derive(Resource, Default, Debug)]
pub(crate) struct Batched {
    pub(super) jobs: Vec<Job>,
    /// Clients with the index of their view.
    pub(super) targets: Vec<(Seat, u32)>,
    pub(super) entries: Vec<Entry>,
}

/// Makes jobs of the units that were marked, and moves their viewers' cursors.
pub(super) fn batch_changes(
    marked: Res<Marked>,
    units: Query<(&Baseline, Option<&Pace>), Allow<Disabled>>,
    (settings, policy, time): (Res<SyncSettings>, Res<QualityPolicy>, Res<Time<Real>>),
    mut views: ResMut<Views>,
    mut batched: ResMut<Batched>,
    mut stats: ResMut<InventoryStats>,
) {
    let now = Moment::new(time.elapsed());
    let nothing_new = marked.units().is_empty() && batched.jobs.is_empty();
    if nothing_new && views.waiting.is_empty() && !views.rest_is_due(now) {
        return;
    }
    let (batched, views, stats) = (&mut *batched, &mut *views, &mut *stats);
    batched.jobs.clear();
    batched.targets.clear();
    batched.entries.clear();
    let rates = settings.rates();
    let in_line = views.begin_batch();
    let settings = *settings;
    let policy = *policy;
    let mut batching = Batching { settings, policy, now, rates, views, batched, stats };
    for unit in marked.units().iter().copied() {
        batching.commit(unit, units.get(unit));
    }
    let waiting = batching.views.take_waiting(in_line);
    let turns: &[Turn] = if in_line { &Turn::IN_LINE } else { &[Turn::Free] };
    for turn in turns {
        for unit in waiting.iter().copied() {
            batching.tell(unit, units.get(unit), *turn);
        }
    }
    for unit in waiting {
        batching.keep_waiting(unit, units.get(unit), false);
    }
    batching.stats.updates_choked += core::mem::take(&mut batching.views.line.choked);
    let epoch = batching.views.epoch();
    while let Some(unit) = batching.views.next_at_rest(now, settings.digest_after) {
        if let Ok((baseline, _)) = units.get(unit) {
            let version = baseline.version();
            let digest = digest(baseline.unit(), version, epoch);
            batching.views.tell_digest(unit, version, digest);
        }
    }
}

/// Whose turn it is, of those whose time has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// Everybody whose bytes sufficed for all that was to be told before.
    Free,
    /// Everybody who is told at this pace.
    InLine(Pace),
}

impl Turn {
    const IN_LINE: [Self; 3] =
        [Self::InLine(Pace::Critical), Self::InLine(Pace::Normal), Self::InLine(Pace::Low)];

    fn includes(self, pace: Pace) -> bool {
        self == Self::Free || self == Self::InLine(pace)
    }

    /// What was told longest ago to those whose turn it is: of the viewers of one unit they come first. Those that have
    /// had it are left out.
    fn longest(
        self,
        watched: &UnitViews,
        (version, pace, now): (u64, Pace, Moment),
        done: &[u64],
    ) -> Option<u64> {
        let due = watched.watchers.iter().filter(|watcher| {
            watcher.timer.is_due(now) && self.includes(watcher.pace.unwrap_or(pace))
        });
        let told = due.filter_map(|watcher| watcher.told);
        told.filter(|told| *told < version && !done.contains(told)).min()
    }
}

/// A unit that is to be told of.
type There<'a, E> = Result<(&'a Baseline, Option<&'a Pace>), E>;

/// What [`batch_changes`] works with.
struct Batching<'a> {
    settings: SyncSettings,
    policy: QualityPolicy,
    now: Moment,
    /// Of one client, and of all.
    rates: [Rate; 2],
    views: &'a mut Views,
    batched: &'a mut Batched,
    stats: &'a mut InventoryStats,
}

impl Batching<'_> {
    /// A unit has just changed.
    fn commit<E: Copy>(&mut self, unit: Entity, there: There<E>) {
        if !self.settings.debounce.is_zero()
            && let (Ok((baseline, _)), Some(watched)) = (&there, self.views.unit_mut(unit))
        {
            watched.wait(baseline.version(), self.now, self.settings.debounce);
        }
        if self.tell(unit, there, Turn::Free) {
            self.keep_waiting(unit, there, true);
        }
    }

    /// Keeps a unit on the list as long as not everybody has been told all. `committed` says that it has just
    /// changed.
    fn keep_waiting<E>(&mut self, unit: Entity, there: There<E>, committed: bool) {
        let Ok((baseline, _)) = there else { return };
        if self.views.keep_waiting(unit, baseline, self.now, committed) {
            self.stats.updates_deferred += 1;
        }
    }

    /// Makes jobs for those whose turn it is, and moves their cursors. Says whether somebody has to wait.
    fn tell<E>(&mut self, unit: Entity, there: There<E>, turn: Turn) -> bool {
        let Ok((baseline, pace)) = there else { return false };
        let pace = pace.copied().unwrap_or_default();
        let Self { settings, policy, now, rates, views, batched, stats } = self;
        let Some((watched, mut clients)) = views.unit_and_clients(unit, *now, *rates) else {
            return false;
        };
        let flushing = clients.is_flushing();
        let (version, len) = (baseline.version(), baseline.len());
        let mut outgrown: SmallVec<[usize; 4]> = SmallVec::new();
        let mut done: SmallVec<[u64; 4]> = SmallVec::new();
        // All viewers at one version at a time, and mostly there is one version.
        let late = loop {
            let of = (version, pace, *now);
            let longest = if turn == Turn::Free { None } else { turn.longest(watched, of, &done) };
            let (first, start) = (batched.entries.len(), batched.targets.len());
            let (mut base, mut anew, mut cost) = (None, false, Cost::default());
            let (mut late, mut others) = (false, false);
            for (at, watcher) in watched.watchers.iter_mut().enumerate() {
                let Some(told) = watcher.told.filter(|told| *told < version) else { continue };
                let pace = watcher.pace.unwrap_or(pace);
                let due = (flushing || watcher.timer.is_due(*now)) && turn.includes(pace);
                if !due || done.contains(&told) {
                    late = true;
                    continue;
                }
                if longest.is_some_and(|longest| longest != told) {
                    others = true;
                    continue;
                }
                if base.is_none() {
                    base = Some(told);
                    anew = told < baseline.structure_version()
                        || !baseline.collect_changes(told, &watched.log, &mut batched.entries);
                    let bytes = bytes_planned(batched.entries.len() - first, len, settings);
                    cost = clients.cost(bytes, version - told - 1);
                }
                if base != Some(told) {
                    others = true;
                } else if anew {
                    watcher.told = None;
                    outgrown.push(at);
                } else if let Some(grade) = clients.afford(watcher, cost, turn == Turn::Free) {
                    watcher.told = Some(version);
                    watcher.timer.told(*now, policy.period(pace, grade, settings));
                    batched.targets.push((watcher.seat, watcher.view));
                } else {
                    late = true;
                }
            }
            if let Some(base) = base {
                done.push(base);
                if batched.targets.len() > start {
                    stats.jobs_batched += 1;
                    stats.commits_merged += version - base - 1;
                    clients.note_told(unit, watched, settings.digest_after);
                    let of = (unit, watched.handle, base);
                    batched.push(of, baseline, (first, start), settings, &mut clients);
                } else {
                    batched.entries.truncate(first);
                }
            }
            if !others {
                break late;
            }
        };
        for at in outgrown {
            views.reopen(unit, at);
        }
        late
    }
}

/// About as many bytes as it takes to tell of so many slots of a unit.
fn bytes_planned(changed: usize, len: usize, settings: &SyncSettings) -> usize {
    let slots = if content(changed, len, settings) == Content::Full { len } else { changed };
    2 * slots + 3
}

impl Batched {
    /// Adds a job with the entries and targets that have been collected.
    fn push(
        &mut self,
        (unit, handle, base): (Entity, u32, u64),
        baseline: &Baseline,
        (first, start): (usize, usize),
        settings: &SyncSettings,
        clients: &mut Touching,
    ) {
        let shared = self.targets.len() - start > 1;
        let before = self.jobs.last().map_or(0..0, |job| job.targets.clone());
        let seats = |targets: Range<usize>| self.targets[targets].iter().map(|(seat, _)| *seat);
        let joins = shared && seats(before.clone()).eq(seats(start..self.targets.len()));
        if joins {
            self.targets.truncate(start);
        }
        for (seat, _) in &self.targets[start..] {
            let Some(client) = clients.touch(*seat) else { continue };
            client.shared_parts += u32::from(shared);
            client.private_updates += u32::from(!shared);
        }
        let (version, len, changed) =
            (baseline.version(), baseline.len(), self.entries.len() - first);
        self.jobs.push(Job {
            unit,
            handle,
            base,
            version,
            selected: baseline.selected_since(base),
            len,
            has_data: baseline.has_data(),
            content: content(changed, len, settings),
            entries: first..self.entries.len(),
            targets: if joins { before } else { start..self.targets.len() },
            joins,
        });
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
