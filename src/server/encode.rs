//! Writes each job once: into the client's own message if only one client is told, into bytes that all
//! share otherwise.

use core::ops::Range;

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow},
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
        Datum, OpenHead, Schema,
        bits::BitWriter,
        encode::{self, Entry, UpdateHead},
    },
};

use super::{
    baseline::Baseline,
    batch::{Batched, Content, Job},
    bulk,
    sessions::Sessions,
    views::{Seat, Views},
};

/// What is ready to be sent. The buffers are kept from tick to tick.
#[derive(Resource, Default)]
pub(crate) struct Encoded {
    /// Parts that several clients get, in the order of the jobs, with these
    /// [targets](Batched::targets).
    pub(super) shared: Vec<(Range<usize>, Bytes)>,
    part: BitWriter,
    other: BitWriter,
}

pub(super) type Units<'w, 's> =
    Query<'w, 's, (&'static Baseline, Has<Replicated>), Allow<Disabled>>;

/// Encodes everything that waits for clients.
pub(super) fn encode_messages(
    units: Units,
    catalogue: Res<Catalogue>,
    (kinds, pool): (Res<Kinds>, Res<DataPool>),
    batched: Res<Batched>,
    mut views: ResMut<Views>,
    mut sessions: ResMut<Sessions>,
    mut encoded: ResMut<Encoded>,
    mut stats: ResMut<InventoryStats>,
) {
    let schema = Schema { catalogue: &catalogue, kinds: kinds.as_slice() };
    if views.touched.is_empty() && batched.jobs.is_empty() {
        return;
    }
    // Marked as changed once, not for every client.
    let (views, sessions) = (&mut *views, &mut *sessions);
    let (encoded, stats) = (&mut *encoded, &mut *stats);
    encoded.shared.clear();
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
            let scratch = &mut encoded.part;
            begin_message(*seat, &units, schema, &pool, views, sessions, scratch, stats);
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
    schema: Schema,
    pool: &DataPool,
    views: &mut Views,
    sessions: &mut Sessions,
    scratch: &mut BitWriter,
    stats: &mut InventoryStats,
) {
    let client_id = seat.client;
    let opens = collect_opens(client_id, units, (schema, pool), views, scratch);
    let handover = bulk::hand_over(client_id, units, pool, views);
    let Some((outgoing, client)) = views.client_at(seat) else { return };
    let reset = core::mem::take(&mut client.reset);
    let answers = sessions.take_answers(client_id, reset);
    for (unit, _) in &opens {
        client.need(units.get(*unit).into_iter().flat_map(|(baseline, _)| baseline.data()));
    }
    let data: Vec<Datum> = client.needs.drain(..).filter_map(|id| pool.datum(id)).collect();
    let more = reset
        || !client.closes.is_empty()
        || !opens.is_empty()
        || handover.is_some()
        || !data.is_empty()
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
        }
        return;
    }
    let reset = reset.then(|| client.bulk.last());
    encode::begin_full(w, answers.as_ref(), reset, outgoing.shared_parts as usize);
    encode::data(w, &client.forgets, &data);
    client.forgets.clear();
    encode::closes(w, &client.closes);
    encode::opens(w, opens.len());
    stats.closes_encoded += client.closes.len() as u64;
    stats.opens_encoded += opens.len() as u64;
    let mut before = None;
    for (unit, head) in &opens {
        if let Ok((baseline, _)) = units.get(*unit) {
            encode::open(w, schema, before, (head, baseline.unit()));
            before = Some((head, baseline.unit()));
        }
    }
    encode::handover(w, handover.as_ref());
    client.closes.clear();
}

/// Full copies of so many bytes in all go with the message, more in chunks.
const OPEN_BYTES: usize = 1000;

