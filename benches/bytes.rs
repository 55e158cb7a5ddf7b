//! Counts bytes: `cargo bench --bench bytes`. The same operations for this crate and for what else one could
//! do, through the same simulated network. Deterministic; nothing is timed.
//!
//! Columns: workload, peer, bytes from the server for each change, bytes both ways for each change, and the
//! 99th percentile of the ticks until a client shows a change (resends after 7 ticks, 117 ms). Bytes are
//! those handed to the messaging layer, after the first copy (W6: the first copies themselves, for each
//! inventory).

#![expect(clippy::cast_precision_loss, reason = "ratios to print")]

mod common;

use bevy_inventory_sync::test_pair::{Network, Pair};

use common::{
    ops::{self, Cells, Workload},
    peers::{Diffs, EntityPerSlot, HandWritten, JsonFullSync, Ours, Peer, WholeComponent},
};

/// 100 ms both ways at 60 ticks a second.
const FAR: Network = Network { latency_ticks: 3, loss: 0.0, resend_ticks: 7 };
const NEAR: Network = Network { latency_ticks: 0, ..FAR };
const LOSSY: Network = Network { loss: 0.05, ..FAR };

fn main() {
    println!("workload\tpeer\ts2c_per_change\tboth_per_change\tp99_ticks");
    for (name, workload, network) in [
        ("W1 near", ops::q_drop(), NEAR),
        ("W1 100 ms", ops::q_drop(), FAR),
        ("W2 near", ops::casual(60), NEAR),
        ("W2 100 ms", ops::casual(60), FAR),
        ("W2 100 ms, 5 % loss", ops::casual(60), LOSSY),
        ("W4 near", ops::bulk(), NEAR),
    ] {
        every_peer(name, &workload, network);
        let bound = ops::lower_bound(&workload);
        println!("{name}\tlower bound\t{bound:.2}\t{bound:.2}\t");
    }
    late_join::<Ours>();
    late_join::<WholeComponent>();
    late_join::<Diffs>();
    late_join::<JsonFullSync>();
    late_join::<HandWritten>();
    fan_out::<Ours>();
    fan_out::<WholeComponent>();
    fan_out::<Diffs>();
    fan_out::<HandWritten>();
}

fn every_peer(name: &str, workload: &Workload, network: Network) {
    one::<Ours>(name, workload, network);
    one::<WholeComponent>(name, workload, network);
    one::<Diffs>(name, workload, network);
    one::<EntityPerSlot>(name, workload, network);
    one::<JsonFullSync>(name, workload, network);
    one::<HandWritten>(name, workload, network);
}

fn traffic(pair: &Pair) -> (u64, u64) {
    let all = pair.clients.iter().map(|client| client.traffic);
    all.fold((0, 0), |(down, both), t| (down + t.bytes_down, both + t.bytes_down + t.bytes_up))
}

fn show<P: Peer>(name: &str, bytes: (u64, u64), per: usize, p99: &str) {
    let each = |bytes: u64| bytes as f64 / per as f64;
    println!("{name}\t{}\t{:.2}\t{:.2}\t{p99}", P::NAME, each(bytes.0), each(bytes.1));
}

fn clients(pair: &Pair) -> Vec<bevy_replicon::prelude::ClientId> {
    (0..pair.clients.len()).map(|client| pair.client_id(client)).collect()
}

/// One inventory, one client.
fn one<P: Peer>(name: &str, workload: &Workload, network: Network) {
    let mut pair = P::pair(1);
    let viewers = clients(&pair);
    P::spawn(pair.server.world_mut(), 0, &workload.first, &viewers);
    pair.steps(60);
    pair.network = network;
    pair.steps(60);
    let before = traffic(&pair);
    let (mut cells, mut waiting, mut took) = (workload.first, Vec::new(), Vec::new());
    let mut ops = workload.ops.iter().peekable();
    for tick in 0..workload.ticks + 120 {
        while let Some(op) = ops.next_if(|op| op.tick == tick) {
            cells[op.slot] = op.new;
            P::set(pair.server.world_mut(), 0, op.slot, op.new);
            waiting.retain(|(_, slot)| *slot != op.slot);
            waiting.push((tick, op.slot));
        }
        pair.step();
        let client = pair.clients[0].app.world_mut();
        waiting.retain(|(since, slot)| {
            let shown = P::shown(client, 0, *slot) == cells[*slot];
            if shown {
                took.push(tick - since);
            }
            !shown
        });
    }
    assert_shown::<P>(&mut pair, 0, 0, &cells);
    let after = traffic(&pair);
    took.sort_unstable();
    let p99 = took[(took.len() * 99).div_ceil(100) - 1].to_string();
    show::<P>(name, (after.0 - before.0, after.1 - before.1), workload.ops.len(), &p99);
}

fn assert_shown<P: Peer>(pair: &mut Pair, client: usize, id: u64, cells: &Cells) {
    let world = pair.clients[client].app.world_mut();
    let same = (0..cells.len()).all(|slot| P::shown(world, id, slot) == cells[slot]);
    assert!(same, "{}: the copy is wrong", P::NAME);
}

/// W6: a thousand inventories come into view of one client.
fn late_join<P: Peer>() {
    let mut pair = P::pair(1);
    let before = traffic(&pair);
    let (viewers, all) = (clients(&pair), ops::inventories(1000));
    for (id, cells) in (0..).zip(&all) {
        P::spawn(pair.server.world_mut(), id, cells, &viewers);
    }
    pair.steps(120);
    for id in [0, 500, 999] {
        assert_shown::<P>(&mut pair, 0, id, &all[usize::try_from(id).unwrap_or(0)]);
    }
    let after = traffic(&pair);
    show::<P>("W6", (after.0 - before.0, after.1 - before.1), all.len(), "");
}

/// W7: one chest seen by fifty clients, for each change and client.
fn fan_out<P: Peer>() {
    const CLIENTS: usize = 50;
    let mut pair = P::pair(CLIENTS);
    let (viewers, workload) = (clients(&pair), ops::casual(20));
    P::spawn(pair.server.world_mut(), 0, &workload.first, &viewers);
    pair.steps(60);
    let before = traffic(&pair);
    let mut cells = workload.first;
    let mut ops = workload.ops.iter().peekable();
    for tick in 0..workload.ticks + 10 {
        while let Some(op) = ops.next_if(|op| op.tick == tick) {
            cells[op.slot] = op.new;
            P::set(pair.server.world_mut(), 0, op.slot, op.new);
        }
        pair.step();
    }
    for client in [0, CLIENTS - 1] {
        assert_shown::<P>(&mut pair, client, 0, &cells);
    }
    let after = traffic(&pair);
    let per = workload.ops.len() * CLIENTS;
    show::<P>("W7, 50 clients", (after.0 - before.0, after.1 - before.1), per, "");
}
