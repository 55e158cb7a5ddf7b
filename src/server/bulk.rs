//! Full copies that are too much for one message go to their client in chunks, on a channel of their own
//! and within a budget. When all of it is there, what has stayed as it was begins; what changed since
//! follows as an ordinary delta.

use core::time::Duration;

use bevy::{platform::collections::HashSet, prelude::*};
use bevy_replicon::{bytes::Bytes, prelude::*, shared::message::registry::RemoteMessageRegistry};
use log::{error, warn};

use crate::{
    containers::Kinds,
    model::{data::DataPool, id::DataId, items::Catalogue},
    protocol::SyncChunk,
    stats::InventoryStats,
    wire::{
        Datum, OpenHead, Schema,
        bits::BitWriter,
        bulk::{CHUNK_BYTES, CHUNKS_MAX, ChunkHead, Handover, pack, write_chunk},
        encode::{self, Body},
    },
};

use super::{
    batch::SyncSettings,
    encode::{Copies, Encoded, Units, head_of},
    health::Watch,
    pace::Moment,
    views::Views,
};

/// After so many bytes a transfer is closed, and what is left goes into the next one.
const TRANSFER_BYTES: usize = 1 << 16;

/// What waits to go to a client in chunks, and what is on its way.
#[derive(Default, Debug)]
pub(super) struct Bulk {
    /// Views that need a full copy. One that has got it by other means is passed over.
    pub(super) wanted: Vec<u32>,
    transfer: Option<Transfer>,
    last: u8,
    /// How many transfers in a row the client has not taken.
    given_up: u32,
}

#[derive(Debug)]
struct Transfer {
    bytes: Bytes,
    total: usize,
    /// How many chunks have been sent.
    sent: usize,
    /// When the last one was.
    sent_at: Moment,
    copies: Vec<(Entity, OpenHead)>,
    /// Instance data that the client did not have.
    data: Vec<DataId>,
    /// Whether it names instance data that the client had already.
    leans_on_data: bool,
    /// Whether the client has all of it.
    received: bool,
    /// Views in it that have ended since.
    gone: HashSet<u32>,
}

/// So long after its last chunk a client should have said that it has all of a transfer.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many transfers in a row a client may leave unanswered.
const TRANSFER_TRIES: u32 = 3;

/// A transfer was not taken.
struct GivenUp {
    again: bool,
}

impl Bulk {
    pub(super) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.transfer.is_none()
    }

    /// How many copies wait or are on their way.
    pub(super) fn len(&self) -> usize {
        self.wanted.len() + self.transfer.as_ref().map_or(0, |transfer| transfer.copies.len())
    }

    /// The number of the last transfer that a client drops when everything begins anew.
    pub(super) fn last_dropped(&self) -> u8 {
        if self.transfer.is_some() { self.last.wrapping_sub(1) } else { self.last }
    }

    /// Everything begins anew. What is on its way goes on from its first missing chunk, if the client says which that
    /// is; otherwise it is dropped, and its number not used again soon.
    pub(super) fn reset(&mut self, coming: Option<(u8, u16)>) {
        self.wanted.clear();
        let coming = coming.filter(|(number, _)| *number == self.last);
        let Some((_, first_missing)) = coming else {
            self.transfer = None;
            return;
        };
        // The client forgets the instance data that it had.
        self.transfer.take_if(|transfer| transfer.received || transfer.leans_on_data);
        if let Some(transfer) = &mut self.transfer {
            transfer.sent = transfer.sent.min(usize::from(first_missing));
        }
    }

    /// Whether the copy of a view is on its way.
    pub(super) fn brings(&self, view: u32) -> bool {
        // The index of a view that is gone may be another's by now.
        self.transfer.as_ref().is_some_and(|transfer| {
            let brought = transfer.copies.iter().any(|(_, head)| head.view == view);
            brought && !transfer.gone.contains(&view)
        })
    }

    /// A view ends. A transfer of which nothing is wanted any more is not sent to its end.
    pub(super) fn forget(&mut self, view: u32) {
        self.wanted.retain(|wanted| *wanted != view);
        if let Some(transfer) = &mut self.transfer
            && let Some((_, head)) = transfer.copies.iter().find(|(_, head)| head.view == view)
            && transfer.gone.insert(head.view)
            && transfer.gone.len() == transfer.copies.len()
        {
            self.transfer = None;
        }
    }

    /// Gives up a transfer that the client has not taken for long. Its copies go once more, but not for ever.
    fn give_up(&mut self, now: Moment) -> Option<GivenUp> {
        let late = |transfer: &mut Transfer| {
            transfer.sent == transfer.total
                && !transfer.received
                && now > transfer.sent_at.plus(PATIENCE)
        };
        let Transfer { copies, gone, .. } = self.transfer.take_if(late)?;
        self.given_up += 1;
        let again = self.given_up < TRANSFER_TRIES;
        let views = copies.iter().map(|(_, head)| head.view).filter(|view| !gone.contains(view));
        if again {
            self.wanted.extend(views);
        }
        Some(GivenUp { again })
    }

    /// The client says that it has all of a transfer. Says whether that is news.
    pub(super) fn receive(&mut self, number: u8) -> bool {
        let transfer = self.transfer.as_mut().filter(|_| self.last == number);
        let whole = transfer.filter(|transfer| transfer.sent == transfer.total);
        let news = whole.is_some_and(|transfer| !core::mem::replace(&mut transfer.received, true));
        if news {
            self.given_up = 0;
        }
        news
    }
}

