//! Counts bytes: `cargo bench --bench bytes --features renet`, or with `-- --quick` a fraction of the workload.
//! Performs the same operations with this crate and with alternatives, on the same simulated network. Deterministic;
//! nothing is timed.
//!
//! Columns: workload, peer, bytes from the server per change, bytes in both directions per change, bytes of
//! UDP datagrams in both directions per change (including IP, UDP and encryption, minus those of an idle
//! connection), and the 99th percentile of the ticks until a client shows a change. The first two byte columns count
//! what is handed to the messaging layer; the last two columns use renet connections with a resend time of 120 ms.
//! All exclude the first full update (except W6, which counts only first full updates, per inventory; its last column
//! is that of a hotbar that is used meanwhile).

#![expect(clippy::cast_precision_loss, reason = "ratios for display")]

mod common;

use std::alloc::System;

use bevy::prelude::*;
use bevy_inventory_sync::sim::{Network, Simulation};
use clap::Parser;

use common::{
    fleet::{Fleet, Layout, Seen},
    mode::Mode,
    ops::{self, Cells, ItemStack, Op, SLOTS, Workload},
    peers::{Diffs, EntityPerSlot, HandWritten, JsonFullSync, Ours, Peer, Slower, WholeComponent},
    recovery::{Loaded, hotbar_beside_bank, load, movement, reconnect, storm},
    udp::UdpSimulation,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// 100 ms round trip at 60 ticks per second.
const FAR: Network = Network { latency_ticks: 3, jitter_ticks: 0, loss: 0.0, resend_ticks: 7 };
const NEAR: Network = Network { latency_ticks: 0, ..FAR };
const LOSSY: Network = Network { loss: 0.05, ..FAR };

#[derive(Parser)]
struct Cli {
    /// Runs W2 at round-trip times from 0 to 300 ms instead, for `--bench plot`. Columns: round-trip time, peer, bytes
    /// in both directions per change.
    #[arg(long)]
    latencies: bool,
    #[command(flatten)]
    mode: Mode,
}

fn main() {
    let Cli { latencies, mode } = Cli::parse();
    if latencies {
        mode.announce("10 seconds", "2 seconds");
        return at_latencies(mode);
    }
    mode.announce("14 minutes", "30 seconds");
    println!("workload\tpeer\ts2c_per_change\tboth_per_change\tudp_per_change\tp99_ticks");
    let minute = mode.pick(60, 10);
    let (long_name, long) = mode.pick(("W2 100 ms, an hour", 3600), ("W2 100 ms, 20 s", 20));
    for (name, workload, network) in [
        ("W1 near", ops::q_drop(), NEAR),
        ("W1 100 ms", ops::q_drop(), FAR),
        ("W2 near", ops::casual(minute), NEAR),
        ("W2 100 ms", ops::casual(minute), FAR),
        ("W2 100 ms, 5 % loss", ops::casual(mode.pick(600, 10)), LOSSY),
        (long_name, ops::casual(long), FAR),
        ("W4 near", ops::bulk(), NEAR),
    ] {
        every_peer(name, &workload, network);
        let bound = ops::lower_bound(&workload);
        println!("{name}\tlower bound\t{bound:.2}\t{bound:.2}\t\t");
    }
    let rushed = ops::rushed(minute);
    one::<Ours>("30 changes/s, 100 ms", &rushed, FAR);
    one::<Slower<false>>("30 changes/s, 100 ms", &rushed, FAR);
    one::<Slower<true>>("30 changes/s, 100 ms", &rushed, FAR);
    one::<Slower<false>>("W2 100 ms", &ops::casual(minute), FAR);
    one::<Slower<true>>("W2 100 ms", &ops::casual(minute), FAR);
    late_join::<Ours>(mode);
    late_join::<WholeComponent>(mode);
    late_join::<Diffs>(mode);
    late_join::<JsonFullSync>(mode);
    late_join::<HandWritten>(mode);
    let shared = mode.pick(
        [("W7 1,000 seen by 50 clients", 1000, 50), ("W7 a chest seen by 1,000 clients", 1, 1000)],
        [("W7 100 seen by 10 clients", 100, 10), ("W7 a chest seen by 100 clients", 1, 100)],
    );
    for (name, inventories, clients) in shared {
        fan_out::<Ours>(name, inventories, clients);
        fan_out::<WholeComponent>(name, inventories, clients);
        fan_out::<Diffs>(name, inventories, clients);
        fan_out::<HandWritten>(name, inventories, clients);
    }
    recoveries(mode);
}

/// Rows with other units: total bytes in both directions (reconnects), bytes from the server per client (resyncs), or
/// bytes in both directions per client and second (load).
fn recoveries(mode: Mode) {
    for (name, away) in [
        ("first join", None),
        ("reconnect after 1 s", Some(1)),
        ("reconnect after 10 s", Some(10)),
        ("reconnect after 60 s", Some(60)),
    ] {
        println!("{name}\t{}\t\t{}\t\t", Ours::NAME, reconnect::<Ours>(away, FAR));
        println!(
            "{name}\t{}\t\t{}\t\t",
            WholeComponent::NAME,
            reconnect::<WholeComponent>(away, FAR)
        );
        println!("{name}\t{}\t\t{}\t\t", Diffs::NAME, reconnect::<Diffs>(away, FAR));
    }
    for clients in [1, 100] {
        let (bytes, written) = storm(clients);
        println!(
            "{clients} clients resync, {written} full updates encoded\tours\t{bytes:.1}\t\t\t"
        );
    }
    let (time, seconds) = mode.pick(("10 minutes", 600), ("10 s", 10));
    for clients in [4, 100] {
        let Loaded { bytes_per_second, memory: [early, late] } = load(clients, seconds, memory);
        println!(
            "100 changes/s for {time}, {clients} clients, memory {early} then {late}\tours\t\t\
             {bytes_per_second:.1}\t\t"
        );
    }
    let (time, seconds) = mode.pick(("an hour", 3600), ("10 s", 10));
    let [early, late] = movement(seconds, memory);
    println!("150 stacks with data moved for {time}, memory {early} then {late}\tours\t\t\t\t");
    for (name, network) in [("100 ms", FAR), ("100 ms, 5 % loss", LOSSY)] {
        for slots in [0, 5000] {
            let took =
                (0..mode.pick(10, 2)).flat_map(|seed| hotbar_beside_bank(slots, network, seed));
            let p99 = p99(took.collect());
            println!("hotbar while loading {slots} slots, {name}\tours\t\t\t\t{p99}");
        }
    }
}

/// Returns the number of allocated bytes.
fn memory() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn p99(mut took: Vec<u64>) -> u64 {
    took.sort_unstable();
    took[(took.len() * 99).div_ceil(100) - 1]
}

/// A tick takes 16.7 ms, so three ticks in each direction are 100 ms.
fn at_latencies(mode: Mode) {
    println!("rtt_ms\tpeer\tboth_per_change");
    let workload = ops::casual(mode.pick(60, 10));
    for latency_ticks in [0, 1, 2, 3, 4, 6, 9] {
        let network = Network { latency_ticks, ..NEAR };
        let show = |peer: &str, bytes: (u64, u64)| {
            let each = bytes.1 as f64 / workload.ops.len() as f64;
            println!("{}\t{peer}\t{each:.2}", latency_ticks * 100 / 3);
        };
        show(Ours::NAME, in_process::<Ours>(&workload, network));
        show(WholeComponent::NAME, in_process::<WholeComponent>(&workload, network));
        show(Diffs::NAME, in_process::<Diffs>(&workload, network));
        show(EntityPerSlot::NAME, in_process::<EntityPerSlot>(&workload, network));
        show(JsonFullSync::NAME, in_process::<JsonFullSync>(&workload, network));
        show(HandWritten::NAME, in_process::<HandWritten>(&workload, network));
        let bound = ops::lower_bound(&workload);
        println!("{}\tlower bound\t{bound:.2}", latency_ticks * 100 / 3);
    }
}

fn every_peer(name: &str, workload: &Workload, network: Network) {
    one::<Ours>(name, workload, network);
    one::<WholeComponent>(name, workload, network);
    one::<Diffs>(name, workload, network);
    one::<EntityPerSlot>(name, workload, network);
    one::<JsonFullSync>(name, workload, network);
    one::<HandWritten>(name, workload, network);
}

fn traffic(pair: &Simulation) -> (u64, u64) {
    let all = pair.clients.iter().map(|client| client.traffic);
    all.fold((0, 0), |(down, both), t| (down + t.bytes_down, both + t.bytes_down + t.bytes_up))
}

fn show<P: Peer>(name: &str, bytes: (u64, u64), per: usize, udp: &str) {
    let each = |bytes: u64| bytes as f64 / per as f64;
    println!("{name}\t{}\t{:.2}\t{:.2}\t{udp}", P::NAME, each(bytes.0), each(bytes.1));
}

fn clients(pair: &Simulation) -> Vec<bevy_replicon::prelude::ClientId> {
    (0..pair.clients.len()).map(|client| pair.client_id(client)).collect()
}

/// Runs a workload with one inventory and one client.
fn one<P: Peer>(name: &str, workload: &Workload, network: Network) {
    let bytes = in_process::<P>(workload, network);
    let (udp, p99) = over_udp::<P>(workload, network);
    show::<P>(name, bytes, workload.ops.len(), &format!("{udp:.1}\t{p99}"));
}

/// Returns the bytes handed to the messaging layer: from the server, and in both directions.
fn in_process<P: Peer>(workload: &Workload, network: Network) -> (u64, u64) {
    let mut pair = P::pair(1);
    let viewers = clients(&pair);
    P::spawn(pair.server.world_mut(), 0, &workload.first, &viewers);
    pair.steps(60);
    pair.network = network;
    pair.steps(60);
    let before = traffic(&pair);
    let mut cells = workload.first;
    let mut ops = workload.ops.iter().peekable();
    for tick in 0..workload.ticks + 120 {
        while let Some(op) = ops.next_if(|op| op.tick == tick) {
            cells[op.slot] = op.new;
            P::set(pair.server.world_mut(), 0, op.slot, op.new);
        }
        pair.step();
    }
    assert_shown::<P>(pair.clients[0].app.world_mut(), 0, &cells);
    let after = traffic(&pair);
    (after.0 - before.0, after.1 - before.1)
}

/// Runs the workload over renet. Returns the bytes per change, and the 99th percentile of the ticks until one is shown.
fn over_udp<P: Peer>(workload: &Workload, network: Network) -> (f64, u64) {
    let idle = run_over_udp::<P>(&workload.first, &[], workload.ticks, network).0;
    let (bytes, took) = run_over_udp::<P>(&workload.first, &workload.ops, workload.ticks, network);
    let p99 = p99(took);
    ((bytes as f64 - idle as f64) / workload.ops.len() as f64, p99)
}

fn run_over_udp<P: Peer>(
    first: &Cells,
    ops: &[Op],
    ticks: u64,
    network: Network,
) -> (u64, Vec<u64>) {
    let mut pair = UdpSimulation::new::<P>();
    let client = pair.client_id();
    P::spawn(pair.server.world_mut(), 0, first, &[client]);
    pair.steps(60);
    pair.network = network;
    pair.steps(60);
    let before = pair.bytes;
    let (mut cells, mut waiting, mut took) = (*first, Vec::new(), Vec::new());
    let mut ops = ops.iter().peekable();
    for tick in 0..ticks + 120 {
        while let Some(op) = ops.next_if(|op| op.tick == tick) {
            cells[op.slot] = op.new;
            P::set(pair.server.world_mut(), 0, op.slot, op.new);
            waiting.retain(|(_, slot)| *slot != op.slot);
            waiting.push((tick, op.slot));
        }
        pair.step();
        let client = pair.client.world_mut();
        waiting.retain(|(since, slot)| {
            let shown = P::shown(client, 0, *slot) == cells[*slot];
            if shown {
                took.push(tick - since);
            }
            !shown
        });
    }
    assert_shown::<P>(pair.client.world_mut(), 0, &cells);
    (pair.bytes - before, took)
}

fn assert_shown<P: Peer>(world: &mut World, id: u64, cells: &Cells) {
    let same = (0..cells.len()).all(|slot| P::shown(world, id, slot) == cells[slot]);
    assert!(same, "{}: the client's copy is wrong", P::NAME);
}

/// W6: a thousand inventories come into view of one client, which uses its own inventory meanwhile.
fn late_join<P: Peer>(mode: Mode) {
    let (others, seeds) = mode.pick((1000, 10), (100, 2));
    let all = ops::inventories(others + 1);
    let mut pair = P::pair(1);
    let before = traffic(&pair);
    let viewers = clients(&pair);
    for (id, cells) in (1..).zip(&all[1..]) {
        P::spawn(pair.server.world_mut(), id, cells, &viewers);
    }
    pair.steps(120);
    for id in [1, others / 2, others] {
        assert_shown::<P>(pair.clients[0].app.world_mut(), id as u64, &all[id]);
    }
    let after = traffic(&pair);
    let took: Vec<u64> = (0..seeds).flat_map(|seed| hotbar_meanwhile::<P>(seed, &all)).collect();
    assert!(took.len() as u64 > 5 * seeds, "{}: changes were not shown", P::NAME);
    let p99 = p99(took);
    show::<P>(
        "W6 late join",
        (after.0 - before.0, after.1 - before.1),
        others,
        &format!("\t{p99}"),
    );
}

/// Returns the ticks until each change of a client's hotbar is shown, while all other inventories are in transit.
fn hotbar_meanwhile<P: Peer>(seed: u64, all: &[Cells]) -> Vec<u64> {
    let mut pair = UdpSimulation::new::<P>();
    let (client, mut cells) = (pair.client_id(), all[0]);
    P::spawn(pair.server.world_mut(), 0, &cells, &[client]);
    pair.steps(60);
    pair.network = LOSSY;
    pair.seed(seed);
    pair.steps(60);
    for (id, cells) in (1..).zip(&all[1..]) {
        P::spawn(pair.server.world_mut(), id, cells, &[client]);
    }
    let (mut waiting, mut took) = (Vec::new(), Vec::new());
    for tick in 0..180u64 {
        if tick < 60 {
            let slot = SLOTS - 9 + usize::try_from(tick % 9).unwrap_or(0);
            let count = u8::try_from(1 + tick / 9).unwrap_or(1);
            cells[slot] = Some(ItemStack { item: 3, count });
            P::set(pair.server.world_mut(), 0, slot, cells[slot]);
            waiting.push((tick, slot, count));
        }
        pair.step();
        let client = pair.client.world_mut();
        waiting.retain(|(since, slot, new)| {
            // Counts only grow, so a later change counts as well.
            let shown = P::shown(client, 0, *slot).is_some_and(|there| there.count >= *new);
            if shown {
                took.push(tick - since);
            }
            !shown
        });
    }
    took
}

/// W7: inventories with many viewers. Bytes per change and client.
fn fan_out<P: Peer>(name: &str, inventories: usize, clients: usize) {
    let layout = Layout { inventories, seen: Seen::By(clients), avatars: false };
    let mut fleet = Fleet::new::<P>(layout);
    fleet.ack_ticks = 6;
    let changes = (inventories / 20).max(1);
    let (mut down, mut up) = (0, 0);
    const TICKS: usize = 60;
    for tick in 0..TICKS + 30 {
        if tick < TICKS {
            fleet.change::<P>(changes);
        }
        let tick = fleet.tick();
        down += tick.bytes as u64;
        up += tick.answered as u64;
    }
    show::<P>(name, (down, down + up), TICKS * changes * clients, "\t");
}
