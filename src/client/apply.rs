//! Decodes each group of messages against the confirmed copies and updates them, all or nothing.

use crate::model::planted::{Bug, planted};
use bevy::{platform::collections::HashSet, prelude::*};
use bevy_replicon::bytes::Bytes;
use log::warn;

use crate::{
    model::{catalog::ItemCatalog, data::DataPool, id::DataId},
    shared::{containers::ContainerRegistry, stats::InventoryStats},
    wire::{
        DecodeError, Handover, Part, Schema,
        decode::{self, slot_count::SlotCount},
    },
};

use super::{
    confirmed::{ConfirmedInventories, WrongCopy},
    predictions::{ActionLatency, Predictions},
    receive::Received,
    state::{CopyRepaired, ResyncState, SyncState},
    transfers::IncomingTransfers,
};

pub(crate) fn apply_messages(
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    mut pool: ResMut<DataPool>,
    mut received: ResMut<Received>,
    mut confirmations: ResMut<ConfirmedInventories>,
    mut predictions: ResMut<Predictions>,
    mut transfers: ResMut<IncomingTransfers>,
    mut resync: ResMut<ResyncState>,
    mut state: ResMut<SyncState>,
    time: Res<Time<Real>>,
    mut times: ResMut<ActionLatency>,
    mut stats: ResMut<InventoryStats>,
    mut repairs: MessageWriter<CopyRepaired>,
) {
    let schema = Schema { catalog: &catalog, registry: registry.as_slice() };
    for group in received.groups.drain(..) {
        let group = match group {
            Ok(group) => group,
            Err(error) => {
                resync.drop_message(&error);
                continue;
            }
        };
        let requested = resync.needed || *state != SyncState::Synced;
        let decoded = decode_group(&group, schema, &confirmations, &pool, &transfers, requested);
        match decoded {
            Ok(mut parts) => {
                parts.iter_mut().for_each(|part| take_data(part, &mut transfers, &mut pool));
                let reset = parts.iter().find_map(|part| part.reset);
                let mut requested_after = None;
                if reset.is_some() {
                    requested_after = resync.requested_after;
                    match core::mem::replace(&mut *state, SyncState::Synced) {
                        SyncState::Synced => resync.end_resync(),
                        _ => resync.on_handshake(),
                    }
                }
                for answers in parts.iter().filter_map(|part| part.answers.as_ref()) {
                    if !predictions.answer(answers, time.elapsed(), &mut times) {
                        stats.gaps += 1;
                        resync.request_resync();
                    }
                }
                if let (Some(after), Some(reset)) = (requested_after, reset) {
                    predictions.catch_up(reset.handled, after);
                    let oldest = predictions.pending.front().map(|oldest| oldest.number);
                    resync.retry_if_left(oldest);
                }
                let checked: Vec<u32> =
                    parts.iter().flat_map(|part| &part.checksums).map(|(view, _)| *view).collect();
                let opens = parts.iter().any(|part| !part.opens.is_empty());
                let applied = confirmations.apply(parts);
                stats.slots_applied += applied;
                if opens {
                    stats.slots_applied_opening += applied;
                    stats.bytes_received_opening +=
                        group.iter().map(|it| it.len() as u64).sum::<u64>();
                }
                repairs.write_batch(confirmations.repaired.drain(..));
                for view in checked {
                    stats.checksums_checked += 1;
                    record_wrong_copy(
                        confirmations.check(view, &pool),
                        &mut confirmations,
                        &mut stats,
                    );
                }
            }
            Err(error) => {
                record_error(&error, &mut confirmations, &mut stats);
                resync.drop_message(&error);
            }
        }
    }
}

/// Takes the instance data of a message, and drops the transfers that are done with it.
fn take_data(part: &mut Part, transfers: &mut IncomingTransfers, pool: &mut DataPool) {
    if let Some(handover) = &part.handover {
        transfers.finish(handover.transfer);
    }
    if let Some(reset) = part.reset {
        transfers.reset(reset.transfer);
        pool.begin_received();
    }
    part.forgotten.drain(..).for_each(|id| pool.forget(id));
    part.data.drain(..).for_each(|datum| pool.put(datum));
}

