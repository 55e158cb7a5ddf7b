//! Puts together what comes in chunks, and keeps it until the server hands it over. What is cut off is not lost: a
//! transfer goes on from its first missing chunk, and of a connection that ended the whole copies are kept.

use core::time::Duration;
use std::collections::VecDeque;

use bevy::prelude::*;
use log::warn;

use crate::{
    model::{catalog::ItemCatalog, codec},
    shared::{
        containers::ContainerRegistry,
        events::emit_deferred,
        messages::{SyncChunk, SyncRequest},
        stats::InventoryStats,
    },
    wire::{
        DecodeError, Handover, Open, Part, Schema,
        handshake::{CONTROL, Request},
        transfer::{ChunkHead, read_beginning, read_chunk, read_transfer},
    },
};

use super::state::{ResyncState, SyncState};

/// The pause before the server is told once more that a transfer has come in. It doubles each time, for the
/// server may have given the transfer up.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// IncomingTransfers that have come in and wait to be handed over; more than one if the message that does it is late.
const WHOLE_MAX: usize = 8;

/// So long after its last chunk a transfer that is not whole is forgotten: the server has given it up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Client: more of what comes in chunks is there. For a bar that shows how far a late join or a large inventory is.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransferProgressed {
    /// Chunks that are there, of about 1,000 bytes each.
    pub received: usize,
    /// How many there will be.
    pub total: usize,
}

/// What comes in chunks.
#[derive(Resource, Default, Debug)]
pub(crate) struct IncomingTransfers {
    /// The number of the newest one that was handled of.
    newest: Option<u8>,
    coming: Option<Coming>,
    whole: VecDeque<Whole>,
}

/// The newest transfer, as long as chunks of it are missing.
#[derive(Debug)]
struct Coming {
    chunks: Vec<Option<Vec<u8>>>,
    missing: usize,
    heard_at: Duration,
}

/// A transfer that is there.
#[derive(Debug)]
struct Whole {
    number: u8,
    part: Part,
    tell_at: Duration,
    pause: Duration,
}

impl IncomingTransfers {
    /// Takes in one chunk. Gives all bytes once they are there.
    fn collect(
        &mut self,
        head: ChunkHead,
        bytes: &[u8],
        now: Duration,
    ) -> Result<Option<Vec<u8>>, DecodeError> {
        let ChunkHead { transfer: number, index, total } = head;
        // IncomingTransfers are numbered one after the other; what is left of an older one comes too late.
        match self.newest.map(|newest| number.wrapping_sub(newest)) {
            Some(0) => {}
            Some(ahead) if ahead > u8::MAX / 2 => return Ok(None),
            _ => {
                self.newest = Some(number);
                let chunks = vec![None; total];
                self.coming = Some(Coming { chunks, missing: total, heard_at: now });
            }
        }
        let Some(Coming { chunks, missing, heard_at }) = &mut self.coming else { return Ok(None) };
        *heard_at = now;
        if chunks.len() != total {
            let (value, max) = (total as u64, chunks.len() as u64);
            return Err(DecodeError::OutOfRange { what: "the number of chunks", value, max });
        }
        if chunks[index].is_none() {
            chunks[index] = Some(bytes.to_vec());
            *missing -= 1;
        }
        let whole = self.coming.take_if(|coming| coming.missing == 0);
        Ok(whole.map(|whole| whole.chunks.into_iter().flatten().flatten().collect()))
    }

    /// The newest transfer, if it is not whole, and its first chunk that is not there.
    pub(crate) fn first_missing(&self) -> Option<(u8, u16)> {
        let coming = self.coming.as_ref()?;
        let at = coming.chunks.iter().position(Option::is_none)?;
        Some((self.newest?, u16::try_from(at).ok()?))
    }

    /// How many chunks of the newest transfer are there, and how many there will be.
    fn progress(&self) -> Option<TransferProgressed> {
        let Coming { chunks, missing, .. } = self.coming.as_ref()?;
        Some(TransferProgressed { received: chunks.len() - missing, total: chunks.len() })
    }

