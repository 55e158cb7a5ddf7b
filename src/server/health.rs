//! How the sync is doing: of each client, and in all. Looked at twice a second, so it costs an ordinary tick nothing.

use crate::{
    model::rejection::Rejection,
    shared::{events::emit_deferred, stats::InventoryStats},
};

use super::{
    client_stats::{AbandonedTransfers, ClientSyncStats},
    faults::Unsynced,
    requests::sessions::Sessions,
    views::{
        behind::count_behind, clients::Clients, subscriptions::Subscriptions, throttle::Throttle,
    },
};
use bevy::ecs::entity::EntityHashMap;
use core::time::Duration;

use bevy::{ecs::reflect::ReflectResource, prelude::*, time::common_conditions::on_real_timer};
use bevy_replicon::prelude::*;
use log::warn;

/// The time between two looks.
const PERIOD: Duration = Duration::from_millis(500);

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<SyncHealth>()
        .init_resource::<RejectionCounts>()
        .init_resource::<AbandonedTransfers>()
        .register_type::<SyncHealth>()
        .register_type::<RejectionCounts>()
        .register_type::<ClientSyncStats>()
        .register_required_components::<ConnectedClient, ClientSyncStats>()
        .add_message::<SyncAlert>()
        .add_systems(
            PostUpdate,
            update_health
                .after(crate::shared::schedule::InventoryServerSystems::Send)
                .run_if(in_state(ServerState::Running))
                .run_if(on_real_timer(PERIOD)),
        );
}

/// Authority: how many actions, openings and closings were refused, by reason.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct RejectionCounts(Vec<(Rejection, u64)>);

impl RejectionCounts {
    pub(crate) fn count(&mut self, reason: Rejection) {
        if let Some((_, count)) = self.0.iter_mut().find(|(there, _)| *there == reason) {
            *count += 1;
        } else if self.0.len() < REASONS_MAX {
            self.0.push((reason, 1));
        }
    }

    /// Every reason that occurred, with how often.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Rejection, u64)> + '_ {
        self.0.iter().copied()
    }

    /// How often a reason occurred.
    #[must_use]
    pub fn of(&self, reason: Rejection) -> u64 {
        self.iter().find(|(there, _)| *there == reason).map_or(0, |(_, count)| count)
    }
}

/// A game may have tens of thousands of reasons of its own; the first ones are counted.
const REASONS_MAX: usize = 256;

/// Server: how the sync is doing.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct SyncHealth {
    reasons: Vec<HealthReason>,
}

impl SyncHealth {
    /// The worst of all reasons.
    #[must_use]
    pub fn status(&self) -> HealthStatus {
        self.reasons.iter().map(|reason| reason.status()).max().unwrap_or_default()
    }

    /// What is not as it should be.
    #[must_use]
    pub fn reasons(&self) -> &[HealthReason] {
        &self.reasons
    }
}

/// How the sync is doing. A better status is less than a worse one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Reflect)]
pub enum HealthStatus {
    /// Everything as it should be.
    #[default]
    Healthy,
    /// Everything arrives, but later than it should, or some clients cause trouble.
    Degraded,
    /// Something does not arrive.
    Failing,
}

/// Something that is not as it should be, within the last half second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[non_exhaustive]
pub enum HealthReason {
    /// So many clients are told later than they should be, for their bytes have run out.
    ClientsThrottled(usize),
    /// The bytes of all clients together have run out.
    TotalBudgetExhausted,
    /// So many clients had lost their place or found a copy to be wrong.
    ClientsDesynced(usize),
    /// So many clients sent what nobody honest sends, or far too much.
    ClientsMisbehaving(usize),
    /// So many transfers were not taken in time.
    TransfersAbandoned(u64),
    /// So many inventories are not synced, for the reasons that [`InventoryFault`](super::faults::InventoryFault)s say.
    Unsynced(usize),
}

impl HealthReason {
    /// How bad it is.
    #[must_use]
    pub fn status(self) -> HealthStatus {
        match self {
            Self::Unsynced(_) | Self::TransfersAbandoned(_) => HealthStatus::Failing,
            _ => HealthStatus::Degraded,
        }
    }
}

/// Server: something that somebody should look at. Raised once when it begins, not again and again.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SyncAlert {
    /// A client sends far more than it may; what is too much is dropped unread.
    ClientFloods {
        /// The client.
        client: Entity,
    },
    /// A client has lost its place or found copies to be wrong several times within half a minute.
    ClientKeepsDesyncing {
        /// The client.
        client: Entity,
        /// How often since it connected.
        desyncs: u64,
    },
    /// A client, or all together (`None`), had to wait for bytes for more than two seconds.
    BudgetExhausted {
        /// The client.
        client: Option<Entity>,
    },
    /// A client did not take a transfer in time.
    TransferAbandoned {
        /// The client.
        client: Entity,
    },
}

/// So often within so many looks is too often.
const DESYNCS_MANY: u64 = 3;
const DESYNC_LOOKS: u64 = 60;

