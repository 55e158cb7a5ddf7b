//! Whole games on bad networks keep all invariants; see `examples/simulate.rs` for many more of them.

use bevy_inventory_sync::sim::{run::run, script::Script};
use std::{fs, path::Path};

#[test]
fn simulated_games_keep_all_invariants() {
    for seed in 1..=3 {
        let script = Script::random(seed, 3, 1);
        assert_eq!(run(&script).failure, None, "seed {seed}");
    }
}

#[test]
fn simulated_game_is_the_same_with_the_same_seed() {
    let mut script = Script::random(8, 3, 1);
    script.events.retain(|event| event.tick < 600);
    let [first, second] = [(); 2].map(|()| run(&script));
    assert_eq!(first.failure, None);
    assert_eq!(first.trace, second.trace);
    assert_eq!(first.report, second.report);
}

/// Scripts that failed before a mistake of the crate was corrected. Each still performs all kinds of its operations.
#[test]
fn scripts_that_once_failed_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scripts");
    let mut scripts = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let script: Script = fs::read_to_string(&path).unwrap().parse().unwrap();
        let outcome = run(&script);
        assert_eq!(outcome.failure, None, "{}", path.display());
        for event in &script.events {
            let op = event.op.name();
            assert!(outcome.report.ops.contains_key(&op), "{}: {op}", path.display());
        }
        scripts += 1;
    }
    assert!(scripts > 0);
}
