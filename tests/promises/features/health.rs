//! Sync health is reported per client, in total and by reason; every alert is emitted once.

use crate::common::forge;
use crate::common::*;
use bevy::diagnostic::{DiagnosticPath, DiagnosticsPlugin, DiagnosticsStore};
use core::time::Duration;

#[derive(Resource, Default)]
struct Alerts(Vec<SyncAlert>);

fn watched_pair(clients: usize) -> Simulation {
    let mut pair = pair(clients);
    pair.server
        .init_resource::<Alerts>()
        .add_observer(|on: On<SyncAlert>, mut all: ResMut<Alerts>| all.0.push(*on));
    pair
}

fn alerts(pair: &Simulation) -> &[SyncAlert] {
    &pair.server.world().resource::<Alerts>().0
}

fn health(pair: &Simulation) -> (HealthStatus, Vec<HealthReason>) {
    let health = pair.server.world().resource::<SyncHealth>();
    (health.status(), health.reasons().to_vec())
}

fn entity(pair: &Simulation, client: usize) -> Entity {
    pair.client_id(client).entity().unwrap()
}

fn sync_of(pair: &Simulation, client: usize) -> ClientSyncStats {
    *pair.server.world().get::<ClientSyncStats>(entity(pair, client)).unwrap()
}

#[test]
fn client_stats_add_up_to_the_totals() {
    for bytes_per_second in [50_000, 200] {
        let mut pair = pair(3);
        let players: Vec<Entity> = (0..3).map(|client| spawn_player(&mut pair, client)).collect();
        let shared = spawn_chest(&mut pair, 1, &[0, 1, 2]);
        let bank = spawn_chest(&mut pair, 2, &[1]);
        pair.server.world_mut().entity_mut(bank).insert(noise(3000, 1));
        inventory(&mut pair, players[0]).set(0, TORCH.stack(60)).unwrap();
        pair.settle(100);
        pair.server.insert_resource(SyncSettings { bytes_per_second, ..default() });
        let me = shown_entity(&pair, 0, player(0));
        for n in 1..=200u32 {
            for there in players.iter().chain([&shared]) {
                inventory(&mut pair, *there).set(n as usize % 20 + 1, COIN.stack(n)).unwrap();
            }
            match n {
                50 | 60 => {
                    ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 26) });
                }
                70 => simulate_gap(&mut pair, 2),
                80 => {
                    let bytes = forge::forged(
                        &pair,
                        3,
                        Some(0),
                        &InventoryAction::Use { slot: (forge::view(9), Inventory::slot(0)) },
                    );
                    forge::send(&mut pair, 0, bytes);
                }
                _ => {}
            }
            pair.step();
        }
        pair.steps(400);
        pair.settle(300);
        pair.steps(60);
        let all: Vec<ClientSyncStats> = (0..3).map(|client| sync_of(&pair, client)).collect();
        let sum = |of: fn(&ClientSyncStats) -> u64| all.iter().map(of).sum::<u64>();
        let stats = stats(&pair.server);
        assert_eq!(sum(|c| c.updates), stats.deltas_encoded + stats.full_updates_encoded);
        assert_eq!(sum(|c| c.messages), stats.messages_sent + stats.chunks_sent);
        assert_eq!(sum(|c| c.bytes), stats.bytes_sent);
        assert_eq!(sum(|c| c.accepted), stats.requests_accepted);
        assert_eq!(sum(|c| c.rejected), stats.requests_rejected);
        assert_eq!((stats.requests_accepted, stats.requests_rejected), (2, 1));
        assert_eq!(sum(|c| c.throttled), stats.updates_throttled, "at {bytes_per_second}");
        assert_eq!(stats.updates_throttled > 0, bytes_per_second < 1000);
        assert_eq!(sum(|c| c.desyncs), stats.resyncs_served + stats.repairs_served);
        assert_eq!(all.iter().map(|c| c.views).collect::<Vec<_>>(), [2, 3, 2]);
        assert_eq!((sum(|c| c.behind), sum(|c| c.chunked), sum(|c| c.bytes_per_second)), (0, 0, 0));
        assert_eq!(sum(|c| c.malformed + c.flooded), 0);
        let received: Vec<u64> =
            pair.clients.iter().map(|c| crate::common::stats(&c.app).bytes_received).collect();
        // The server did not send the confusing message.
        let expected = [all[0].bytes, all[1].bytes, all[2].bytes + 1];
        assert_eq!(received, expected);
    }
}

