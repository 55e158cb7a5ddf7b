//! Reassembles chunked transfers and keeps them until the server hands them over. A transfer that is cut off
//! resumes at its first missing chunk. When the connection ends, the copies that arrived completely are kept.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;

use crate::{
    model::catalog::ItemCatalog,
    shared::{
        containers::ContainerRegistry,
        events::emit_deferred,
        messages::{SyncChunk, SyncRequest},
        stats::InventoryStats,
    },
    wire::{
        DecodeError, Handover, Open, Part, Schema,
        decode::slot_count::SlotCount,
        handshake::{ControlRequest, write_request},
        transfer::{ChunkHead, read_beginning, read_chunk, read_transfer},
    },
};

use super::{confirmed::ConfirmedInventories, receive::Received, state::SyncState};

/// Pause before the receipt of a transfer is first reported again. It doubles each time, because the server may
/// have abandoned the transfer.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Maximum number of complete transfers that wait for the handover. There is more than one only if the message
/// with the handover is late. Above the maximum, the oldest is dropped.
const COMPLETE_MAX: usize = 8;

/// Client: another chunk of the current chunked transfer arrived. Use it for a progress bar of a late join or a
/// large inventory.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransferProgressed {
    /// Number of chunks received. Every chunk except the last has
    /// [`CHUNK_BYTES`](crate::wire::transfer::CHUNK_BYTES) bytes.
    pub received: usize,
    /// Total number of chunks of the transfer.
    pub total: usize,
}

/// Maximum number of transfers with missing chunks. There is more than one only if a chunk is late or its header was
/// damaged. Above the maximum, the one that has not received a chunk for the longest time is dropped.
const PARTIAL_MAX: usize = 3;

/// Chunked transfers that have not been handed over.
#[derive(Resource, Default, Debug)]
pub(crate) struct IncomingTransfers {
    /// In the order in which they last received a chunk.
    partial: Vec<PartialTransfer>,
    complete: VecDeque<CompleteTransfer>,
}

/// A transfer of which chunks are missing.
#[derive(Debug)]
struct PartialTransfer {
    number: u8,
    chunks: Vec<Option<Vec<u8>>>,
    missing: usize,
}

/// A complete transfer.
#[derive(Debug)]
struct CompleteTransfer {
    number: u8,
    part: Part,
    /// When the receipt is next reported to the server.
    confirm_at: Duration,
    /// Pause until the report after that.
    pause: Duration,
}

impl IncomingTransfers {
    /// Adds one chunk. Returns the progress of its transfer, and all bytes of the transfer once it is complete.
    fn collect(
        &mut self,
        head: ChunkHead,
        bytes: &[u8],
    ) -> Result<(TransferProgressed, Option<Vec<u8>>), DecodeError> {
        let ChunkHead { transfer: number, index, total } = head;
        let known = self.partial.iter().position(|partial| partial.number == number);
        let mut partial = known.map(|at| self.partial.remove(at)).unwrap_or_else(|| {
            PartialTransfer { number, chunks: vec![None; total], missing: total }
        });
        if partial.chunks.len() != total {
            let (value, max) = (total as u64, partial.chunks.len() as u64);
            return Err(DecodeError::OutOfRange { what: "number of chunks", value, max });
        }
        if partial.chunks[index].is_none() {
            partial.chunks[index] = Some(bytes.to_vec());
            partial.missing -= 1;
        }
        let progress = TransferProgressed { received: total - partial.missing, total };
        if partial.missing == 0 {
            // The chunks of earlier ones that are still missing will not be sent.
            self.partial.retain(|partial| is_later(partial.number, number));
            let bytes = partial.chunks.into_iter().flatten().flatten().collect();
            return Ok((progress, Some(bytes)));
        }
        if self.partial.len() == PARTIAL_MAX {
            self.partial.remove(0);
        }
        self.partial.push(partial);
        Ok((progress, None))
    }

    /// Returns the number of the transfer that last received a chunk and the index of its first missing chunk, if it
    /// is incomplete.
    pub(crate) fn first_missing(&self) -> Option<(u8, u16)> {
        let partial = self.partial.last()?;
        let at = partial.chunks.iter().position(Option::is_none)?;
        Some((partial.number, u16::try_from(at).ok()?))
    }

    /// Adds a complete transfer.
    fn complete(&mut self, number: u8, part: Part, now: Duration) {
        // One that was never handed over may have the same number.
        self.complete.retain(|complete| complete.number != number);
        if self.complete.len() == COMPLETE_MAX {
            self.complete.pop_front();
        }
        let (confirm_at, pause) = (now, PAUSE_MIN);
        self.complete.push_back(CompleteTransfer { number, part, confirm_at, pause });
    }

