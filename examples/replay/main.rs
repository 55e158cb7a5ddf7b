//! Replays recorded inventories through a real server and a real client, and measures what it took.
//!
//! `cargo run --release --example replay -- FILE.csv` drives two apps over renet sockets on loopback;
//! `--in-process` leaves the sockets out. After every tick the client's copy is compared with the
//! recording. The columns of the file are
//! `trace,session,tick,tick_ms,batch,inventory,slot,old_item,old_count,old_meta,new_item,new_count,new_meta`.

mod link;
mod trace;

use std::{path::PathBuf, process::ExitCode};

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use clap::Parser;

use link::Link;
use trace::{Cell, Session, Tick, Trace};

#[derive(Parser)]
#[command(about = "Replays recorded inventories through a server and a client")]
struct Args {
    /// The recording.
    file: PathBuf,
    /// Joins the two apps without sockets.
    #[arg(long)]
    in_process: bool,
    /// Corrupts the client's copy at this tick of the recording, to see that it is noticed.
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

fn run(args: &Args) -> Result {
    let trace = trace::read(&args.file)?;
    let items = trace.items.clone();
    let setup = move |app: &mut App| {
        let defs = items.iter().map(|key| {
            let def = ItemDef {
                key: key.clone(),
                name: key.clone(),
                icon: String::new(),
                max_stack: u32::MAX,
                tags: Vec::new(),
            };
            (def, ())
        });
        app.insert_items(Items::new(defs).expect("the names of a trace are distinct"));
    };
    let mut link = if args.in_process { Link::in_process(setup) } else { Link::sockets(setup)? };
    let mut breaking = args.break_tick;
    let mut equal = true;
    for session in &trace.sessions {
        equal &= replay(&mut link, &trace, session, &mut breaking);
    }
    if let Some(tick) = breaking {
        return Err(format!("no tick of the recording is {tick} or later").into());
    }
    report(&trace, &link, equal);
    Ok(())
}

/// Replays one session; says whether the client's copy was equal after every tick.
fn replay(link: &mut Link, trace: &Trace, session: &Session, breaking: &mut Option<u64>) -> bool {
    let owner = Owner(link.client_id());
    let world = link.server();
    let units: Vec<Entity> = (1u64..)
        .zip(&session.inventories)
        .map(|(n, slots)| {
            world.spawn((InventoryId::sequential(n), Inventory::new(slots.len()), owner)).id()
        })
        .collect();
    let mut model: Vec<Vec<Cell>> =
        session.inventories.iter().map(|slots| vec![None; slots.len()]).collect();
    let mut equal = true;
    for tick in &session.ticks {
        apply(link.server(), &units, &mut model, tick);
        equal &= link.sync(|world| same(world, &model, trace));
        if breaking.is_some_and(|at| tick.number >= at) {
            *breaking = None;
            corrupt(link.client());
            equal &= same(link.client(), &model, trace);
        }
    }
    for unit in units {
        link.server().despawn(unit);
    }
    equal & link.sync(|world| world.query::<&Inventory>().iter(world).count() == 0)
}

fn apply(world: &mut World, units: &[Entity], model: &mut [Vec<Cell>], tick: &Tick) {
    for change in &tick.changes {
        model[change.inventory][change.slot] = change.new.clone();
        let mut inventory =
            world.get_mut::<Inventory>(units[change.inventory]).expect("spawned for the session");
        inventory.set(change.slot, stack(&change.new)).expect("the inventory has all slots");
    }
}

fn stack(cell: &Cell) -> Option<Stack> {
    cell.as_ref().and_then(|(item, count)| Stack::new(ItemId::of(item), *count))
}

/// Whether the client shows exactly what the recording says.
fn same(world: &mut World, model: &[Vec<Cell>], trace: &Trace) -> bool {
    (1u64..).zip(model).all(|(n, cells)| {
        let ids = world.resource::<InventoryIds>();
        let shown = ids.get(InventoryId::sequential(n)).and_then(|e| world.get::<Inventory>(e));
        let keys = |stack: Stack| {
            let def = world.resource::<Catalogue>().get(stack.item)?;
            trace.items.binary_search(&def.key).is_ok().then(|| (def.key.clone(), stack.count()))
        };
        shown.is_some_and(|shown| {
            shown.len() == cells.len()
                && (0..cells.len()).all(|slot| shown.get(slot).and_then(keys) == cells[slot])
        })
    })
}

/// Puts something else into the first slot of whatever the client shows.
fn corrupt(world: &mut World) {
    let item = world.resource::<Catalogue>().defs().first().map(ItemDef::id);
    for mut inventory in world.query::<&mut Inventory>().iter_mut(world) {
        let other = item.filter(|_| inventory.get(0).is_none()).map(|item| item.stack(1));
        inventory.set(0, other).expect("an inventory of a recording has a slot");
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
        stats.fulls_batched + stats.opens_batched,
        stats.deltas_batched,
    );
}
