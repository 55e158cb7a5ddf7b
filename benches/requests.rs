//! Measures the most expensive requests that a client can send: `cargo bench --bench requests`. Needs valgrind.
//!
//! Columns: request; its length in bytes; work in slots, and instructions of the server's update, for one request, above
//! those of an idle update; the same per tick for a client that sends as many as the limits permit, on average over
//! three seconds. Then: number of chests in the world; instructions of a connection that ends before the client is
//! authorized.

#[path = "common/callgrind.rs"]
mod callgrind;
mod common;

use bevy::prelude::*;
use bevy_inventory_sync::{
    model::{container::SlotRef, id::ContainerKey},
    prelude::*,
    shared::{containers::ContainerRegistry, rate::RequestLimits, stats::InventoryStats},
    sim::Simulation,
    wire::{
        Schema,
        bits::BitWriter,
        request::{ActionWriter, RequestBody, write_body},
    },
};
use bevy_replicon::prelude::*;
use clap::Parser;
use common::mode::Mode;

const ITEMS: &str = r#"(items: [
    (key: "axe", max_stack: 1), (key: "torch", max_stack: 64), (key: "coin", max_stack: 1000),
], recipes: [(key: "torches", takes: [("coin", 2)], gives: [("torch", 4)])])"#;

const AXE: ItemId = ItemId::of("axe");

/// Slots of the largest inventory.
const LARGEST: usize = 8192;

/// Ticks at the limits.
const TICKS: u32 = 180;

/// Number of connections that are measured.
const CONNECTIONS: u32 = 100;

/// How often a client sends a request.
#[derive(Clone, Copy, PartialEq, Debug, clap::ValueEnum)]
enum Rate {
    Never,
    Once,
    Limit,
}

#[derive(Parser)]
struct Cli {
    /// Runs only this request, in the process that valgrind observes.
    #[arg(long, requires = "rate")]
    request: Option<usize>,
    #[arg(long)]
    rate: Option<Rate>,
    /// Runs only a connection beside this number of chests.
    #[arg(long)]
    chests: Option<u64>,
    #[command(flatten)]
    mode: Mode,
}

/// The client's bag of 127 slots is view 0, a bank of the largest size view 1, and a chest of 54 slots view 2. All are
/// full, and no two stacks match.
fn requests() -> Vec<(&'static str, InventoryAction)> {
    let [bag, bank, chest] = [0, 1, 2].map(view);
    let container = ContainerKey::of(Inventory::NAME);
    let bank_slot = |index| -> SlotRef { (bank, Inventory::slot(index)) };
    let craft = InventoryAction::Craft {
        recipe: RecipeId::of("torches"),
        times: 1,
        from: vec![bank.into(); 8],
        to: bank.into(),
        at: None,
    };
    let spread = InventoryAction::Spread {
        from: bank_slot(0),
        onto: (1..257).map(bank_slot).collect(),
        each: Some(1),
    };
    let from = (bag, Inventory::slot(0));
    vec![
        (
            "shift-click into a full chest of 54",
            InventoryAction::QuickMove { from, to: chest.into() },
        ),
        ("shift-click into a full bank", InventoryAction::QuickMove { from, to: bank.into() }),
        ("swap two slots of a bank", InventoryAction::Swap { a: bank_slot(0), b: bank_slot(1) }),
        ("sort a bank", InventoryAction::Sort { entity: bank, container }),
        (
            "move a full bank into a full bag",
            InventoryAction::MoveAll { from: bank.into(), to: bag.into() },
        ),
        (
            "move a full bag into a full bank",
            InventoryAction::MoveAll { from: bag.into(), to: bank.into() },
        ),
        (
            "collect from eight times a bank",
            InventoryAction::Collect { onto: bank_slot(0), from: vec![bank.into(); 8] },
        ),
        ("craft from eight times a bank", craft),
        ("spread over 256 slots of a bank", spread),
    ]
}

fn view(index: u32) -> Entity {
    Entity::from_raw_u32(index).expect("the index is valid")
}

