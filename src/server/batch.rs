//! Finds who must be told what: one job for all viewers who stand at the same version.

use core::{ops::Range, time::Duration};

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow, reflect::ReflectResource},
    prelude::*,
};
use smallvec::SmallVec;

use crate::{stats::InventoryStats, wire::encode::Entry};

use super::{
    baseline::Baseline,
    mark::Marked,
    pace::{Moment, Pace},
    views::{Seat, Views, Watcher},
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
        }
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

/// If more slots changed the unit is sent anew, in chunks if need be: nothing is to wait behind it.
const DELTA_SLOTS_MAX: usize = 1024;

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
    (settings, time): (Res<SyncSettings>, Res<Time<Real>>),
    mut views: ResMut<Views>,
    mut batched: ResMut<Batched>,
    mut stats: ResMut<InventoryStats>,
) {
    if marked.units().is_empty() && views.waiting.is_empty() && batched.jobs.is_empty() {
        return;
    }
    let (batched, views, stats) = (&mut *batched, &mut *views, &mut *stats);
    batched.jobs.clear();
    batched.targets.clear();
    batched.entries.clear();
    let now = Moment::new(time.elapsed());
    let mut batching = Batching { settings: *settings, now, views, batched, stats };
    for unit in marked.units().iter().copied() {
        batching.unit(unit, units.get(unit), true);
    }
    for unit in batching.views.take_waiting() {
        batching.unit(unit, units.get(unit), false);
    }
}

/// What [`batch_changes`] works with.
struct Batching<'a> {
    settings: SyncSettings,
    now: Moment,
    views: &'a mut Views,
    batched: &'a mut Batched,
    stats: &'a mut InventoryStats,
}

impl Batching<'_> {
    /// Has those told who see a unit and whose turn it is. `committed` says that it has just changed.
    fn unit<E>(
        &mut self,
        unit: Entity,
        there: Result<(&Baseline, Option<&Pace>), E>,
        committed: bool,
    ) {
        let Ok((baseline, pace)) = there else { return };
        let pace = pace.copied().unwrap_or_default();
        let Some((watched, _)) = self.views.unit_and_clients(unit) else { return };
        let late = !committed || watched.note_commit(baseline, self.now, self.settings.debounce);
        self.tell(unit, baseline, pace);
        if late && self.views.keep_waiting(unit, baseline.version()) && committed {
            self.stats.updates_deferred += 1;
        }
    }

    /// Makes jobs for those whose turn it is, and moves their cursors.
    fn tell(&mut self, unit: Entity, baseline: &Baseline, pace: Pace) {
        let Self { settings, now, views, batched, stats } = self;
        let (version, len) = (baseline.version(), baseline.len());
        let Some((watched, mut clients)) = views.unit_and_clients(unit) else { return };
        let mut outgrown: SmallVec<[usize; 4]> = SmallVec::new();
        // All viewers at one version at a time, and mostly there is one version.
        while let Some(base) = watched.watchers.iter().find_map(|w| w.due_from(version, *now)) {
            let due = |w: &Watcher| w.due_from(version, *now) == Some(base);
            let (first, start) = (batched.entries.len(), batched.targets.len());
            if base >= baseline.structure_version() {
                baseline.collect_changes(base, &watched.log, &mut batched.entries);
            }
            let changed = batched.entries.len() - first;
            if base < baseline.structure_version() || changed > DELTA_SLOTS_MAX {
                batched.entries.truncate(first);
                for (at, watcher) in watched.watchers.iter_mut().enumerate() {
                    if watcher.told.take_if(|told| *told == base).is_some() {
                        outgrown.push(at);
                    }
                }
                continue;
            }
            let shared = watched.watchers.iter().filter(|w| due(w)).nth(1).is_some();
            let before = batched.jobs.last().map_or(0..0, |job| job.targets.clone());
            let seats = watched.watchers.iter().filter(|w| due(w)).map(|w| w.seat);
            let joins =
                shared && seats.eq(batched.targets[before.clone()].iter().map(|(seat, _)| *seat));
            for watcher in watched.watchers.iter_mut().filter(|w| due(w)) {
                watcher.told = Some(version);
                watcher.timer.told(*now, watcher.pace.unwrap_or(pace).period(settings));
                if joins {
                    continue;
                }
                batched.targets.push((watcher.seat, watcher.view));
                if let Some(client) = clients.touch(watcher.seat) {
                    client.shared_parts += u32::from(shared);
                    client.private_updates += u32::from(!shared);
                }
            }
            stats.jobs_batched += 1;
            stats.commits_merged += version - base - 1;
            batched.jobs.push(Job {
                unit,
                handle: watched.handle,
                base,
                version,
                selected: baseline.selected_since(base),
                len,
                has_data: baseline.has_data(),
                content: content(changed, len, *settings),
                entries: first..batched.entries.len(),
                targets: if joins { before } else { start..batched.targets.len() },
                joins,
            });
        }
        for at in outgrown {
            views.reopen(unit, at);
        }
    }
}

fn content(changed: usize, len: usize, settings: SyncSettings) -> Content {
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
