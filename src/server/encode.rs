//! Writes each job once: into the client's own message if only one client is told, into bytes that all
//! share otherwise.

use core::{ops::Range, time::Duration};

use bevy::{
    ecs::{entity::EntityHashMap, entity_disabling::Disabled, query::Allow},
    platform::collections::HashSet,
    prelude::*,
};
use bevy_replicon::prelude::Replicated;
use bytes::Bytes;

use crate::{
    containers::Kinds,
    model::{data::DataPool, id::DataId, items::Catalogue, unit::Unit},
    stats::InventoryStats,
    wire::{
        COPIES_MAX, Datum, OpenHead, Reset, Schema,
        bits::BitWriter,
        encode::{self, Body, Entry, UpdateHead},
    },
};

use super::{
    baseline::Baseline,
    batch::{Batched, Content, Job, SyncSettings},
    bulk,
    pace::Moment,
    sessions::Sessions,
    views::{ClientViews, Outgoing, Seat, Views},
};

/// What is ready to be sent. The buffers are kept from tick to tick.
#[derive(Resource, Default)]
pub(crate) struct Encoded {
    /// Parts that several clients get, in the order of the jobs, with these
    /// [targets](Batched::targets).
    pub(super) shared: Vec<(Range<usize>, Bytes)>,
    part: BitWriter,
    other: BitWriter,
    pub(super) copies: Copies,
}

/// The full copies that were written in this tick, each once for everybody who begins to see it.
#[derive(Default)]
pub(super) struct Copies(EntityHashMap<BitWriter>);

impl Copies {
    /// The slots of a unit, written.
    pub(super) fn of(
        &mut self,
        unit: Entity,
        baseline: &Baseline,
        schema: Schema,
        stats: &mut InventoryStats,
    ) -> &BitWriter {
        self.0.entry(unit).or_insert_with(|| {
            stats.copies_encoded += 1;
            let mut w = BitWriter::default();
            encode::copy(&mut w, schema, baseline.unit());
            w
        })
    }
}

