//! A copy that goes wrong is found by a digest and sent anew, alone; and no digest cries wolf.

use super::*;
use bevy_inventory_sync::{
    test_pair::Network,
    wire::{bits::BitWriter, encode},
};
use core::time::Duration;

/// Ticks until an inventory has come to rest and its digest has arrived.
const REST: usize = 310;

/// A client with an inventory and a chest, both of which have just changed.
fn scene() -> (Pair, Entity, Entity) {
    let mut pair = pair(1);
    let me = spawn_player(&mut pair, 0);
    let other = spawn_chest(&mut pair, 1, &[0]);
    pair.settle(50);
    inventory(&mut pair, me).set(3, TORCH.stack(9)).unwrap();
    inventory(&mut pair, other).set(4, TORCH.stack(9)).unwrap();
    pair.step();
    (pair, me, other)
}

/// Spoils a slot, and forgets that the game was told so.
fn spoil(pair: &mut Pair, id: InventoryId, slot: usize, stack: Option<Stack>) {
    pair.corrupt(0, id, slot, stack);
    pair.clients[0].app.update();
    heard(pair, 0).clear();
}

/// Exactly one copy was asked for and sent, and one slot was told of.
#[track_caller]
fn assert_healed(pair: &mut Pair, before: InventoryStats, slot: usize, wrong: Option<Stack>) {
    let after = stats(&pair.server);
    assert_eq!(after.heals_asked - before.heals_asked, 1);
    assert_eq!(after.resyncs_asked - before.resyncs_asked, 0);
    assert_eq!(after.opens_encoded - before.opens_encoded, 1, "that copy and no other");
    assert_eq!(after.copies_encoded - before.copies_encoded, 1);
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.heals_requested, client.digest_mismatches), (1, 1));
    let heard = heard(pair, 0);
    assert!(heard.opened.is_empty() && heard.closed.is_empty() && heard.resized.is_empty());
    let [changed] = heard.slots.as_slice() else { panic!("{:?}", heard.slots) };
    assert_eq!((usize::from(changed.slot.index), changed.old), (slot, wrong));
    assert_eq!(changed.cause, SlotCause::FullCopy);
}

#[test]
fn s26_a_copy_that_went_wrong_is_found_by_its_digest_and_healed_by_one_request() {
    for wrong in [None, Some(AXE.stack(1)), Some(TORCH.stack(8)), Some(TORCH.stack(9).worn(1))] {
        let (mut pair, ..) = scene();
        spoil(&mut pair, player(0), 3, wrong);
        let before = stats(&pair.server);
        pair.steps(REST - 20);
        assert_eq!(heard(&mut pair, 0).slots, [], "it has not come to rest");
        pair.steps(30);
        assert_same(&pair, 0, player(0));
        assert_healed(&mut pair, before, 3, wrong);
    }
}

#[test]
fn s26_a_copy_that_goes_wrong_while_nothing_happens_is_found_too() {
    let (mut pair, ..) = scene();
    pair.steps(REST);
    assert_eq!(stats(&pair.clients[0].app).digests_checked, 2);
    let (before, bytes) = (stats(&pair.server), bytes_down(&pair, 0));
    spoil(&mut pair, chest(1), 4, Some(BOOTS.stack(1)));
    pair.steps(3 * 16);
    assert_same(&pair, 0, chest(1));
    assert_healed(&mut pair, before, 4, Some(BOOTS.stack(1)));
    assert!(bytes_down(&pair, 0) - bytes < 40, "{} bytes", bytes_down(&pair, 0) - bytes);
    pair.steps(REST);
    assert_eq!(stats(&pair.clients[0].app).heals_requested, 1, "and that is the end of it");
}

#[test]
fn s26_one_wrong_copy_of_two_hundred_is_found() {
    let mut pair = pair(1);
    let all: Vec<Entity> = (0..200).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    pair.settle(100);
    for there in &all {
        inventory(&mut pair, *there).set(0, TORCH.stack(1)).unwrap();
    }
    pair.steps(REST);
    let before = stats(&pair.server);
    assert_eq!(before.digests_encoded, 200);
    spoil(&mut pair, chest(137), 7, Some(TORCH.stack(64)));
    pair.steps(16 * 201 + 20);
    assert_same(&pair, 0, chest(137));
    assert_healed(&mut pair, before, 7, Some(TORCH.stack(64)));
}

#[test]
fn s26_a_copy_that_went_wrong_before_it_was_closed_is_found_after_it_is_shown_again() {
    for reconnect in [false, true] {
        let (mut pair, _, other) = scene();
        pair.steps(REST);
        hide(&mut pair, other, 0);
        pair.steps(2);
        show(&mut pair, other, 0);
        pair.steps(2);
        spoil(&mut pair, chest(1), 9, Some(BOOTS.stack(1)));
        if reconnect {
            pair.disconnect(0);
            pair.step();
            pair.connect(0);
        } else {
            hide(&mut pair, other, 0);
            pair.steps(2);
        }
        show(&mut pair, other, 0);
        pair.steps(10);
        assert!(stats(&pair.server).opens_as_delta > 0, "it begins from what the client kept");
        pair.steps(REST + 50);
        assert_same(&pair, 0, chest(1));
    }
}