/// Begins the views whose copies a client has received, if nothing has come between.
pub(super) fn hand_over(
    client_id: Entity,
    units: &Units,
    pool: &DataPool,
    views: &mut Views,
) -> Option<Handover> {
    let bulk = &mut views.client_mut(client_id)?.bulk;
    let Transfer { copies, data, .. } = bulk.transfer.take_if(|transfer| transfer.received)?;
    let transfer = bulk.last;
    let mut dropped = Vec::new();
    for (place, (unit, head)) in copies.iter().enumerate() {
        let there = units
            .get(*unit)
            .ok()
            .filter(|(baseline, _)| baseline.structure_version() <= head.version);
        let same = there.and_then(|there| {
            let now = head_of(client_id, head.view, *unit, there, views)?;
            Some((there.0.version(), OpenHead { version: head.version, ..now } == *head))
        });
        let Some((version, true)) = same else {
            dropped.push(place);
            // Whoever still sees it needs another copy.
            if let Some(client) = views.client_mut(client_id) {
                client.bulk.wanted.push(head.view);
            }
            continue;
        };
        views.begin_view(*unit, client_id, head.version);
        if version > head.version {
            views.wait(*unit);
        }
    }
    let client = views.client_mut(client_id)?;
    for id in data {
        if pool.contains(id) {
            client.knows.insert(id);
        } else {
            client.forgets.push(id);
        }
    }
    Some(Handover { transfer, dropped })
}

/// Sends chunks, and makes transfers of what waits for them.
pub(super) fn send_chunks(
    units: Units,
    catalogue: Res<Catalogue>,
    (kinds, pool): (Res<Kinds>, Res<DataPool>),
    registry: Res<RemoteMessageRegistry>,
    (settings, time): (Res<SyncSettings>, Res<Time<Real>>),
    mut views: ResMut<Views>,
    mut encoded: ResMut<Encoded>,
    mut messages: ResMut<ServerMessages>,
    mut stats: ResMut<InventoryStats>,
) {
    let Some(channel) = registry.server_message_channel::<SyncChunk>() else { return };
    let schema = Schema { catalogue: &catalogue, kinds: kinds.as_slice() };
    let now = Moment::new(time.elapsed());
    let [rate, total_rate] = settings.rates();
    let flushing = views.flush_until.is_some();
    let mut busy = core::mem::take(&mut views.bulky);
    // So that the same ones do not come first every time.
    let turn = busy.len().min(1);
    busy.rotate_left(turn);
    busy.retain(|client_id| {
        let given_up = views.client_mut(*client_id).and_then(|client| client.bulk.give_up(now));
        if let Some(GivenUp { again }) = given_up {
            stats.transfers_given_up += 1;
            views.watch_of(*client_id).into_iter().for_each(Watch::give_up);
            warn!(
                "client `{client_id}` has not taken a transfer; {}",
                if again { "once more" } else { "no more of it is sent" }
            );
        }
        if views.client(*client_id).is_some_and(|client| client.bulk.transfer.is_none()) {
            let copies = &mut encoded.copies;
            begin_transfer(*client_id, &units, schema, &pool, &mut views, copies, &mut stats);
        }
        let left_of_all = views.line.total.left(total_rate, now);
        let Some((outgoing, client)) = views.at(*client_id) else { return false };
        let number = client.bulk.last;
        if let Some(transfer) = &mut client.bulk.transfer {
            let mut left = if flushing {
                usize::MAX
            } else {
                let left = settings.bulk_bytes_per_tick.max(1);
                left.min(outgoing.budget.left(rate, now)).min(left_of_all)
            };
            let mut bytes = 0;
            while left > 0 && transfer.sent < transfer.total {
                let (index, total) = (transfer.sent, transfer.total);
                let head = ChunkHead { transfer: number, index, total };
                let chunk = Bytes::from(write_chunk(head, &transfer.bytes));
                stats.chunks_sent += 1;
                stats.bytes_sent += chunk.len() as u64;
                stats.bytes_chunks += chunk.len() as u64;
                bytes += chunk.len();
                left = left.saturating_sub(chunk.len());
                outgoing.sent(chunk.len());
                messages.send(*client_id, channel, chunk);
                transfer.sent += 1;
                transfer.sent_at = now;
            }
            outgoing.budget.spend(bytes, rate, now);
            views.line.total.spend(bytes, total_rate, now);
            return true;
        }
        !client.bulk.is_idle()
    });
    busy.append(&mut views.bulky);
    views.bulky = busy;
}

