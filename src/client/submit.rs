//! Sends what the client has to ask for: hello, and full copies when its own are wrong. What is not
//! answered is asked again after growing, jittered pauses.

use crate::{
    model::{catalog::Catalogue, codec, data::DataPool},
    shared::{
        actions::ActionTypes, containers::Kinds, fingerprint::local_hello, messages::SyncRequest,
        random::InventoryRng, stats::InventoryStats,
    },
    wire::handshake::{CONTROL, HEALS_MAX, KnownCopies, Request},
};

use super::{
    confirmed::Confirmations,
    state::{Submission, SyncState},
    transfers::Transfers,
};

use bevy::prelude::*;

pub(crate) fn submit_requests(
    catalogue: Res<Catalogue>,
    (kinds, actions, pool): (Res<Kinds>, Res<ActionTypes>, Res<DataPool>),
    time: Res<Time<Real>>,
    state: Res<SyncState>,
    (mut confirmations, transfers): (ResMut<Confirmations>, Res<Transfers>),
    mut submission: ResMut<Submission>,
    mut random: ResMut<InventoryRng>,
    mut requests: MessageWriter<SyncRequest>,
    mut stats: ResMut<InventoryStats>,
) {
    let wanted = match *state {
        SyncState::Refused(_) => false,
        SyncState::Waiting => true,
        SyncState::Synced => submission.resync || !confirmations.wrong.is_empty(),
    };
    if !wanted || !submission.is_due(time.elapsed(), &mut random) {
        return;
    }
    let request = if *state == SyncState::Waiting {
        let hello = local_hello(&catalogue, &kinds, &actions, &pool);
        Request::Hello(hello, confirmations.name_copies())
    } else if submission.resync {
        stats.resyncs_requested += 1;
        let transfer = transfers.first_missing();
        Request::Resync(KnownCopies { transfer, ..confirmations.name_copies() })
    } else {
        stats.heals_requested += 1;
        let wrong = confirmations.wrong.iter().take(HEALS_MAX);
        let heads = wrong.filter_map(|view| Some(confirmations.get(*view)?.head));
        Request::Heal(heads.map(|head| (head.view, head.handle)).collect())
    };
    if let Ok(bytes) = codec::to_bytes(&request) {
        stats.requests_sent += 1;
        requests.write(SyncRequest([&[CONTROL], bytes.as_slice()].concat().into()));
    }
}