fn main() {
    let cli = Cli::parse();
    if let (Some(request), Some(rate)) = (cli.request, cli.rate) {
        let (bytes, work) = run(request, rate);
        println!("{bytes}\t{work}");
        return;
    }
    if let Some(chests) = cli.chests {
        return run_connection(chests);
    }
    cli.mode.announce("5 minutes", "1 minute");
    let taken = cli.mode.pick(requests().len(), 2);
    println!("request\tbytes\twork\tinstructions\twork_per_tick\tinstructions_per_tick");
    for (request, (name, _)) in requests().iter().enumerate().take(taken) {
        let (_, _, idle) = count(request, Rate::Never);
        let (bytes, work, once) = count(request, Rate::Once);
        let (_, all_work, all) = count(request, Rate::Limit);
        let per_tick = |total: f64| total / f64::from(TICKS);
        println!(
            "{name}\t{bytes}\t{work}\t{:.0}\t{:.0}\t{:.0}",
            once - idle,
            per_tick(all_work),
            per_tick(all - idle)
        );
    }
    println!("chests\tinstructions");
    for chests in [1_000, cli.mode.pick(100_000, 10_000)] {
        let (_, instructions) = callgrind::run(["--chests", &chests.to_string()]);
        println!("{chests}\t{:.0}", instructions / f64::from(CONNECTIONS));
    }
}

/// Connects and disconnects a client that is never authorized.
fn run_connection(chests: u64) {
    let mut pair = Simulation::new(0, |app| {
        app.insert_items(Items::<()>::from_ron(ITEMS).expect("the catalog is valid"));
    });
    for n in 0..chests {
        let chest = (InventoryId::named("chest", n), Inventory::new(27), Viewers::new());
        pair.server.world_mut().spawn(chest);
    }
    pair.steps(3);
    for _ in 0..CONNECTIONS {
        counted_connection(&mut pair.server);
    }
}

#[inline(never)]
fn counted_connection(app: &mut App) {
    let client = app.world_mut().spawn(ConnectedClient { max_size: 1200 }).id();
    app.world_mut().despawn(client);
    app.world_mut().flush();
}

/// Runs the server for [`TICKS`] ticks. Returns the length of the request, and the work of all requests.
fn run(request: usize, rate: Rate) -> (usize, u64) {
    let mut pair = Simulation::new(1, |app| {
        app.insert_items(Items::<()>::from_ron(ITEMS).expect("the catalog is valid"));
    });
    let client = pair.client_id(0);
    let full =
        |slots: u16| Inventory((0..slots).map(|n| Some(AXE.stack(1).with_wear(n))).collect());
    let viewers = || {
        let mut viewers = Viewers::new();
        viewers.add(client, Rights::USE);
        viewers
    };
    pair.server.world_mut().spawn((InventoryId::named("bag", 0), full(127), Owner(client)));
    pair.steps(60);
    for (n, slots) in [(1, u16::try_from(LARGEST).expect("it fits")), (2, 54)] {
        let id = InventoryId::named("bank", n);
        pair.server.world_mut().spawn((id, full(slots), viewers()));
        pair.steps(400);
    }
    let (_, action) = &requests()[request];
    let limits = RequestLimits::default();
    let channel = pair.request_channel();
    let before = pair.server.world().resource::<InventoryStats>().request_work;
    let (mut number, mut sent, mut bytes) = (0_u8, 0, 0);
    for tick in 0..TICKS {
        let allowed = match rate {
            Rate::Never => 0,
            Rate::Once => 1,
            Rate::Limit => limits.burst - 1 + tick * limits.per_second / 60,
        };
        while sent < allowed {
            (number, sent) = (number.wrapping_add(1), sent + 1);
            let encoded = encode(&pair, number, action);
            bytes = encoded.len();
            let client = client.entity().expect("it is a client");
            let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
            messages.insert_received(client, channel, encoded);
        }
        counted_update(&mut pair.server);
    }
    (bytes, pair.server.world().resource::<InventoryStats>().request_work - before)
}

fn encode(pair: &Simulation, number: u8, action: &InventoryAction) -> Vec<u8> {
    let world = pair.server.world();
    let (catalog, kinds) = (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
    let schema = Schema { catalog, registry: kinds.as_slice() };
    let mut w = BitWriter::default();
    write_body(&mut w, number, &RequestBody::Act { actor: Some(0), witness: 0, kind: 0 }, 1);
    let view = |entity: Entity| Some(entity.index_u32());
    ActionWriter { w: &mut w, schema, view: &view }.action(action);
    w.finish().to_vec()
}

#[inline(never)]
fn counted_update(app: &mut App) {
    app.update();
}

/// Returns the length of the request, the work of all requests, and the number of instructions of the updates.
fn count(request: usize, rate: Rate) -> (String, f64, f64) {
    let rate = match rate {
        Rate::Never => "never",
        Rate::Once => "once",
        Rate::Limit => "limit",
    };
    let (printed, instructions) =
        callgrind::run(["--request", &request.to_string(), "--rate", rate]);
    let (bytes, work) = printed.trim().split_once('\t').expect("the run prints two numbers");
    (bytes.to_owned(), work.trim().parse().expect("it is a number"), instructions)
}
