//! Public views are replicated to clients that do not see the inventory.

use crate::common::*;

#[test]
fn removed_hotbar_clears_the_held_item() {
    let mut pair = pair(2);
    let entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(entity).insert((Replicated, HeldItem::default()));
    hotbar(&mut pair, entity).set(0, AXE.stack(1)).unwrap();
    pair.steps(4);
    pair.server.world_mut().entity_mut(entity).remove::<Hotbar>();
    pair.steps(10);
    let world = pair.clients[1].app.world_mut();
    let held = world.query::<&HeldItem>().iter(world).next().copied();
    assert_ne!(held, Some(HeldItem(Some(AXE))), "other clients see an axe that is gone");
}

#[test]
fn selected_slot_is_synced_and_held_item_is_public() {
    let mut pair = pair(2);
    let entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(entity).insert((Replicated, HeldItem::default()));
    hotbar(&mut pair, entity).set(4, AXE.stack(1)).unwrap();
    pair.steps(4);
    hotbar(&mut pair, entity).select(4);
    let before = bytes_down(&pair, 0);
    pair.steps(4);
    let events = &events(&mut pair, 0).selected;
    assert_eq!(events.iter().map(|e| (e.old, e.new)).collect::<Vec<_>>(), [(0, 4)]);
    assert!(bytes_down(&pair, 0) - before < 40);
    for client in 0..2 {
        let world = pair.clients[client].app.world_mut();
        let held = *world.query::<&HeldItem>().single(world).unwrap();
        assert_eq!(held, HeldItem(Some(AXE)), "client {client}");
    }
    let world = pair.clients[1].app.world_mut();
    assert_eq!(world.query::<&Hotbar>().iter(world).count(), 0, "a bystander has no hotbar");
}

#[test]
fn public_view_stays_when_the_inventory_closes() {
    let mut pair = pair(2);
    let entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(entity).insert((Replicated, HeldItem::default()));
    hotbar(&mut pair, entity).set(0, AXE.stack(1)).unwrap();
    pair.steps(4);
    pair.server.world_mut().entity_mut(entity).remove::<Owner>();
    pair.steps(4);
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<&Hotbar>().iter(world).count(), 0, "the view is closed");
    let held = *world.query::<&HeldItem>().single(world).unwrap();
    assert_eq!(held, HeldItem(Some(AXE)));
}