#[test]
fn bytes_per_second_and_queue_length_are_accurate() {
    let mut pair = pair(1);
    let all: Vec<Entity> = (0..20).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    pair.settle(50);
    pair.server.insert_resource(SyncSettings { bytes_per_second: 1000, ..default() });
    for n in 1..=300u32 {
        for there in &all {
            inventory(&mut pair, *there).set(0, COIN.stack(n * 1000)).unwrap();
        }
        pair.step();
    }
    let sync = sync_of(&pair, 0);
    assert!((800..1200).contains(&sync.bytes_per_second), "{sync:?}");
    assert!((1..=20).contains(&sync.behind), "{sync:?}");
}

#[test]
fn exhausted_budget_alerts_once() {
    let mut pair = watched_pair(2);
    let there = spawn_player(&mut pair, 0);
    spawn_player(&mut pair, 1);
    pair.settle(50);
    pair.steps(60);
    assert_eq!(health(&pair), (HealthStatus::Healthy, vec![]));
    pair.server.insert_resource(SyncSettings { bytes_per_second: 60, ..default() });
    let busy = |pair: &mut Simulation, ticks: u32| {
        for n in 0..ticks {
            inventory(pair, there).set(n as usize % 27, COIN.stack(1 + n)).unwrap();
            pair.step();
        }
    };
    busy(&mut pair, 110);
    assert_eq!(alerts(&pair), [], "not even for one tick");
    busy(&mut pair, 400);
    let client = Some(entity(&pair, 0));
    assert_eq!(alerts(&pair), [SyncAlert::BudgetExhausted { client }]);
    assert_eq!(health(&pair), (HealthStatus::Degraded, vec![HealthReason::ClientsThrottled(1)]));
    pair.steps(600);
    assert_eq!(health(&pair), (HealthStatus::Healthy, vec![]));
    let settings = SyncSettings { total_bytes_per_second: 60, ..default() };
    pair.server.insert_resource(settings);
    busy(&mut pair, 600);
    let (status, reasons) = health(&pair);
    assert_eq!(status, HealthStatus::Degraded);
    assert!(reasons.contains(&HealthReason::TotalBudgetExhausted), "{reasons:?}");
    let all = alerts(&pair).iter().filter(|a| **a == SyncAlert::BudgetExhausted { client: None });
    assert_eq!(all.count(), 1, "{:?}", alerts(&pair));
}

#[test]
fn repeated_desync_alerts_once() {
    let mut pair = watched_pair(2);
    let me = spawn_player(&mut pair, 0);
    pair.settle(50);
    for n in 1..=8u32 {
        simulate_gap(&mut pair, 0);
        inventory(&mut pair, me).set(0, COIN.stack(n)).unwrap();
        pair.steps(100);
    }
    let client = entity(&pair, 0);
    let [SyncAlert::ClientKeepsDesyncing { client: desynced, desyncs }] = alerts(&pair) else {
        panic!("{:?}", alerts(&pair));
    };
    assert_eq!((*desynced, *desyncs), (client, 3));
    let desyncs = sync_of(&pair, 0).desyncs;
    assert_eq!(desyncs, stats(&pair.server).resyncs_served);
    simulate_gap(&mut pair, 0);
    let mut seen = false;
    for _ in 0..1200 {
        pair.step();
        seen |= health(&pair).1 == [HealthReason::ClientsDesynced(1)];
    }
    assert!(seen && health(&pair).0 == HealthStatus::Healthy);
    // Rare desyncs raise no alert.
    pair.steps(60 * 40);
    for _ in 0..4 {
        simulate_gap(&mut pair, 0);
        pair.steps(60 * 20);
    }
    assert_eq!(alerts(&pair).len(), 1, "{:?}", alerts(&pair));
}

