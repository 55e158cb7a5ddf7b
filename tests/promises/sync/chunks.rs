//! What is too large for one message goes in chunks, and nothing waits behind it.

use crate::common::{data::insert_data, forge::send, random::sample, *};
use bevy_inventory_sync::wire::{
    handshake::{ControlRequest, write_request},
    transfer::{CHUNK_BYTES, ChunkHead, read_chunk, write_chunk},
};
use bevy_replicon::bytes::Bytes;

/// Spawns a bank of distinct stacks that these clients see.
fn spawn_bank(pair: &mut Simulation, n: u64, slots: usize, viewers: &[usize]) -> Entity {
    let bank = spawn_chest(pair, n, viewers);
    let full = (0..slots).map(|slot| COIN.stack(1 + slot as u32).into()).collect();
    pair.server.world_mut().entity_mut(bank).insert(Inventory(full));
    bank
}

/// One client with an inventory, on a network with latency.
fn scene() -> Scene {
    Scene::clients(1).players(1).in_hotbar(0, TORCH.stack(60)).latency(3).build()
}

#[test]
fn bytes_of_openings_are_counted_apart_from_those_of_changes() {
    let Scene { mut pair, player_entity: me, .. } = scene();
    let of_client = |pair: &Simulation| {
        let stats = stats(&pair.clients[0].app);
        [stats.bytes_received, stats.slots_applied]
            .into_iter()
            .zip([stats.bytes_received_opening, stats.slots_applied_opening])
            .map(|(all, opening)| (all - opening, opening))
            .collect::<Vec<_>>()
    };
    let before = of_client(&pair);
    spawn_bank(&mut pair, 1, 5000, &[0]);
    pair.settle(100);
    let opened = of_client(&pair);
    let received = stats(&pair.clients[0].app);
    assert!(received.chunks_received > 10);
    assert!(opened[0].1 - before[0].1 > 5000, "at least a byte for each slot");
    assert_eq!(opened[1].1 - before[1].1, 5000);
    for n in 1..=30 {
        hotbar(&mut pair, me).set(0, TORCH.stack(60 - n)).unwrap();
        pair.settle(10);
    }
    let changed = of_client(&pair);
    assert_eq!(changed[0].1, opened[0].1);
    assert_eq!(changed[1].0 - opened[1].0, 30);
    assert!(changed[0].0 - opened[0].0 < 30 * 20, "{changed:?}");
}

#[test]
fn hotbar_never_waits_behind_a_bank() {
    let Scene { mut pair, player_entity: me, .. } = scene();
    let bank = spawn_bank(&mut pair, 1, 5000, &[0]);
    let mut after = 0;
    for n in 1..=30 {
        hotbar(&mut pair, me).set(0, TORCH.stack(60 - n)).unwrap();
        pair.steps(4);
        let shown = pair.shown::<Hotbar>(0, player(0)).unwrap().get(0);
        assert_eq!(shown, Some(TORCH.stack(60 - n)), "three ticks of latency and one of its own");
        after += u32::from(pair.shown::<Inventory>(0, chest(1)).is_none());
    }
    assert!(after >= 2, "the bank takes a while: {after}");
    pair.settle(100);
    assert_same(&pair, 0, chest(1));
    assert!(stats(&pair.server).chunks_sent > 10);
    assert_eq!(stats(&pair.server).chunks_sent, stats(&pair.clients[0].app).chunks_received);
    assert_eq!(events(&mut pair, 0).opened.len(), 2, "each once");
    // After the transfer it is synced by deltas like any other.
    let before = bytes_down(&pair, 0);
    inventory(&mut pair, bank).set(4999, COIN.stack(4999)).unwrap();
    pair.settle(50);
    assert_same(&pair, 0, chest(1));
    assert!(bytes_down(&pair, 0) - before <= 8, "{}", bytes_down(&pair, 0) - before);
}

#[test]
fn changes_during_a_transfer_follow_as_deltas() {
    let Scene { mut pair, .. } = scene();
    let bank = spawn_bank(&mut pair, 1, 3000, &[0]);
    for n in 0..40 {
        inventory(&mut pair, bank).set(n * 7, AXE.stack(1)).unwrap();
        pair.step();
    }
    pair.settle(100);
    assert_same(&pair, 0, chest(1));
    assert_eq!(stats(&pair.server).opens_encoded, 1, "the player's; the bank was handed over");
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 0);
}

