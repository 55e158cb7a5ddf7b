//! Inventories are saved by item key and loaded without loss.

use crate::common::*;

#[test]
fn save_and_load_keep_everything_and_send_a_full_update() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    inventory(&mut pair, entity).set(26, AXE.stack(1).with_wear(12)).unwrap();
    hotbar(&mut pair, entity).set(3, COIN.stack(77)).unwrap();
    hotbar(&mut pair, entity).select(3);
    pair.steps(3);
    let mut saved = with_inventories(&mut pair.server, move |inv| inv.save(entity)).unwrap();
    let text = ron::to_string(&saved).unwrap();
    assert!(text.contains("\"axe\"") && text.contains("hotbar"), "{text}");
    assert_eq!(ron::from_str::<SavedInventory>(&text).unwrap(), saved);

    let mut gem = saved.containers[0].slots[0].clone();
    (gem.slot, gem.item) = (5, "gem_of_a_mod".into());
    saved.containers[0].slots.push(gem);
    inventory(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(2);
    let before = stats(&pair.server);
    let copy = saved.clone();
    with_inventories(&mut pair.server, move |inv| inv.load(entity, &copy)).unwrap();
    pair.steps(3);
    assert_eq!(stats(&pair.server).opens_encoded - before.opens_encoded, 1);
    assert_same(&pair, 0, player(0));
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap();
    assert_eq!((shown.get(0), shown.get(26)), (None, Some(AXE.stack(1).with_wear(12))));
    assert_eq!(events(&mut pair, 0).opened.len(), 1, "it was open all the time");
    let again = with_inventories(&mut pair.server, move |inv| inv.save(entity)).unwrap();
    let slots = |saved: &SavedInventory| saved.containers[0].slots.clone();
    assert_eq!(slots(&again).len(), slots(&saved).len(), "unknown items are saved again");
}

#[test]
fn saving_a_huge_inventory_does_not_panic() {
    let mut app = Simulation::app(setup);
    let entity = app.world_mut().spawn((chest(1), Inventory::new(70_000))).id();
    app.update();
    let saved = with_inventories(&mut app, move |inv| inv.save(entity).map(drop));
    let _ = saved;
}

#[test]
fn loading_into_an_entity_despawned_in_the_same_tick() {
    let mut app = Simulation::app(setup);
    let entity = app.world_mut().spawn((chest(1), Inventory::new(3))).id();
    app.update();
    app.add_systems(
        Update,
        (
            move |mut c: Commands| {
                c.entity(entity).try_despawn();
            },
            move |mut inv: Inventories| {
                let _ = inv.load(entity, &SavedInventory::default());
            },
        )
            .chain_ignore_deferred(),
    );
    app.update();
}

#[test]
fn container_that_is_saved_twice_keeps_the_items_of_both() {
    let mut app = Simulation::app(setup);
    let mut torches = Inventory::new(3);
    torches.set(0, TORCH.stack(5)).unwrap();
    let entity = app.world_mut().spawn((chest(1), torches)).id();
    app.update();
    let mut saved = with_inventories(&mut app, move |inv| inv.save(entity)).unwrap();
    saved.containers.push(saved.containers[0].clone());
    for _ in 0..2 {
        let copy = saved.clone();
        with_inventories(&mut app, move |inv| inv.load(entity, &copy)).unwrap();
        saved = with_inventories(&mut app, move |inv| inv.save(entity)).unwrap();
        let stacks = saved.containers.iter().flat_map(|container| &container.slots);
        assert_eq!(stacks.map(|stack| stack.count).sum::<u32>(), 10);
    }
}
