//! A checksum never differs from a correct copy.

use crate::common::{
    random::{each_seed, size},
    *,
};
use bevy_inventory_sync::sim::Network;
use core::time::Duration;

#[test]
fn no_false_mismatch_on_any_network() {
    let mut checked = 0;
    let seeds = each_seed(0..size(3, 10), |seed| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut pair = pair(3);
        pair.seed(seed);
        let checksum_delay = Duration::from_millis(dice.u64(1..400));
        pair.server.insert_resource(SyncSettings { checksum_delay, ..default() });
        let players: Vec<Entity> = (0..3).map(|client| spawn_player(&mut pair, client)).collect();
        let chests: Vec<Entity> = (1..4).map(|n| spawn_chest(&mut pair, n, &[0, 1, 2])).collect();
        pair.settle(50);
        for tick in 0..500 {
            let loss = if seed % 2 == 0 { 0.0 } else { 0.15 };
            pair.network = Network { latency_ticks: dice.u64(0..20), loss, ..default() };
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
                    ask(&mut pair, client, InventoryAction::Move { from, to, count: None });
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
            assert_eq!(client.checksum_mismatches, 0, "seed {seed}");
            assert_eq!((client.repairs_requested, client.resyncs_requested), (0, 0), "seed {seed}");
            checked += client.checksums_checked;
        }
    });
    assert!(checked > 20 * seeds || seeds == 1, "{checked} digests");
}
