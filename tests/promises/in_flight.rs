//! What happens to a request while it is on its way: views close, containers change, copies are healed.

use super::*;

fn scene() -> (Pair, Entity, Entity, Entity, Entity) {
    let mut pair = pair(2);
    let player_entity = spawn_player(&mut pair, 0);
    let chest_entity = spawn_chest(&mut pair, 1, &[0, 1]);
    inventory(&mut pair, player_entity).set(0, TORCH.stack(10)).unwrap();
    inventory(&mut pair, chest_entity).set(0, COIN.stack(9)).unwrap();
    pair.settle(50);
    pair.network.latency_ticks = 6;
    heard(&mut pair, 0).clear();
    let (me, open) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, chest(1)));
    (pair, player_entity, chest_entity, me, open)
}

/// Takes the coins out of the chest.
fn take(pair: &mut Pair, open: Entity, me: Entity) -> RequestId {
    ask(pair, 0, Action::Move { from: inv(open, 0), to: inv(me, 4), count: None })
}

fn coins(pair: &Pair) -> u64 {
    pair.shown::<Inventory>(0, player(0)).unwrap().count(COIN)
}

#[test]
fn the_view_is_hidden_while_a_move_is_in_flight() {
    let (mut pair, _, chest_entity, me, open) = scene();
    let client = pair.client_id(0);
    take(&mut pair, open, me);
    assert_eq!(coins(&pair), 9);
    pair.server.world_mut().get_mut::<Viewers>(chest_entity).unwrap().remove(client);
    pair.settle(100);
    assert_eq!(coins(&pair), 0);
    assert_eq!(heard(&mut pair, 0).rejected.len(), 1);
    assert_eq!(inventory(&mut pair, chest_entity).count(COIN), 9);
    assert!(heard(&mut pair, 0).pending.iter().filter(|p| !p.pending).count() >= 2);
}

#[test]
fn the_same_view_index_shows_another_chest_when_the_request_arrives() {
    let (mut pair, _, chest_entity, me, open) = scene();
    let client = pair.client_id(0);
    // The same coins in the same slot, so that only the chest differs.
    let other = spawn_chest(&mut pair, 2, &[]);
    inventory(&mut pair, other).set(0, COIN.stack(9)).unwrap();
    pair.steps(2);
    let id = take(&mut pair, open, me);
    pair.server.world_mut().get_mut::<Viewers>(chest_entity).unwrap().remove(client);
    pair.server.world_mut().get_mut::<Viewers>(other).unwrap().add(client, Rights::USE);
    pair.settle(100);
    assert_eq!(heard(&mut pair, 0).rejected, [(id, Reason::Stale)]);
    assert_eq!(coins(&pair), 0);
    assert_eq!(inventory(&mut pair, other).count(COIN), 9);
    assert_same(&pair, 0, chest(2));
}

#[test]
fn the_container_shrinks_grows_and_changes_place_while_a_move_is_in_flight() {
    let (mut pair, player_entity, chest_entity, me, open) = scene();
    take(&mut pair, open, me);
    // The backpack grows, and boots appear before the hotbar in the unit.
    drop(inventory(&mut pair, player_entity).resize(40));
    pair.server.world_mut().entity_mut(player_entity).insert(Equipment(Slots::new(3)));
    pair.settle(100);
    assert_same(&pair, 0, player(0));
    assert_eq!((coins(&pair), heard(&mut pair, 0).rejected.len()), (9, 0));
    let back = Action::Move { from: inv(me, 4), to: inv(open, 20), count: None };
    let id = ask(&mut pair, 0, back);
    drop(inventory(&mut pair, chest_entity).resize(9));
    pair.settle(100);
    assert_eq!(heard(&mut pair, 0).rejected, [(id, Reason::NoSuchSlot)]);
    assert_eq!(coins(&pair), 9);
    assert_same(&pair, 0, chest(1));
    assert_same(&pair, 0, player(0));
}

#[test]
fn everything_is_healed_while_requests_are_in_flight() {
    let (mut pair, player_entity, _, me, open) = scene();
    let channel = pair.sync_channel();
    let mut count = 0;
    pair.tamper(move |client, on, bytes| {
        count += u32::from(on == channel && client == 0);
        if on == channel && client == 0 && count == 1 { vec![] } else { vec![bytes] }
    });
    inventory(&mut pair, player_entity).set(20, AXE.stack(1)).unwrap();
    pair.step();
    for n in 0..6 {
        ask(&mut pair, 0, Action::Move { from: inv(me, 0), to: inv(me, 10 + n), count: Some(1) });
        pair.step();
    }
    take(&mut pair, open, me);
    for _ in 0..300 {
        pair.step();
        assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(TORCH), 10);
    }
    pair.settle(100);
    assert_same(&pair, 0, player(0));
    assert_eq!(coins(&pair), 9);
    let heard = heard(&mut pair, 0);
    assert_eq!((heard.confirmed.len(), heard.rejected.len()), (7, 0), "the answers come again");
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 1);
    assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, 0);
}

