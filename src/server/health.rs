//! Health of the sync, per client and overall. It is checked every 500 ms, so that an ordinary tick has no
//! extra cost.

use crate::{
    model::rejection::Rejection,
    shared::{events::emit_deferred, stats::InventoryStats, storing::StoreHealth},
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
use thiserror::Error;

/// Time between two checks.
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

/// Authority: number of rejected requests (actions, opening and closing inventories) by reason, for at most 256
/// reasons.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct RejectionCounts(Vec<(Rejection, u64)>);

impl RejectionCounts {
    pub(crate) fn count(&mut self, reason: Rejection) {
        if let Some((_, count)) = self.0.iter_mut().find(|(counted, _)| *counted == reason) {
            *count += 1;
        } else if self.0.len() < REASONS_MAX {
            self.0.push((reason, 1));
        }
    }

    /// Returns every reason that occurred, with its count.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Rejection, u64)> + '_ {
        self.0.iter().copied()
    }

    /// Returns how often a reason occurred. Zero if it never did.
    #[must_use]
    pub fn of(&self, reason: Rejection) -> u64 {
        self.iter().find(|(counted, _)| *counted == reason).map_or(0, |(_, count)| count)
    }
}

/// Maximum number of reasons that are counted. A game can define tens of thousands; only the first ones to
/// occur are counted.
const REASONS_MAX: usize = 256;

/// Server: health of the sync, as of the last check. Checked every 500 ms.
#[derive(Resource, Clone, PartialEq, Eq, Default, Debug, Reflect)]
#[reflect(Resource)]
pub struct SyncHealth {
    reasons: Vec<HealthReason>,
}

impl SyncHealth {
    /// Returns the worst status of all reasons; [`HealthStatus::Healthy`] if there are none.
    #[must_use]
    pub fn status(&self) -> HealthStatus {
        self.reasons.iter().map(|reason| reason.status()).max().unwrap_or_default()
    }

    /// Returns the current problems. Empty if the sync is healthy.
    #[must_use]
    pub fn reasons(&self) -> &[HealthReason] {
        &self.reasons
    }
}

/// Status of the sync. A better status compares as less than a worse one. Default: [`Healthy`](Self::Healthy).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Reflect)]
pub enum HealthStatus {
    /// No problems.
    #[default]
    Healthy,
    /// Everything arrives, but late, or some clients are out of sync or misbehave.
    Degraded,
    /// Some updates do not arrive.
    Failing,
}

/// A problem that occurred since the previous check, within the last 500 ms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Reflect)]
#[non_exhaustive]
pub enum HealthReason {
    /// Number of clients whose updates are delayed because the byte budget is exhausted.
    ClientsThrottled(usize),
    /// The total byte budget of all clients is exhausted.
    TotalBudgetExhausted,
    /// Number of clients that were out of sync or found a wrong copy.
    ClientsDesynced(usize),
    /// Number of clients that sent malformed requests or exceeded the rate limit.
    ClientsMisbehaving(usize),
    /// Number of chunked transfers that a client did not confirm in time.
    TransfersAbandoned(u64),
    /// Number of inventories that are not synced. An [`InventoryFault`](super::faults::InventoryFault) gives
    /// the reason for each.
    Unsynced(usize),
    /// The [store](crate::store) cannot be reached, or fails.
    StoreFailing,
}

impl HealthReason {
    /// Returns the status that the problem implies.
    #[must_use]
    pub fn status(self) -> HealthStatus {
        match self {
            Self::Unsynced(_) | Self::TransfersAbandoned(_) | Self::StoreFailing => {
                HealthStatus::Failing
            }
            _ => HealthStatus::Degraded,
        }
    }
}

/// Server: a problem that needs an operator's attention. Emitted when the problem begins, not repeatedly while it
/// lasts. Also logged as a warning.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum SyncAlert {
    /// A client exceeds the rate limit; excess requests are dropped unread.
    #[error("client `{client}` exceeds the rate limit, so its requests are dropped unread")]
    ClientFloods {
        /// The client.
        client: Entity,
    },
    /// A client was out of sync or found wrong copies at least 3 times within about 30 seconds.
    #[error("client `{client}` was out of sync or found wrong copies {desyncs} times")]
    ClientKeepsDesyncing {
        /// The client.
        client: Entity,
        /// Number of such occurrences since the client connected.
        desyncs: u64,
    },
    /// The byte budget of a client, or that of all clients together, was exhausted in 4 consecutive checks (2
    /// seconds).
    #[error("the byte budget of {} is exhausted", budget_name(*client))]
    BudgetExhausted {
        /// The client. `None` for the total budget.
        client: Option<Entity>,
    },
    /// A client did not confirm a chunked transfer in time. Emitted for every such transfer.
    #[error("client `{client}` did not confirm a chunked transfer in time")]
    TransferAbandoned {
        /// The client.
        client: Entity,
    },
}

fn budget_name(client: Option<Entity>) -> String {
    client.map_or_else(|| "all clients".to_owned(), |client| format!("client `{client}`"))
}

/// Number of desyncs within [`DESYNC_CHECKS`] checks that causes an alert.
const DESYNCS_MANY: u64 = 3;
/// Number of checks (30 seconds) over which desyncs are counted.
const DESYNC_CHECKS: u64 = 60;

