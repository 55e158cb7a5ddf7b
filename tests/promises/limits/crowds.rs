//! Many clients and many requests at once cost bounded work.

use crate::common::*;
use bevy_replicon::bytes::Bytes;
use std::{cell::RefCell, rc::Rc};

/// A resync of a client that has no copy.
const RESYNC: [u8; 5] = [1, 1, 0, 0, 0];

/// A server with one real client and a number of stubs, of which only the backend's entities exist.
fn crowd(stubs: usize) -> (Simulation, Vec<Entity>) {
    let handshake: Rc<RefCell<Option<Bytes>>> = Rc::default();
    let mut pair = Simulation::new(0, setup);
    let recorded = handshake.clone();
    let channel = pair.request_channel();
    pair.tamper_requests(move |_, on, bytes| {
        if on == channel {
            recorded.borrow_mut().get_or_insert(bytes.clone());
        }
        vec![bytes]
    });
    let real = pair.add_client(setup);
    pair.connect(real);
    pair.steps(4);
    pair.stop_tampering();
    let handshake = handshake.borrow().clone().expect("it sends a handshake");
    let world = pair.server.world_mut();
    let stub = (0..stubs).map(|_| (ConnectedClient { max_size: 1200 }, AuthorizedClient));
    let stubs: Vec<Entity> = world.spawn_batch(stub.collect::<Vec<_>>()).collect();
    for stub in &stubs {
        say(&mut pair, *stub, handshake.to_vec());
    }
    pair.steps(4);
    (pair, stubs)
}

fn say(pair: &mut Simulation, client: Entity, bytes: Vec<u8>) {
    let channel = pair.request_channel();
    let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
    messages.insert_received(client, channel, bytes);
}

/// A chest that everybody sees.
fn spawn_for_all(
    pair: &mut Simulation,
    n: u64,
    stubs: &[Entity],
    chest_slots: Inventory,
) -> Entity {
    let mut viewers = Viewers::new();
    viewers.add(pair.client_id(0), Rights::USE);
    stubs.iter().for_each(|stub| viewers.add(ClientId::Client(*stub), Rights::USE));
    pair.server.world_mut().spawn((chest(n), chest_slots, viewers)).id()
}

#[test]
fn thousand_desynced_clients_cost_one_full_update() {
    let (mut pair, stubs) = crowd(1000);
    let there = spawn_for_all(&mut pair, 1, &stubs, noise(27, 1));
    pair.steps(20);
    assert_eq!(stats(&pair.server).copies_encoded, 1, "once for all viewers");
    let before = stats(&pair.server);
    stubs.iter().for_each(|stub| say(&mut pair, *stub, RESYNC.to_vec()));
    simulate_gap(&mut pair, 0);
    inventory(&mut pair, there).set(0, TORCH.stack(1)).unwrap();
    pair.step();
    pair.steps(20);
    let after = stats(&pair.server);
    assert_eq!(after.resyncs_served - before.resyncs_served, 1001);
    assert_eq!(after.opens_encoded - before.opens_encoded, 1001, "every viewer receives it");
    let copies = after.copies_encoded - before.copies_encoded;
    assert!(copies <= 2, "once for the stubs, once for the late request: {copies}");
    assert_same(&pair, 0, chest(1));
    for stub in &stubs {
        pair.server.world_mut().despawn(*stub);
    }
    pair.steps(2);
    assert_eq!(pair.server.world().get::<Viewers>(there).unwrap().len(), 1);
}

#[test]
fn bank_for_a_hundred_late_joiners_is_encoded_once() {
    let (mut pair, stubs) = crowd(100);
    spawn_for_all(&mut pair, 1, &stubs, noise(3000, 1));
    pair.steps(3);
    assert_eq!(stats(&pair.server).copies_encoded, 1);
    assert!(pair.server_views().contains("Transfer {"), "it is in chunks");
    pair.steps(100);
    assert_same(&pair, 0, chest(1));
    assert_eq!(stats(&pair.server).copies_encoded, 1);
    // The stubs confirm nothing. The bank is sent to them again, after growing pauses.
    pair.steps(60 * 100);
    assert_eq!(stats(&pair.server).transfers_abandoned, 200);
}

#[test]
fn ten_thousand_control_requests_per_second_are_bounded_work() {
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
        Handshake(u8),
        Resync(Named),
        Received(u8),
        Repair(Vec<(u32, u32)>),
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
        write(&Request::Repair((0..32).map(|n| (n, n)).collect())),
        write(&Request::Repair((0..32).map(|n| (n, u32::MAX)).collect())),
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

#[test]
fn client_is_not_shown_more_slots_than_it_may_hold_and_the_game_is_told() {
    use bevy_inventory_sync::model::limits::{CLIENT_SLOTS_MAX, INVENTORY_SLOTS_MAX};
    let mut pair = pair(1);
    let most = CLIENT_SLOTS_MAX / INVENTORY_SLOTS_MAX;
    for n in 0..=most {
        let large = spawn_chest(&mut pair, n as u64, &[0]);
        *inventory(&mut pair, large) = Inventory::new(INVENTORY_SLOTS_MAX);
    }
    pair.step();
    let faults = pair.server.world().resource::<Messages<InventoryFault>>();
    let told = faults.iter_current_update_messages();
    let told = told.filter(|fault| matches!(fault, InventoryFault::ClientSeesTooMuch { .. }));
    assert_eq!(told.count(), 1);
}