/// Makes a transfer of the copies that wait, or of the first of them.
fn begin_transfer(
    client_id: Entity,
    units: &Units,
    schema: Schema,
    pool: &DataPool,
    views: &mut Views,
    written: &mut Copies,
    stats: &mut InventoryStats,
) {
    let Some(client) = views.client_mut(client_id) else { return };
    let mut wanted = core::mem::take(&mut client.bulk.wanted);
    wanted.sort_unstable();
    wanted.dedup();
    let mut wanted = wanted.into_iter();
    let mut opens = BitWriter::default();
    let mut copies: Vec<(Entity, OpenHead)> = Vec::new();
    let (mut data, mut data_bytes) = (Vec::<Datum>::new(), 0);
    let mut leans_on_data = false;
    while opens.len() / 8 + data_bytes < TRANSFER_BYTES
        && let Some(view) = wanted.next()
    {
        let unit = views.client(client_id).and_then(|c| *c.views.get(view as usize)?);
        let copy = unit.and_then(|unit| {
            let there = units.get(unit).ok()?;
            Some((unit, there.0, head_of(client_id, view, unit, there, views)?))
        });
        let Some((unit, baseline, head)) = copy else { continue };
        let Some(client) = views.client(client_id) else { return };
        leans_on_data |= baseline.data().any(|id| client.knows.contains(&id));
        for id in baseline.data().filter(|id| !client.knows.contains(id)) {
            let news = data.iter().all(|datum| datum.id != id);
            if let Some(datum) = pool.datum(id).filter(|_| news) {
                data_bytes += datum.bytes.len();
                data.push(datum);
            }
        }
        let before =
            copies.last().and_then(|(unit, head)| Some((head, units.get(*unit).ok()?.0.unit())));
        let body = Body::Copy(written.of(unit, baseline, schema, stats));
        encode::open(&mut opens, schema, before, (&head, baseline.unit()), body);
        copies.push((unit, head));
    }
    let Some(client) = views.client_mut(client_id) else { return };
    client.bulk.wanted = wanted.collect();
    if copies.is_empty() {
        return;
    }
    let mut w = BitWriter::default();
    encode::data(&mut w, &[], &data);
    encode::opens(&mut w, copies.len());
    w.append(&opens);
    let bytes = Bytes::from(pack(w.finish()));
    let total = bytes.len().div_ceil(CHUNK_BYTES);
    if total > CHUNKS_MAX {
        // It is the last one that is too large; the others go without it.
        let last = copies.pop().map(|(_, head)| head.id);
        error!("inventory {last:?} is not shown to `{client_id}`: {} bytes in all", bytes.len());
        client.bulk.wanted.extend(copies.iter().map(|(_, head)| head.view));
        return;
    }
    let data = data.into_iter().map(|datum| datum.id).collect();
    client.bulk.last = client.bulk.last.wrapping_add(1);
    let (sent, sent_at, received, gone) = (0, Moment::default(), false, HashSet::default());
    client.bulk.transfer =
        Some(Transfer { bytes, total, sent, sent_at, copies, data, leans_on_data, received, gone });
}
