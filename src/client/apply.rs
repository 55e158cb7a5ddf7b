//! Decodes each group of messages against the confirmed copies and moves them: all of it or nothing.

use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;
use log::{debug, warn};

use crate::{
    containers::Kinds,
    model::{data::DataPool, items::Catalogue},
    stats::InventoryStats,
    wire::{DecodeError, Part, Schema, decode},
};

use super::{
    bulk::Transfers,
    confirmed::Confirmations,
    predict::Predictions,
    receive::Received,
    submit::{Submission, SyncState},
};

pub(super) fn apply_messages(
    catalogue: Res<Catalogue>,
    kinds: Res<Kinds>,
    mut pool: ResMut<DataPool>,
    mut received: ResMut<Received>,
    mut confirmations: ResMut<Confirmations>,
    mut predictions: ResMut<Predictions>,
    mut transfers: ResMut<Transfers>,
    mut submission: ResMut<Submission>,
    mut state: ResMut<SyncState>,
    mut stats: ResMut<InventoryStats>,
) {
    let schema = Schema { catalogue: &catalogue, kinds: kinds.as_slice() };
    for group in received.groups.drain(..) {
        match decode_group(&group, schema, &confirmations, &pool, &mut transfers) {
            Ok(mut parts) => {
                for part in &mut parts {
                    if let Some(transfer) = part.reset {
                        transfers.reset(transfer);
                        pool.follow(true);
                    }
                    part.forgotten.drain(..).for_each(|id| pool.forget(id));
                    part.data.drain(..).for_each(|datum| pool.put(datum));
                }
                if parts.iter().any(|part| part.reset.is_some()) {
                    match core::mem::replace(&mut *state, SyncState::Synced) {
                        SyncState::Synced => submission.answered(),
                        _ => submission.greeted(),
                    }
                }
                for answers in parts.iter().filter_map(|part| part.answers.as_ref()) {
                    if !predictions.answer(answers) {
                        stats.gaps += 1;
                        submission.want_resync();
                    }
                }
                stats.slots_applied += confirmations.apply(parts);
            }
            Err(error) => {
                match error {
                    DecodeError::Gap { .. } => stats.gaps += 1,
                    DecodeError::UnknownView { .. } => stats.unknown_views += 1,
                    _ => stats.decode_errors += 1,
                }
                if submission.want_resync() {
                    warn!("dropping a message from the server: {error}; asking for full copies");
                } else {
                    debug!(
                        "dropping a message from the server: {error}; full copies are on the way"
                    );
                }
            }
        }
    }
}

fn decode_group(
    group: &[Bytes],
    schema: Schema,
    confirmations: &Confirmations,
    pool: &DataPool,
    transfers: &mut Transfers,
) -> Result<Vec<Part>, DecodeError> {
    let held = |reference| confirmations.held(reference);
    let decoded = group.iter().map(|bytes| decode::message(bytes, schema, held));
    let mut parts: Vec<Part> = decoded.collect::<Result<_, _>>()?;
    for part in &mut parts {
        if let Some(handover) = &part.handover {
            let Part { data, opens, .. } = transfers.take(handover)?;
            part.data.extend(data);
            part.opens.extend(opens);
        }
    }
    for datum in parts.iter().flat_map(|part| &part.data) {
        if usize::from(datum.kind) >= pool.types() {
            let (value, max) = (u64::from(datum.kind), (pool.types() as u64).saturating_sub(1));
            return Err(DecodeError::OutOfRange { what: "a type of data", value, max });
        }
    }
    let reset = parts.iter().any(|part| part.reset.is_some());
    let comes = |id| parts.iter().flat_map(|part| &part.data).any(|datum| datum.id == id);
    for id in parts.iter().flat_map(Part::names_data) {
        if !comes(id) && (reset || !pool.contains(id)) {
            return Err(DecodeError::UnknownData { id });
        }
    }
    Ok(parts)
}
