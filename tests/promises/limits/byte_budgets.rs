//! Bytes per client and in total are bounded, and shared fairly.

use super::limit;
use crate::common::{
    data::insert_data,
    random::{each_seed, sample, size},
    *,
};

fn sync_of(pair: &Simulation, client: usize) -> ClientSyncStats {
    let entity = pair.client_id(client).entity().unwrap();
    *pair.server.world().get::<ClientSyncStats>(entity).unwrap()
}

/// Returns `true` if slot 0 shows something else than before.
fn news(pair: &Simulation, client: usize, id: InventoryId, before: &mut Option<Stack>) -> bool {
    let now = pair.shown::<Inventory>(client, id).unwrap().get(0);
    core::mem::replace(before, now) != now
}

#[test]
fn two_thousand_bytes_per_second_are_kept_and_converge() {
    each_seed(1..2, |seed| {
        let mut pair = pair(1);
        let all: Vec<Entity> = (0..40).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
        pair.settle(100);
        limit(&mut pair, 2000, u32::MAX);
        pair.steps(60);
        let before = bytes_down(&pair, 0);
        let (mut sizes, mut dice) = (Vec::new(), fastrand::Rng::with_seed(seed));
        for tick in 1..=600 {
            for there in &all {
                let stack = COIN.stack(dice.u32(1..1_000_000));
                inventory(&mut pair, *there).set(dice.usize(0..27), stack).unwrap();
            }
            pair.step();
            if tick % 300 == 0 {
                sizes.push(pair.server_views().len());
            }
        }
        let bytes = bytes_down(&pair, 0) - before;
        assert!((15_000..23_000).contains(&bytes), "{bytes} bytes in ten seconds");
        let sync = sync_of(&pair, 0);
        assert!(sync.behind <= 40 && sync.behind > 0, "{sync:?}");
        assert!(sync.throttled > 200 && sync.throttled < sync.updates + 40, "each once: {sync:?}");
        assert!(sync.merged > 1000, "{sync:?}");
        assert!(sizes[1] < sizes[0] * 11 / 10, "the queue does not grow: {sizes:?}");
        pair.steps(1200);
        pair.settle(600);
        (0..40).for_each(|n| assert_same(&pair, 0, chest(n)));
        assert_eq!(sync_of(&pair, 0).behind, 0);
        assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 0);
    });
}

#[test]
fn twenty_clients_share_the_total_budget_fairly() {
    // One inventory per client, or one chest with all clients as viewers.
    for shared in [false, true] {
        let mut pair = pair(20);
        let everybody: Vec<usize> = (0..20).collect();
        let all: Vec<Entity> = match shared {
            false => (0..20).map(|client| spawn_player(&mut pair, client)).collect(),
            true => vec![spawn_chest(&mut pair, 1, &everybody)],
        };
        pair.settle(100);
        limit(&mut pair, 50_000, 1000);
        pair.steps(60);
        let mut received = [0; 20];
        let mut before = [None; 20];
        for n in 1..=size(200, 600u32) {
            for there in &all {
                inventory(&mut pair, *there).set(0, COIN.stack(n)).unwrap();
            }
            pair.step();
            for client in 0..20 {
                let id = if shared { chest(1) } else { player(client as u64) };
                received[client] += u32::from(news(&pair, client, id, &mut before[client]));
            }
        }
        let (least, most) = (*received.iter().min().unwrap(), *received.iter().max().unwrap());
        assert!(least > 0 && most <= 2 * least, "shared: {shared}, {received:?}");
        pair.steps(300);
        pair.settle(600);
        for client in 0..20 {
            assert_same(&pair, client, if shared { chest(1) } else { player(client as u64) });
        }
    }
}

