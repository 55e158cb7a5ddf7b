//! Sends the client's sync requests: the handshake, and requests for full updates when copies are incorrect. An
//! unanswered request is repeated after increasing, jittered pauses.

use crate::{
    shared::{
        fingerprint::LocalProtocol, messages::SyncRequest, random::InventoryRng,
        stats::InventoryStats,
    },
    wire::handshake::{ControlRequest, KnownCopies, REPAIRS_MAX, write_request},
};

use super::{
    confirmed::ConfirmedInventories,
    predictions::Predictions,
    state::{ResyncState, SyncState},
    transfers::IncomingTransfers,
};

use bevy::prelude::*;

pub(crate) fn submit_requests(
    protocol: LocalProtocol,
    time: Res<Time<Real>>,
    state: Res<SyncState>,
    mut confirmations: ResMut<ConfirmedInventories>,
    transfers: Res<IncomingTransfers>,
    predictions: Res<Predictions>,
    mut resync: ResMut<ResyncState>,
    mut random: ResMut<InventoryRng>,
    mut requests: MessageWriter<SyncRequest>,
    mut stats: ResMut<InventoryStats>,
) {
    // An answer that is late may arrive before the request is due.
    let resync_needed = resync.needed || predictions.is_overdue(time.elapsed());
    let wanted = match *state {
        SyncState::Rejected(_) => false,
        SyncState::Connecting => true,
        SyncState::Synced => resync_needed || !confirmations.wrong.is_empty(),
    };
    if !wanted || !resync.is_due(time.elapsed(), &mut random) {
        return;
    }
    let request = if *state == SyncState::Connecting {
        let Some(handshake) = protocol.handshake() else { return };
        ControlRequest::Handshake(handshake, known_copies(&resync, &mut confirmations))
    } else if resync_needed {
        stats.resyncs_requested += 1;
        resync.begin_resync(predictions.last);
        let transfer = transfers.first_missing().filter(|_| !resync.without_copies);
        ControlRequest::Resync(KnownCopies {
            transfer,
            ..known_copies(&resync, &mut confirmations)
        })
    } else {
        stats.repairs_requested += 1;
        let wrong = confirmations.wrong.iter().take(REPAIRS_MAX);
        let heads = wrong.filter_map(|view| Some(confirmations.get(*view)?.head));
        ControlRequest::Repair(heads.map(|head| (head.view, head.handle)).collect())
    };
    if let Ok(bytes) = write_request(&request) {
        stats.requests_sent += 1;
        requests.write(SyncRequest(bytes.into()));
    }
}

/// Returns the copies from which the server may start.
fn known_copies(resync: &ResyncState, confirmations: &mut ConfirmedInventories) -> KnownCopies {
    match resync.without_copies {
        true => KnownCopies::default(),
        false => confirmations.list_copies(),
    }
}
