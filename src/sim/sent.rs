//! Checks what clients are sent: nothing that they may not see.

use bevy::prelude::*;
use bevy_replicon::bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    canary::Canaries,
    contents::{on_ground, sees},
    plain::{PlainInventory, Totals},
    report::Violation,
    scene::Scene,
};

/// Checks what the server sent to all clients, and adds it to the trace.
///
/// # Errors
///
/// The first client that was sent what it may not see.
pub(super) fn check_sent(scene: &mut Scene, trace: &mut u64) -> Result<(), Violation> {
    note_shown(scene);
    let tick = scene.sim.tick();
    for (n, client) in scene.sim.clients.iter_mut().enumerate() {
        let sent: Vec<(usize, Bytes)> = core::mem::take(&mut client.record);
        for (channel, bytes) in sent {
            let at = tick << 16 | (channel as u64) << 8 | n as u64;
            *trace = xxh3_64_with_seed(&bytes, trace.rotate_left(7) ^ at);
            if scene.canaries.found_in(&bytes, n) {
                return Err(format!("client {n} was sent what it may not see"));
            }
        }
    }
    Ok(())
}

/// Records which labels the clients may currently see.
pub(super) fn note_shown(scene: &mut Scene) {
    // During a revert, the oracle does not follow what players move.
    if scene.is_reverting() {
        for entity in (0..scene.places.len()).filter_map(|n| scene.entity(n)).collect::<Vec<_>>() {
            if let Some(Ok(there)) = scene.contents(entity) {
                let clients = viewers(scene, entity);
                show(&mut scene.canaries, &there, clients);
            }
        }
        if let Ok(ground) = on_ground(scene) {
            show_ground(scene, &ground);
        }
    }
    let labeled = scene.oracle.inventories.iter().filter(|(_, there)| has_labels(there));
    let viewed: Vec<_> = labeled.map(|(entity, _)| (*entity, viewers(scene, *entity))).collect();
    for (entity, clients) in viewed {
        show(&mut scene.canaries, &scene.oracle.inventories[&entity], clients);
    }
    let ground = core::mem::take(&mut scene.oracle.ground);
    show_ground(scene, &ground);
    scene.oracle.ground = ground;
}

/// Records that all players see what lies on the ground.
fn show_ground(scene: &mut Scene, ground: &Totals) {
    let players = (1 << scene.players) - 1;
    for label in ground.keys().filter_map(|(_, _, label)| *label) {
        scene.canaries.show(label, players);
    }
}

fn has_labels(inventory: &PlainInventory) -> bool {
    inventory.stacks().any(|stack| stack.label.is_some())
}

fn show(canaries: &mut Canaries, inventory: &PlainInventory, clients: u64) {
    let labels = inventory.stacks().filter_map(|stack| stack.label);
    labels.for_each(|label| canaries.show(label, clients));
}

/// Returns the players that see an inventory, with one bit for each of them.
fn viewers(scene: &Scene, entity: Entity) -> u64 {
    let world = scene.sim.server.world();
    let sees = |client: &usize| {
        scene.sim.is_connected(*client) && sees(world, entity, scene.sim.client_id(*client))
    };
    (0..scene.players).filter(sees).map(|client| 1 << client).sum()
}
