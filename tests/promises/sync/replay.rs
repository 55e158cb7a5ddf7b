//! Recorded play is equal on the client after every tick.

use crate::common::*;
use std::path::Path;

#[path = "../../../examples/replay/check.rs"]
mod check;
#[path = "../../../examples/replay/trace.rs"]
#[expect(dead_code, reason = "the example reports more")]
pub mod trace;

/// Replays a recording. Returns the number of ticks after which the client was equal, and of all ticks.
fn replay(path: &Path, mut disturb: impl FnMut(&mut Simulation)) -> (usize, usize) {
    let trace = trace::read(path).unwrap();
    let mut pair = Simulation::new(1, |app| {
        app.add_item_data::<check::Metadata>().insert_items(check::items(&trace));
    });
    let (mut equal, mut ticks) = (0, 0);
    for session in &trace.sessions {
        let owner = Owner(pair.client_id(0));
        let mut replay = check::Replay::begin(pair.server.world_mut(), session, owner);
        for tick in &session.ticks {
            replay.apply(pair.server.world_mut(), tick);
            pair.step();
            disturb(&mut pair);
            ticks += 1;
            equal += usize::from(replay.is_shown(pair.clients[0].app.world()));
        }
        replay.end(pair.server.world_mut());
        pair.steps(2);
    }
    (equal, ticks)
}

fn made_up() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/made_up.csv"))
}

#[test]
fn recording_is_equal_after_every_tick() {
    let (equal, ticks) = replay(made_up(), |_| {});
    assert!(ticks > 100);
    assert_eq!(equal, ticks);
}

#[test]
fn corrupted_copy_is_detected() {
    let mut at = 0;
    let (equal, ticks) = replay(made_up(), |pair| {
        at += 1;
        let world = pair.clients[0].app.world_mut();
        for mut inventory in world.query::<&mut Inventory>().iter_mut(world) {
            if at == 30 {
                *inventory = Inventory::new(inventory.len());
            }
        }
    });
    assert_eq!(equal, ticks - 1);
}

/// Real recordings are not part of the repository; `INVENTORY_TRACES` is their folder.
#[test]
fn recordings_from_a_folder_are_equal_after_every_tick() {
    let Some(folder) = std::env::var_os("INVENTORY_TRACES") else {
        println!("skipped: INVENTORY_TRACES names no folder with recordings");
        return;
    };
    for name in ["osrs.csv", "mdc.csv"] {
        let (equal, ticks) = replay(&Path::new(&folder).join(name), |_| {});
        assert_eq!(equal, ticks, "{name}");
    }
}