#[test]
fn bank_changes_shape_viewers_or_despawns_during_a_transfer() {
    type Change = fn(&mut Simulation, Entity);
    let changes: [Change; 6] = [
        |pair, bank| drop(inventory(pair, bank).resize(2000)),
        |pair, bank| drop(pair.server.world_mut().despawn(bank)),
        |pair, bank| _ = pair.server.world_mut().entity_mut(bank).remove::<Viewers>(),
        |pair, bank| {
            let client = pair.client_id(0);
            let mut viewers = pair.server.world_mut().get_mut::<Viewers>(bank).unwrap();
            viewers.add(client, Rights::SEE);
        },
        |pair, bank| {
            let client = pair.client_id(0);
            let mut viewers = pair.server.world_mut().get_mut::<Viewers>(bank).unwrap();
            viewers.remove(client);
            spawn_chest(pair, 2, &[0]);
        },
        |pair, bank| _ = pair.server.world_mut().entity_mut(bank).insert(Equipment(Slots::new(4))),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        for after in sample([1, 3, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20], 5) {
            let Scene { mut pair, .. } = scene();
            let bank = spawn_bank(&mut pair, 1, 3000, &[0]);
            pair.steps(after);
            change(&mut pair, bank);
            pair.settle(300);
            let client = pair.client_id(0);
            let world = pair.server.world();
            let sees = |id: InventoryId| {
                let there = world.resource::<InventoryIds>().get(id);
                let viewers = there.and_then(|there| world.get::<Viewers>(there));
                viewers.is_some_and(|viewers| viewers.rights_of(client).is_some())
            };
            for id in [chest(1), chest(2)] {
                if sees(id) {
                    assert_same(&pair, 0, id);
                } else {
                    assert_eq!(pair.shown::<Inventory>(0, id), None);
                }
            }
            assert_same(&pair, 0, player(0));
            let stats = stats(&pair.clients[0].app);
            assert_eq!(stats.resyncs_requested, 0, "change {n} after {after}: {stats:?}");
        }
    }
}

#[test]
fn resync_during_a_transfer() {
    for after in sample(1..25, 7) {
        let Scene { mut pair, .. } = scene();
        pair.network.loss = 0.2;
        let bank = spawn_bank(&mut pair, 1, 3000, &[0]);
        pair.steps(after);
        // One update is lost for good, so the client requests a resync.
        let channel = pair.sync_channel();
        let mut lost = 0;
        pair.tamper(move |_, on, bytes| {
            lost += u32::from(on == channel);
            if on == channel && lost == 1 { vec![] } else { vec![bytes] }
        });
        let me = pair.server.world().resource::<InventoryIds>().get(player(0)).unwrap();
        for n in 1..4 {
            hotbar(&mut pair, me).set(0, TORCH.stack(n)).unwrap();
            inventory(&mut pair, bank).set(0, COIN.stack(n)).unwrap();
            pair.steps(2);
        }
        pair.steps(300);
        assert_same(&pair, 0, player(0));
        assert_same(&pair, 0, chest(1));
    }
}

#[test]
fn change_of_three_thousand_slots_is_chunked() {
    let Scene { mut pair, player_entity: me, .. } = scene();
    let bank = spawn_bank(&mut pair, 1, 3000, &[0]);
    pair.settle(100);
    let chunks = stats(&pair.server).chunks_sent;
    inventory(&mut pair, bank).0 = (0..3000).map(|_| Some(TORCH.stack(1))).collect();
    pair.step();
    hotbar(&mut pair, me).set(0, TORCH.stack(1)).unwrap();
    pair.steps(4);
    assert_eq!(pair.shown::<Hotbar>(0, player(0)).unwrap().get(0), Some(TORCH.stack(1)));
    pair.settle(100);
    assert_same(&pair, 0, chest(1));
    assert!(stats(&pair.server).chunks_sent > chunks);
    assert_eq!(events(&mut pair, 0).opened.len(), 2, "it was open all the time");
}