#[test]
fn critical_updates_are_sent_first() {
    let mut pair = pair(1);
    let all: Vec<Entity> = (0..21).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    // The one in the middle of the list.
    let critical = 10;
    for (n, there) in all.iter().enumerate().filter(|(n, _)| *n != critical) {
        let priority = if n % 2 == 0 { SyncPriority::Normal } else { SyncPriority::Low };
        pair.server.world_mut().entity_mut(*there).insert(priority);
    }
    pair.settle(100);
    limit(&mut pair, 600, u32::MAX);
    pair.steps(60);
    let (mut received, mut before) = ([0; 21], [None; 21]);
    for n in 1..=600u32 {
        for there in &all {
            inventory(&mut pair, *there).set(0, COIN.stack(n)).unwrap();
        }
        pair.step();
        for at in 0..21 {
            received[at] += u32::from(news(&pair, 0, chest(at as u64), &mut before[at]));
        }
    }
    let most = received
        .iter()
        .enumerate()
        .filter(|(n, _)| *n != critical)
        .map(|(_, received)| *received)
        .max();
    assert!(received[critical] > 5 * most.unwrap(), "{received:?}");
}

#[test]
fn longest_waiting_update_is_sent_first() {
    let mut pair = pair(1);
    let all: Vec<Entity> = (0..10).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    pair.settle(100);
    limit(&mut pair, 120, u32::MAX);
    let mut arrived = Vec::new();
    for n in 1..=1200u32 {
        // The first changes in every tick, each of the others once, one after the other.
        inventory(&mut pair, all[0]).set(0, COIN.stack(n)).unwrap();
        if n.is_multiple_of(60) && n <= 540 {
            inventory(&mut pair, all[n as usize / 60]).set(0, TORCH.stack(7)).unwrap();
        }
        pair.step();
        for at in 1..10 {
            let there = pair.shown::<Inventory>(0, chest(at)).unwrap().get(0).is_some();
            if there && !arrived.iter().any(|(seen, _)| *seen == at) {
                arrived.push((at, u64::from(n) - 60 * at));
            }
        }
    }
    assert_eq!(arrived.iter().map(|(at, _)| *at).collect::<Vec<_>>(), (1..10).collect::<Vec<_>>());
    assert!(arrived.iter().all(|(_, ticks)| *ticks < 60), "within a second: {arrived:?}");
}

#[test]
fn no_update_starves_behind_a_shared_inventory() {
    for bytes_per_second in sample([40, 60, 80, 100, 130, 160, 200], 3) {
        let mut pair = pair(2);
        let busy = spawn_chest(&mut pair, 0, &[0, 1]);
        let alone = spawn_chest(&mut pair, 1, &[1]);
        let rare = spawn_chest(&mut pair, 2, &[0]);
        pair.settle(100);
        limit(&mut pair, bytes_per_second, u32::MAX);
        for n in 1..=600u32 {
            inventory(&mut pair, busy).set(0, COIN.stack(n)).unwrap();
            inventory(&mut pair, alone).set(0, COIN.stack(n * 1000)).unwrap();
            if n == 300 {
                inventory(&mut pair, rare).set(0, TORCH.stack(7)).unwrap();
            }
            pair.step();
        }
        let shown = pair.shown::<Inventory>(0, chest(2)).unwrap().get(0);
        assert_eq!(shown, Some(TORCH.stack(7)), "at {bytes_per_second}");
    }
}

#[test]
fn action_response_is_never_deferred() {
    each_seed(4..5, |seed| {
        let mut pair = pair(1);
        let me_server = spawn_player(&mut pair, 0);
        inventory(&mut pair, me_server).set(0, TORCH.stack(9)).unwrap();
        let busy: Vec<Entity> = (0..5).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
        pair.settle(50);
        limit(&mut pair, 100, 100);
        let me = shown_entity(&pair, 0, player(0));
        let mut dice = fastrand::Rng::with_seed(seed);
        for n in 1..=400usize {
            for there in &busy {
                inventory(&mut pair, *there).set(0, COIN.stack(dice.u32(1..1_000_000))).unwrap();
            }
            if n.is_multiple_of(20) {
                events(&mut pair, 0).clear();
                let [a, b] = if n % 40 == 0 { [0, 1] } else { [1, 0] };
                let action =
                    InventoryAction::Move { from: inv(me, b), to: inv(me, a), count: None };
                ask(&mut pair, 0, action);
            }
            pair.step();
            if n % 20 == 2 && n > 20 {
                let events = events(&mut pair, 0);
                assert_eq!(events.confirmed.len() + events.rejected.len(), 1, "tick {n}");
                assert_same(&pair, 0, player(0));
            }
        }
        let sync = sync_of(&pair, 0);
        assert!(sync.throttled > 20 && sync.behind > 0, "{sync:?}");
    });
}

