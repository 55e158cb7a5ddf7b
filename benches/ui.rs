//! Counts the instructions that the widgets need per changed slot: `cargo bench --features ui --bench ui`. Needs
//! valgrind. Deterministic except for the order of hash maps.
//!
//! A client shows 27 slots of a backpack and 9 of a hotbar, without a renderer. Columns: slots that change per frame;
//! instructions per changed slot, and per frame without a change, above those of the same client without widgets. Both
//! include Bevy's layout of texts and nodes.

#[path = "common/callgrind.rs"]
mod callgrind;
#[path = "../tests/ui/stage.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "a module of the tests, which use the rest"
)]
mod stage;

use clap::Parser;
use stage::{Stage, WOOD, usual_ui};

use bevy::prelude::Commands;
use bevy_inventory_sync::prelude::*;

/// Number of counted frames, and of warm-up frames before them.
const FRAMES: u32 = 100;
const WARM: u32 = 20;

#[derive(Parser)]
struct Cli {
    /// Number of slots to change per frame, in the process that valgrind observes.
    #[arg(long)]
    changes: Option<usize>,
    /// Spawns no widgets.
    #[arg(long)]
    bare: bool,
    /// Counts only one changed slot.
    #[arg(long)]
    quick: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let cli = Cli::parse();
    if let Some(changes) = cli.changes {
        return run(changes, cli.bare);
    }
    println!("changed_slots\tper_slot\tidle");
    let idle = widgets(0);
    let cases: &[usize] = if cli.quick { &[1] } else { &[1, 9, 27] };
    for changes in cases {
        #[expect(clippy::cast_precision_loss, reason = "there are at most 27")]
        let per_slot = (widgets(*changes) - idle) / *changes as f64;
        println!("{changes}\t{per_slot:.0}\t{idle:.0}");
    }
}

/// Returns the instructions per frame of the widgets alone.
fn widgets(changes: usize) -> f64 {
    (count(changes, false) - count(changes, true)) / f64::from(FRAMES)
}

fn run(changes: usize, bare: bool) {
    let spawn_ui: fn(&mut Commands) = if bare { |_| {} } else { usual_ui };
    let mut stage = Stage::with_ui(0, spawn_ui);
    for frame in 0..WARM + FRAMES {
        let mut player = stage.pair.server.world_mut().entity_mut(stage.player);
        let mut backpack = player.get_mut::<Inventory>().expect("the player has a backpack");
        for slot in 0..changes {
            // Two digits, as most counts have.
            let stack = WOOD.stack(10 + frame % 50);
            backpack.set(slot, stack).expect("there are 27 slots");
        }
        if frame < WARM {
            stage.steps(1);
        } else {
            counted_update(&mut stage);
        }
    }
}

#[inline(never)]
fn counted_update(stage: &mut Stage) {
    stage.steps(1);
}

/// Returns the number of instructions within the counted frames.
fn count(changes: usize, bare: bool) -> f64 {
    let args = ["--changes".to_owned(), changes.to_string()];
    callgrind::run(args.into_iter().chain(bare.then(|| "--bare".to_owned()))).1
}
