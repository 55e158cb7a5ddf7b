//! Priorities and the debounce delay decide how soon a viewer receives a change.

use crate::common::*;
use core::time::Duration;

const MINUTE: usize = 3600;

/// Messages and bytes of a minute with one change per tick.
fn a_minute(priority: Option<SyncPriority>) -> (u64, u64) {
    let mut pair = pair(1);
    let me = spawn_player(&mut pair, 0);
    inventory(&mut pair, me).set(3, COIN.stack(1)).unwrap();
    if let Some(priority) = priority {
        pair.server.world_mut().entity_mut(me).insert(priority);
    }
    pair.settle(50);
    let before = pair.clients[0].traffic;
    for n in 1..=MINUTE as u32 {
        inventory(&mut pair, me).set(3, COIN.stack(1 + n)).unwrap();
        pair.step();
    }
    pair.settle(50);
    assert_same(&pair, 0, player(0));
    let after = pair.clients[0].traffic;
    (after.messages_down - before.messages_down, after.bytes_down - before.bytes_down)
}

#[test]
fn lower_priority_sends_fewer_messages_and_bytes() {
    let [critical, normal, low] =
        [None, Some(SyncPriority::Normal), Some(SyncPriority::Low)].map(a_minute);
    assert_eq!(critical.0, 3600 + 1, "every tick, and a checksum at the end");
    assert!((1190..=1201).contains(&normal.0), "every 50 ms: {normal:?}");
    assert!((298..=301).contains(&low.0), "every 200 ms: {low:?}");
    assert!(critical.1 > normal.1 && normal.1 > 3 * low.1, "{critical:?} {normal:?} {low:?}");
}

#[test]
fn first_change_after_idle_is_sent_at_once() {
    let mut pair = pair(1);
    let me = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(me).insert(SyncPriority::Low);
    pair.settle(50);
    pair.steps(30);
    inventory(&mut pair, me).set(0, TORCH.stack(1)).unwrap();
    pair.step();
    assert_same(&pair, 0, player(0));
    inventory(&mut pair, me).set(1, TORCH.stack(2)).unwrap();
    pair.steps(11);
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(1), None, "not yet");
    pair.steps(2);
    assert_same(&pair, 0, player(0));
    assert_eq!(stats(&pair.server).updates_deferred, 1);
}

#[test]
fn priority_is_per_viewer_and_may_change_at_any_time() {
    let Scene { mut pair, chest_entity: there, .. } = Scene::clients(3).chest([0, 1, 2]).build();
    let ids = [0, 1, 2].map(|client| pair.client_id(client));
    let set = |pair: &mut Simulation, client: usize, priority: SyncPriority| {
        let mut viewers = pair.server.world_mut().get_mut::<Viewers>(there).unwrap();
        viewers.set_priority(ids[client], priority);
    };
    set(&mut pair, 1, SyncPriority::Normal);
    set(&mut pair, 2, SyncPriority::Low);
    pair.step();
    let before: Vec<u64> = pair.clients.iter().map(|c| c.traffic.messages_down).collect();
    for n in 1..=120u32 {
        inventory(&mut pair, there).set(n as usize % 27, TORCH.stack(1 + n % 60)).unwrap();
        pair.step();
    }
    let sent: Vec<u64> = pair
        .clients
        .iter()
        .zip(&before)
        .map(|(c, before)| c.traffic.messages_down - before)
        .collect();
    assert_eq!((sent[0], sent[1], sent[2]), (120, 40, 10));
    set(&mut pair, 2, SyncPriority::Critical);
    set(&mut pair, 0, SyncPriority::Low);
    pair.steps(20);
    (0..3).for_each(|client| assert_same(&pair, client, chest(1)));
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 0);
}

#[test]
fn action_response_carries_its_changes_at_low_priority() {
    let mut pair = pair(1);
    let me_server = spawn_player(&mut pair, 0);
    inventory(&mut pair, me_server).set(0, TORCH.stack(9)).unwrap();
    inventory(&mut pair, me_server).set(1, AXE.stack(1)).unwrap();
    pair.server.world_mut().entity_mut(me_server).insert(SyncPriority::Low);
    pair.settle(50);
    pair.network.latency_ticks = 2;
    let me = shown_entity(&pair, 0, player(0));
    for n in 0..40u32 {
        events(&mut pair, 0).clear();
        // Another change of the inventory is deferred.
        inventory(&mut pair, me_server).set(20, COIN.stack(1 + n)).unwrap();
        pair.steps(3);
        ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 1) });
        pair.steps(8);
        let events = events(&mut pair, 0);
        assert_eq!(events.confirmed.len(), 1);
        let swapped = events.slots.iter().filter(|s| s.slot.index < 2).count();
        assert_eq!(swapped, 2, "no change is reverted in between");
    }
    pair.settle(60);
    assert_same(&pair, 0, player(0));
}

#[test]
fn debounce_window_merges_changes() {
    let Scene { mut pair, player_entity: me, .. } = Scene::clients(1).players(1).build();
    let debounce_delay = Duration::from_millis(100);
    pair.server.insert_resource(SyncSettings { debounce_delay, ..default() });
    let before = pair.clients[0].traffic.messages_down;
    for n in 1..=6u32 {
        inventory(&mut pair, me).set(n as usize, TORCH.stack(n)).unwrap();
        pair.step();
        assert_eq!(pair.clients[0].traffic.messages_down, before, "it waits for others");
    }
    pair.steps(2);
    assert_eq!(pair.clients[0].traffic.messages_down, before + 1);
    assert_same(&pair, 0, player(0));
}