    /// All copies that are there as a whole, though they have not begun.
    pub(crate) fn take_copies(&mut self, schema: Schema) -> Vec<Open> {
        let coming = self.coming.take().map(|coming| coming.chunks).unwrap_or_default();
        let there: Vec<u8> = coming.into_iter().map_while(|chunk| chunk).flatten().collect();
        let whole = self.whole.drain(..).flat_map(|whole| whole.part.opens);
        whole.chain(read_beginning(&there, schema)).collect()
    }

    /// Drops all transfers up to this one: the server begins anew. The next one may have overtaken that.
    pub(crate) fn reset(&mut self, last: u8) {
        let next = last.wrapping_add(1);
        self.whole.retain(|whole| whole.number == next);
        if self.newest != Some(next) {
            (self.newest, self.coming) = (Some(last), None);
        }
    }

    /// Gives what a message hands over, without what it drops.
    pub(crate) fn take(&mut self, handover: &Handover) -> Result<Part, DecodeError> {
        let Handover { transfer, dropped } = handover;
        let unknown = DecodeError::UnknownTransfer { transfer: *transfer };
        let at = self.whole.iter().position(|whole| whole.number == *transfer).ok_or(unknown)?;
        let Whole { mut part, .. } = self.whole.remove(at).ok_or(unknown)?;
        let mut place = 0..;
        part.opens
            .retain(|_| place.next().is_some_and(|place| dropped.binary_search(&place).is_err()));
        Ok(part)
    }
}

pub(crate) fn receive_chunks(
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    time: Res<Time<Real>>,
    mut messages: ResMut<Messages<SyncChunk>>,
    mut transfers: ResMut<IncomingTransfers>,
    mut submission: ResMut<ResyncState>,
    mut stats: ResMut<InventoryStats>,
    mut commands: Commands,
) {
    let schema = Schema { catalog: &catalog, registry: registry.as_slice() };
    let now = time.elapsed();
    transfers.coming.take_if(|coming| now > coming.heard_at + PATIENCE);
    for SyncChunk(bytes) in messages.drain() {
        stats.chunks_received += 1;
        stats.bytes_received += bytes.len() as u64;
        let collected = read_chunk(&bytes).and_then(|(head, rest)| {
            let Some(whole) = transfers.collect(head, rest, now)? else {
                transfers
                    .progress()
                    .into_iter()
                    .for_each(|there| emit_deferred(&mut commands, there));
                return Ok(());
            };
            let total = head.total;
            emit_deferred(&mut commands, TransferProgressed { received: total, total });
            let (number, part) = (head.transfer, read_transfer(&whole, schema)?);
            if transfers.whole.len() == WHOLE_MAX {
                transfers.whole.pop_front();
            }
            let (tell_at, pause) = (now, PAUSE_MIN);
            transfers.whole.push_back(Whole { number, part, tell_at, pause });
            Ok(())
        });
        if let Err(error) = collected {
            // Everything comes anew.
            *transfers = IncomingTransfers::default();
            stats.decode_errors += 1;
            if submission.request_resync() {
                warn!("dropping a chunk from the server: {error}; asking for full copies");
            }
        }
    }
}

/// Says which transfers have come in, until they are handed over.
pub(crate) fn confirm_transfers(
    time: Res<Time<Real>>,
    state: Res<SyncState>,
    mut transfers: ResMut<IncomingTransfers>,
    mut requests: MessageWriter<SyncRequest>,
    mut stats: ResMut<InventoryStats>,
) {
    let now = time.elapsed();
    let due = |whole: &&mut Whole| *state == SyncState::Synced && now >= whole.tell_at;
    for Whole { number, tell_at, pause, .. } in transfers.whole.iter_mut().filter(due) {
        *tell_at = now.saturating_add(*pause);
        *pause = pause.saturating_mul(2);
        if let Ok(bytes) = codec::to_bytes(&Request::Received(*number)) {
            stats.requests_sent += 1;
            requests.write(SyncRequest([&[CONTROL], bytes.as_slice()].concat().into()));
        }
    }
}