/// The views of a client that need a full copy now, each once, with their cursors moved: its own first,
/// and as many as do not hold up what comes after. The others go in [`bulk`].
fn collect_opens(
    client_id: Entity,
    units: &Units,
    (schema, pool): (Schema, &DataPool),
    views: &mut Views,
    scratch: &mut BitWriter,
) -> Vec<(Entity, OpenHead)> {
    let Some(client) = views.client_mut(client_id).filter(|client| client.ready) else {
        return Vec::new();
    };
    let mut wanted = core::mem::take(&mut client.opens);
    wanted.sort_unstable();
    wanted.dedup();
    let mut opens: Vec<(Entity, OpenHead)> = Vec::with_capacity(wanted.len());
    for view in wanted {
        let unit = views.client(client_id).and_then(|c| *c.views.get(view as usize)?);
        let head = unit.and_then(|unit| {
            Some((unit, head_of(client_id, view, unit, units.get(unit).ok()?, views)?))
        });
        opens.extend(head);
    }
    opens.sort_by_key(|(_, head)| !head.owner);
    scratch.clear();
    let (mut now, mut before) = (0, None);
    let mut data: HashSet<DataId> = HashSet::default();
    for (unit, head) in &opens {
        let Ok((baseline, _)) = units.get(*unit) else { break };
        encode::open(scratch, schema, before, (head, baseline.unit()));
        before = Some((head, baseline.unit()));
        let client = views.client(client_id);
        let unknown = |id: &DataId| client.is_some_and(|client| !client.knows.contains(id));
        data.extend(baseline.data().filter(unknown));
        let data = data.iter().filter_map(|id| pool.datum(*id));
        let data_bytes: usize = data.map(|datum| datum.bytes.len()).sum();
        if scratch.len() / 8 + data_bytes > OPEN_BYTES {
            break;
        }
        now += 1;
    }
    let later: Vec<u32> = opens.drain(now..).map(|(_, head)| head.view).collect();
    views.send_in_chunks(client_id, later);
    for (unit, head) in &opens {
        views.begin_view(*unit, client_id, head.version);
    }
    opens
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
    let Encoded { shared, part, other } = encoded;
    let entries = &batched.entries[job.entries.clone()];
    let Job { handle, base, version, selected, len, content, .. } = *job;
    let unit = (content != Content::Delta).then(|| units.get(job.unit).ok()).flatten();
    let unit = unit.map(|(baseline, _)| baseline.unit());
    let head = |view| UpdateHead { view, handle, base, version, selected };
    let may_be_quick = content != Content::Full;
    let update = (content, unit, len, entries);
    let full = match &batched.targets[job.targets.clone()] {
        [(seat, view)] => {
            let Some(outgoing) = views.outgoing(*seat) else { return };
            let head = head(*view);
            let w = &mut outgoing.message;
            let quick = may_be_quick
                && outgoing.first
                && outgoing.private_updates == 1
                && encode::quick(w, schema, &head, false, (len, entries));
            !quick && {
                if core::mem::take(&mut outgoing.first) {
                    encode::begin_plain(w);
                    outgoing.listing = true;
                } else {
                    w.flag(true);
                }
                write_update(w, other, schema, &head, update)
            }
        }
        _ => {
            let head = head(handle);
            let alone = !job.joins && !joined;
            if !job.joins {
                part.clear();
            }
            let quick =
                alone && may_be_quick && encode::quick(part, schema, &head, true, (len, entries));
            let full = !quick && {
                if job.joins {
                    part.flag(true);
                } else {
                    encode::begin_shared(part);
                }
                let full = write_update(part, other, schema, &head, update);
                if !joined {
                    part.flag(false);
                }
                full
            };
            if !joined {
                shared.push((job.targets.clone(), Bytes::copy_from_slice(part.finish())));
            }
            full
        }
    };
    let told = job.targets.len() as u64;
    if full {
        stats.fulls_encoded += told;
    } else {
        stats.deltas_encoded += told;
        stats.entries_encoded += entries.len() as u64;
    }
}

/// Writes a delta or a full copy; says whether it was a full copy.
fn write_update(
    w: &mut BitWriter,
    scratch: &mut BitWriter,
    schema: Schema,
    head: &UpdateHead,
    (content, unit, len, entries): (Content, Option<&Unit>, usize, &[Entry]),
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