pub(super) type Units<'w, 's> =
    Query<'w, 's, (&'static Baseline, Has<Replicated>), Allow<Disabled>>;

/// Encodes everything that waits for clients.
pub(super) fn encode_messages(
    units: Units,
    catalogue: Res<Catalogue>,
    (kinds, pool): (Res<Kinds>, Res<DataPool>),
    (settings, time): (Res<SyncSettings>, Res<Time<Real>>),
    batched: Res<Batched>,
    mut views: ResMut<Views>,
    mut sessions: ResMut<Sessions>,
    mut encoded: ResMut<Encoded>,
    mut stats: ResMut<InventoryStats>,
) {
    let schema = Schema { catalogue: &catalogue, kinds: kinds.as_slice() };
    if views.touched.is_empty() && batched.jobs.is_empty() && encoded.copies.0.is_empty() {
        return;
    }
    // Marked as changed once, not for every client.
    let (views, sessions) = (&mut *views, &mut *sessions);
    let (encoded, stats) = (&mut *encoded, &mut *stats);
    encoded.shared.clear();
    encoded.copies.0.clear();
    let rest = (Moment::new(time.elapsed()), settings.digest_after);
    for job in batched.jobs.iter().filter(|job| job.has_data) {
        let Ok((baseline, _)) = units.get(job.unit) else { continue };
        for (seat, _) in &batched.targets[job.targets.clone()] {
            if let Some((outgoing, client)) = views.client_at(*seat) {
                client.need(baseline.data());
                outgoing.eventful |= !client.needs.is_empty();
            }
        }
    }
    let mut touched = core::mem::take(&mut views.touched);
    touched.retain(|seat| {
        let Some(outgoing) = views.outgoing(*seat) else { return false };
        if !outgoing.is_plain() {
            begin_message(*seat, &units, (schema, &pool), rest, views, sessions, encoded, stats);
            return true;
        }
        // All it gets is one shared part, or updates that need no beginning.
        let own = outgoing.private_updates > 0;
        if !own {
            outgoing.finish();
        }
        outgoing.first = own;
        own
    });
    views.touched = touched;
    for (at, job) in batched.jobs.iter().enumerate() {
        let joined = batched.jobs.get(at + 1).is_some_and(|next| next.joins);
        encode_job((job, joined), &units, schema, &batched, views, encoded, stats);
    }
}

/// Begins a client's own message, if it needs one, with the answers to its requests and the views that end
/// and begin.
fn begin_message(
    seat: Seat,
    units: &Units,
    (schema, pool): (Schema, &DataPool),
    rest: (Moment, Duration),
    views: &mut Views,
    sessions: &mut Sessions,
    encoded: &mut Encoded,
    stats: &mut InventoryStats,
) {
    let client_id = seat.client;
    let opens = collect_opens(client_id, units, (schema, pool), views, encoded, stats);
    for Opening { unit, .. } in opens.iter().filter(|open| open.since.is_some()) {
        views.note_kept(*unit, rest.0, rest.1);
    }
    let epoch = views.epoch();
    let handover = bulk::hand_over(client_id, units, pool, views);
    let Some((outgoing, client)) = views.client_at(seat) else { return };
    let reset = core::mem::take(&mut client.reset);
    let answers = sessions.take_answers(client_id, reset);
    for Opening { unit, .. } in &opens {
        client.need(units.get(*unit).into_iter().flat_map(|(baseline, _)| baseline.data()));
    }
    let data: Vec<Datum> = client.needs.drain(..).filter_map(|id| pool.datum(id)).collect();
    let more = reset
        || !client.closes.is_empty()
        || !opens.is_empty()
        || handover.is_some()
        || !data.is_empty()
        || !client.digests.is_empty()
        || client.must_forget();
    let own = outgoing.private_updates > 0 || answers.is_some();
    let several = outgoing.shared_parts + u32::from(own) > 1;
    let full = more || (outgoing.shared_parts > 0 && several);
    outgoing.listing = full || answers.is_some();
    outgoing.first = !outgoing.listing;
    let w = &mut outgoing.message;
    w.clear();
    if !full {
        if let Some(answers) = answers {
            encode::begin_answered(w, &answers);
            stats.bits_answers += w.len() as u64;
        }
        return;
    }
    let reset = reset.then(|| Reset { transfer: client.bulk.last_dropped(), epoch });
    encode::begin_full(w, answers.as_ref(), reset, outgoing.shared_parts as usize);
    stats.bits_answers += if answers.is_some() { w.len() as u64 } else { 0 };
    let before_data = w.len();
    encode::data(w, &client.forgets, &data);
    stats.bits_data += (w.len() - before_data) as u64;
    client.forgets.clear();
    encode::closes(w, &client.closes);
    encode::opens(w, opens.len());
    stats.closes_encoded += client.closes.len() as u64;
    stats.opens_encoded += opens.len() as u64;
    let (mut before, before_opens) = (None, w.len());
    for Opening { unit, head, since } in &opens {
        let Ok((baseline, _)) = units.get(*unit) else { continue };
        stats.opens_as_delta += u64::from(since.is_some());
        let body = match since {
            Some((base, entries)) => Body::Since(*base, entries),
            None => Body::Copy(encoded.copies.of(*unit, baseline, schema, stats)),
        };
        encode::open(w, schema, before, (head, baseline.unit()), body);
        before = Some((head, baseline.unit()));
    }
    stats.bits_opens += (w.len() - before_opens) as u64;
    encode::handover(w, handover.as_ref());
    client.closes.clear();
    outgoing.digests = true;
}

/// Full copies of so many bytes in all go with the message, more in chunks.
const OPEN_BYTES: usize = 1000;

/// A view that begins.
struct Opening {
    unit: Entity,
    head: OpenHead,
    /// What changed since a version that the client has kept, if that is shorter than a full copy.
    since: Option<(u64, Vec<Entry>)>,
}

/// The views of a client that begin now, each once, with their cursors moved: its own first, and as many as do not
/// hold up what comes after. Of the others those that it has kept a copy of go in the next tick, and the rest in
/// [`bulk`].
fn collect_opens(
    client_id: Entity,
    units: &Units,
    (schema, pool): (Schema, &DataPool),
    views: &mut Views,
    encoded: &mut Encoded,
    stats: &mut InventoryStats,
) -> Vec<Opening> {
    let Some(client) = views.client_mut(client_id).filter(|client| client.ready) else {
        return Vec::new();
    };
    let mut wanted = core::mem::take(&mut client.opens);
    wanted.sort_unstable();
    wanted.dedup();
    let mut heads: Vec<(Entity, OpenHead)> = Vec::with_capacity(wanted.len());
    for view in wanted {
        let unit = views.client(client_id).and_then(|c| *c.views.get(view as usize)?);
        let head = unit.and_then(|unit| {
            Some((unit, head_of(client_id, view, unit, units.get(unit).ok()?, views)?))
        });
        heads.extend(head);
    }
    heads.sort_by_key(|(_, head)| !head.owner);
    let Some(client) = views.client_mut(client_id) else { return Vec::new() };
    let mut opens: Vec<Opening> = Vec::new();
    let mut bytes = 0;
    let mut data: HashSet<DataId> = HashSet::default();
    let (mut unfinished, mut later) = (Vec::new(), Vec::new());
    for (unit, head) in heads {
        let Ok((baseline, _)) = units.get(unit) else { continue };
        let copy = encoded.copies.of(unit, baseline, schema, stats);
        let (since, bits) = since(client, &head, baseline, schema, (copy, &mut encoded.part));
        let news = baseline.data().filter(|id| !client.knows.contains(id) && data.insert(*id));
        let news: usize = news.filter_map(|id| pool.datum(id)).map(|datum| datum.bytes.len()).sum();
        let cost = HEAD_BYTES + bits / 8 + news;
        if bytes + cost <= OPEN_BYTES && opens.len() < COPIES_MAX {
            bytes += cost;
            opens.push(Opening { unit, head, since });
        } else if since.is_some() && cost <= OPEN_BYTES {
            unfinished.push(head.view);
        } else {
            later.push(head.view);
        }
    }
    if !unfinished.is_empty() {
        client.opens.extend(unfinished);
        views.leave_unfinished(client_id);
    }
    views.send_in_chunks(client_id, later);
    for Opening { unit, head, .. } in &opens {
        views.begin_view(*unit, client_id, head.version);
    }
    opens
}

/// About what it takes to say which view begins.
const HEAD_BYTES: usize = 4;

/// What changed since the copy that a client has kept, if it is shorter than a full copy; and how many bits there are in
/// any case.
fn since(
    client: &ClientViews,
    head: &OpenHead,
    baseline: &Baseline,
    schema: Schema,
    (copy, scratch): (&BitWriter, &mut BitWriter),
) -> (Option<(u64, Vec<Entry>)>, usize) {
    let kept = client.copy_of(head.id);
    let Some((base, entries)) = kept.and_then(|base| Some((base, baseline.changes_since(base)?)))
    else {
        return (None, copy.len());
    };
    let mut bits = |body| {
        scratch.clear();
        encode::open(scratch, schema, None, (head, baseline.unit()), body);
        scratch.len()
    };
    let since = bits(Body::Since(base, &entries));
    if since < copy.len() || since < bits(Body::Copy(copy)) {
        (Some((base, entries)), since)
    } else {
        (None, copy.len())
    }
}

/// What a full copy of a unit would begin with; `None` if the client does not see it, or has it.
pub(super) fn head_of(
    client: Entity,
    view: u32,
    unit: Entity,
    (baseline, replicated): (&Baseline, bool),
    views: &Views,
) -> Option<OpenHead> {
    let watched = views.unit(unit)?;
    let mut waiting = watched.watchers.iter().filter(|w| w.told.is_none());
    let watcher = waiting.find(|w| w.seat.client == client && w.view == view)?;
    Some(OpenHead {
        view,
        handle: watched.handle,
        id: watched.id,
        owner: watcher.access.owner,
        rights: watcher.access.rights,
        version: baseline.version(),
        entity: replicated.then_some(unit),
    })
}

/// Writes one job. `joined` says that the next one goes into the same part.
fn encode_job(
    (job, joined): (&Job, bool),
    units: &Units,
    schema: Schema,
    batched: &Batched,
    views: &mut Views,
    encoded: &mut Encoded,
    stats: &mut InventoryStats,
) {
    let entries = &batched.entries[job.entries.clone()];
    let unit = (job.content != Content::Delta).then(|| units.get(job.unit).ok()).flatten();
    let unit = unit.map(|(baseline, _)| baseline.unit());
    let update = (job.content, unit, job.len, entries);
    let written = match &batched.targets[job.targets.clone()] {
        [(seat, view)] => {
            let Some(outgoing) = views.outgoing(*seat) else { return };
            write_private(outgoing, *view, &mut encoded.other, schema, job, update)
        }
        _ => write_shared(encoded, joined, schema, job, update),
    };
    let told = job.targets.len() as u64;
    let bits = written.bits as u64 * told;
    if written.full {
        stats.fulls_encoded += told;
        stats.bits_fulls += bits;
    } else {
        stats.deltas_encoded += told;
        stats.entries_encoded += entries.len() as u64;
        stats.bits_deltas += bits;
    }
}

/// What was written of a job.
struct Written {
    full: bool,
    bits: usize,
}

/// What an update says: the unit if it may be a full copy, how many slots there are, and those that changed.
type Said<'a> = (Content, Option<&'a Unit>, usize, &'a [Entry]);

fn head_of_update(job: &Job, view: u32) -> UpdateHead {
    let Job { handle, base, version, selected, .. } = *job;
    UpdateHead { view, handle, base, version, selected }
}

/// Writes a job into a client's own message.
fn write_private(
    outgoing: &mut Outgoing,
    view: u32,
    scratch: &mut BitWriter,
    schema: Schema,
    job: &Job,
    said: Said,
) -> Written {
    let head = head_of_update(job, view);
    let w = &mut outgoing.message;
    let before = w.len();
    let quick = job.content != Content::Full
        && outgoing.first
        && outgoing.private_updates == 1
        && encode::quick(w, schema, &head, false, (said.2, said.3));
    let full = !quick && {
        if core::mem::take(&mut outgoing.first) {
            encode::begin_plain(w);
            outgoing.listing = true;
        } else {
            w.flag(true);
        }
        write_update(w, scratch, schema, &head, said)
    };
    Written { full, bits: w.len() - before }
}

/// Writes a job into the part that its targets share. `joined` says that the next one goes there as well.
fn write_shared(
    encoded: &mut Encoded,
    joined: bool,
    schema: Schema,
    job: &Job,
    said: Said,
) -> Written {
    let Encoded { shared, part, other, .. } = encoded;
    let head = head_of_update(job, job.handle);
    if !job.joins {
        part.clear();
    }
    let before = part.len();
    let alone = !job.joins && !joined && job.content != Content::Full;
    let quick = alone && encode::quick(part, schema, &head, true, (said.2, said.3));
    let full = !quick && {
        if job.joins {
            part.flag(true);
        } else {
            encode::begin_shared(part);
        }
        let full = write_update(part, other, schema, &head, said);
        if !joined {
            part.flag(false);
        }
        full
    };
    let bits = part.len() - before;
    if !joined {
        shared.push((job.targets.clone(), Bytes::copy_from_slice(part.finish())));
    }
    Written { full, bits }
}

/// Writes a delta or a full copy; says whether it was a full copy.
fn write_update(
    w: &mut BitWriter,
    scratch: &mut BitWriter,
    schema: Schema,
    head: &UpdateHead,
    (content, unit, len, entries): Said,
) -> bool {
    let whole = unit.filter(|unit| {
        content == Content::Full || {
            let mut bits = |write: &dyn Fn(&mut BitWriter)| {
                scratch.clear();
                write(scratch);
                scratch.len()
            };
            let full = bits(&|w| encode::update_full(w, schema, head, unit));
            full < bits(&|w| encode::update_delta(w, schema, head, len, entries))
        }
    });
    match whole {
        Some(unit) => encode::update_full(w, schema, head, unit),
        None => encode::update_delta(w, schema, head, len, entries),
    }
    whole.is_some()
}
