//! A client whose copy is wrong notices, asks once, and is healed; nothing that arrives can break it.

use super::*;
use bevy_replicon::bytes::Bytes;

#[test]
fn a_dropped_message_is_noticed_and_healed_by_one_resync() {
    for dropped in 0..8 {
        let mut pair = pair(1);
        let entity = spawn_player(&mut pair, 0);
        pair.steps(3);
        let channel = pair.sync_channel();
        let mut at = 0;
        pair.tamper(move |_, on, bytes| {
            at += usize::from(on == channel);
            if on == channel && at == dropped + 1 { vec![] } else { vec![bytes] }
        });
        for n in 0..12 {
            inventory(&mut pair, entity).set(n, TORCH.stack(1 + n as u32)).unwrap();
            pair.step();
        }
        pair.steps(60);
        assert_same(&pair, 0, player(0));
        let client = stats(&pair.clients[0].app);
        assert_eq!(client.resyncs_requested, 1, "dropped message {dropped}");
        assert_eq!(stats(&pair.server).resyncs_asked, 1);
        assert_eq!(heard(&mut pair, 0).slots.len(), 12, "each slot changed once");
        assert_eq!(heard(&mut pair, 0).opened.len(), 1);
        assert!(heard(&mut pair, 0).closed.is_empty());
    }
}

#[test]
fn repeated_and_reordered_messages_do_no_harm() {
    for reorder in [false, true] {
        let mut pair = pair(1);
        let entity = spawn_player(&mut pair, 0);
        pair.steps(3);
        let channel = pair.sync_channel();
        let mut held: Option<Bytes> = None;
        let mut n = 0;
        pair.tamper(move |_, on, bytes| {
            n += 1;
            match (on == channel && n % 5 == 0, reorder) {
                (true, false) => vec![bytes.clone(), bytes],
                (true, true) => {
                    held = Some(bytes);
                    vec![]
                }
                (false, _) => [Some(bytes), held.take()].into_iter().flatten().collect(),
            }
        });
        for n in 0..200 {
            inventory(&mut pair, entity).set(n % 27, TORCH.stack(1 + n as u32 % 64)).unwrap();
            pair.step();
        }
        pair.stop_tampering();
        pair.steps(600);
        inventory(&mut pair, entity).set(0, AXE.stack(1)).unwrap();
        pair.steps(600);
        assert_same(&pair, 0, player(0));
        let client = stats(&pair.clients[0].app);
        assert!(client.gaps > 0);
        assert!(client.resyncs_requested < 12, "no storm: {}", client.resyncs_requested);
    }
}

/// One step of a session in which every kind of message is sent once.
fn session_step(pair: &mut Pair, own: Entity, shared: Entity, step: usize) {
    match step {
        0 => drop(inventory(pair, own).set(0, TORCH.stack(9))),
        1 => drop(inventory(pair, own).split(0, 1)),
        2 => drop(inventory(pair, shared).set(3, AXE.stack(1).worn(77))),
        3 => {
            drop(inventory(pair, own).set(1, COIN.stack(1000)));
            drop(inventory(pair, shared).set(3, AXE.stack(1).worn(80)));
        }
        4 => (0..27).for_each(|slot| drop(inventory(pair, own).set(slot, TORCH.stack(2)))),
        5 => hotbar(pair, own).select(3),
        6 => drop(spawn_chest(pair, 2, &[0])),
        7 => (0..9).for_each(|slot| drop(inventory(pair, own).set(slot, None))),
        _ => {
            let client = pair.client_id(0);
            let mut viewers = pair.server.world_mut().get_mut::<Viewers>(shared).unwrap();
            viewers.remove(client);
        }
    }
    pair.step();
}

#[test]
fn no_truncation_of_any_message_panics_or_is_half_applied() {
    let shown = |pair: &Pair| {
        [player(0), chest(1), chest(2)].map(|id| {
            (pair.shown::<Inventory>(0, id).cloned(), pair.shown::<Hotbar>(0, id).cloned())
        })
    };
    for step in 0..9 {
        let mut pair = pair(2);
        let own = spawn_player(&mut pair, 0);
        let shared = spawn_chest(&mut pair, 1, &[0, 1]);
        pair.steps(4);
        (0..step).for_each(|step| session_step(&mut pair, own, shared, step));
        let (before, channel) = (shown(&pair), pair.sync_channel());
        pair.record = true;
        pair.tamper(|_, _, _| vec![]);
        session_step(&mut pair, own, shared, step);
        let record = core::mem::take(&mut pair.clients[0].record);
        let sent: Vec<Bytes> =
            record.into_iter().filter(|(on, _)| *on == channel).map(|(_, bytes)| bytes).collect();
        assert!(!sent.is_empty(), "step {step} sends something");
        for bytes in &sent {
            for len in 0..bytes.len() {
                feed(&mut pair, channel, bytes.slice(..len));
                assert_eq!(shown(&pair), before, "step {step}, {len} of {} bytes", bytes.len());
            }
        }
        assert!(stats(&pair.clients[0].app).decode_errors > 0);
    }
}

/// Hands bytes to client 0 as if the server had sent them.
fn feed(pair: &mut Pair, channel: usize, bytes: Bytes) {
    let app = &mut pair.clients[0].app;
    app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, bytes);
    app.update();
}