/// Number of consecutive checks with an exhausted budget that causes an alert.
const THROTTLED_CHECKS: u32 = 4;

/// What the checks keep about one client.
#[derive(Clone, Copy, Default, Debug)]
struct ClientWatch {
    throttled: Streak,
    desync_window: DesyncWindow,
    alerted: bool,
    flooding: bool,
}

/// The time over which desyncs are counted.
#[derive(Clone, Copy, Default, Debug)]
struct DesyncWindow {
    /// The check at which it started.
    start: u64,
    /// Number of desyncs at its start.
    desyncs: u64,
}

/// What the checks keep about the whole server.
#[derive(Default)]
struct PreviousCheck {
    checks: u64,
    total_exhausted: Streak,
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
    store: Option<Res<StoreHealth>>,
    mut abandoned: ResMut<AbandonedTransfers>,
    mut health: ResMut<SyncHealth>,
    mut before: Local<PreviousCheck>,
    mut commands: Commands,
) {
    before.checks += 1;
    let (mut throttled, mut desynced, mut misbehaving) = (0, 0, 0);
    let mut alert = |alert: SyncAlert| {
        warn!("{alert}");
        emit_deferred(&mut commands, alert);
    };
    let behind = count_behind(&subscriptions, &clients_sent, &throttle);
    before.clients.retain(|client, _| clients.contains(*client));
    for (client, mut shown) in &mut clients {
        let Some(now) = clients_sent.stats_of(client) else { continue };
        let behind = behind.get(&client).copied().unwrap_or(0);
        let now = sessions.complete(client, ClientSyncStats { behind, ..now });
        let elapsed = u64::try_from(PERIOD.as_millis()).unwrap_or(1);
        // The count is lower than before if the entity has become a client again.
        let bytes = now.bytes.saturating_sub(shown.bytes);
        let now = ClientSyncStats { bytes_per_second: bytes * 1000 / elapsed, ..now };
        let is_throttled = now.throttled > shown.throttled || clients_sent.is_throttled(client);
        throttled += usize::from(is_throttled);
        desynced += usize::from(now.desyncs > shown.desyncs);
        let bad = now.malformed > shown.malformed || now.flooded > shown.flooded;
        misbehaving += usize::from(bad);
        let check = before.checks;
        let watch = before.clients.entry(client).or_default();
        watch.check(client, &shown, &now, check, is_throttled, &mut alert);
        if *shown != now {
            *shown = now;
        }
    }
    for client in abandoned.0.drain(..) {
        alert(SyncAlert::TransferAbandoned { client });
    }
    let total_exhausted = throttle.is_total_exhausted();
    if before.total_exhausted.should_alert(total_exhausted) {
        alert(SyncAlert::BudgetExhausted { client: None });
    }
    let abandoned = stats.transfers_abandoned - before.transfers_abandoned;
    before.transfers_abandoned = stats.transfers_abandoned;
    let unsynced = unsynced.iter().count();
    let reasons = [
        (throttled > 0).then_some(HealthReason::ClientsThrottled(throttled)),
        total_exhausted.then_some(HealthReason::TotalBudgetExhausted),
        (desynced > 0).then_some(HealthReason::ClientsDesynced(desynced)),
        (misbehaving > 0).then_some(HealthReason::ClientsMisbehaving(misbehaving)),
        (abandoned > 0).then_some(HealthReason::TransfersAbandoned(abandoned)),
        (unsynced > 0).then_some(HealthReason::Unsynced(unsynced)),
        store.is_some_and(|store| store.failing).then_some(HealthReason::StoreFailing),
    ];
    let reasons = reasons.into_iter().flatten().collect();
    health.set_if_neq(SyncHealth { reasons });
}

/// For how many checks a budget has been exhausted, or not.
#[derive(Clone, Copy, Default, Debug)]
struct Streak {
    exhausted: u32,
    sufficient: u32,
    alerted: bool,
}

impl Streak {
    /// Returns `true` once when a budget has been exhausted for [`THROTTLED_CHECKS`] checks. It alerts again only after
    /// the budget has sufficed for as many checks.
    fn should_alert(&mut self, exhausted: bool) -> bool {
        if !exhausted {
            (self.exhausted, self.sufficient) = (0, self.sufficient + 1);
            self.alerted &= self.sufficient < THROTTLED_CHECKS;
            return false;
        }
        (self.exhausted, self.sufficient) = (self.exhausted + 1, 0);
        self.exhausted >= THROTTLED_CHECKS && !core::mem::replace(&mut self.alerted, true)
    }
}

impl ClientWatch {
    fn check(
        &mut self,
        client: Entity,
        shown: &ClientSyncStats,
        now: &ClientSyncStats,
        check: u64,
        is_throttled: bool,
        alert: &mut impl FnMut(SyncAlert),
    ) {
        if self.throttled.should_alert(is_throttled) {
            alert(SyncAlert::BudgetExhausted { client: Some(client) });
        }
        if check > self.desync_window.start + DESYNC_CHECKS {
            self.desync_window = DesyncWindow { start: check, desyncs: shown.desyncs };
            self.alerted = false;
        }
        let desyncs = now.desyncs;
        if desyncs >= self.desync_window.desyncs + DESYNCS_MANY
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
