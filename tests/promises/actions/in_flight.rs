//! A request that is in flight while views, containers or copies change applies to what the player saw, or to
//! nothing.

use super::prediction::{shown, stocked, total};
use crate::common::*;

fn scene() -> Scene {
    Scene::clients(2)
        .players(1)
        .chest([0, 1])
        .carried(0, TORCH.stack(10))
        .stored(0, COIN.stack(9))
        .latency(6)
        .without_events()
        .build()
}

/// Takes the coins out of the chest.
fn take(pair: &mut Simulation, open: Entity, me: Entity) -> RequestId {
    ask(pair, 0, InventoryAction::Move { from: inv(open, 0), to: inv(me, 4), count: None })
}

fn coins(pair: &Simulation) -> u64 {
    pair.shown::<Inventory>(0, player(0)).unwrap().count(COIN)
}

#[test]
fn view_is_hidden_while_a_move_is_in_flight() {
    let Scene { mut pair, chest_entity, me, open, .. } = scene();
    take(&mut pair, open, me);
    assert_eq!(coins(&pair), 9);
    hide(&mut pair, chest_entity, 0);
    pair.settle(100);
    assert_eq!(coins(&pair), 0);
    assert_eq!(events(&mut pair, 0).rejected.len(), 1);
    assert_eq!(inventory(&mut pair, chest_entity).count(COIN), 9);
    assert!(events(&mut pair, 0).pending.iter().filter(|p| !p.pending).count() >= 2);
}

#[test]
fn reused_index_does_not_redirect_move() {
    let Scene { mut pair, chest_entity, me, open, .. } = scene();
    // The same coins in the same slot, so that only the chest differs.
    let other = spawn_chest(&mut pair, 2, &[]);
    inventory(&mut pair, other).set(0, COIN.stack(9)).unwrap();
    pair.steps(2);
    let id = take(&mut pair, open, me);
    hide(&mut pair, chest_entity, 0);
    show(&mut pair, other, 0);
    pair.settle(100);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::Stale)]);
    assert_eq!(coins(&pair), 0);
    assert_eq!(inventory(&mut pair, other).count(COIN), 9);
    assert_same(&pair, 0, chest(2));
}

#[test]
fn containers_shrink_grow_and_reorder_while_a_move_is_in_flight() {
    let Scene { mut pair, player_entity, chest_entity, me, open, .. } = scene();
    take(&mut pair, open, me);
    // The backpack grows, and equipment is inserted before the hotbar.
    drop(inventory(&mut pair, player_entity).resize(40));
    pair.server.world_mut().entity_mut(player_entity).insert(Equipment(Slots::new(3)));
    pair.settle(100);
    assert_same(&pair, 0, player(0));
    assert_eq!((coins(&pair), events(&mut pair, 0).rejected.len()), (9, 0));
    let back = InventoryAction::Move { from: inv(me, 4), to: inv(open, 20), count: None };
    let id = ask(&mut pair, 0, back);
    drop(inventory(&mut pair, chest_entity).resize(9));
    pair.settle(100);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::NoSuchSlot)]);
    assert_eq!(coins(&pair), 9);
    assert_same(&pair, 0, chest(1));
    assert_same(&pair, 0, player(0));
}

#[test]
fn resync_while_requests_are_in_flight() {
    let Scene { mut pair, player_entity, me, open, .. } = scene();
    let channel = pair.sync_channel();
    let mut count = 0;
    pair.tamper(move |client, on, bytes| {
        count += u32::from(on == channel && client == 0);
        if on == channel && client == 0 && count == 1 { vec![] } else { vec![bytes] }
    });
    inventory(&mut pair, player_entity).set(20, AXE.stack(1)).unwrap();
    pair.step();
    for n in 0..6 {
        ask(
            &mut pair,
            0,
            InventoryAction::Move { from: inv(me, 0), to: inv(me, 10 + n), count: Some(1) },
        );
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
    let events = events(&mut pair, 0);
    assert_eq!(
        (events.confirmed.len(), events.rejected.len()),
        (7, 0),
        "the responses are sent again"
    );
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 1);
    assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, 0);
}