#[test]
fn no_digest_cries_wolf_whatever_the_network_does() {
    let mut checked = 0;
    for seed in 0..10 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut pair = pair(3);
        pair.seed(seed);
        let digest_after = Duration::from_millis(dice.u64(1..400));
        pair.server.insert_resource(SyncSettings { digest_after, ..default() });
        let players: Vec<Entity> = (0..3).map(|client| spawn_player(&mut pair, client)).collect();
        let chests: Vec<Entity> = (1..4).map(|n| spawn_chest(&mut pair, n, &[0, 1, 2])).collect();
        pair.settle(50);
        for tick in 0..500 {
            let loss = if seed % 2 == 0 { 0.0 } else { 0.15 };
            pair.network = Network { latency_ticks: dice.u64(0..20), loss, resend_ticks: 7 };
            let busy = tick % 120 < 70;
            if busy && dice.u8(0..4) == 0 {
                let all = [&players[..], &chests[..]].concat();
                let stack = Stack::new(TORCH, dice.u32(0..60));
                inventory(&mut pair, all[dice.usize(0..6)]).set(dice.usize(0..27), stack).unwrap();
            }
            if busy && dice.u8(0..6) == 0 {
                let client = dice.usize(0..3);
                let ids = [player(client as u64), chest(dice.u64(1..4))];
                let there = ids
                    .map(|id| pair.clients[client].app.world().resource::<InventoryIds>().get(id));
                if let [Some(a), Some(b)] = there {
                    let (from, to) = (inv(a, dice.usize(0..27)), inv(b, dice.usize(0..27)));
                    ask(&mut pair, client, Action::Move { from, to, count: None });
                }
            }
            if dice.u8(0..60) == 0 {
                let (there, client) = (chests[dice.usize(0..3)], dice.usize(0..3));
                let turn = if dice.bool() { hide } else { show };
                turn(&mut pair, there, client);
            }
            pair.step();
        }
        pair.network = Network::default();
        pair.steps(100);
        pair.settle(400);
        for client in 0..3 {
            assert_same(&pair, client, player(client as u64));
            let client = stats(&pair.clients[client].app);
            assert_eq!(client.digest_mismatches, 0, "seed {seed}");
            assert_eq!((client.heals_requested, client.resyncs_requested), (0, 0), "seed {seed}");
            checked += client.digests_checked;
        }
    }
    assert!(checked > 200, "{checked} digests");
}

#[test]
fn only_who_has_been_told_all_gets_a_digest() {
    let mut pair = pair(2);
    let there = spawn_chest(&mut pair, 1, &[0, 1]);
    let (low, digest_after) = (Duration::from_secs(10), Duration::from_secs(1));
    pair.server.insert_resource(SyncSettings { low, digest_after, ..default() });
    let late = pair.client_id(1);
    pair.server.world_mut().get_mut::<Viewers>(there).unwrap().set_pace(late, Pace::Low);
    pair.settle(50);
    for n in 1..4 {
        inventory(&mut pair, there).set(0, TORCH.stack(n)).unwrap();
        pair.steps(2);
    }
    pair.steps(200);
    let checked = |pair: &Pair| [0, 1].map(|n| stats(&pair.clients[n].app).digests_checked);
    assert_eq!(checked(&pair), [1, 0]);
    pair.steps(700);
    assert_same(&pair, 1, chest(1));
    assert_eq!(checked(&pair), [2, 1]);
    assert_eq!(stats(&pair.clients[1].app).digest_mismatches, 0);
}

#[test]
fn digests_that_are_wrong_or_of_nothing_do_bounded_harm() {
    let (mut pair, me, _) = scene();
    pair.steps(REST);
    let channel = pair.sync_channel();
    for digests in [vec![(7, 5)], vec![((1 << 16) - 1, 5)], vec![(0, 5), (0, 6), (1, 7)]] {
        let mut w = BitWriter::default();
        encode::begin_full(&mut w, None, None, 0);
        encode::data(&mut w, &[], &[]);
        encode::closes(&mut w, &[]);
        encode::opens(&mut w, 0);
        encode::handover(&mut w, None);
        w.flag(false);
        encode::digests(&mut w, &digests);
        feed(&mut pair, 0, channel, w.finish().to_vec());
        pair.steps(10);
    }
    assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
    heard(&mut pair, 0).clear();
    pair.steps(60 * 60);
    assert_same(&pair, 0, player(0));
    let InventoryStats { heals_asked, opens_encoded, .. } = stats(&pair.server);
    assert!((2..=20).contains(&heals_asked), "two, with growing pauses: {heals_asked}");
    assert!(opens_encoded <= 2 + heals_asked);
    assert_eq!(heard(&mut pair, 0).slots, [], "nothing was wrong");
    // The next change ends it.
    inventory(&mut pair, me).set(3, TORCH.stack(8)).unwrap();
    pair.steps(REST);
    assert_same(&pair, 0, player(0));
}

#[test]
fn no_pause_is_no_digest() {
    let mut pair = pair(1);
    let digest_after = Duration::ZERO;
    pair.server.insert_resource(SyncSettings { digest_after, ..default() });
    let me = spawn_player(&mut pair, 0);
    pair.settle(50);
    inventory(&mut pair, me).set(0, TORCH.stack(1)).unwrap();
    pair.steps(2 * REST);
    assert_eq!(stats(&pair.server).digests_encoded, 0);
}

#[test]
fn a_busy_inventory_gets_its_digest_in_a_quiet_tick() {
    let mut pair = pair(1);
    let digest_after = Duration::from_secs(1);
    pair.server.insert_resource(SyncSettings { digest_after, ..default() });
    let me = spawn_player(&mut pair, 0);
    pair.settle(50);
    for n in 0..1800u32 {
        if n % 10 != 0 {
            inventory(&mut pair, me).set(0, COIN.stack(1 + n)).unwrap();
        }
        pair.step();
    }
    let busy = stats(&pair.server).digests_encoded;
    assert!((2..=4).contains(&busy), "{busy} in half a minute");
    pair.steps(100);
    assert_eq!(stats(&pair.server).digests_encoded, busy + 1, "and one at rest");
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.digests_checked, client.digest_mismatches), (busy + 1, 0));
}