#[test]
fn floods_and_unsynced_inventories_are_reported() {
    let mut pair = watched_pair(1);
    spawn_player(&mut pair, 0);
    pair.settle(50);
    for _ in 0..90 {
        (0..20).for_each(|_| forge::send(&mut pair, 0, vec![1, 2, 9]));
        pair.step();
    }
    let client = entity(&pair, 0);
    assert_eq!(alerts(&pair), [SyncAlert::ClientFloods { client }]);
    assert_eq!(health(&pair), (HealthStatus::Degraded, vec![HealthReason::ClientsMisbehaving(1)]));
    let sync = sync_of(&pair, 0);
    assert!(sync.flooded > 1000, "{sync:?}");
    pair.steps(60);
    assert_eq!(health(&pair).0, HealthStatus::Healthy);
    spawn_chest(&mut pair, 1, &[]);
    let second = spawn_chest(&mut pair, 1, &[]);
    pair.steps(60);
    assert_eq!(health(&pair), (HealthStatus::Failing, vec![HealthReason::Unsynced(1)]));
    pair.server.world_mut().despawn(second);
    pair.steps(60);
    assert_eq!(health(&pair), (HealthStatus::Healthy, vec![]));
}

#[test]
fn abandoned_transfer_alerts() {
    let mut pair = watched_pair(1);
    pair.settle(50);
    pair.tamper_requests(|_, _, _| vec![]);
    let bank = spawn_chest(&mut pair, 1, &[0]);
    pair.server.world_mut().entity_mut(bank).insert(noise(1000, 1));
    let mut failing = 0;
    for _ in 0..60 * 32 {
        pair.step();
        failing += u32::from(health(&pair).1 == [HealthReason::TransfersAbandoned(1)]);
    }
    let client = entity(&pair, 0);
    assert_eq!(alerts(&pair), [SyncAlert::TransferAbandoned { client }]);
    assert!((28..33).contains(&failing), "for half a second: {failing}");
}

#[test]
fn reused_client_entity_starts_from_zero() {
    let Scene { mut pair, player_entity: me, .. } = Scene::clients(1).players(1).build();
    inventory(&mut pair, me).set(0, TORCH.stack(1)).unwrap();
    pair.steps(60);
    assert!(sync_of(&pair, 0).bytes > 0);
    let client = entity(&pair, 0);
    pair.server.world_mut().entity_mut(client).remove::<ConnectedClient>();
    pair.steps(10);
    pair.server.world_mut().entity_mut(client).insert(ConnectedClient { max_size: 1200 });
    pair.steps(60);
    assert_eq!(sync_of(&pair, 0).bytes, 0);
}

#[test]
fn rejections_are_counted_by_reason() {
    let mut pair = pair(1);
    let me = spawn_player(&mut pair, 0);
    let shared = spawn_chest(&mut pair, 1, &[]);
    inventory(&mut pair, me).set(0, TORCH.stack(3)).unwrap();
    let client = pair.client_id(0);
    let mut viewers = pair.server.world_mut().get_mut::<Viewers>(shared).unwrap();
    viewers.add(client, Rights::SEE);
    pair.settle(50);
    let at = |view, slot| (forge::view(view), Inventory::slot(slot));
    let moving = |from, to| InventoryAction::Move { from, to, count: None };
    let asked = [
        moving(at(0, 0), at(0, 99)),
        moving(at(0, 0), at(0, 98)),
        moving(at(0, 5), at(0, 6)),
        moving(at(0, 0), at(1, 0)),
        moving(at(0, 0), at(7, 0)),
        InventoryAction::Move { from: at(0, 0), to: at(0, 1), count: Some(9) },
    ];
    for (n, action) in (1u8..).zip(&asked) {
        let bytes = forge::forged(&pair, n, Some(0), action);
        forge::send(&mut pair, 0, bytes);
        pair.step();
    }
    let counts = pair.server.world().resource::<RejectionCounts>();
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    assert_eq!(total, stats(&pair.server).requests_rejected);
    assert_eq!(total, asked.len() as u64);
    let of = |reason| counts.of(reason);
    assert_eq!(of(Rejection::NoSuchSlot), 2, "{counts:?}");
    assert_eq!(
        (of(Rejection::Empty), of(Rejection::NotAllowed), of(Rejection::NotInView)),
        (1, 1, 1)
    );
    assert_eq!((of(Rejection::NotEnough), of(Rejection::Locked)), (1, 0));
}