#[test]
fn malformed_chunks_are_rejected_without_loss() {
    fn chunk(transfer: u8, index: usize, total: usize) -> Vec<u8> {
        write_chunk(ChunkHead { transfer, index, total }, &vec![7; total * CHUNK_BYTES])
    }
    let mut beyond = chunk(100, 0, 2);
    beyond[1] = 9;
    let short = chunk(100, 0, 2)[..90].to_vec();
    let bad: [Vec<Vec<u8>>; 6] = [
        vec![beyond],
        vec![short],
        vec![chunk(100, 0, 2)[..4].to_vec()],
        vec![vec![]],
        vec![chunk(100, 0, 3), chunk(100, 1, 4)],
        vec![chunk(100, 0, 1)],
    ];
    for (n, chunks) in bad.into_iter().enumerate() {
        let Scene { mut pair, .. } = scene();
        let mut chunks = Some(chunks);
        let channel = pair.chunk_channel();
        pair.tamper(move |_, on, bytes| {
            let mut all = vec![bytes];
            if on == channel
                && let Some(chunks) = chunks.take()
            {
                all.extend(chunks.into_iter().map(Bytes::from));
            }
            all
        });
        spawn_bank(&mut pair, 1, 3000, &[0]);
        pair.steps(300);
        assert_eq!(stats(&pair.clients[0].app).decode_errors, 1, "case {n}");
        assert!(pair.shown::<Inventory>(0, chest(1)).is_some(), "case {n}");
        assert_same(&pair, 0, player(0));
        assert_same(&pair, 0, chest(1));
    }
    assert!(read_chunk(&chunk(1, 4095, 4096)).is_ok());
}

#[test]
fn disconnect_drops_the_transfer() {
    let Scene { mut pair, .. } = scene();
    spawn_bank(&mut pair, 1, 3000, &[0]);
    pair.steps(5);
    assert!(pair.server_views().contains("Transfer {"), "it is still running");
    pair.disconnect(0);
    pair.steps(2);
    assert!(!pair.server_views().contains("Transfer {"), "{}", pair.server_views());
    pair.connect(0);
    let viewers = viewer(pair.client_id(0), Rights::USE);
    let bank = pair.server.world().resource::<InventoryIds>().get(chest(1)).unwrap();
    pair.server.world_mut().entity_mut(bank).insert(viewers);
    pair.settle(200);
    assert_same(&pair, 0, chest(1));
}

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
struct Novel(Vec<u8>);

impl ItemData for Novel {
    const NAME: &'static str = "novel";
}

/// Twenty thousand bytes that do not compress.
fn incompressible(seed: u64) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(seed);
    (0..20_000).map(|_| dice.u8(..)).collect()
}

/// A client with an inventory, and novels of 20,000 bytes each.
fn scene_with_novels(count: usize) -> (Scene, Vec<DataId>) {
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.add_item_data::<Novel>();
    });
    let mut scene = scene.players(1).in_hotbar(0, TORCH.stack(60)).build();
    let novels =
        (0..count).map(|n| insert_data(&mut scene.pair.server, &Novel(incompressible(n as u64))));
    let novels = novels.collect();
    (scene, novels)
}

/// Puts a novel into each slot.
fn fill(pair: &mut Simulation, library: Entity, novels: &[DataId]) {
    for (slot, novel) in novels.iter().enumerate() {
        inventory(pair, library).set(slot, AXE.stack(1).with_data(*novel)).unwrap();
    }
}

#[test]
fn hotbar_never_waits_behind_large_instance_data() {
    let (Scene { mut pair, player_entity: me, .. }, novels) = scene_with_novels(4);
    let library = spawn_chest(&mut pair, 1, &[]);
    fill(&mut pair, library, &novels);
    show(&mut pair, library, 0);
    for n in 1..40 {
        hotbar(&mut pair, me).set(0, TORCH.stack(60 - n)).unwrap();
        pair.step();
        assert_same(&pair, 0, player(0));
    }
    assert_eq!(pair.shown::<Inventory>(0, chest(1)), None, "eighty thousand bytes take a while");
    pair.settle(300);
    assert_same(&pair, 0, chest(1));
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    assert_eq!(pool.get::<Novel>(novels[3]), Some(Novel(incompressible(3))));
}

