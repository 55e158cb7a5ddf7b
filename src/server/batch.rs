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
    budget::{Credit, Rate},
    mark::Marked,
    pace::{Moment, Pace},
    quality::{Periods, QualityPolicy},
    views::{Cost, Place, Seat, Touching, Views, Watcher},
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
    /// Units with a viewer whose turn had not come in the tick before.
    waiting: Vec<Entity>,
}

/// Makes jobs of the units that were marked, and moves their viewers' cursors.
pub(super) fn batch_changes(
    marked: Res<Marked>,
    units: Query<(&Baseline, Option<&Pace>), Allow<Disabled>>,
    paced: Query<Entity, (Changed<Pace>, Allow<Disabled>)>,
    (settings, policy, time): (Res<SyncSettings>, Res<QualityPolicy>, Res<Time<Real>>),
    mut periods: Local<Option<Periods>>,
    mut views: ResMut<Views>,
    mut batched: ResMut<Batched>,
    mut stats: ResMut<InventoryStats>,
) {
    let now = Moment::new(time.elapsed());
    let known = periods.filter(|_| !settings.is_changed() && !policy.is_changed());
    let periods = *periods.insert(known.unwrap_or_else(|| policy.periods(&settings)));
    if settings.is_changed() {
        views.set_rates(settings.rates(), now);
    }
    if !views.line.is_empty() {
        // Who stands in line goes on in the line of the other pace.
        paced.iter().for_each(|unit| views.wait(unit));
    }
    let nothing_new = marked.units().is_empty() && batched.jobs.is_empty();
    if nothing_new && views.nobody_waits() && !views.rest_is_due(now) {
        return;
    }
    let (batched, views, stats) = (&mut *batched, &mut *views, &mut *stats);
    batched.jobs.clear();
    batched.targets.clear();
    batched.entries.clear();
    let mut waiting = core::mem::take(&mut batched.waiting);
    views.begin_batch(&mut waiting);
    let settings = *settings;
    let mut batching = Batching { settings, periods, now, views, batched, stats };
    for unit in marked.units() {
        batching.tell(*unit, units.get(*unit), Turn::Changed);
    }
    for unit in waiting.drain(..) {
        batching.tell(unit, units.get(unit), Turn::Waited);
    }
    batching.batched.waiting = waiting;
    batching.views.begin_line();
    while let Some((unit, place)) = batching.views.next_in_line(Credit::at(now)) {
        batching.tell(unit, units.get(unit), Turn::InLine(place));
    }
    batching.stats.updates_choked += batching.views.end_line();
    let epoch = batching.views.epoch();
    while let Some(unit) = batching.views.next_at_rest(now, settings.digest_after) {
        if let Ok((baseline, _)) = units.get(unit) {
            let version = baseline.version();
            let digest = digest(baseline.unit(), version, epoch);
            batching.views.tell_digest(unit, version, digest);
        }
    }
}

/// Why a unit's turn has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// It has just changed.
    Changed,
    /// It was on the list of those with a viewer whose turn had not come.
    Waited,
    /// It is the first in line, in this place.
    InLine(Place),
}

impl Turn {
    fn is_in_line(self) -> bool {
        matches!(self, Self::InLine(_))
    }

    /// Whether a viewer is told now, if there are bytes; given the pace of the unit.
    #[inline]
    fn is_for(self, watcher: &Watcher, pace: Pace, now: Moment) -> bool {
        let in_turn = match self {
            Self::InLine(place) => watcher.pace.unwrap_or(pace) == place.pace,
            _ => true,
        };
        in_turn && watcher.timer.is_due(now)
    }
}

/// What is told to those who hold one version of a unit.
#[derive(Clone, Copy)]
struct Update {
    base: u64,
    version: u64,
    /// Whether it fits into a delta; a full copy is sent otherwise.
    fits: bool,
    cost: Cost,
}

