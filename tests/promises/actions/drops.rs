//! Dropped items become loot with a known source, and none are lost.

use crate::common::forge::{forged, send, view};
use crate::common::*;

#[test]
fn merged_loot_despawns() {
    let Scene { mut pair, player_entity, .. } = Scene::clients(1).players(1).build();
    pair.server.add_observer(|dropped: On<Dropped>, mut commands: Commands| {
        commands.entity(dropped.entity).insert(InventoryId::named("loot", 1));
    });
    with_inventories(&mut pair.server, move |inv| inv.drop_at(player_entity, TORCH.stack(3)));
    pair.step();
    let first = pair.server.world().resource::<InventoryIds>().get(InventoryId::named("loot", 1));
    let first = first.unwrap();
    pair.server.world_mut().entity_mut(first).insert(InventoryId::named("loot", 2));
    with_inventories(&mut pair.server, move |inv| inv.drop_at(player_entity, TORCH.stack(5)));
    pair.step();
    let ids = pair.server.world().resource::<InventoryIds>();
    let second = ids.get(InventoryId::named("loot", 1)).unwrap();
    with_inventories(&mut pair.server, move |inv| {
        inv.transact(|tx| tx.move_all(second, first)).unwrap();
    });
    pair.steps(2);
    assert!(pair.server.world().get_entity(second).is_err());
    assert_eq!(inventory(&mut pair, first).get(0), Some(TORCH.stack(8)));
}

#[test]
fn dropped_event_names_the_source() {
    #[derive(Resource, Default)]
    struct Drops(Vec<Dropped>);
    let mut pair = pair(1);
    let server = spawn_player(&mut pair, 0);
    inventory(&mut pair, server).set(0, TORCH.stack(3)).unwrap();
    pair.server
        .init_resource::<Drops>()
        .add_observer(|on: On<Dropped>, mut drops: ResMut<Drops>| drops.0.push(*on));
    pair.settle(60);
    let bytes =
        forged(&pair, 1, None, &InventoryAction::Drop { from: inv(view(0), 0), count: None });
    send(&mut pair, 0, bytes);
    pair.step();
    let drops = &pair.server.world().resource::<Drops>().0;
    assert_eq!(drops.len(), 1);
    assert_eq!(drops[0].by, Some(server), "the inventory that it was dropped from or for");
}

#[test]
fn drop_in_an_otherwise_empty_transaction_is_kept() {
    let mut app = Simulation::app(setup);
    app.update();
    with_inventories(&mut app, |inventories| {
        inventories
            .transact(|tx| {
                tx.drop(COIN.stack(5));
                Ok(())
            })
            .unwrap();
    });
    app.update();
    let flows = app.world().resource::<Messages<ItemsCreatedOrDestroyed>>();
    let audited: i64 = flows.iter_current_update_messages().map(|flow| flow.net).sum();
    let world = app.world_mut();
    let there: u64 =
        world.query_filtered::<&Inventory, With<Loot>>().iter(world).map(|i| i.count(COIN)).sum();
    assert_eq!((audited, there), (5, 5), "audited, on the ground");
}