/// Counts a message that could not be decoded.
fn record_error(
    error: &DecodeError,
    confirmations: &mut ConfirmedInventories,
    stats: &mut InventoryStats,
) {
    match *error {
        DecodeError::Gap { id, .. } => {
            stats.gaps += 1;
            confirmations.record_missed_update(id);
        }
        DecodeError::OutOfOrder { .. } => stats.gaps += 1,
        DecodeError::UnknownView { .. } => stats.unknown_views += 1,
        _ => stats.decode_errors += 1,
    }
}

/// Interval between two checks of idle copies, in frames.
pub(crate) const CHECK_FRAMES: u32 = 16;

/// Checks idle copies against the server's checksums, one copy at a time.
pub(crate) fn check_copies(
    mut frame: Local<u32>,
    mut confirmations: ResMut<ConfirmedInventories>,
    pool: Res<DataPool>,
    mut stats: ResMut<InventoryStats>,
) {
    *frame = (*frame + 1) % CHECK_FRAMES;
    if *frame == 0 {
        record_wrong_copy(confirmations.check_next(&pool), &mut confirmations, &mut stats);
    }
}

fn record_wrong_copy(
    wrong: Option<WrongCopy>,
    confirmations: &mut ConfirmedInventories,
    stats: &mut InventoryStats,
) {
    let Some(WrongCopy { view, id }) = wrong else { return };
    if confirmations.record_wrong_copy(view) {
        stats.checksum_mismatches += 1;
        warn!("inventory `{id}`: copy does not match the server's checksum; requesting a repair");
    }
}

fn decode_group(
    group: &[Bytes],
    schema: Schema,
    confirmations: &ConfirmedInventories,
    pool: &DataPool,
    transfers: &IncomingTransfers,
    requested: bool,
) -> Result<Vec<Part>, DecodeError> {
    let decoded = group.iter().map(|bytes| decode::message(bytes, schema, confirmations));
    let mut parts: Vec<Part> = decoded.collect::<Result<_, _>>()?;
    parts.iter().try_for_each(|part| check_order(part, confirmations.next_number, requested))?;
    let mut handed_over = Vec::new();
    for part in &mut parts {
        if let Some(handover @ Handover { transfer, .. }) = &part.handover {
            if handed_over.contains(transfer) {
                return Err(DecodeError::UnknownTransfer { transfer: *transfer });
            }
            handed_over.push(*transfer);
            let slot_count = SlotCount::after(part, confirmations);
            let Part { data, opens, .. } =
                transfers.handed_over(handover, slot_count, confirmations)?;
            part.data.extend(data);
            part.opens.extend(opens);
        }
    }
    for datum in parts.iter().flat_map(|part| &part.data) {
        if usize::from(datum.kind) >= pool.types() {
            let (value, max) = (u64::from(datum.kind), (pool.types() as u64).saturating_sub(1));
            return Err(DecodeError::OutOfRange { what: "item data type", value, max });
        }
    }
    let reset = parts.iter().any(|part| part.reset.is_some());
    for open in parts.iter().flat_map(|part| &part.opens) {
        // After a reset the server's versions always apply.
        if let Some(version) = confirmations.newer_than(open).filter(|_| !reset) {
            return Err(DecodeError::Gap { id: open.head.id, version });
        }
    }
    let data = parts.iter().flat_map(|part| &part.data);
    let coming: HashSet<DataId> = data.map(|datum| datum.id).collect();
    for id in parts.iter().flat_map(Part::names_data) {
        if !coming.contains(&id) && (reset || !pool.contains(id)) {
            return Err(DecodeError::UnknownData { id });
        }
    }
    Ok(parts)
}

/// Returns an error if a message is a full one but not the next one. Only a reset that this client has `requested`
/// may have any number.
fn check_order(part: &Part, expected: u8, requested: bool) -> Result<(), DecodeError> {
    match part.number {
        Some(_) if planted(Bug::ReplayApplied) => Ok(()),
        Some(number) if number != expected && !(requested && part.reset.is_some()) => {
            Err(DecodeError::OutOfOrder { number, expected })
        }
        _ => Ok(()),
    }
}