#[test]
fn random_bytes_never_panic_and_never_change_anything() {
    let mut pair = pair(1);
    let own = spawn_player(&mut pair, 0);
    inventory(&mut pair, own).set(0, TORCH.stack(9)).unwrap();
    pair.steps(3);
    let channel = pair.sync_channel();
    let mut random = fastrand::Rng::with_seed(3);
    let mut kept = 0;
    for _ in 0..20_000 {
        let len = random.usize(0..40);
        let bytes: Vec<u8> = core::iter::repeat_with(|| random.u8(..)).take(len).collect();
        feed(&mut pair, channel, bytes.into());
        kept += 1;
    }
    assert_eq!(kept, 20_000);
    let client = stats(&pair.clients[0].app);
    assert!(client.decode_errors + client.gaps + client.unknown_views > 15_000);
    // What decoded by chance is healed like any other wrong copy.
    pair.steps(1200);
    let requested = stats(&pair.clients[0].app).resyncs_requested;
    assert!(requested >= 1);
    inventory(&mut pair, own).set(1, TORCH.stack(1)).unwrap();
    // It may begin from a copy that it believes in, until a digest tells.
    pair.steps(4800);
    assert_same(&pair, 0, player(0));
}

#[test]
fn garbage_from_a_client_is_counted_and_dropped() {
    let mut pair = pair(2);
    let own = spawn_player(&mut pair, 0);
    spawn_player(&mut pair, 1);
    pair.steps(3);
    let limits = RequestLimits { per_second: 1_000_000, burst: 1_000_000, malformed: 10 };
    pair.server.insert_resource(limits);
    let channel = pair.request_channel();
    let client = pair.client_id(1).entity().unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    for n in 0..2000 {
        let len = if n % 100 == 0 { 4000 } else { random.usize(0..30) };
        let bytes: Vec<u8> = core::iter::repeat_with(|| random.u8(3..)).take(len).collect();
        let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
        messages.insert_received(client, channel, bytes);
        if n % 100 == 0 {
            inventory(&mut pair, own).set(0, TORCH.stack(1 + n % 64)).unwrap();
            pair.step();
            assert_same(&pair, 0, player(0));
        }
    }
    pair.step();
    // What looks like a request by chance is refused.
    let InventoryStats { requests_malformed, actions_refused, requests_repeated, .. } =
        stats(&pair.server);
    assert_eq!(requests_malformed + actions_refused + requests_repeated, 2000);
    assert!(requests_malformed >= 1500, "{requests_malformed}");
}

#[test]
fn a_client_that_asks_for_everything_all_the_time_is_served_now_and_then() {
    let mut pair = pair(1);
    spawn_player(&mut pair, 0);
    pair.steps(3);
    let channel = pair.request_channel();
    let client = pair.client_id(0).entity().unwrap();
    let before = stats(&pair.server).opens_encoded;
    // A resync of a client that has no copy.
    let resync = vec![1, 1, 0, 0, 0];
    for _ in 0..100 {
        for _ in 0..10 {
            let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
            messages.insert_received(client, channel, resync.clone());
        }
        pair.step();
    }
    let served = stats(&pair.server).opens_encoded - before;
    let InventoryStats { resyncs_asked, requests_flooded, .. } = stats(&pair.server);
    assert_eq!(resyncs_asked + requests_flooded, 1000);
    assert!((300..400).contains(&resyncs_asked), "{resyncs_asked}: a burst and 100 per second");
    assert!((5..=11).contains(&served), "{served} full copies in 100 ticks");
}

#[test]
fn client_code_that_writes_is_reverted() {
    let mut pair = pair(1);
    let own = spawn_player(&mut pair, 0);
    inventory(&mut pair, own).set(0, TORCH.stack(9)).unwrap();
    pair.steps(3);
    let up = bytes_up(&pair, 0);
    let world = pair.clients[0].app.world_mut();
    let mut mirror = world.query::<(&mut Inventory, &mut Hotbar)>().single_mut(world).unwrap();
    mirror.0.set(0, TORCH.stack(64)).unwrap();
    mirror.0.set(5, AXE.stack(1)).unwrap();
    mirror.1.select(4);
    pair.steps(2);
    assert_same(&pair, 0, player(0));
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<&Hotbar>().single(world).unwrap().selected_index(), 0);
    assert_eq!(stats(&pair.clients[0].app).slots_reverted, 2);
    assert_eq!(bytes_up(&pair, 0), up, "the server hears nothing of it");
}

#[test]
fn loss_and_latency_end_in_the_same_slots() {
    for seed in 0..10 {
        let mut pair = pair(2);
        pair.seed(seed);
        pair.network = bevy_inventory_sync::test_pair::Network {
            latency_ticks: 3,
            loss: 0.2,
            resend_ticks: 7,
        };
        let own = spawn_player(&mut pair, 0);
        let shared = spawn_chest(&mut pair, 1, &[0, 1]);
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            let stack = Stack::new(TORCH, random.u32(0..64));
            inventory(&mut pair, own).set(random.usize(0..27), stack).unwrap();
            inventory(&mut pair, shared).set(random.usize(0..27), stack).unwrap();
            pair.step();
        }
        pair.settle(500);
        assert_same(&pair, 0, player(0));
        assert_same(&pair, 0, chest(1));
        assert_same(&pair, 1, chest(1));
        for client in 0..2 {
            let client = stats(&pair.clients[client].app);
            assert_eq!((client.gaps, client.unknown_views, client.decode_errors), (0, 0, 0));
        }
    }
}
