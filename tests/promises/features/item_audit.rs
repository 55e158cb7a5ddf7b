//! The audit names every source and sink of items, and raises no false alarm.

use crate::common::*;

#[derive(Resource, Default)]
struct AuditLog {
    flows: Vec<(ItemId, i64, Cause)>,
    wrong: Vec<(InventoryId, ItemId, i64)>,
    decided: Vec<bool>,
}

fn record_audit(
    mut flows: MessageReader<ItemsCreatedOrDestroyed>,
    mut wrong: MessageReader<UnaccountedItems>,
    mut decided: MessageReader<ActionResolved>,
    mut log: ResMut<AuditLog>,
) {
    log.flows.extend(flows.read().map(|flow| (flow.item, flow.net, flow.cause)));
    log.wrong.extend(wrong.read().map(|wrong| (wrong.inventory, wrong.item, wrong.net)));
    log.decided.extend(decided.read().map(|decided| decided.result.is_ok()));
}

#[test]
fn audit_names_every_source_and_sink_and_unaccounted_items() {
    let mut pair = pair(1);
    pair.server
        .init_resource::<AuditLog>()
        .add_systems(Last, record_audit)
        .insert_resource(ItemAudit::Strict);
    let player_entity = spawn_player(&mut pair, 0);
    pair.settle(60);
    let me = shown_entity(&pair, 0, player(0));
    with_inventories(&mut pair.server, move |inv| {
        inv.insert_up_to(player_entity, COIN.stack(10)).discard();
        inv.take(player_entity, COIN, 3).unwrap();
    });
    pair.settle(60);
    let client = pair.client_id(0);
    ask(&mut pair, 0, InventoryAction::craft(RecipeId::of("torches"), me));
    let (from, to) = ((me, Inventory::slot(0)), (me, Hotbar::slot(0)));
    ask(&mut pair, 0, InventoryAction::Move { from, to, count: Some(1) });
    ask(&mut pair, 0, InventoryAction::Drop { from: to, count: None });
    pair.settle(60);
    with_inventories(&mut pair.server, move |inv| {
        assert_eq!(inv.drop_if(player_entity, |stack| stack.item == TORCH).unwrap(), 1);
        inv.drop_at(player_entity, TORCH.stack(6));
        inv.transact(|tx| {
            let coins = tx.take(player_entity, COIN, 1)?;
            coins.into_iter().for_each(|stack| tx.drop(stack));
            Ok(())
        })
        .unwrap();
    });
    pair.settle(60);
    let acted = Cause::Acted(client);
    let log = pair.server.world().resource::<AuditLog>();
    let mut flows = log.flows.clone();
    flows.sort_by_key(|(item, net, _)| (*item != COIN, *net));
    assert_eq!(
        flows,
        [
            (COIN, -3, Cause::Taken),
            (COIN, -2, acted),
            (COIN, 10, Cause::Inserted),
            (TORCH, 4, acted),
            (TORCH, 6, Cause::Dropped),
        ],
        "moved items are not audited"
    );
    assert_eq!((log.wrong.as_slice(), log.decided.as_slice()), (&[][..], &[true; 3][..]));
    let world = pair.server.world_mut();
    let loot: u64 =
        world.query_filtered::<&Inventory, With<Loot>>().iter(world).map(|i| i.count(TORCH)).sum();
    assert_eq!(loot, 10);
    let piles = world.query_filtered::<(), With<Loot>>().iter(world).count();
    assert_eq!(piles, 3, "torches that are dropped one after the other are merged");
    // A save and a daily reward in one tick.
    let saved = with_inventories(&mut pair.server, move |inv| inv.save(player_entity).unwrap());
    with_inventories(&mut pair.server, move |inv| {
        inv.take(player_entity, COIN, 2).unwrap();
        inv.load(player_entity, &saved).unwrap();
        inv.insert_up_to(player_entity, COIN.stack(4)).discard();
    });
    pair.steps(3);
    assert!(pair.server.world().resource::<AuditLog>().wrong.is_empty());
    // A direct write that no API declares.
    inventory(&mut pair, player_entity).set(7, AXE.stack(1)).unwrap();
    pair.steps(3);
    let log = pair.server.world().resource::<AuditLog>();
    assert_eq!(log.wrong, [(player(0), AXE, 1)]);
}