#[test]
fn hotbar_is_not_delayed_by_a_transfer_that_uses_the_rest() {
    let Scene { mut pair, player_entity: me, .. } = Scene::clients(1).players(1).latency(2).build();
    for n in 0..26 {
        let bank = spawn_chest(&mut pair, n, &[0]);
        pair.server.world_mut().entity_mut(bank).insert(noise(8192, n));
    }
    let before = bytes_down(&pair, 0);
    for n in 1..=200u32 {
        hotbar(&mut pair, me).set(0, TORCH.stack(1 + n % 60)).unwrap();
        pair.steps(3);
        let shown = pair.shown::<Hotbar>(0, player(0)).unwrap().get(0);
        assert_eq!(shown, Some(TORCH.stack(1 + n % 60)), "change {n}");
    }
    let bytes = bytes_down(&pair, 0) - before;
    assert!(pair.shown::<Inventory>(0, chest(25)).is_none(), "the transfer is still running");
    assert!(bytes > 400_000, "{bytes} in ten seconds: the transfer uses the rest");
    assert_eq!(stats(&pair.server).updates_throttled, 0);
    pair.settle(600);
    (0..26).for_each(|n| assert_same(&pair, 0, chest(n)));
}

#[test]
fn nothing_waits_without_a_limit() {
    let mut pair = pair(2);
    let all: Vec<Entity> = (0..150).map(|n| spawn_chest(&mut pair, n, &[0, 1])).collect();
    pair.settle(100);
    limit(&mut pair, u32::MAX, u32::MAX);
    for n in 1..=40u32 {
        for there in &all {
            let stacks = (0..27).map(|slot| Some(COIN.stack(1 + n * 20_000 + slot))).collect();
            inventory(&mut pair, *there).0 = stacks;
        }
        pair.step();
        assert_same(&pair, 0, chest(149));
        assert_same(&pair, 1, chest(149));
    }
    assert_eq!(stats(&pair.server).updates_throttled, 0);
    assert!(bytes_down(&pair, 0) > 400_000, "{}", bytes_down(&pair, 0));
}

#[test]
fn transfer_continues_while_updates_use_up_the_budget() {
    let Scene { mut pair, player_entity: own, .. } = Scene::clients(1).players(1).build();
    pair.settle(100);
    pair.server.world_mut().resource_mut::<SyncSettings>().bytes_per_second = 2000;
    let bank = spawn_chest(&mut pair, 10, &[0]);
    pair.server.world_mut().entity_mut(bank).insert(noise(1500, 1));
    let mut opened_after = None;
    for tick in 0..1200 {
        // Full updates of about 90 bytes in each tick.
        *inventory(&mut pair, own) = noise(27, tick);
        pair.step();
        if opened_after.is_none() && pair.shown::<Inventory>(0, chest(10)).is_some() {
            opened_after = Some(tick);
        }
    }
    assert!(opened_after.is_some(), "{:?}", stats(&pair.server).chunks_sent);
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Letter(String);

impl ItemData for Letter {
    const NAME: &'static str = "letter";
}

#[test]
fn new_instance_data_counts_before_it_is_sent() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_item_data::<Letter>();
    });
    let all: Vec<Entity> = (0..20).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    pair.settle(100);
    limit(&mut pair, 2000, u32::MAX);
    pair.steps(60);
    for (n, there) in all.iter().enumerate() {
        let letter = Letter(n.to_string().repeat(300));
        let data = insert_data(&mut pair.server, &letter);
        inventory(&mut pair, *there).set(0, AXE.stack(1).with_data(data)).unwrap();
    }
    for _ in 0..60 {
        let before = bytes_down(&pair, 0);
        pair.step();
        let bytes = bytes_down(&pair, 0) - before;
        assert!(bytes < 1200, "{bytes} bytes in a tick, instead of a burst of 500 and one update");
    }
    pair.settle(600);
    (0..20).for_each(|n| assert_same(&pair, 0, chest(n)));
    assert_eq!(stats(&pair.server).chunks_sent, 0);
}
