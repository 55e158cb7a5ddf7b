//! The load that this was written for: a hundred changes a second for minutes, among four players.

use super::*;

/// Minutes of virtual time.
const MINUTES: u32 = 10;

#[test]
fn a_hundred_changes_a_second_for_ten_minutes() {
    let mut pair = pair(4);
    let shared = spawn_chest(&mut pair, 1, &[0, 1, 2, 3]);
    let players: Vec<Entity> = (0..4).map(|client| spawn_player(&mut pair, client)).collect();
    pair.settle(50);
    let before: Vec<u64> = (0..4).map(|client| bytes_down(&pair, client)).collect();
    let mut dice = fastrand::Rng::with_seed(1);
    let (mut changes, mut sizes) = (0, Vec::new());
    for tick in 0..MINUTES * 3600 {
        // Five in three ticks: all see the ones in the chest, and each its own.
        for _ in 0..if tick % 3 == 0 { 1 } else { 2 } {
            let there = if dice.bool() { shared } else { players[dice.usize(0..4)] };
            let (slot, n) = (dice.usize(0..27), 1 + changes % 64);
            let stack = [TORCH.stack(n), COIN.stack(n), AXE.stack(1).worn(n as u16)];
            let stack = (dice.u8(0..4) > 0).then(|| stack[dice.usize(0..3)]);
            inventory(&mut pair, there).set(slot, stack).unwrap();
            changes += 1;
        }
        pair.step();
        if tick % 3600 == 1799 {
            sizes.push(pair.server_views().len());
        }
    }
    pair.steps(400);
    pair.settle(100);
    assert_eq!(changes, MINUTES * 6000);
    for (client, before) in before.into_iter().enumerate() {
        assert_same(&pair, client, chest(1));
        assert_same(&pair, client, player(client as u64));
        let bytes = (bytes_down(&pair, client) - before) / u64::from(MINUTES * 60);
        assert!((100..=1000).contains(&bytes), "client {client}: {bytes} bytes a second");
        let there = stats(&pair.clients[client].app);
        assert_eq!((there.resyncs_requested, there.digest_mismatches, there.gaps), (0, 0, 0));
    }
    let (least, most) = (*sizes.iter().min().unwrap(), *sizes.iter().max().unwrap());
    assert!(most < least + least / 10, "nothing grows: {sizes:?}");
}