    /// Removes and returns all copies that arrived completely but whose views have not opened.
    pub(crate) fn take_copies(&mut self, schema: Schema) -> Vec<Open> {
        let partial = self.partial.pop().map(|partial| partial.chunks).unwrap_or_default();
        let arrived: Vec<u8> = partial.into_iter().map_while(|chunk| chunk).flatten().collect();
        self.partial.clear();
        let complete = self.complete.drain(..).flat_map(|complete| complete.part.opens);
        complete.chain(read_beginning(&arrived, schema)).collect()
    }

    /// Drops all transfers up to `last`, because the server sends everything again. Later ones are kept, since their
    /// chunks may arrive before the message with the reset.
    pub(crate) fn reset(&mut self, last: u8) {
        self.complete.retain(|complete| is_later(complete.number, last));
        self.partial.retain(|partial| is_later(partial.number, last));
    }

    /// Returns what a message hands over, without what it drops. The transfer stays until [`finish`](Self::finish),
    /// because the message may still be rejected. `slot_count` is the number of slots in view after the rest of the
    /// message is applied to `copies`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownTransfer`] if no complete transfer has this number, and
    /// [`DecodeError::TooManySlots`].
    pub(crate) fn handed_over(
        &self,
        handover: &Handover,
        mut slot_count: SlotCount,
        copies: &ConfirmedInventories,
    ) -> Result<Part, DecodeError> {
        let Handover { transfer, dropped } = handover;
        let complete = self.complete.iter().find(|complete| complete.number == *transfer);
        let complete = complete.ok_or(DecodeError::UnknownTransfer { transfer: *transfer })?;
        let opens = (0..).zip(&complete.part.opens);
        let opens = opens.filter(|(place, _)| dropped.binary_search(place).is_err());
        let opens: Vec<&Open> = opens.map(|(_, open)| open).collect();
        for open in &opens {
            slot_count.release(open.head.view, copies);
            slot_count.add(open.state.len())?;
        }
        let (data, opens) = (complete.part.data.clone(), opens.into_iter().cloned().collect());
        Ok(Part { data, opens, ..Part::default() })
    }

    /// Returns the number of slots of the complete transfers.
    fn slots(&self) -> usize {
        let opens = self.complete.iter().flat_map(|complete| &complete.part.opens);
        opens.map(|open| open.state.len()).sum()
    }

    /// Drops a transfer that was handed over, and all earlier ones.
    pub(crate) fn finish(&mut self, transfer: u8) {
        self.complete.retain(|complete| is_later(complete.number, transfer));
    }
}

/// Returns `true` if a transfer has a later number than another one.
fn is_later(number: u8, than: u8) -> bool {
    (1..=u8::MAX / 2).contains(&number.wrapping_sub(than))
}

pub(crate) fn receive_chunks(
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    time: Res<Time<Real>>,
    mut messages: ResMut<Messages<SyncChunk>>,
    mut transfers: ResMut<IncomingTransfers>,
    mut received: ResMut<Received>,
    mut stats: ResMut<InventoryStats>,
    mut commands: Commands,
) {
    let schema = Schema { catalog: &catalog, registry: registry.as_slice() };
    let now = time.elapsed();
    for SyncChunk(bytes) in messages.drain() {
        stats.chunks_received += 1;
        stats.bytes_received += bytes.len() as u64;
        stats.bytes_received_opening += bytes.len() as u64;
        let collected = read_chunk(&bytes).and_then(|(head, rest)| {
            let (progress, complete) = transfers.collect(head, rest)?;
            emit_deferred(&mut commands, progress);
            if let Some(complete) = complete {
                let part = read_transfer(&complete, schema, transfers.slots())?;
                transfers.complete(head.transfer, part, now);
            }
            Ok(())
        });
        if let Err(error) = collected {
            // The resync sends what is missing.
            stats.decode_errors += 1;
            received.drop_message(error);
        }
    }
}

/// Reports complete transfers to the server, repeatedly until they are handed over.
pub(crate) fn confirm_transfers(
    time: Res<Time<Real>>,
    state: Res<SyncState>,
    mut transfers: ResMut<IncomingTransfers>,
    mut requests: MessageWriter<SyncRequest>,
    mut stats: ResMut<InventoryStats>,
) {
    let now = time.elapsed();
    let due = |complete: &&mut CompleteTransfer| {
        *state == SyncState::Synced && now >= complete.confirm_at
    };
    for CompleteTransfer { number, confirm_at, pause, .. } in
        transfers.complete.iter_mut().filter(due)
    {
        *confirm_at = now.saturating_add(*pause);
        *pause = pause.saturating_mul(2);
        if let Ok(bytes) = write_request(&ControlRequest::Received(*number)) {
            stats.requests_sent += 1;
            requests.write(SyncRequest(bytes.into()));
        }
    }
}