#[test]
fn player_closes_the_chest_it_moves_out_of() {
    let Scene { mut pair, chest_entity, me, .. } = scene();
    pair.server.world_mut().entity_mut(chest_entity).insert(Openable::default());
    pair.server.world_mut().entity_mut(chest_entity).insert(Viewers::new());
    pair.settle(100);
    with_actions(&mut pair.clients[0].app, |actions| actions.open_by_id(chest(1)));
    pair.settle(100);
    let open = shown_entity(&pair, 0, chest(1));
    take(&mut pair, open, me);
    with_actions(&mut pair.clients[0].app, move |actions| actions.close(open));
    pair.settle(100);
    assert_eq!((coins(&pair), events(&mut pair, 0).rejected.len()), (9, 0), "in this order");
    assert!(pair.shown::<Inventory>(0, chest(1)).is_none());
    assert_same(&pair, 0, player(0));
}

#[test]
fn chest_is_unloaded_and_loaded_while_a_move_is_in_flight() {
    let Scene { mut pair, chest_entity, me, open, .. } = scene();
    let id = take(&mut pair, open, me);
    let saved = with_inventories(&mut pair.server, move |inv| inv.save(chest_entity).unwrap());
    pair.server.world_mut().despawn(chest_entity);
    pair.settle(100);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::NotInView)]);
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
fn reused_index_does_not_redirect_close() {
    let Scene { mut pair, chest_entity, .. } = scene();
    let other = spawn_chest(&mut pair, 2, &[]);
    for chest in [chest_entity, other] {
        let openable = (Openable::default(), Viewers::new());
        pair.server.world_mut().entity_mut(chest).insert(openable);
    }
    pair.settle(100);
    with_actions(&mut pair.clients[0].app, |actions| actions.open_by_id(chest(1)));
    pair.settle(100);
    let open = shown_entity(&pair, 0, chest(1));
    // The player opens the other chest, and the server hides the first before the request arrives.
    with_actions(&mut pair.clients[0].app, |actions| actions.open_by_id(chest(2)));
    pair.step();
    let id = with_actions(&mut pair.clients[0].app, move |actions| actions.close(open));
    hide(&mut pair, chest_entity, 0);
    pair.settle(100);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::NotInView)]);
    assert_same(&pair, 0, chest(2));
}

#[test]
fn chest_despawns_while_a_move_is_in_flight() {
    let Scene { mut pair, chest_entity, me, open, .. } =
        stocked(Scene::clients(2)).chest([0, 1]).stored(0, COIN.stack(9)).latency(5).build();
    let id = ask(
        &mut pair,
        0,
        InventoryAction::Move { from: inv(open, 0), to: inv(me, 4), count: None },
    );
    assert_eq!(shown(&pair, 0, 4), Some(COIN.stack(9)));
    let world = pair.server.world_mut();
    let stacks = world.get_mut::<Inventory>(chest_entity).unwrap().resize(0);
    world.despawn(chest_entity);
    assert_eq!(stacks, [COIN.stack(9)], "the game keeps the contents");
    pair.settle(100);
    assert_eq!(shown(&pair, 0, 4), None);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::NotInView)]);
    assert_eq!((events(&mut pair, 0).closed.len(), events(&mut pair, 1).closed.len()), (1, 1));
    assert_eq!(total(&mut pair, COIN), 3);
}

#[test]
fn reused_index_does_not_redirect_put_all() {
    let mut pair = pair(1);
    let me_server = spawn_player(&mut pair, 0);
    inventory(&mut pair, me_server).set(0, COIN.stack(50)).unwrap();
    let a = spawn_chest(&mut pair, 1, &[0]);
    let b = spawn_chest(&mut pair, 2, &[]);
    pair.settle(60);
    pair.network.latency_ticks = 10;
    let (me, chest_a) = (shown_entity(&pair, 0, player(0)), shown_entity(&pair, 0, chest(1)));
    // The server hides one chest and shows the other; the client has not received that yet.
    hide(&mut pair, a, 0);
    pair.step();
    show(&mut pair, b, 0);
    pair.step();
    ask(&mut pair, 0, InventoryAction::MoveAll { from: me.into(), to: chest_a.into() });
    pair.settle(200);
    assert_eq!(inventory(&mut pair, b).count(COIN), 0, "the player never named it");
    assert_eq!(events(&mut pair, 0).rejected.len(), 1);
}