#[test]
fn the_player_closes_what_it_moves_out_of() {
    let (mut pair, _, chest_entity, me, _) = scene();
    pair.server.world_mut().entity_mut(chest_entity).insert(Openable::default());
    pair.server.world_mut().entity_mut(chest_entity).insert(Viewers::new());
    pair.settle(100);
    with_actions(&mut pair.clients[0].app, |actions| actions.open_id(chest(1)));
    pair.settle(100);
    let open = shown_entity(&pair, 0, chest(1));
    take(&mut pair, open, me);
    with_actions(&mut pair.clients[0].app, move |actions| actions.close(open));
    pair.settle(100);
    assert_eq!((coins(&pair), heard(&mut pair, 0).rejected.len()), (9, 0), "in this order");
    assert!(pair.shown::<Inventory>(0, chest(1)).is_none());
    assert_same(&pair, 0, player(0));
}

#[test]
fn the_chest_is_unloaded_with_what_lies_in_it_and_comes_back() {
    let (mut pair, _, chest_entity, me, open) = scene();
    let id = take(&mut pair, open, me);
    let saved = with_inventories(&mut pair.server, move |inv| inv.save(chest_entity).unwrap());
    pair.server.world_mut().despawn(chest_entity);
    pair.settle(100);
    assert_eq!(heard(&mut pair, 0).rejected, [(id, Reason::NotInView)]);
    let again = spawn_chest(&mut pair, 1, &[0]);
    pair.step();
    with_inventories(&mut pair.server, move |inv| inv.load(again, &saved).unwrap());
    pair.settle(100);
    let open = shown_entity(&pair, 0, chest(1));
    take(&mut pair, open, me);
    pair.settle(100);
    assert_eq!(coins(&pair), 9);
}

#[test]
fn counts_at_the_limits_of_integers() {
    let most = u32::MAX;
    let mut pair = Pair::new(1, move |app| {
        setup(app);
        let items = format!("(items: [(key: \"coin\", max_stack: {most}), (key: \"axe\")])");
        app.insert_items(Items::<()>::from_ron(&items).unwrap());
    });
    let player_entity = spawn_player(&mut pair, 0);
    for slot in 0..27 {
        inventory(&mut pair, player_entity).set(slot, COIN.stack(most)).unwrap();
    }
    inventory(&mut pair, player_entity).set(1, COIN.stack(most - 1)).unwrap();
    pair.settle(50);
    let me = shown_entity(&pair, 0, player(0));
    let area = || vec![Area::of::<Inventory>(me)];
    for action in [
        Action::Move { from: inv(me, 0), to: inv(me, 1), count: None },
        Action::Move { from: inv(me, 0), to: inv(me, 1), count: Some(most) },
        Action::Collect { onto: inv(me, 0), from: area() },
        Action::Spread { from: inv(me, 2), onto: vec![inv(me, 0), inv(me, 1)], each: None },
        Action::Spread { from: inv(me, 2), onto: vec![inv(me, 0)], each: Some(most) },
        Action::QuickMove { from: inv(me, 3), to: me.into() },
        Action::Sort { entity: me, container: ContainerKey::of(Inventory::NAME) },
        Action::MoveAll { from: area()[0], to: Area::of::<Hotbar>(me) },
    ] {
        ask(&mut pair, 0, action);
        pair.settle(50);
        assert_same(&pair, 0, player(0));
        let world = pair.server.world();
        let all = world.get::<Inventory>(player_entity).unwrap().count(COIN)
            + world.get::<Hotbar>(player_entity).unwrap().count(COIN);
        assert_eq!(all, 27 * u64::from(most) - 1);
    }
}

#[test]
fn loot_that_is_merged_into_other_loot_goes() {
    let (mut pair, player_entity, ..) = scene();
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
fn a_close_never_ends_the_inventory_that_took_over_the_views_index() {
    let (mut pair, _, chest_entity, _, _) = scene();
    let client = pair.client_id(0);
    let other = spawn_chest(&mut pair, 2, &[]);
    for chest in [chest_entity, other] {
        let openable = (Openable::default(), Viewers::new());
        pair.server.world_mut().entity_mut(chest).insert(openable);
    }
    pair.settle(100);
    with_actions(&mut pair.clients[0].app, |actions| actions.open_id(chest(1)));
    pair.settle(100);
    let open = shown_entity(&pair, 0, chest(1));
    // The player asks for the other one, and the server takes the first away before it hears of it.
    with_actions(&mut pair.clients[0].app, |actions| actions.open_id(chest(2)));
    pair.step();
    let id = with_actions(&mut pair.clients[0].app, move |actions| actions.close(open));
    pair.server.world_mut().get_mut::<Viewers>(chest_entity).unwrap().remove(client);
    pair.settle(100);
    assert_eq!(heard(&mut pair, 0).rejected, [(id, Reason::NotInView)]);
    assert_same(&pair, 0, chest(2));
}
