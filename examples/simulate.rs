//! Simulates hours of play on bad networks and checks every invariant in every tick.
//!
//! ```sh
//! cargo run --release --example simulate -- --first-seed 1 --seeds 1000 --minutes 5 --clients 4
//! ```
//!
//! A seed that fails is shortened to a script of few operations. Its path is printed with the command that repeats it.

#![allow(clippy::unwrap_used, reason = "an example")]

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use bevy_inventory_sync::sim::{
    report::Report,
    run::{Failure, run},
    script::Script,
    shrink::shrink,
};
use clap::Parser;

/// Number of seeds between two lines of progress.
const PROGRESS_SEEDS: u64 = 100;

#[derive(Parser)]
struct Cli {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first_seed: u64,
    /// Number of seeds.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Minutes of play for each seed, without rests.
    #[arg(long, default_value_t = 5)]
    minutes: u32,
    /// Number of players.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    clients: u8,
    /// Number of threads. Each run is single-threaded.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Runs every tenth seed twice and compares the traces.
    #[arg(long)]
    repeat: bool,
    /// Stores the inventories. Servers are killed, the store fails, and claims end.
    #[arg(long)]
    stored: bool,
    /// Fails if an operation, an action, a recipe, a fault, a reason for a rejection or a repair was never reached.
    #[arg(long)]
    coverage: bool,
    /// Maximum number of runs to shorten a script that fails.
    #[arg(long, default_value_t = 150)]
    shrink_runs: usize,
    /// Folder for shortened scripts.
    #[arg(long, default_value = "target/failures")]
    failures: PathBuf,
    /// Plants each deliberate bug in turn and runs seeds until it is detected, at most `seeds`.
    #[cfg(feature = "planted_bugs")]
    #[arg(long)]
    bugs: bool,
    /// Runs this script instead.
    #[arg(long)]
    script: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(path) = &cli.script {
        let script: Script = fs::read_to_string(path).unwrap().parse().unwrap();
        let outcome = run(&script);
        println!("{}", outcome.report);
        return match outcome.failure {
            None => ExitCode::SUCCESS,
            Some(Failure { message, after, .. }) => {
                println!("failed after {after} operations: {message}");
                ExitCode::FAILURE
            }
        };
    }
    #[cfg(feature = "planted_bugs")]
    if cli.bugs {
        return all_bugs(&cli);
    }
    #[expect(clippy::disallowed_methods, reason = "measures the speed, which nothing depends on")]
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let total = Mutex::new(Total::default());
    thread::scope(|scope| {
        for _ in 0..cli.threads {
            scope.spawn(|| {
                while total.lock().unwrap().violations == 0 {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= cli.seeds {
                        break;
                    }
                    let result = one(&cli, cli.first_seed + n);
                    let mut total = total.lock().unwrap();
                    total.add(result);
                    let report = &total.report;
                    if report.seeds.is_multiple_of(PROGRESS_SEEDS) && report.seeds < cli.seeds {
                        let hours = report.player_hours();
                        eprintln!(
                            "{} of {} seeds, {hours:.0} player-hours",
                            report.seeds, cli.seeds
                        );
                    }
                }
            });
        }
    });
    let Total { report, violations, lost } = total.into_inner().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    println!("{report}");
    println!("speed: {:.0} player-seconds per second", report.player_hours() * 3600.0 / seconds);
    println!("violations: {violations}");
    println!("conserved: {}", if lost { "no" } else { "yes" });
    let mut failed = violations > 0;
    let missing = report.missing(cli.stored);
    if cli.coverage && !missing.is_empty() {
        println!("never reached: {}", missing.join(", "));
        failed = true;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The results of all runs.
#[derive(Default)]
struct Total {
    report: Report,
    /// Number of seeds that failed.
    violations: u64,
    /// Whether items did not add up in one of them.
    lost: bool,
}

impl Total {
    fn add(&mut self, result: Result<Report, Failure>) {
        match result {
            Ok(report) => self.report.merge(report),
            Err(failure) => {
                self.violations += 1;
                self.lost |= !failure.conserved;
            }
        }
    }
}

/// Runs one seed. If it fails, prints how to repeat it.
fn one(cli: &Cli, seed: u64) -> Result<Report, Failure> {
    let script = Script::random(seed, cli.clients, cli.minutes);
    let script = if cli.stored { script.with_store() } else { script };
    let outcome = run(&script);
    let Some(failure) = outcome.failure else {
        if cli.repeat && seed.is_multiple_of(10) && run(&script).trace != outcome.trace {
            let message = format!("seed {seed}: the same seed has given another run");
            println!("{message}");
            return Err(Failure { after: script.events.len(), message, conserved: true });
        }
        return Ok(outcome.report);
    };
    println!("seed {seed} failed after {} operations: {}", failure.after, failure.message);
    let (minutes, clients) = (cli.minutes, cli.clients);
    println!(
        "repeat it: cargo run --release --example simulate -- --first-seed {seed} --seeds 1 \
         --minutes {minutes} --clients {clients}{}",
        if cli.stored { " --stored" } else { "" }
    );
    let (script, shrunk) = shrink(&script, &failure, cli.shrink_runs);
    let path = cli.failures.join(format!("{seed}.ron"));
    fs::create_dir_all(&cli.failures).unwrap();
    fs::write(&path, script.to_string()).unwrap();
    println!("shortened to {} operations: {}", script.events.len(), shrunk.message);
    println!("run it: cargo run --release --example simulate -- --script {}", path.display());
    Err(failure)
}

/// Checks what no run can notice, since it changes only how much is sent, or what is detected.
#[cfg(feature = "planted_bugs")]
fn check_directly() -> Result<(), String> {
    use bevy_inventory_sync::{
        model::{slots::Slots, state::InventoryState},
        prelude::*,
        shared::stats::InventoryStats,
        sim::{Simulation, game},
        wire::checksum::checksum,
    };
    use bevy_replicon::prelude::ClientMessages;
    let stone = ItemId::of("stone").stack(1);
    let with_stone_at = |slot| {
        let mut state = InventoryState::default();
        state.insert(0, Slots::new(2));
        state.set(slot, Some(stone));
        state
    };
    let checksum_of = |slot| checksum(&with_stone_at(slot), 1, 1, &DataPool::default());
    if checksum_of(0) == checksum_of(1) {
        return Err("the checksum does not depend on positions".into());
    }
    let mut pair = Simulation::new(1, game::setup);
    let owner = Owner(pair.client_id(0));
    let player = pair.server.world_mut().spawn((Inventory::new(36), owner)).id();
    pair.steps(3);
    let mut inventory = pair.server.world_mut().get_mut::<Inventory>(player).unwrap();
    for slot in 0..18 {
        inventory.set(slot, stone).unwrap();
    }
    pair.steps(3);
    let stats = pair.server.world().resource::<InventoryStats>();
    if stats.full_updates_encoded > 0 {
        return Err("half of the slots are sent as a full update".into());
    }
    // The opening of a view that has been closed since is delivered again.
    pair.record = true;
    let viewers = Viewers::new();
    let chest = pair.server.world_mut().spawn((Inventory::new(9), viewers)).id();
    let client = pair.client_id(0);
    pair.server.world_mut().get_mut::<Viewers>(chest).unwrap().add(client, Rights::USE);
    pair.step();
    let (channel, opening) = pair.clients[0].record.last().cloned().unwrap();
    pair.server.world_mut().get_mut::<Viewers>(chest).unwrap().remove(client);
    pair.steps(3);
    let app = &mut pair.clients[0].app;
    app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, opening);
    pair.step();
    let id = *pair.server.world().get::<InventoryId>(chest).unwrap();
    match pair.shown::<Inventory>(0, id) {
        None => check_altered_opening(),
        Some(_) => Err("a message that was delivered before opens a view".into()),
    }
}

/// Checks that a client drops a message that opens an inventory and was altered.
#[cfg(feature = "planted_bugs")]
fn check_altered_opening() -> Result<(), String> {
    use bevy_inventory_sync::{
        prelude::*,
        shared::stats::InventoryStats,
        sim::{Simulation, game},
    };
    let mut pair = Simulation::new(1, game::setup);
    pair.steps(3);
    pair.tamper(|_, _, bytes| {
        let mut bytes = bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        vec![bytes.into()]
    });
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().spawn((Inventory::new(9), owner));
    pair.step();
    match pair.clients[0].app.world().resource::<InventoryStats>().gaps {
        0 => Err("a message that was altered is not dropped".into()),
        _ => Ok(()),
    }
}

/// Plants all bugs, one after the other. Prints after how many seeds each was detected.
#[cfg(feature = "planted_bugs")]
fn all_bugs(cli: &Cli) -> ExitCode {
    use bevy_inventory_sync::model::planted::{Bug, plant};
    if let Err(message) = check_directly() {
        println!("detected without a bug: {message}");
        return ExitCode::FAILURE;
    }
    let mut missed = 0;
    // A panic is one way to notice a bug.
    std::panic::set_hook(Box::new(|_| {}));
    for bug in Bug::ALL {
        plant(Some(*bug));
        if let Err(message) = check_directly() {
            println!("{bug:?}: detected by a direct check: {message}");
            continue;
        }
        let (next, found) = (AtomicU64::new(0), Mutex::new(None::<(u64, String)>));
        thread::scope(|scope| {
            for _ in 0..cli.threads {
                scope.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        // Lower seeds are finished, so that the first one does not depend on the threads.
                        let first = found.lock().unwrap().as_ref().map_or(cli.seeds, |it| it.0);
                        if n >= first {
                            break;
                        }
                        let script = Script::random(cli.first_seed + n, cli.clients, cli.minutes);
                        let script =
                            if bug.requires_store() { script.with_store() } else { script };
                        if let Some(failure) = run(&script).failure {
                            let message = failure.message.chars().take(100).collect();
                            let mut found = found.lock().unwrap();
                            if found.as_ref().is_none_or(|(first, _)| n < *first) {
                                *found = Some((n, message));
                            }
                        }
                    }
                });
            }
        });
        match found.into_inner().unwrap() {
            Some((n, message)) => {
                println!("{bug:?}: detected in seed {}: {message}", cli.first_seed + n);
            }
            None => {
                println!("{bug:?}: not detected in {} seeds", cli.seeds);
                missed += 1;
            }
        }
    }
    plant(None);
    println!("bugs: {}, missed: {missed}", Bug::ALL.len());
    if missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
