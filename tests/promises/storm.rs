//! Many clients, many requests, many accidents at once: bounded work, and everybody ends right.

use super::*;
use bevy_replicon::bytes::Bytes;
use std::{cell::RefCell, rc::Rc};

/// A resync of a client that has no copy.
const RESYNC: [u8; 5] = [1, 1, 0, 0, 0];

/// A server with one real client, and so many of which there is no more than a backend sees.
fn crowd(stubs: usize) -> (Pair, Vec<Entity>) {
    let hello: Rc<RefCell<Option<Bytes>>> = Rc::default();
    let mut pair = Pair::new(0, setup);
    let heard = hello.clone();
    let channel = pair.request_channel();
    pair.tamper_requests(move |_, on, bytes| {
        if on == channel {
            heard.borrow_mut().get_or_insert(bytes.clone());
        }
        vec![bytes]
    });
    let real = pair.add_client(setup);
    pair.connect(real);
    pair.steps(4);
    pair.stop_tampering();
    let hello = hello.borrow().clone().expect("it says hello");
    let world = pair.server.world_mut();
    let stub = (0..stubs).map(|_| (ConnectedClient { max_size: 1200 }, AuthorizedClient));
    let stubs: Vec<Entity> = world.spawn_batch(stub.collect::<Vec<_>>()).collect();
    for stub in &stubs {
        say(&mut pair, *stub, hello.to_vec());
    }
    pair.steps(4);
    (pair, stubs)
}

fn say(pair: &mut Pair, client: Entity, bytes: Vec<u8>) {
    let channel = pair.request_channel();
    let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
    messages.insert_received(client, channel, bytes);
}

/// A chest that everybody sees.
fn spawn_for_all(pair: &mut Pair, n: u64, stubs: &[Entity], chest_slots: Inventory) -> Entity {
    let mut viewers = Viewers::new();
    viewers.add(pair.client_id(0), Rights::USE);
    stubs.iter().for_each(|stub| viewers.add(ClientId::Client(*stub), Rights::USE));
    pair.server.world_mut().spawn((chest(n), chest_slots, viewers)).id()
}

#[test]
fn a_thousand_clients_that_lose_their_place_at_once_cost_one_copy() {
    let (mut pair, stubs) = crowd(1000);
    let there = spawn_for_all(&mut pair, 1, &stubs, noise(27, 1));
    pair.steps(20);
    assert_eq!(stats(&pair.server).copies_encoded, 1, "all who joined");
    let before = stats(&pair.server);
    stubs.iter().for_each(|stub| say(&mut pair, *stub, RESYNC.to_vec()));
    confuse(&mut pair, 0);
    inventory(&mut pair, there).set(0, TORCH.stack(1)).unwrap();
    pair.step();
    pair.steps(20);
    let after = stats(&pair.server);
    assert_eq!(after.resyncs_asked - before.resyncs_asked, 1001);
    assert_eq!(after.opens_encoded - before.opens_encoded, 1001, "everybody gets it");
    let copies = after.copies_encoded - before.copies_encoded;
    assert!(copies <= 2, "once for the crowd, once for the one who asked later: {copies}");
    assert_same(&pair, 0, chest(1));
    for stub in &stubs {
        pair.server.world_mut().despawn(*stub);
    }
    pair.steps(2);
    assert_eq!(pair.server.world().get::<Viewers>(there).unwrap().len(), 1);
}

#[test]
fn a_bank_for_a_hundred_late_joiners_is_written_once() {
    let (mut pair, stubs) = crowd(100);
    spawn_for_all(&mut pair, 1, &stubs, noise(3000, 1));
    pair.steps(3);
    assert_eq!(stats(&pair.server).copies_encoded, 1);
    pair.steps(100);
    assert_same(&pair, 0, chest(1));
    assert_eq!(stats(&pair.server).copies_encoded, 1);
    // None of the stubs says that it has it; after three times it is over.
    pair.steps(60 * 130);
    assert_eq!(stats(&pair.server).transfers_given_up, 300);
    assert!(!pair.server_views().contains("Transfer {"));
}