/// So many looks in a row without bytes are worth an alert.
const CHOKED_LOOKS: u32 = 4;

/// What was seen of a client before.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ClientWatch {
    throttled_checks: u32,
    /// What its desyncs were when the window began, and at which look.
    desyncs_before: (u64, u64),
    alerted: bool,
    flooding: bool,
}

/// What was seen of all before.
#[derive(Default)]
pub(crate) struct Before {
    looks: u64,
    total_exhausted_checks: u32,
    transfers_abandoned: u64,
    clients: EntityHashMap<ClientWatch>,
}

fn update_health(
    mut clients: Query<(Entity, &mut ClientSyncStats)>,
    unsynced: Query<(), With<Unsynced>>,
    stats: Res<InventoryStats>,
    subscriptions: Res<Subscriptions>,
    clients_sent: Res<Clients>,
    throttle: Res<Throttle>,
    sessions: Res<Sessions>,
    mut abandoned: ResMut<AbandonedTransfers>,
    mut health: ResMut<SyncHealth>,
    mut before: Local<Before>,
    mut commands: Commands,
) {
    before.looks += 1;
    let (mut throttled, mut desynced, mut misbehaving) = (0, 0, 0);
    let mut alert = |alert: SyncAlert| {
        warn!("{alert:?}");
        emit_deferred(&mut commands, alert);
    };
    let behind = count_behind(&subscriptions, &clients_sent, &throttle);
    before.clients.retain(|client, _| clients.contains(*client));
    for (client, mut shown) in &mut clients {
        let Some(now) = clients_sent.stats_of(client) else { continue };
        let behind = behind.get(&client).copied().unwrap_or(0);
        let now = sessions.complete(client, ClientSyncStats { behind, ..now });
        let elapsed = u64::try_from(PERIOD.as_millis()).unwrap_or(1);
        // Less than before if the entity has become a client anew.
        let bytes = now.bytes.saturating_sub(shown.bytes);
        let now = ClientSyncStats { bytes_per_second: bytes * 1000 / elapsed, ..now };
        let chokes = now.throttled > shown.throttled || clients_sent.is_throttled(client);
        throttled += usize::from(chokes);
        desynced += usize::from(now.desyncs > shown.desyncs);
        let bad = now.malformed > shown.malformed || now.flooded > shown.flooded;
        misbehaving += usize::from(bad);
        let look = before.looks;
        let watch = before.clients.entry(client).or_default();
        watch.look(client, (&shown, &now), (look, chokes), &mut alert);
        if *shown != now {
            *shown = now;
        }
    }
    for client in abandoned.0.drain(..) {
        alert(SyncAlert::TransferAbandoned { client });
    }
    let total_exhausted = throttle.is_total_exhausted();
    before.total_exhausted_checks =
        if total_exhausted { before.total_exhausted_checks + 1 } else { 0 };
    if before.total_exhausted_checks == CHOKED_LOOKS {
        alert(SyncAlert::BudgetExhausted { client: None });
    }
    let given_up = stats.transfers_abandoned - before.transfers_abandoned;
    before.transfers_abandoned = stats.transfers_abandoned;
    let unsynced = unsynced.iter().count();
    let reasons = [
        (throttled > 0).then_some(HealthReason::ClientsThrottled(throttled)),
        total_exhausted.then_some(HealthReason::TotalBudgetExhausted),
        (desynced > 0).then_some(HealthReason::ClientsDesynced(desynced)),
        (misbehaving > 0).then_some(HealthReason::ClientsMisbehaving(misbehaving)),
        (given_up > 0).then_some(HealthReason::TransfersAbandoned(given_up)),
        (unsynced > 0).then_some(HealthReason::Unsynced(unsynced)),
    ];
    let reasons = reasons.into_iter().flatten().collect();
    health.set_if_neq(SyncHealth { reasons });
}

impl ClientWatch {
    fn look(
        &mut self,
        client: Entity,
        (shown, now): (&ClientSyncStats, &ClientSyncStats),
        (look, chokes): (u64, bool),
        alert: &mut impl FnMut(SyncAlert),
    ) {
        self.throttled_checks = if chokes { self.throttled_checks + 1 } else { 0 };
        if self.throttled_checks == CHOKED_LOOKS {
            alert(SyncAlert::BudgetExhausted { client: Some(client) });
        }
        if look > self.desyncs_before.1 + DESYNC_LOOKS {
            (self.desyncs_before, self.alerted) = ((shown.desyncs, look), false);
        }
        let desyncs = now.desyncs;
        if desyncs >= self.desyncs_before.0 + DESYNCS_MANY
            && !core::mem::replace(&mut self.alerted, true)
        {
            alert(SyncAlert::ClientKeepsDesyncing { client, desyncs });
        }
        let flooding = now.flooded > shown.flooded;
        if flooding && !self.flooding {
            alert(SyncAlert::ClientFloods { client });
        }
        self.flooding = flooding;
    }
}