#[test]
fn client_side_changes_are_not_audited() {
    let Scene { mut pair, me, .. } = Scene::clients(1).players(1).build();
    let client = &mut pair.clients[0].app;
    for _ in 0..3 {
        with_inventories(client, move |inv| inv.insert_up_to(me, COIN.stack(10)).discard());
    }
    pair.settle(60);
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(COIN), 0, "reverted");
    let client = &mut pair.clients[0].app;
    client.world_mut().resource_mut::<NextState<ClientState>>().set(ClientState::Disconnected);
    client.update();
    client.update();
    let flows = client.world().resource::<Messages<ItemsCreatedOrDestroyed>>();
    assert_eq!(flows.len(), 0, "nothing was created");
}

#[test]
fn host_observer_that_acts_raises_no_false_alarm() {
    let mut app = Simulation::app(setup);
    app.insert_resource(ItemAudit::Strict);
    let owner = Owner(ClientId::Server);
    let me = app.world_mut().spawn((player(0), Inventory::default(), owner, ActingInventory)).id();
    let bank = app.world_mut().spawn((chest(1), Inventory::default(), owner)).id();
    (0..3).for_each(|_| app.update());
    app.add_observer(move |on: On<SlotChanged>, mut actions: InventoryActions| {
        if on.entity == me && on.new.is_some() {
            actions.request(InventoryAction::MoveAll { from: me.into(), to: bank.into() });
        }
    });
    with_inventories(&mut app, move |inv| inv.insert_up_to(me, COIN.stack(10)).discard());
    for _ in 0..5 {
        app.update();
        let wrong = app.world().resource::<Messages<UnaccountedItems>>();
        let wrong: Vec<_> = wrong.iter_current_update_messages().copied().collect();
        assert_eq!(wrong, []);
    }
    assert_eq!(app.world().get::<Inventory>(bank).unwrap().count(COIN), 10);
}

#[test]
fn container_inserted_with_items_raises_no_false_alarm() {
    let mut app = Simulation::app(setup);
    app.insert_resource(ItemAudit::Strict);
    let owner = Owner(ClientId::Server);
    let me = app.world_mut().spawn((player(0), Hotbar::default(), owner)).id();
    app.update();
    let mut full = Inventory::default();
    full.set(0, COIN.stack(10)).unwrap();
    full.set(1, COIN.stack(5)).unwrap();
    let alarms = |app: &mut App| {
        let wrong = app.world().resource::<Messages<UnaccountedItems>>();
        wrong.iter_current_update_messages().map(|wrong| wrong.net).collect::<Vec<_>>()
    };
    app.world_mut().entity_mut(me).insert(full);
    with_inventories(&mut app, move |inv| {
        inv.transact(|tx| {
            let some = tx.take_from(me, Inventory::slot(0), Some(4))?;
            tx.put_into(me, Hotbar::slot(0), some).map(drop)
        })
    })
    .unwrap();
    app.update();
    assert!(alarms(&mut app).is_empty());
    // It is removed in the tick in which something is taken out of it.
    with_inventories(&mut app, move |inv| inv.take(me, COIN, 1)).unwrap();
    app.world_mut().entity_mut(me).remove::<Inventory>();
    app.update();
    assert!(alarms(&mut app).is_empty());
    app.world_mut().get_mut::<Hotbar>(me).unwrap().set(0, COIN.stack(9)).unwrap();
    app.update();
    assert_eq!(alarms(&mut app), [6], "undeclared changes are still detected");
}
