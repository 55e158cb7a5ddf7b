//! What a store costs: `cargo bench --features sqlite --bench store`. The instructions need valgrind.
//!
//! Off the frame, on the thread of the store: time and bytes with SQLite. On the frame: instructions of an update with
//! [`Persist`] on all inventories, above those of the same update without a store.

#![allow(clippy::disallowed_methods, reason = "measures real time")]

#[path = "common/callgrind.rs"]
mod callgrind;
#[path = "common/mode.rs"]
mod mode;
#[path = "common/stored.rs"]
mod stored;

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    sim::Simulation,
    store::{
        Durability, InventoryStorePlugin, Store,
        batch::{Batch, Change, Fence, Union, Write},
        error::StoreError,
        history::{StoredChange, StoredTick},
        memory::MemoryStore,
        persist::Persist,
        sqlite::SqliteStore,
    },
};
use clap::Parser;
use mode::Mode;
use stored::{SLOTS, change, record};

/// Number of counted frames, and of frames before them.
const FRAMES: usize = 200;
const WARM: usize = 50;

#[derive(Parser)]
struct Cli {
    /// Runs only this, in the process that valgrind observes: inventories and slots that change in each frame.
    #[arg(long, num_args = 2)]
    frame: Option<Vec<usize>>,
    #[arg(long)]
    stored: bool,
    #[command(flatten)]
    mode: Mode,
}

fn main() -> Result {
    let cli = Cli::parse();
    if let Some([inventories, slots]) = cli.frame.as_deref() {
        frames(*inventories, *slots, cli.stored);
        return Ok(());
    }
    cli.mode.announce("2 minutes", "20 seconds");
    sqlite(cli.mode.pick(10_000, 500), cli.mode.pick(100_000, 5_000))?;
    instructions();
    Ok(())
}

fn sqlite(inventories: u64, changes: u64) -> Result<(), StoreError> {
    let folder = tempfile::tempdir().expect("a folder can be created");
    let file = folder.path().join("world.db");
    let bytes = || {
        let len = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |it| it.len());
        len("world.db") + len("world.db-wal")
    };
    let mut random = fastrand::Rng::with_seed(1);
    let mut store = SqliteStore::open(&file, "bench")?;
    println!("what\tnumber\tmicroseconds_each\tbytes_each");
    let line = |what: &str, number: u64, time: Duration, bytes: u64| {
        let each = |value: f64| value / number as f64;
        let micros = each(time.as_secs_f64() * 1e6);
        println!("{what}\t{number}\t{micros:.1}\t{:.0}", each(bytes as f64));
    };
    let ids: Vec<_> = (0..inventories).map(|n| InventoryId::named("player", n)).collect();
    let begin = Instant::now();
    let fences = ids.iter().map(|id| Ok(store.claim(*id)?.fence)).collect::<Result<Vec<_>, _>>()?;
    line("claim of a new inventory", inventories, begin.elapsed(), 0);

    let mut stored: Vec<_> = ids.iter().map(|_| Arc::new(record(&mut random))).collect();
    let write = |n: usize, fence: Fence, version, stored: &Arc<_>, slots| {
        let change = Change::Save { stored: Arc::clone(stored), slots };
        Union { writes: vec![Write { id: ids[n], fence, version, change }], ..Union::default() }
    };
    let all = stored.iter().enumerate().map(|(n, stored)| write(n, fences[n], 1, stored, None));
    let batch = Batch { tick: 1, unions: all.collect(), ..Batch::default() };
    let begin = Instant::now();
    store.commit(&batch)?;
    line("first commit of an inventory, all in one batch", inventories, begin.elapsed(), bytes());

    // Each batch changes one slot in each of a hundred inventories, as ticks of a busy server do.
    let mut versions = vec![1; ids.len()];
    let (mut time, before) = (Duration::ZERO, bytes());
    let batches = changes / 100;
    for tick in 0..batches {
        let mut unions: BTreeMap<usize, (Vec<u16>, Vec<StoredChange>)> = BTreeMap::new();
        for _ in 0..100 {
            let n = random.usize(0..ids.len());
            let change = change(ids[n], Arc::make_mut(&mut stored[n]), &mut random);
            let (slots, changes) = unions.entry(n).or_default();
            slots.push(change.slot);
            changes.push(change);
        }
        let unions = unions.into_iter().map(|(n, (slots, changes))| {
            versions[n] += 1;
            let slots = slots.into_iter().map(|slot| ("inventory".to_owned(), slot)).collect();
            let union = write(n, fences[n], versions[n], &stored[n], Some(slots));
            let history = vec![StoredTick { tick: tick + 2, changes, ..StoredTick::default() }];
            Union { history, ..union }
        });
        let batch = Batch { tick: tick + 2, unions: unions.collect(), ..Batch::default() };
        let begin = Instant::now();
        store.commit(&batch)?;
        time += begin.elapsed();
    }
    line("changed slot, 100 per batch", batches * 100, time, bytes().saturating_sub(before));

    drop(store);
    let begin = Instant::now();
    let mut store = SqliteStore::open(&file, "bench")?;
    line("opening after these changes, with all checks", 1, begin.elapsed(), bytes());
    let begin = Instant::now();
    for id in &ids {
        black_box(store.claim(*id)?);
    }
    line("claim and load of a stored inventory", inventories, begin.elapsed(), 0);
    Ok(())
}

