//! Encodes each job once: into the private message of its client, or into a part that all its clients share.

use core::ops::Range;

use bevy::prelude::*;
use bytes::Bytes;

use crate::{
    model::{
        catalog::ItemCatalog,
        data::{DataPool, Datum},
        planted::{Bug, planted},
        state::InventoryState,
    },
    server::{
        requests::sessions::Sessions,
        views::{
            client::{ChangesSince, SyncedClient, ViewOpening},
            clients::{ClientSlot, Clients, Outbox},
            resync::SyncClock,
        },
    },
    shared::{containers::ContainerRegistry, stats::InventoryStats},
    wire::{
        Answers, Handover, Reset, Schema,
        bits::BitWriter,
        encode::{self, ChangedSlot, OpenBody, UpdateHead},
        message::{FullHead, MessageWriter},
        stream::StreamCheck,
    },
};

use super::{
    copies::{EncodedCopies, SyncedInventories},
    job::{Batched, Content, Job},
};

/// Encoded parts that several clients share. The buffers are kept from tick to tick.
#[derive(Resource, Default)]
pub(crate) struct Encoded {
    /// Shared parts in the order of the jobs, with the range of their [targets](Batched::targets).
    pub(super) shared: Vec<(Range<usize>, Bytes)>,
    part: MessageWriter,
    /// Buffer for encoding an update only to determine its length.
    scratch: BitWriter,
}

/// What [`encode_messages`] works with.
struct Encoding<'a, 'w, 's> {
    inventories: &'a SyncedInventories<'w, 's>,
    schema: Schema<'a>,
    pool: &'a DataPool,
    batched: &'a Batched,
    epoch: u64,
    clients: &'a mut Clients,
    copies: &'a mut EncodedCopies,
    encoded: &'a mut Encoded,
    stats: &'a mut InventoryStats,
}

/// Encodes everything that clients are sent in this tick, except chunks.
pub(crate) fn encode_messages(
    inventories: SyncedInventories,
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    pool: Res<DataPool>,
    batched: Res<Batched>,
    clock: Res<SyncClock>,
    mut clients: ResMut<Clients>,
    mut sessions: ResMut<Sessions>,
    mut copies: ResMut<EncodedCopies>,
    mut encoded: ResMut<Encoded>,
    mut stats: ResMut<InventoryStats>,
) {
    if clients.pending.is_empty() && batched.jobs.is_empty() {
        return;
    }
    encoded.shared.clear();
    let mut encoding = Encoding {
        inventories: &inventories,
        schema: Schema { catalog: &catalog, registry: registry.as_slice() },
        pool: &pool,
        batched: &batched,
        epoch: clock.epoch,
        clients: &mut clients,
        copies: &mut copies,
        encoded: &mut encoded,
        stats: &mut stats,
    };
    encoding.collect_data();
    let mut pending = core::mem::take(&mut encoding.clients.pending);
    pending.retain(|slot| encoding.begin_message(*slot, &mut sessions));
    for (at, job) in batched.jobs.iter().enumerate() {
        let joined = batched.jobs.get(at + 1).is_some_and(|next| next.joins);
        encoding.encode_job(job, joined);
    }
    for slot in &pending {
        encoding.finish_message(*slot);
    }
    clients.pending = pending;
}