#[test]
fn change_with_large_new_instance_data_is_chunked() {
    let (Scene { mut pair, player_entity: me, .. }, novels) = scene_with_novels(4);
    let library = spawn_chest(&mut pair, 1, &[0]);
    pair.settle(50);
    assert_eq!(stats(&pair.server).chunks_sent, 0);
    fill(&mut pair, library, &novels);
    for n in 1..40 {
        hotbar(&mut pair, me).set(0, TORCH.stack(60 - n)).unwrap();
        let before = bytes_down(&pair, 0);
        pair.step();
        assert_same(&pair, 0, player(0));
        assert!(bytes_down(&pair, 0) - before < 10_000, "tick {n}");
    }
    pair.settle(300);
    assert_same(&pair, 0, chest(1));
    assert!(stats(&pair.server).chunks_sent > 70);
    // The client has the data now.
    let before = bytes_down(&pair, 0);
    inventory(&mut pair, library).set(4, AXE.stack(2).with_data(novels[0])).unwrap();
    pair.step();
    assert_same(&pair, 0, chest(1));
    assert!(bytes_down(&pair, 0) - before < 30);
}

#[test]
fn data_of_an_inventory_that_exceeds_a_transfer_is_sent_ahead() {
    let (Scene { mut pair, .. }, novels) = scene_with_novels(250);
    let mut settings = pair.server.world_mut().resource_mut::<SyncSettings>();
    (settings.chunk_bytes_per_tick, settings.bytes_per_second) = (30_000, u32::MAX);
    let library = spawn_chest(&mut pair, 1, &[]);
    pair.server.world_mut().entity_mut(library).insert(Inventory::new(250));
    fill(&mut pair, library, &novels);
    show(&mut pair, library, 0);
    pair.steps(60);
    assert_eq!(pair.shown::<Inventory>(0, chest(1)), None, "five megabytes take a while");
    // A bank that becomes visible later does not wait for all of them.
    spawn_bank(&mut pair, 2, 3000, &[0]);
    pair.steps(60);
    assert_same(&pair, 0, chest(2));
    assert_eq!(pair.shown::<Inventory>(0, chest(1)), None);
    simulate_gap(&mut pair, 0);
    pair.settle(1000);
    assert_same(&pair, 0, chest(1));
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.decode_errors, client.resyncs_requested), (1, 1));
    let pool = pair.clients[0].app.world().resource::<DataPool>();
    let has = |n: usize| pool.get(novels[n]) == Some(Novel(incompressible(n as u64)));
    assert!((0..250).all(has));
}

#[test]
fn data_is_not_sent_ahead_of_an_inventory_that_is_hidden() {
    let (Scene { mut pair, .. }, novels) = scene_with_novels(20);
    let library = spawn_chest(&mut pair, 1, &[]);
    fill(&mut pair, library, &novels);
    show(&mut pair, library, 0);
    pair.steps(10);
    hide(&mut pair, library, 0);
    pair.step();
    let before = stats(&pair.server).chunks_sent;
    assert!(before > 0);
    pair.settle(100);
    assert_eq!(stats(&pair.server).chunks_sent, before);
    show(&mut pair, library, 0);
    pair.settle(1000);
    assert_same(&pair, 0, chest(1));
    assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
}

#[test]
fn requests_for_repairs_do_not_restart_what_is_sent() {
    let (Scene { mut pair, .. }, novels) = scene_with_novels(20);
    let library = spawn_chest(&mut pair, 1, &[]);
    fill(&mut pair, library, &novels);
    show(&mut pair, library, 0);
    // The handle of its view is one of these.
    let request = ControlRequest::Repair((0..32).map(|handle| (1, handle)).collect());
    let bytes = write_request(&request).unwrap();
    for _ in 0..90 {
        send(&mut pair, 0, bytes.clone());
        pair.steps(10);
    }
    assert_same(&pair, 0, chest(1));
}

#[test]
fn data_of_an_inventory_in_a_transfer_is_not_sent_with_another_one() {
    let (Scene { mut pair, .. }, novels) = scene_with_novels(2);
    let [library, shelf] = [1, 2].map(|n| spawn_chest(&mut pair, n, &[]));
    fill(&mut pair, library, &novels);
    fill(&mut pair, shelf, &novels[..1]);
    show(&mut pair, library, 0);
    show(&mut pair, shelf, 0);
    for tick in 0..20 {
        let before = bytes_down(&pair, 0);
        pair.step();
        assert!(bytes_down(&pair, 0) - before < 3000, "tick {tick}");
    }
    pair.settle(300);
    (1..3).for_each(|n| assert_same(&pair, 0, chest(n)));
}
