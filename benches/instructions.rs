//! Counts the server's instructions per change, above those of an idle server: `cargo bench --bench
//! instructions`. Needs valgrind. Deterministic except for the order of hash maps. `--quick` runs only the last
//! workload, with two peers.
//!
//! Columns: workload, peer, instructions of the server's whole update per change (W7: per change and client),
//! above those of an idle update, with one change per tick and with one change in 5 % of the inventories (at least
//! five); instructions of an idle update.

mod common;
#[path = "common/callgrind.rs"]
mod callgrind;

use clap::Parser;
use common::{
    fleet::{Fleet, Layout, Seen},
    mode::Mode,
    peers::{Diffs, HandWritten, Ours, Peer, WholeComponent},
};

/// Number of counted ticks, and of warm-up ticks before them.
const TICKS: u32 = 200;
const WARM: u32 = 50;

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    layout: Layout,
    /// Ticks until an acknowledgement arrives.
    ack_ticks: usize,
    clients_per_change: f64,
}

const fn layout(inventories: usize, seen: Seen) -> Layout {
    Layout { inventories, seen, avatars: false }
}

const CASES: [Case; 5] = [
    Case {
        name: "1 client, 1,000 inventories, near",
        layout: layout(1_000, Seen::By(1)),
        ack_ticks: 0,
        clients_per_change: 1.0,
    },
    Case {
        name: "1 client, 1,000 inventories, 100 ms",
        layout: layout(1_000, Seen::By(1)),
        ack_ticks: 6,
        clients_per_change: 1.0,
    },
    Case {
        name: "100 clients with their own, near",
        layout: layout(100, Seen::Privately),
        ack_ticks: 0,
        clients_per_change: 1.0,
    },
    Case {
        name: "100 clients with their own, 100 ms",
        layout: layout(100, Seen::Privately),
        ack_ticks: 6,
        clients_per_change: 1.0,
    },
    Case {
        name: "W7 20 viewers of 10, near",
        layout: layout(10, Seen::By(20)),
        ack_ticks: 0,
        clients_per_change: 20.0,
    },
];

const PEERS: [(&str, fn(Case, usize)); 4] = [
    (Ours::NAME, run::<Ours>),
    (WholeComponent::NAME, run::<WholeComponent>),
    (Diffs::NAME, run::<Diffs>),
    (HandWritten::NAME, run::<HandWritten>),
];

#[derive(Parser)]
struct Cli {
    /// Runs only this case, in the process that valgrind observes.
    #[arg(long, requires_all = ["peer", "changes"])]
    case: Option<usize>,
    #[arg(long)]
    peer: Option<usize>,
    #[arg(long)]
    changes: Option<usize>,
    /// Number of peers to run.
    #[arg(long, default_value_t = PEERS.len())]
    peers: usize,
    #[command(flatten)]
    mode: Mode,
}

fn main() {
    let cli = Cli::parse();
    if let (Some(case), Some(peer), Some(changes)) = (cli.case, cli.peer, cli.changes) {
        return PEERS[peer].1(CASES[case], changes);
    }
    cli.mode.announce("5 minutes", "20 seconds");
    let skipped = cli.mode.pick(0, CASES.len() - 1);
    let peers = cli.mode.pick(cli.peers, cli.peers.min(2));
    println!("workload\tpeer\tone_change\tmany_changes\tidle");
    for (at, case) in CASES.iter().enumerate().skip(skipped) {
        for (peer, (name, _)) in PEERS.iter().enumerate().take(peers) {
            let many = u32::try_from(case.layout.inventories / 20).unwrap_or(0).max(5);
            let tick = |changes| count(at, peer, changes) / f64::from(TICKS);
            let (idle, one, several) = (tick(0), tick(1), tick(many));
            let one = (one - idle) / case.clients_per_change;
            let several = (several - idle) / f64::from(many) / case.clients_per_change;
            println!("{}\t{name}\t{one:.0}\t{several:.0}\t{idle:.0}", case.name);
        }
    }
}

fn run<P: Peer>(case: Case, changes: usize) {
    let mut fleet = Fleet::new::<P>(case.layout);
    fleet.ack_ticks = case.ack_ticks;
    for tick in 0..WARM + TICKS {
        fleet.change::<P>(changes);
        if tick < WARM {
            fleet.tick_with(common::fleet::update);
        } else {
            fleet.tick();
        }
    }
}

/// Returns the number of instructions within the counted ticks.
fn count(case: usize, peer: usize, changes: u32) -> f64 {
    let (case, peer, changes) = (case.to_string(), peer.to_string(), changes.to_string());
    callgrind::run(["--case", &case, "--peer", &peer, "--changes", &changes]).1
}