impl Update {
    /// Moves the cursors of those whose turn it is and who can afford it, and lists them; and those who have outgrown
    /// their copy. Says whether nobody is left who has not been told all.
    fn tell(
        self,
        watchers: &mut [Watcher],
        (turn, unit_pace, now, periods): (Turn, Pace, Moment, &Periods),
        clients: &mut Touching,
        (told, outgrown): (&mut Vec<(Seat, u32)>, &mut SmallVec<[usize; 4]>),
    ) -> bool {
        let Self { base, version, fits, cost } = self;
        let (flushing, free) = (clients.is_flushing(), !turn.is_in_line());
        let mut all_told = true;
        for (at, watcher) in watchers.iter_mut().enumerate() {
            let has_turn = flushing || turn.is_for(watcher, unit_pace, now);
            if !(has_turn && watcher.told == Some(base)) {
                all_told &= !watcher.is_behind(version);
                continue;
            }
            if !fits {
                watcher.told = None;
                outgrown.push(at);
                continue;
            }
            let Some(grade) = clients.afford(watcher, cost, free) else {
                all_told = false;
                continue;
            };
            watcher.told = Some(version);
            watcher.timer.told(now, periods.of(watcher.pace.unwrap_or(unit_pace), grade));
            told.push((watcher.seat, watcher.view));
        }
        all_told
    }
}

/// A unit that is to be told of.
type There<'a, E> = Result<(&'a Baseline, Option<&'a Pace>), E>;

/// What [`batch_changes`] works with.
struct Batching<'a> {
    settings: SyncSettings,
    periods: Periods,
    now: Moment,
    views: &'a mut Views,
    batched: &'a mut Batched,
    stats: &'a mut InventoryStats,
}

impl Batching<'_> {
    /// Makes jobs for those whose turn it is, and moves their cursors.
    fn tell<E>(&mut self, unit: Entity, there: There<E>, turn: Turn) {
        let Ok((baseline, pace)) = there else { return };
        let unit_pace = pace.copied().unwrap_or_default();
        let Self { settings, periods, now, views, batched, stats } = self;
        let now = *now;
        let Some((watched, mut clients)) = views.unit_and_clients(unit, now) else {
            return;
        };
        let (version, len) = (baseline.version(), baseline.len());
        match turn {
            Turn::Changed if !settings.debounce.is_zero() => {
                watched.wait(version, now, settings.debounce);
            }
            Turn::Waited => watched.waits = false,
            _ => {}
        }
        let flushing = clients.is_flushing();
        let is_next = |watcher: &&Watcher| {
            let has_turn = flushing || turn.is_for(watcher, unit_pace, now);
            has_turn && watcher.is_behind(version)
        };
        // A copy that is outgrown does not wait for bytes.
        let grew_at = baseline.structure_version();
        let mut outgrown: SmallVec<[usize; 4]> = SmallVec::new();
        // All viewers at one version at a time, and mostly there is one version.
        let all_told = loop {
            let next = watched.watchers.iter().filter(is_next);
            let mut next = next.filter_map(|watcher| {
                let free = !turn.is_in_line();
                watcher.told.filter(|at| *at < grew_at || clients.can_afford(watcher, free))
            });
            // Of those in line, who was told longest ago.
            let base = if turn.is_in_line() { next.min() } else { next.next() };
            let Some(base) = base else { break false };
            let (first, start) = (batched.entries.len(), batched.targets.len());
            let fits = base >= grew_at
                && baseline.collect_changes(base, &watched.log, &mut batched.entries);
            let bytes = bytes_planned(batched.entries.len() - first, len, settings);
            let cost = clients.cost(bytes, version - base - 1);
            let update = Update { base, version, fits, cost };
            let all_told = update.tell(
                &mut watched.watchers,
                (turn, unit_pace, now, periods),
                &mut clients,
                (&mut batched.targets, &mut outgrown),
            );
            if batched.targets.len() > start {
                stats.jobs_batched += 1;
                stats.commits_merged += version - base - 1;
                clients.note_told(unit, watched, settings.digest_after);
                let of = (unit, watched.handle, base);
                batched.push(of, baseline, (first, start), settings, &mut clients);
            } else {
                batched.entries.truncate(first);
            }
            if all_told {
                break true;
            }
        };
        if all_told {
            watched.note_all_told();
        } else {
            let since = if let Turn::InLine(place) = turn { place.since } else { now };
            for watcher in watched.watchers.iter().filter(is_next) {
                let pace = watcher.pace.unwrap_or(unit_pace);
                clients.put_off(watcher, Place { pace, since });
            }
            let late = clients.note_late(unit, watched, baseline, turn == Turn::Changed);
            stats.updates_deferred += u64::from(late);
        }
        for at in outgrown {
            views.reopen(unit, at);
        }
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
