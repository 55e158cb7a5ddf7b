//! What tools are shown of the state of both sides is what was sent and what is used.

use crate::{
    actions::custom::{Engraving, setup_all},
    common::*,
};
use bevy_inventory_sync::server::{baseline::Baseline, inspect::ServerInspect};

#[test]
fn both_sides_report_the_same_version_handle_and_checksum() {
    let mut pair = pair(1);
    let entities = [spawn_player(&mut pair, 0), spawn_chest(&mut pair, 1, &[0])];
    for entity in entities {
        inventory(&mut pair, entity).set(3, TORCH.stack(7)).unwrap();
    }
    pair.settle(60);
    let client = pair.client_id(0).entity().unwrap();
    for (entity, id) in entities.into_iter().zip([player(0), chest(1)]) {
        let there = pair.server.world_mut().run_system_once(
            move |server: ServerInspect, baselines: Query<&Baseline>| {
                let sent: Vec<_> = server.sent_states(entity).collect();
                assert_eq!((sent.len(), sent[0].client), (1, client));
                let checksum = server.checksum(baselines.get(entity).unwrap());
                (sent[0].version, server.handle(entity), checksum)
            },
        );
        let shown = shown_entity(&pair, 0, id);
        let here = pair.clients[0].app.world_mut().run_system_once(move |client: ClientInspect| {
            let copy = client.copy(shown).unwrap();
            (Some(copy.version), Some(copy.handle), copy.checksum())
        });
        let (there, here) = (there.unwrap(), here.unwrap());
        assert_eq!(there, here, "{id}");
        assert_ne!(there.2, 0, "{id}");
    }
}

#[test]
fn requests_are_pending_until_they_are_answered() {
    let mut pair = pair(1);
    pair.network.latency_ticks = 4;
    let entity = spawn_player(&mut pair, 0);
    inventory(&mut pair, entity).set(0, TORCH.stack(7)).unwrap();
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    let pending = |pair: &mut Simulation| {
        let world = pair.clients[0].app.world_mut();
        world
            .run_system_once(move |client: ClientInspect| {
                let slots = [0, 1, 2].map(|slot| client.is_pending(me, Inventory::slot(slot)));
                (client.pending_requests(), slots)
            })
            .unwrap()
    };
    assert_eq!(pending(&mut pair), (0, [false; 3]));
    for count in [1, 2] {
        let (from, to) = (inv(me, 0), inv(me, 1));
        ask(&mut pair, 0, InventoryAction::Move { from, to, count: Some(count) });
        pair.step();
    }
    assert_eq!(pending(&mut pair), (2, [true, true, false]));
    pair.settle(60);
    assert_eq!(pending(&mut pair), (0, [false; 3]));
}

/// Bits of all kinds that the statistics name.
fn bits_by_kind(stats: InventoryStats) -> [u64; 6] {
    [
        stats.bits_deltas,
        stats.bits_full_updates,
        stats.bits_opens,
        stats.bits_data,
        stats.bits_answers,
        stats.bits_checksums,
    ]
}

/// Longest header of a message without answers, in bits: its kind and number, the numbers of parts, of data, of views
/// that open and close and of checksums, the check of the stream, and the padding.
const HEADER_BITS_MAX: u64 = 80;

#[test]
fn bits_by_kind_and_headers_add_up_to_the_bytes_sent() {
    let mut pair = Simulation::new(2, setup_all);
    let own = spawn_player(&mut pair, 0);
    let shared = spawn_chest(&mut pair, 1, &[0, 1]);
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    let began = stats(&pair.server);
    for tick in 0..600u32 {
        let text = format!("{tick} {}", "x".repeat(300));
        match tick % 12 {
            0 => {
                let mut pool = pair.server.world_mut().resource_mut::<DataPool>();
                let data = pool.insert(&Engraving { text }).unwrap();
                let axe = AXE.stack(1).with_data(data);
                inventory(&mut pair, shared).set(tick as usize % 27, axe).unwrap();
            }
            3 => {
                inventory(&mut pair, own).set(0, TORCH.stack(tick % 60 + 1)).unwrap();
            }
            6 => {
                for slot in 0..27 {
                    let stack = COIN.stack(tick + slot as u32 + 1);
                    inventory(&mut pair, own).set(slot, stack).unwrap();
                    inventory(&mut pair, shared).set(slot, stack).unwrap();
                }
            }
            9 if tick % 24 == 9 => hide(&mut pair, shared, 1),
            9 => show(&mut pair, shared, 1),
            _ => {}
        }
        if tick % 5 == 0 && tick < 300 {
            let (a, b) = (inv(me, 0), inv(me, 1 + tick as usize % 20));
            ask(&mut pair, 0, InventoryAction::Swap { a, b });
        }
        if tick >= 300 {
            // Long enough without a change for checksums.
            pair.step();
        }
        let before = stats(&pair.server);
        pair.step();
        let after = stats(&pair.server);
        let known: u64 =
            bits_by_kind(after).iter().sum::<u64>() - bits_by_kind(before).iter().sum::<u64>();
        let sent = (after.bytes_sent - before.bytes_sent) * 8;
        let messages = after.messages_sent - before.messages_sent;
        let headers = sent.checked_sub(known);
        assert!(
            headers.is_some_and(|bits| bits <= messages * HEADER_BITS_MAX),
            "tick {tick}: {messages} messages of {sent} bits; known: {known}\n{before:?}\n{after:?}"
        );
    }
    for (kind, (before, after)) in
        bits_by_kind(began).into_iter().zip(bits_by_kind(stats(&pair.server))).enumerate()
    {
        assert!(after > before, "kind {kind} was never sent");
    }
}

#[cfg(debug_assertions)]
#[test]
fn shown_state_that_nothing_explains_is_counted() {
    let mut pair = pair(1);
    let chests: Vec<_> = (0..3).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    pair.settle(60);
    pair.steps(10);
    for n in 0..chests.len() as u64 {
        assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, n);
        let shown = shown_entity(&pair, 0, chest(n));
        for stack in [Some(TORCH.stack(1)), None] {
            let world = pair.clients[0].app.world_mut();
            let mut inventory = world.get_mut::<Inventory>(shown).unwrap();
            inventory.bypass_change_detection().set(0, stack).unwrap();
            // Each view is checked once in as many frames as there are views.
            pair.steps(chests.len());
        }
    }
    assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, 3);
}