impl Encoding<'_, '_, '_> {
    /// Schedules the instance data that the jobs refer to for clients that do not have it.
    fn collect_data(&mut self) {
        for job in self.batched.jobs.iter().filter(|job| job.has_data) {
            let entries = &self.batched.entries[job.entries.clone()];
            let everyone = planted(Bug::DataToOthers).then_some(0..self.batched.targets.len());
            for (slot, _) in &self.batched.targets[everyone.unwrap_or(job.targets.clone())] {
                if let Some((outbox, state)) = self.clients.at_mut(*slot) {
                    state.need(entries.iter().filter_map(|entry| entry.new?.data));
                    outbox.eventful |= !state.needed_data.is_empty();
                }
            }
        }
    }

    /// Begins the private message of a client. Returns `false` if it is sent none.
    #[inline]
    fn begin_message(&mut self, slot: ClientSlot, sessions: &mut Sessions) -> bool {
        let Some(outbox) = self.clients.outbox_mut(slot) else { return false };
        if !outbox.is_plain() {
            self.begin_eventful(slot, sessions);
            return true;
        }
        let is_private = outbox.private_updates > 0;
        if is_private {
            outbox.message.begin_updates();
        } else {
            // A single shared part is the whole message.
            outbox.reset();
        }
        is_private
    }

    /// Begins a private message that may contain more than updates.
    #[cold]
    fn begin_eventful(&mut self, slot: ClientSlot, sessions: &mut Sessions) {
        let Some(events) = self.take_events(slot, sessions) else { return };
        let Some((outbox, state)) = self.clients.at_mut(slot) else { return };
        if events.needs_full_message(outbox, state) {
            self.begin_full(slot, &events);
        } else if let Some(answers) = &events.answers {
            outbox.message.begin_answered(answers);
            self.stats.bits_answers += outbox.message.len() as u64;
        } else {
            outbox.message.begin_updates();
        }
    }

    /// Takes what a client is sent besides updates, closes and checksums.
    fn take_events(&mut self, slot: ClientSlot, sessions: &mut Sessions) -> Option<Events> {
        let (_, state) = self.clients.at_mut(slot)?;
        let openings = core::mem::take(&mut state.openings);
        let handover = state.handover.take();
        let reset = core::mem::take(&mut state.reset).then(|| Reset {
            transfer: state.transfers.last_dropped(),
            epoch: self.epoch,
            handled: sessions.handled(slot.client),
        });
        let answers = match reset.is_some() {
            true => sessions.take_all_answers(slot.client),
            // An answer is sent together with the result of the action.
            false if state.queue.has_action() => None,
            false => sessions.take_unsent_answers(slot.client),
        };
        for ViewOpening { inventory, .. } in &openings {
            let found = self.inventories.get(*inventory).into_iter();
            state.need(found.flat_map(|(baseline, _)| baseline.data()));
        }
        let needed = state.needed_data.drain(..);
        let data = needed.filter_map(|id| self.pool.datum(id)).collect();
        Some(Events { openings, handover, reset, answers, data })
    }

    /// Begins a message that can contain everything.
    fn begin_full(&mut self, slot: ClientSlot, events: &Events) {
        let Some((outbox, state)) = self.clients.at_mut(slot) else { return };
        if events.reset.is_some() {
            outbox.stream = StreamCheck::default();
        }
        let message = &mut outbox.message;
        let number = state.messages;
        state.messages = number.wrapping_add(1);
        let lengths = message.begin_full(&FullHead {
            number,
            answers: events.answers.as_ref(),
            reset: events.reset,
            follows: outbox.shared_parts as usize,
            forgotten: &state.forgotten_data,
            data: &events.data,
            closes: &state.closes,
        });
        if events.answers.is_some() {
            self.stats.bits_answers += lengths.head as u64;
        }
        self.stats.bits_data += lengths.data as u64;
        self.stats.closes_encoded += state.closes.len() as u64;
        state.forgotten_data.clear();
        state.closes.clear();
        let (copies, stats) = (&mut *self.copies, &mut *self.stats);
        write_openings(message, events, self.inventories, self.schema, copies, stats);
    }

    /// Ends the private message of a client.
    fn finish_message(&mut self, slot: ClientSlot) {
        let Some((outbox, state)) = self.clients.at_mut(slot) else { return };
        if outbox.message.has_checksums() {
            self.stats.checksums_encoded += state.checksums.len() as u64;
            self.stats.bits_checksums += outbox.message.finish(&state.checksums) as u64;
            state.checksums.clear();
        } else {
            outbox.message.finish(&[]);
        }
    }

    /// Encodes one job. `joined` is `true` if the next job goes into the same part.
    fn encode_job(&mut self, job: &Job, joined: bool) {
        let entries = &self.batched.entries[job.entries.clone()];
        let inventory = (job.content != Content::Delta)
            .then(|| self.inventories.get(job.inventory).ok())
            .flatten();
        let state = inventory.map(|(baseline, _)| baseline.state());
        let contents = Contents { job, entries, state };
        let written = match &self.batched.targets[job.targets.clone()] {
            [(slot, view)] => {
                let Some(outbox) = self.clients.outbox_mut(*slot) else { return };
                contents.write_private(outbox, *view, &mut self.encoded.scratch, self.schema)
            }
            _ => contents.write_shared(self.encoded, joined, self.schema),
        };
        let recipients = job.targets.len() as u64;
        let bits = written.bits as u64 * recipients;
        if written.full {
            self.stats.full_updates_encoded += recipients;
            self.stats.bits_full_updates += bits;
        } else {
            self.stats.deltas_encoded += recipients;
            self.stats.entries_encoded += entries.len() as u64;
            self.stats.bits_deltas += bits;
        }
    }
}

