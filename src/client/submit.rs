//! Sends what the client has to ask for: hello, and full copies when its own are wrong. What is not
//! answered is asked again after growing, jittered pauses.

use core::time::Duration;

use bevy::prelude::*;

use crate::{
    actions::ActionTypes,
    codec,
    containers::Kinds,
    hello::{HEALS_MAX, Hello, Mismatch, Named, Request},
    model::{data::DataPool, items::Catalogue},
    protocol::SyncRequest,
    stats::InventoryStats,
    wire::request::CONTROL,
};

use super::{bulk::Transfers, confirmed::Confirmations};

/// How far a client has come. On the authority it stays at [`Waiting`](Self::Waiting).
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SyncState {
    /// Not connected, or the server has not answered yet.
    #[default]
    Waiting,
    /// The server sends what this client may see.
    Synced,
    /// The server will not: the two do not fit together.
    Refused(Mismatch),
}

/// The pause before a request is made again, the first time.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// After so long without having to ask, pauses are short again.
const CALM: Duration = Duration::from_secs(10);

/// What has been asked for and not been answered.
#[derive(Resource, Default, Debug)]
pub(crate) struct Submission {
    resync: bool,
    attempts: u32,
    next: Option<Duration>,
}

impl Submission {
    /// Notes that copies are wrong. Says whether that was not known yet.
    pub(crate) fn want_resync(&mut self) -> bool {
        !core::mem::replace(&mut self.resync, true)
    }

    /// The server has sent everything. Pauses go on growing if copies turn out wrong again soon.
    pub(super) fn answered(&mut self) {
        self.resync = false;
    }

    /// The server has answered the hello; what comes now is asked for without a pause.
    pub(super) fn greeted(&mut self) {
        *self = Self::default();
    }

    /// Whether it is time to ask (again), and until when to wait then. The pause doubles with each
    /// attempt and is up to half as long again, so that many clients do not ask in one tick.
    fn is_due(&mut self, now: Duration) -> bool {
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        if self.next.is_some_and(|next| now > next + CALM) {
            self.attempts = 0;
        }
        let pause = (PAUSE_MIN * 2u32.saturating_pow(self.attempts)).min(PAUSE_MAX);
        self.next = Some(now + pause.mul_f32(1.0 + fastrand::f32() / 2.0));
        self.attempts = (self.attempts + 1).min(8);
        true
    }
}

pub(super) fn submit_requests(
    catalogue: Res<Catalogue>,
    (kinds, actions, pool): (Res<Kinds>, Res<ActionTypes>, Res<DataPool>),
    time: Res<Time<Real>>,
    state: Res<SyncState>,
    (mut confirmations, transfers): (ResMut<Confirmations>, Res<Transfers>),
    mut submission: ResMut<Submission>,
    mut requests: MessageWriter<SyncRequest>,
    mut stats: ResMut<InventoryStats>,
) {
    let wanted = match *state {
        SyncState::Refused(_) => false,
        SyncState::Waiting => true,
        SyncState::Synced => submission.resync || !confirmations.wrong.is_empty(),
    };
    if !wanted || !submission.is_due(time.elapsed()) {
        return;
    }
    let request = if *state == SyncState::Waiting {
        let hello = Hello::new(&catalogue, &kinds, &actions, &pool);
        Request::Hello(hello, confirmations.name_copies())
    } else if submission.resync {
        stats.resyncs_requested += 1;
        let transfer = transfers.first_missing();
        Request::Resync(Named { transfer, ..confirmations.name_copies() })
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
