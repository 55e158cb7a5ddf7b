//! Random changes converge at any priority.

use crate::common::{
    random::{each_seed, size},
    *,
};

#[test]
fn random_changes_converge_at_any_priority() {
    each_seed(0..size(8, 60), |seed| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut pair = pair(3);
        pair.seed(seed);
        let units: Vec<Entity> = (0..3).map(|n| spawn_chest(&mut pair, n, &[0, 1, 2])).collect();
        pair.settle(50);
        pair.network.latency_ticks = dice.u64(0..5);
        pair.network.loss = dice.f32() * 0.2;
        let ids = [0, 1, 2].map(|client| pair.client_id(client));
        let priorities = [SyncPriority::Critical, SyncPriority::Normal, SyncPriority::Low];
        for _ in 0..300 {
            for _ in 0..dice.usize(0..4) {
                let unit = units[dice.usize(0..3)];
                let (slot, count) = (dice.usize(0..27), dice.u32(1..60));
                let stack =
                    [None, Some(TORCH.stack(count)), Some(COIN.stack(count))][dice.usize(0..3)];
                inventory(&mut pair, unit).set(slot, stack).unwrap();
                if dice.u8(0..40) == 0 {
                    drop(inventory(&mut pair, unit).resize(27 + dice.usize(0..3)));
                }
                if dice.u8(0..20) == 0 {
                    pair.server.world_mut().entity_mut(unit).insert(priorities[dice.usize(0..3)]);
                }
                if dice.u8(0..20) == 0 {
                    let (client, priority) = (ids[dice.usize(0..3)], priorities[dice.usize(0..3)]);
                    let mut viewers = pair.server.world_mut().get_mut::<Viewers>(unit).unwrap();
                    viewers.set_priority(client, priority);
                }
            }
            pair.step();
        }
        pair.network.loss = 0.0;
        pair.steps(60);
        pair.settle(100);
        for client in 0..3 {
            (0..3).for_each(|n| assert_same(&pair, client, chest(n)));
            assert_eq!(stats(&pair.clients[client].app).resyncs_requested, 0);
        }
        assert!(stats(&pair.server).commits_merged > 0);
    });
}
