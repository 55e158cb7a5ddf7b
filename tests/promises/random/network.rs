//! Random changes converge over a network with loss and latency.

use crate::common::{
    random::{each_seed, size},
    *,
};

#[test]
fn changes_converge_with_loss_and_latency() {
    each_seed(0..size(3, 10), |seed| {
        let mut pair = pair(2);
        pair.seed(seed);
        pair.network =
            bevy_inventory_sync::sim::Network { latency_ticks: 3, loss: 0.2, ..default() };
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
    });
}