#[test]
fn response_latency_is_measured() {
    let Scene { mut pair, me, .. } =
        Scene::clients(1).players(1).carried(0, TORCH.stack(3)).build();
    // Latency in ticks, and the bucket of the round trip plus one tick on each side.
    for (asked, (latency, limit)) in
        [(0, 34), (2, 100), (10, 500), (40, u64::MAX)].iter().enumerate()
    {
        pair.network.latency_ticks = *latency;
        ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 1) });
        pair.settle(200);
        let times = pair.clients[0].app.world().resource::<ActionLatency>();
        assert_eq!(times.count(), asked as u64 + 1);
        let at = ActionLatency::LIMITS.iter().position(|at| at == limit);
        let at = at.unwrap_or(ActionLatency::LIMITS.len());
        assert_eq!(times.buckets()[at], 1, "{latency}: {times:?}");
        let round_trip = bevy_inventory_sync::sim::STEP * (2 * *latency as u32 + 2);
        assert!(times.last().abs_diff(round_trip) < 2 * bevy_inventory_sync::sim::STEP);
        assert!(times.mean() <= times.last());
    }
    // Requests without a response are not measured.
    ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 1) });
    pair.disconnect(0);
    assert_eq!(pair.clients[0].app.world().resource::<ActionLatency>().count(), 4);
    assert_eq!(ActionLatency::default().mean(), Duration::ZERO);
}

#[test]
fn every_pipeline_step_has_a_diagnostic() {
    let measured = |app: &mut App| {
        app.add_plugins((DiagnosticsPlugin, InventoryDiagnosticsPlugin));
        setup(app);
    };
    let mut pair = Simulation::new(1, measured);
    let me = spawn_player(&mut pair, 0);
    for n in 1..=30u32 {
        inventory(&mut pair, me).set(0, COIN.stack(n)).unwrap();
        pair.step();
    }
    let sum = |app: &App, path: &DiagnosticPath| -> f64 {
        let store = app.world().resource::<DiagnosticsStore>();
        let there = store.get(path).unwrap_or_else(|| panic!("there is no {path}"));
        there.measurements().map(|one| one.value).sum()
    };
    type Plugin = InventoryDiagnosticsPlugin;
    let (server, client) = (&pair.server, &pair.clients[0].app);
    let (server_stats, client_stats) = (stats(server), stats(client));
    for (path, name, expected) in [
        (Plugin::SLOTS_MARKED, "inventory/mark/slots", server_stats.slots_marked),
        (Plugin::JOBS_BATCHED, "inventory/batch/jobs", server_stats.jobs_batched),
        (Plugin::UPDATES_DEFERRED, "inventory/batch/deferred", server_stats.updates_deferred),
        (Plugin::ENTRIES_ENCODED, "inventory/encode/entries", server_stats.entries_encoded),
        (Plugin::MESSAGES_SENT, "inventory/send/messages", server_stats.messages_sent),
        (Plugin::BYTES_SENT, "inventory/send/bytes", server_stats.bytes_sent),
        (
            Plugin::REQUESTS_VALIDATED,
            "inventory/validate/requests",
            server_stats.requests_validated,
        ),
    ] {
        assert_eq!(path.as_str(), name);
        assert!((sum(server, &path) - expected as f64).abs() < 0.5, "{name}: {expected}");
    }
    for (path, name, expected) in [
        (Plugin::BYTES_RECEIVED, "inventory/receive/bytes", client_stats.bytes_received),
        (Plugin::SLOTS_APPLIED, "inventory/apply/slots", client_stats.slots_applied),
        (Plugin::SLOTS_NOTIFIED, "inventory/notify/slots", client_stats.slots_notified),
    ] {
        assert_eq!(path.as_str(), name);
        assert!(expected > 0 && (sum(client, &path) - expected as f64).abs() < 0.5, "{name}");
    }
}
