//! Dropped items become loot with a known source, and none are lost.

use crate::common::forge::{forged, send, view};
use crate::common::*;

#[test]
fn merged_loot_despawns() {
    let Scene { mut pair, player_entity, .. } = Scene::clients(1).players(1).build();
    let settings = LootSettings { merge_within: core::time::Duration::ZERO, ..default() };
    pair.server.insert_resource(settings);
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

/// Drops one coin in each of this many ticks, and returns the loot with the number of coins in each.
fn drop_coins(settings: LootSettings, ticks: u32) -> (Simulation, Vec<u64>) {
    let Scene { mut pair, me, .. } =
        Scene::clients(1).players(1).carried(0, COIN.stack(1000)).build();
    pair.server.insert_resource(settings).insert_resource(ItemAudit::Strict);
    pair.steps(2);
    for _ in 0..ticks {
        let drop = InventoryAction::Drop { from: inv(me, 0), count: Some(1) };
        ask(&mut pair, 0, drop);
        pair.step();
        let wrong = pair.server.world().resource::<Messages<UnaccountedItems>>();
        assert_eq!(wrong.iter_current_update_messages().count(), 0);
    }
    pair.settle(60);
    let world = pair.server.world_mut();
    let mut loot = world.query_filtered::<&Inventory, With<Loot>>();
    let coins = loot.iter(world).map(|loot| loot.count(COIN)).collect();
    (pair, coins)
}

#[test]
fn coins_dropped_one_after_the_other_lie_in_few_piles() {
    let (mut pair, piles) = drop_coins(LootSettings::default(), 60);
    assert_eq!(piles.iter().sum::<u64>(), 60);
    assert!((2..=4).contains(&piles.len()), "{piles:?}: a pile for each half second");
    assert_same(&pair, 0, player(0));
    assert_eq!(events(&mut pair, 0).rejected, []);
    let (_, piles) =
        drop_coins(LootSettings { merge_within: core::time::Duration::ZERO, ..default() }, 60);
    assert_eq!(piles, [1; 60]);
}

#[test]
fn player_cannot_drop_more_piles_than_the_limit_until_some_are_picked_up() {
    let settings = LootSettings { merge_within: core::time::Duration::ZERO, max_per_player: 5 };
    let (mut pair, piles) = drop_coins(settings, 8);
    assert_eq!(piles, [1; 5]);
    let reasons: Vec<_> = events(&mut pair, 0).rejected.iter().map(|rejected| rejected.1).collect();
    assert_eq!(reasons, [Rejection::TooMuch; 3]);
    let entity = on_server(&pair, player(0));
    assert_eq!(inventory(&mut pair, entity).count(COIN), 995);
    // The game's own drops are not limited.
    with_inventories(&mut pair.server, move |inv| inv.drop_at(entity, COIN.stack(1)));
    pair.step();
    let world = pair.server.world_mut();
    let pile = world.query_filtered::<Entity, With<Loot>>().iter(world).next().unwrap();
    world.despawn(pile);
    let me = shown_entity(&pair, 0, player(0));
    ask(&mut pair, 0, InventoryAction::Drop { from: inv(me, 0), count: Some(1) });
    pair.settle(60);
    assert_eq!(events(&mut pair, 0).rejected.len(), 3);
}

#[test]
fn stacks_of_different_kinds_or_from_different_inventories_are_not_merged() {
    let mut app = Simulation::app(setup);
    let bodies = [0, 1].map(|n| app.world_mut().spawn((player(n), Inventory::default())).id());
    app.update();
    with_inventories(&mut app, move |inv| {
        for by in bodies {
            inv.drop_at(by, TORCH.stack(40));
            inv.drop_at(by, AXE.stack(1));
            inv.drop_at(by, AXE.stack(1).with_wear(5));
            inv.drop_at(by, TORCH.stack(40));
        }
    });
    app.update();
    let world = app.world_mut();
    let mut loot = world.query_filtered::<&Inventory, With<Loot>>();
    let mut torches: Vec<u64> =
        loot.iter(world).map(|loot| loot.count(TORCH)).filter(|count| *count > 0).collect();
    torches.sort_unstable();
    assert_eq!(torches, [16, 16, 64, 64]);
    assert_eq!(loot.iter(world).map(|loot| loot.count(AXE)).sum::<u64>(), 4);
    assert_eq!(loot.iter(world).count(), 8);
}

#[test]
fn limit_of_loot_holds_when_the_player_connects_again() {
    let Scene { mut pair, player_entity, .. } =
        Scene::clients(1).players(1).carried(0, COIN.stack(1000)).build();
    let settings = LootSettings { merge_within: core::time::Duration::ZERO, max_per_player: 5 };
    pair.server.insert_resource(settings);
    for _ in 0..3 {
        for _ in 0..8 {
            let me = shown_entity(&pair, 0, player(0));
            ask(&mut pair, 0, InventoryAction::Drop { from: inv(me, 0), count: Some(1) });
            pair.step();
        }
        pair.settle(30);
        reconnect(&mut pair, 0, 3, &[player_entity], &[]);
        pair.settle(60);
    }
    let world = pair.server.world_mut();
    assert_eq!(world.query_filtered::<(), With<Loot>>().iter(world).count(), 5);
}

#[test]
fn limit_of_loot_holds_if_the_client_does_not_name_its_body() {
    let Scene { mut pair, .. } = Scene::clients(1)
        .players(1)
        .carried(0, COIN.stack(1000))
        .chest([0])
        .stored(0, COIN.stack(1000))
        .build();
    let settings = LootSettings { merge_within: core::time::Duration::ZERO, max_per_player: 5 };
    pair.server.insert_resource(settings);
    for number in 1..=30 {
        let actor = (number % 2 == 0).then_some(0);
        let from = (forge::view(u32::from(number % 3 == 0)), Inventory::slot(0));
        let drop = InventoryAction::Drop { from, count: Some(1) };
        let bytes = forge::forged(&pair, number, actor, &drop);
        forge::send(&mut pair, 0, bytes);
        pair.steps(2);
    }
    assert_eq!(stats(&pair.server).requests_malformed, 0);
    let world = pair.server.world_mut();
    assert_eq!(world.query_filtered::<(), With<Loot>>().iter(world).count(), 5);
}

#[test]
fn what_the_game_drops_does_not_count_for_the_player_of_a_host() {
    let mut app = Simulation::app(setup);
    let owner = Owner(ClientId::Server);
    let me = app.world_mut().spawn((player(0), Inventory::default(), owner)).id();
    app.world_mut().get_mut::<Inventory>(me).unwrap().set(0, COIN.stack(5)).unwrap();
    (0..3).for_each(|_| app.update());
    let settings = LootSettings { merge_within: core::time::Duration::ZERO, max_per_player: 2 };
    app.insert_resource(settings);
    with_inventories(&mut app, move |inv| (0..9).for_each(|_| inv.drop_at(me, TORCH.stack(1))));
    app.update();
    let drop = InventoryAction::Drop { from: inv(me, 0), count: Some(1) };
    with_actions(&mut app, move |actions| actions.request(drop));
    app.update();
    assert_eq!(app.world().get::<Inventory>(me).unwrap().count(COIN), 4);
}
