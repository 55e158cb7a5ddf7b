//! Replays recorded inventories through a real server and a real client, and measures the traffic.
//!
//! `cargo run --release --features renet --example replay -- FILE.csv` drives two apps over renet sockets on loopback;
//! `--in-process` bypasses the sockets. After every tick the client's copy is compared with the
//! recording. The columns of the file are
//! `trace,session,tick,tick_ms,batch,inventory,slot,old_item,old_count,old_meta,new_item,new_count,new_meta`.

mod check;
mod link;
mod trace;

use std::{error::Error, path::PathBuf, process::ExitCode};

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use clap::Parser;

use check::Replay;
use link::Link;
use trace::{Session, Trace};

#[derive(Parser)]
#[command(about = "Replays recorded inventories through a server and a client")]
struct Args {
    /// The recording.
    file: PathBuf,
    /// Connects the two apps without sockets.
    #[arg(long)]
    in_process: bool,
    /// Corrupts the client's copy at this tick of the recording, to test that this is detected.
    #[arg(long)]
    break_tick: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Unlike Bevy's error, the boxed one is displayed without a backtrace.
fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let trace = trace::read(&args.file)?;
    let setup = |app: &mut App| {
        app.add_item_data::<check::Metadata>().insert_items(check::items(&trace));
    };
    let mut link = if args.in_process { Link::in_process(setup) } else { Link::sockets(setup)? };
    let mut breaking = args.break_tick;
    let mut equal = true;
    for session in &trace.sessions {
        equal &= replay(&mut link, session, &mut breaking);
    }
    if let Some(tick) = breaking {
        return Err(format!("the recording ends before tick {tick}").into());
    }
    report(&trace, &link, equal);
    Ok(())
}

/// Replays a session. Returns `true` if the client's copy was equal after every tick.
fn replay(link: &mut Link, session: &Session, breaking: &mut Option<u64>) -> bool {
    let owner = Owner(link.client_id());
    let mut replay = Replay::begin(link.server(), session, owner);
    let mut equal = true;
    for tick in &session.ticks {
        replay.apply(link.server(), tick);
        equal &= link.sync(|world| replay.is_shown(world));
        if breaking.is_some_and(|at| tick.number >= at) {
            *breaking = None;
            corrupt(link.client());
            equal &= replay.is_shown(link.client());
        }
    }
    replay.end(link.server());
    equal & link.sync(|world| world.query::<&Inventory>().iter(world).count() == 0)
}

/// Changes the first slot of all inventories that the client shows.
fn corrupt(world: &mut World) {
    let item = world.resource::<ItemCatalog>().defs().first().map(ItemDef::id);
    for mut inventory in world.query::<&mut Inventory>().iter_mut(world) {
        let other = item.filter(|_| inventory.get(0).is_none()).map(|item| item.stack(1));
        inventory.set(0, other).expect("every recorded inventory has a slot");
    }
}

fn report(trace: &Trace, link: &Link, equal: bool) {
    let stats = link.server_stats();
    let traffic = link.traffic();
    #[expect(clippy::cast_precision_loss, reason = "a ratio to print")]
    let bytes_per_op = traffic.bytes as f64 / trace.ops.max(1) as f64;
    println!("trace\tops\tbatches\tmessages\tbytes\tbytes_per_op\tfull\tdelta\tequal");
    println!(
        "{}\t{}\t{}\t{}\t{}\t{bytes_per_op:.3}\t{}\t{}\t{equal}",
        trace.name,
        trace.ops,
        trace.batches,
        traffic.messages,
        traffic.bytes,
        stats.full_updates_encoded + stats.opens_encoded,
        stats.deltas_encoded,
    );
}