/// Writes the views that open, and the transfer that is handed over.
fn write_openings(
    message: &mut MessageWriter,
    events: &Events,
    inventories: &SyncedInventories,
    schema: Schema,
    copies: &mut EncodedCopies,
    stats: &mut InventoryStats,
) {
    let Events { openings, handover, .. } = events;
    stats.opens_encoded += openings.len() as u64;
    let written = message.opens(openings.len(), handover.as_ref(), |w| {
        let mut before = None;
        for ViewOpening { inventory, head, since } in openings {
            let Ok((baseline, _)) = inventories.get(*inventory) else { continue };
            stats.opens_from_cached_copy += u64::from(since.is_some());
            let body = match since {
                Some(ChangesSince { base, entries }) => OpenBody::Since(*base, entries),
                None => OpenBody::Copy(copies.of(*inventory, baseline, schema, stats)),
            };
            w.open(schema, before, (head, baseline.state()), body);
            before = Some((head, baseline.state()));
        }
    });
    stats.bits_opens += written as u64;
}

/// What a client is sent besides updates, closes and checksums.
struct Events {
    openings: Vec<ViewOpening>,
    handover: Option<Handover>,
    reset: Option<Reset>,
    answers: Option<Answers>,
    /// Instance data that the client needs.
    data: Vec<Datum>,
}

impl Events {
    /// Returns `true` if a message with only answers or only updates does not suffice.
    fn needs_full_message(&self, outbox: &Outbox, state: &SyncedClient) -> bool {
        let has_events = self.reset.is_some()
            || !state.closes.is_empty()
            || !self.openings.is_empty()
            || self.handover.is_some()
            || !self.data.is_empty()
            || !state.checksums.is_empty()
            || state.must_forget();
        let is_private = outbox.private_updates > 0 || self.answers.is_some();
        has_events || (outbox.shared_parts > 0 && outbox.shared_parts + u32::from(is_private) > 1)
    }
}

/// Size and kind of the update that a job has written.
struct Written {
    full: bool,
    bits: usize,
}

/// A job with what it sends.
struct Contents<'a> {
    job: &'a Job,
    /// The slots that changed.
    entries: &'a [ChangedSlot],
    /// The whole inventory, if the update may be full.
    state: Option<&'a InventoryState>,
}

impl Contents<'_> {
    fn head(&self, view: u32) -> UpdateHead {
        let Job { handle, base, version, selected, .. } = *self.job;
        UpdateHead { view, handle, base, version, selected }
    }

    /// Writes the job into the private message of its client.
    fn write_private(
        &self,
        outbox: &mut Outbox,
        view: u32,
        scratch: &mut BitWriter,
        schema: Schema,
    ) -> Written {
        let head = self.head(view);
        let message = &mut outbox.message;
        let before = message.len();
        let quick = self.job.content != Content::Full
            && outbox.private_updates == 1
            && message.quick(schema, &head, self.job.len, self.entries);
        let full = !quick && self.write_update(message, scratch, schema, &head);
        Written { full, bits: message.len() - before }
    }

    /// Writes the job into the part that its targets share. `joined` is `true` if the next job follows in the
    /// same part.
    fn write_shared(&self, encoded: &mut Encoded, joined: bool, schema: Schema) -> Written {
        let Encoded { shared, part, scratch } = encoded;
        let head = self.head(self.job.handle);
        if !self.job.joins {
            part.begin_shared();
        }
        let before = part.len();
        let alone = !self.job.joins && !joined && self.job.content != Content::Full;
        let quick = alone && part.quick(schema, &head, self.job.len, self.entries);
        let full = !quick && self.write_update(part, scratch, schema, &head);
        if !joined {
            part.finish(&[]);
        }
        let bits = part.len() - before;
        if !joined {
            shared.push((self.job.targets.clone(), part.take_bytes()));
        }
        Written { full, bits }
    }

    /// Writes a delta or a full update. Returns `true` if it was a full update.
    fn write_update(
        &self,
        message: &mut MessageWriter,
        scratch: &mut BitWriter,
        schema: Schema,
        head: &UpdateHead,
    ) -> bool {
        let (len, entries) = (self.job.len, self.entries);
        let full = self.state.filter(|state| {
            self.job.content == Content::Full || {
                let mut bits = |write: &dyn Fn(&mut BitWriter)| {
                    scratch.clear();
                    write(scratch);
                    scratch.len()
                };
                let full = bits(&|w| encode::update_full(w, schema, head, state));
                full < bits(&|w| encode::update_delta(w, schema, head, len, entries))
            }
        });
        message.update(|w| match full {
            Some(state) => encode::update_full(w, schema, head, state),
            None => encode::update_delta(w, schema, head, len, entries),
        });
        full.is_some()
    }
}
