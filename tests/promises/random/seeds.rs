//! A simulation with the same seed is the same run.

use bevy_inventory_sync::sim::Network;

use crate::common::*;

/// Everything that clients received, and how much they sent, in a session with losses and resyncs.
fn run(seed: u64) -> Vec<(Vec<Vec<u8>>, u64)> {
    let mut pair = pair(3);
    pair.seed(seed);
    pair.record = true;
    pair.network = Network { latency_ticks: 3, loss: 0.2, ..Default::default() };
    let shared = spawn_chest(&mut pair, 1, &[0, 1, 2]);
    // The server's answers are cut for a while, so that clients retry with jittered pauses.
    let mut messages = 0;
    pair.tamper(move |_, _, bytes| {
        messages += 1;
        if (20..60).contains(&messages) { vec![] } else { vec![bytes] }
    });
    for n in 0..200_usize {
        let count = u32::try_from(1 + n % 60).unwrap();
        inventory(&mut pair, shared).set(n % 27, TORCH.stack(count)).unwrap();
        pair.steps(2);
    }
    let received = |client: &bevy_inventory_sync::sim::SimulatedClient| {
        client.record.iter().map(|(_, bytes)| bytes.to_vec()).collect()
    };
    pair.clients.iter().map(|client| (received(client), client.traffic.bytes_up)).collect()
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let first = run(1);
    assert!(first.iter().all(|(received, _)| received.len() > 20));
    assert_eq!(first, run(1));
}

#[test]
fn another_seed_gives_another_run() {
    assert_ne!(run(1), run(2));
}
