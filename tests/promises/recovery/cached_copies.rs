//! A closed inventory is reopened from the copy that the client kept, and never from a wrong one.

use crate::common::{random::sample, *};

/// A closed chest of which the client has a cached copy, after this number of versions.
fn closed_chest(versions: u32) -> (Simulation, Entity) {
    let Scene { mut pair, chest_entity: there, .. } = Scene::clients(1).chest([0]).build();
    for n in 1..=versions {
        inventory(&mut pair, there).set(5, COIN.stack(n)).unwrap();
        pair.step();
    }
    hide(&mut pair, there, 0);
    pair.settle(50);
    (pair, there)
}

#[test]
fn cached_copy_is_never_the_base_of_another_inventory_with_that_id() {
    type Successor = fn(&mut Simulation, Entity) -> Entity;
    let successors: [Successor; 4] = [
        |pair, old| {
            pair.server.world_mut().despawn(old);
            spawn_chest(pair, 1, &[])
        },
        |pair, old| {
            // It existed as a duplicate for a while.
            let second = spawn_chest(pair, 1, &[]);
            pair.steps(3);
            pair.server.world_mut().despawn(old);
            second
        },
        |pair, old| {
            let other = spawn_chest(pair, 9, &[]);
            pair.steps(3);
            pair.server.world_mut().entity_mut(old).insert(chest(8));
            pair.server.world_mut().entity_mut(other).insert(chest(1));
            other
        },
        |pair, old| {
            // Its container is removed, and another inserted.
            pair.server.world_mut().entity_mut(old).remove::<Inventory>();
            pair.steps(3);
            pair.server.world_mut().entity_mut(old).insert(Inventory::default());
            old
        },
    ];
    for (case, successor) in successors.into_iter().enumerate() {
        for more in sample([0, 3, 5, 6, 20], 3) {
            let (mut pair, old) = closed_chest(5);
            let new = successor(&mut pair, old);
            pair.step();
            for n in 0..more {
                inventory(&mut pair, new).set(0, TORCH.stack(1 + n)).unwrap();
                pair.step();
            }
            show(&mut pair, new, 0);
            pair.settle(50);
            assert_same(&pair, 0, chest(1));
            assert_eq!(stats(&pair.server).opens_from_cached_copy, 0, "case {case}, {more} more");
            assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 0);
        }
    }
}
