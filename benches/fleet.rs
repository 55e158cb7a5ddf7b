//! Times a server with many inventories: `cargo bench --bench fleet`. In each busy tick, one slot changes in 5 % of
//! them. The clients are stubs that only send the handshake and acknowledgements. They have no byte budget, except in
//! the throttled row. Times depend on the machine; compare only rows of the same run.
//!
//! Columns: workload, peer, inventories, microseconds of the server's whole update and of the systems that
//! sync inventories (medians), idle and busy; nanoseconds of these systems per change, above idle;
//! allocations in these systems and messages, both per busy tick.
//!
//! `fleet NAME` runs only workloads whose name starts with NAME, `--most N` only those with at most N inventories, and
//! `--quick` only those with at most 100.

mod common;

use core::time::Duration;
use std::alloc::System;

use bevy_inventory_sync::prelude::SyncSettings;
use clap::Parser;
use common::{
    fleet::{Fleet, Layout, Seen, median, run},
    mode::Mode,
    peers::{Diffs, EntityPerSlot, HandWritten, Ours, Peer, WholeComponent},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Parser)]
struct Cli {
    /// Runs only workloads whose name starts with this.
    #[arg(default_value = "")]
    name: String,
    /// Maximum number of inventories.
    #[arg(long, default_value_t = usize::MAX)]
    most: usize,
    #[command(flatten)]
    mode: Mode,
}

fn main() {
    let cli = Cli::parse();
    cli.mode.announce("a minute", "10 seconds");
    let most = cli.mode.pick(cli.most, cli.most.min(100));
    println!(
        "workload\tpeer\tn\twhole_idle_us\twhole_busy_us\tsystems_idle_us\tsystems_busy_us\t\
         ns_per_change\tallocations\tmessages"
    );
    let wanted = |name: &str, n: usize| name.starts_with(&cli.name) && n <= most;
    for n in [100, 300, 1_000] {
        let layout = Layout { inventories: n, seen: Seen::Privately, avatars: false };
        if wanted("W3b private", n) {
            one::<Ours>("W3b private", layout);
            one::<WholeComponent>("W3b private", layout);
            one::<Diffs>("W3b private", layout);
            one::<HandWritten>("W3b private", layout);
        }
    }
    if wanted("W3b private", 100) {
        let layout = Layout { inventories: 100, seen: Seen::Privately, avatars: false };
        one::<EntityPerSlot>("W3b private", layout);
    }
    for n in [10_000, 100_000] {
        if wanted("W3b private", n) {
            let layout = Layout { inventories: n, seen: Seen::Privately, avatars: false };
            one::<Ours>("W3b private", layout);
        }
    }
    if wanted("W3b with avatars", 1_000) {
        let layout = Layout { inventories: 1_000, seen: Seen::Privately, avatars: true };
        one::<Ours>("W3b with avatars", layout);
        one::<Diffs>("W3b with avatars", layout);
    }
    for n in [100, 300, 1_000, 10_000] {
        if wanted("W3a one client", n) {
            let layout = Layout { inventories: n, seen: Seen::By(1), avatars: false };
            one::<Ours>("W3a one client", layout);
            one::<WholeComponent>("W3a one client", layout);
            one::<Diffs>("W3a one client", layout);
            one::<HandWritten>("W3a one client", layout);
        }
    }
    if wanted("W3a throttled", 10_000) {
        // Almost all updates wait for the budget. The cost of a tick must not grow with their number.
        let layout = Layout { inventories: 10_000, seen: Seen::By(1), avatars: false };
        one_within::<Ours>("W3a throttled", layout, Some(5_000));
    }
    for (name, n, clients) in [("W7 50 clients", 1_000, 50), ("W7 1,000 clients", 1, 1_000)] {
        if wanted(name, n) {
            let layout = Layout { inventories: n, seen: Seen::By(clients), avatars: false };
            one::<Ours>(name, layout);
            one::<WholeComponent>(name, layout);
            one::<Diffs>(name, layout);
            one::<HandWritten>(name, layout);
        }
    }
}

fn one<P: Peer>(name: &str, layout: Layout) {
    one_within::<P>(name, layout, None);
}

/// Runs a workload, optionally with a budget of bytes per second for each client.
#[expect(clippy::cast_precision_loss, reason = "averages for display")]
fn one_within<P: Peer>(name: &str, layout: Layout, budget: Option<u32>) {
    let changes = (layout.inventories / 20).max(1);
    let mut fleet = Fleet::new::<P>(layout);
    if let Some(bytes_per_second) = budget {
        fleet.app.insert_resource(SyncSettings { bytes_per_second, ..SyncSettings::default() });
    }
    let idle = run::<P>(&mut fleet, 0);
    assert!(idle.iter().all(|tick| tick.messages == 0), "{}: messages while idle", P::NAME);
    let busy = run::<P>(&mut fleet, changes);
    let sent: usize = busy.iter().map(|tick| tick.messages).sum();
    assert!(sent >= busy.len(), "{}: changes were not sent", P::NAME);
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let of = |ticks: &[common::fleet::Tick], what: fn(&common::fleet::Tick) -> Duration| {
        micros(median(ticks.iter().map(what).collect()))
    };
    let [whole_idle, whole_busy] = [&idle, &busy].map(|ticks| of(ticks, |tick| tick.whole));
    let [idle_us, busy_us] = [&idle, &busy].map(|ticks| of(ticks, |tick| tick.systems));
    let each = (busy_us - idle_us) * 1000.0 / changes as f64;
    let per_tick = |sum: usize| sum as f64 / busy.len() as f64;
    let allocations = per_tick(busy.iter().map(|tick| tick.allocations).sum());
    println!(
        "{name}\t{}\t{}\t{whole_idle:.1}\t{whole_busy:.1}\t{idle_us:.2}\t{busy_us:.1}\t{each:.0}\t\
         {allocations:.1}\t{:.1}",
        P::NAME,
        layout.inventories,
        per_tick(sent),
    );
}
