//! Plays a simulated game with whole apps, a server and its clients, while things go wrong. Input: see `ops`.

use std::cell::RefCell;

use super::{copy, game::SLOT_BYTES, memory, ops};
use bevy_inventory_sync::{
    model::limits::CLIENT_SLOTS_MAX,
    sim::{run::run_in, scene::Scene},
};

thread_local! {
    /// Games with one and with two players, in which nothing has happened.
    static SCENES: RefCell<Vec<Scene>> = RefCell::new(vec![Scene::new(0, 1), Scene::new(0, 2)]);
}

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Some(script) = ops::from_bytes(bytes) else { return };
    SCENES.with_borrow_mut(|scenes| {
        copy::run(|| {
            let scene = &mut scenes[usize::from(script.players) - 1];
            // As if it had been created with this seed.
            scene.sim.seed(script.seed);
            let cap = CLIENT_SLOTS_MAX * SLOT_BYTES;
            let failure = memory::within(cap, || run_in(scene, &script).failure);
            if let Some(failure) = failure {
                panic!("after {} operations: {}\n{script}", failure.after, failure.message);
            }
        });
    });
}