/// Number of inventories in the world of [`frames`].
const WORLD: usize = 1_000;

/// Updates a world in which some slots of some inventories change in every frame.
fn frames(inventories: usize, slots: usize, stored: bool) {
    let store = MemoryStore::default();
    let mut app = Simulation::app(|app| {
        app.insert_items(Items::<()>::from_ron("(items: [(key: \"torch\")])").expect("valid"));
        if stored {
            let store = store.clone();
            let plugin = InventoryStorePlugin::new(move || Ok(store.clone()));
            app.add_plugins(plugin.durability(Durability::EveryTick));
        }
    });
    let spawn = |n| {
        let id = InventoryId::named("player", n);
        (id, Inventory::new(SLOTS.into()))
    };
    let entities: Vec<Entity> =
        (0..WORLD as u64).map(|n| app.world_mut().spawn(spawn(n)).id()).collect();
    if stored {
        for entity in &entities {
            app.world_mut().entity_mut(*entity).insert(Persist);
        }
        while entities.iter().any(|entity| app.world().get::<Inventory>(*entity).is_none()) {
            app.update();
        }
    }
    let mut random = fastrand::Rng::with_seed(1);
    for frame in 0..WARM + FRAMES {
        for at in 0..inventories {
            let entity = entities[(frame * inventories + at) % entities.len()];
            let mut inventory = app.world_mut().get_mut::<Inventory>(entity).expect("it is loaded");
            for slot in 0..slots {
                let stack = ItemId::of("torch").stack(random.u32(1..64));
                let set = inventory.set(slot, stack);
                set.expect("there are more slots");
            }
        }
        if frame < WARM { app.update() } else { counted_update(&mut app) }
    }
}

#[inline(never)]
fn counted_update(app: &mut App) {
    app.update();
}

/// Prints the instructions that a store adds to a frame.
fn instructions() {
    println!(
        "\nchanged_inventories\tchanged_slots_of_each\tinstructions_without_store\tadded_by_the_store"
    );
    for (inventories, slots) in [(0, 0), (100, 1), (100, 8)] {
        let [without, with] = [false, true].map(|stored| count(inventories, slots, stored));
        println!("{inventories}\t{slots}\t{without:.0}\t{:.0}", with - without);
    }
}

/// Returns the number of instructions of a frame, on its thread.
fn count(inventories: usize, slots: usize, stored: bool) -> f64 {
    let (inventories, slots) = (inventories.to_string(), slots.to_string());
    let args = ["--frame", &inventories, &slots].into_iter().chain(stored.then_some("--stored"));
    callgrind::run(args).1 / FRAMES as f64
}