#[test]
fn s20_ten_thousand_control_requests_a_second_are_bounded_work() {
    use serde::Serialize;
    #[derive(Serialize)]
    struct Named {
        epoch: u64,
        copies: Vec<(u64, u64)>,
        transfer: Option<(u8, u16)>,
    }
    #[derive(Serialize)]
    #[allow(dead_code, reason = "as the crate has them")]
    enum Request {
        Hello(u8),
        Resync(Named),
        Received(u8),
        Heal(Vec<(u32, u32)>),
    }
    let write = |request: &Request| {
        let config = bincode::config::standard();
        [vec![1], bincode::serde::encode_to_vec(request, config).unwrap()].concat()
    };
    let (mut pair, stubs) = crowd(2);
    let me = spawn_player(&mut pair, 0);
    for n in 0..30 {
        spawn_for_all(&mut pair, n, &stubs, noise(27, n));
    }
    pair.steps(30);
    let copies = (0..48).map(|n| (chest(n).to_bits(), u64::from(u32::MAX))).collect();
    let all = [
        write(&Request::Heal((0..32).map(|n| (n, n)).collect())),
        write(&Request::Heal((0..32).map(|n| (n, u32::MAX)).collect())),
        write(&Request::Received(77)),
        write(&Request::Resync(Named { epoch: 7, copies, transfer: Some((1, 0)) })),
    ];
    let before = stats(&pair.server);
    for n in 0..300usize {
        for m in 0..167 {
            say(&mut pair, stubs[0], all[(n + m) % 4].clone());
        }
        inventory(&mut pair, me).set(0, COIN.stack(1 + n as u32)).unwrap();
        pair.step();
        assert_same(&pair, 0, player(0));
    }
    let after = stats(&pair.server);
    let flooded = after.requests_flooded - before.requests_flooded;
    assert!(flooded > 300 * 167 - 800, "{flooded}");
    assert_eq!(after.requests_malformed, before.requests_malformed);
    let served = after.opens_encoded - before.opens_encoded;
    assert!(served <= 31 * 31, "{served}: in every tenth tick at most");
    assert!(after.copies_encoded - before.copies_encoded <= 31 * 31);
}

/// Sessions in which one message is lost, repeated or late, whichever it is.
#[test]
fn s11_any_message_dropped_repeated_or_late_is_noticed_and_healed() {
    for trick in 0..3 {
        for which in 0..40 {
            let mut pair = pair(2);
            let me = spawn_player(&mut pair, 0);
            let shared = spawn_chest(&mut pair, 1, &[0, 1]);
            pair.settle(50);
            let channel = pair.sync_channel();
            let (mut count, mut held) = (0, None);
            pair.tamper(move |client, on, bytes| {
                if client != 0 || on != channel {
                    return vec![bytes];
                }
                count += 1;
                match trick {
                    0 if count == which => vec![],
                    1 if count == which => vec![bytes.clone(), bytes],
                    2 if count == which => {
                        held = Some(bytes);
                        vec![]
                    }
                    2 if count == which + 3 => {
                        [Some(bytes), held.take()].into_iter().flatten().collect()
                    }
                    _ => vec![bytes],
                }
            });
            for n in 1..=30u32 {
                inventory(&mut pair, me).set(n as usize % 27, COIN.stack(n)).unwrap();
                if n % 2 == 0 {
                    inventory(&mut pair, shared).set(n as usize % 27, TORCH.stack(n)).unwrap();
                }
                match n {
                    10 => hide(&mut pair, shared, 0),
                    15 => show(&mut pair, shared, 0),
                    20 => drop(spawn_chest(&mut pair, 2, &[0])),
                    25 => hotbar(&mut pair, me).select(5),
                    _ => {}
                }
                pair.step();
            }
            pair.steps(400);
            for id in [player(0), chest(1), chest(2)] {
                assert_same(&pair, 0, id);
            }
            let client = stats(&pair.clients[0].app);
            let asked = client.resyncs_requested + client.heals_requested;
            assert!(asked <= 2, "trick {trick} at {which}: {client:?}");
        }
    }
}

#[test]
fn s23_an_older_copy_that_arrives_late_is_refused() {
    let mut pair = pair(1);
    let there = spawn_chest(&mut pair, 1, &[]);
    inventory(&mut pair, there).set(0, TORCH.stack(1)).unwrap();
    pair.settle(50);
    pair.record = true;
    show(&mut pair, there, 0);
    pair.step();
    let (channel, old) = pair.clients[0].record.last().cloned().unwrap();
    assert_eq!(channel, pair.sync_channel());
    pair.record = false;
    for n in 2..12 {
        inventory(&mut pair, there).set(0, TORCH.stack(n)).unwrap();
        pair.step();
    }
    heard(&mut pair, 0).clear();
    feed(&mut pair, 0, channel, old.to_vec());
    for _ in 0..60 {
        pair.step();
        assert_same(&pair, 0, chest(1));
    }
    assert_eq!(heard(&mut pair, 0).slots, [], "not for a moment");
    inventory(&mut pair, there).set(0, TORCH.stack(20)).unwrap();
    pair.steps(100);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn a_refusal_that_comes_after_the_beginning_is_not_believed() {
    let mut pair = pair(1);
    let me = spawn_player(&mut pair, 0);
    pair.settle(50);
    let channel = pair.sync_channel();
    // As a server with other items would say it.
    let hello = bincode::serde::encode_to_vec(
        (1u16, 9u32, 7u64, 3u8, 7u64, 7u64),
        bincode::config::standard(),
    );
    feed(&mut pair, 0, channel, [vec![0x0F], hello.unwrap()].concat());
    pair.step();
    confuse(&mut pair, 0);
    inventory(&mut pair, me).set(0, TORCH.stack(1)).unwrap();
    pair.steps(100);
    assert_same(&pair, 0, player(0));
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.decode_errors, client.resyncs_requested), (2, 1));
    assert_eq!(*pair.clients[0].app.world().resource::<SyncState>(), SyncState::Synced);
}
