//! Server and client agree on which closed inventories the client still has a copy of.

use crate::common::{
    random::{each_seed, size},
    *,
};
use bevy_inventory_sync::wire::COPIES_MAX;

/// Two clients, more chests than they can keep copies of, and random events.
struct RandomGame {
    pair: Simulation,
    all: Vec<Entity>,
    dice: fastrand::Rng,
    lossy: bool,
    /// Number of gaps simulated for each client.
    gaps: [u64; 2],
}

impl RandomGame {
    fn random_event(&mut self) {
        let Self { pair, all, dice, .. } = self;
        let (at, client) = (dice.usize(0..all.len()), dice.usize(0..2));
        let there = all[at];
        match dice.u8(0..40) {
            0..15 => show(pair, there, client),
            15..28 => hide(pair, there, client),
            28..36 => {
                let stack = Stack::new(TORCH, dice.u32(0..60));
                inventory(pair, there).set(dice.usize(0..27), stack).unwrap();
            }
            36 => {
                pair.server.world_mut().despawn(there);
                all[at] = spawn_chest(pair, at as u64, &[client]);
            }
            37 => {
                // Two chests exchange ids.
                let other = dice.usize(0..all.len());
                all.swap(at, other);
                for base in [1000, 0] {
                    for n in [at, other] {
                        pair.server.world_mut().entity_mut(all[n]).insert(chest(base + n as u64));
                    }
                }
            }
            38 => {
                let client = pair.client_id(client);
                let mut viewers = pair.server.world_mut().get_mut::<Viewers>(there);
                viewers.as_mut().unwrap().add(client, Rights::SEE);
            }
            _ => match dice.u8(0..24) {
                0 => reconnect(pair, client, 0, &[], &[there]),
                1 if !self.lossy => {
                    simulate_gap(pair, client);
                    self.gaps[client] += 1;
                }
                _ => {}
            },
        }
    }
}

/// The largest number of copies that a client keeps, as the server counts them.
fn most_copies(pair: &Simulation) -> usize {
    let views = pair.server_views();
    let lists = views.split("copies: [").skip(1).filter_map(|rest| rest.split(']').next());
    lists.map(|list| list.matches('(').count()).max().unwrap_or(0)
}

#[test]
fn both_sides_agree_on_cached_copies() {
    let mut overflowed = 0u64;
    let seeds = each_seed(0..size(3, 12), |seed| {
        let mut dice = fastrand::Rng::with_seed(seed);
        // More than a client keeps, even if half of them are in view.
        let many = 3 * COPIES_MAX as u64;
        let mut pair = pair(2);
        pair.seed(seed);
        let all: Vec<Entity> = (0..many).map(|n| spawn_chest(&mut pair, n, &[])).collect();
        pair.settle(50);
        let lossy = seed % 3 == 2;
        pair.network.latency_ticks = dice.u64(0..6);
        pair.network.loss = if lossy { 0.1 } else { 0.0 };
        let mut game = RandomGame { pair, all, dice, lossy, gaps: [0; 2] };
        for _ in 0..600 {
            (0..game.dice.usize(0..8)).for_each(|_| game.random_event());
            game.pair.step();
        }
        let RandomGame { mut pair, all, mut dice, gaps, .. } = game;
        pair.network.loss = 0.0;
        pair.steps(60);
        // All chests are closed in random order and opened again; those closed last start from the kept copies.
        let mut order: Vec<usize> = (0..all.len()).collect();
        dice.shuffle(&mut order);
        for at in order {
            (0..2).for_each(|client| hide(&mut pair, all[at], client));
            pair.step();
        }
        overflowed += u64::from(most_copies(&pair) >= COPIES_MAX);
        for (n, there) in all.iter().enumerate() {
            (0..2).for_each(|client| show(&mut pair, *there, client));
            if n % 8 == 7 {
                pair.step();
            }
        }
        pair.steps(1200);
        pair.settle(400);
        for (client, gaps) in gaps.into_iter().enumerate() {
            (0..many).for_each(|n| assert_same(&pair, client, chest(n)));
            let there = stats(&pair.clients[client].app);
            assert_eq!(there.decode_errors, gaps, "seed {seed}, client {client}");
            // Full messages are dropped from a gap to the resync.
            let undisturbed = (there.gaps, there.unknown_views) == (0, 0);
            assert!(undisturbed || gaps > 0, "seed {seed}, client {client}: {there:?}");
            assert_eq!(there.checksum_mismatches, 0);
        }
        assert!(
            stats(&pair.server).opens_from_cached_copy > 50,
            "{}",
            stats(&pair.server).opens_from_cached_copy
        );
    });
    let enough = overflowed * 12 >= seeds * 10 || seeds == 1;
    assert!(enough, "more chests were closed than copies are kept: {overflowed} times");
}
