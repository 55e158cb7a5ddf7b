//! Actions are shown at once, decided by the server, and reverted with a reason. No item is created, lost or
//! moved twice.

use crate::common::{random::each_seed, *};

/// Adds a player with ten torches in slot 0, an axe in slot 1 and three coins in the hotbar.
pub(super) fn stocked(scene: SceneBuilder) -> SceneBuilder {
    scene
        .players(1)
        .carried(0, TORCH.stack(10))
        .carried(1, AXE.stack(1))
        .in_hotbar(0, COIN.stack(3))
        .without_events()
}

pub(super) fn shown(pair: &Simulation, client: usize, slot: usize) -> Option<Stack> {
    pair.shown::<Inventory>(client, player(client as u64)).unwrap().get(slot)
}

pub(super) fn total(pair: &mut Simulation, item: ItemId) -> u64 {
    let world = pair.server.world_mut();
    let inventories: u64 = world.query::<&Inventory>().iter(world).map(|i| i.count(item)).sum();
    let hotbars: u64 = world.query::<&Hotbar>().iter(world).map(|h| h.count(item)).sum();
    let worn: u64 = world.query::<&Equipment>().iter(world).map(|e| e.slots().count(item)).sum();
    inventories + hotbars + worn
}

#[test]
fn accepted_swap_shows_at_once_and_emits_two_events() {
    for latency in [0, 6, 30] {
        let Scene { mut pair, me, .. } = stocked(Scene::clients(1)).build();
        pair.network.latency_ticks = latency;
        let id = ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 1) });
        assert_eq!(shown(&pair, 0, 0), Some(AXE.stack(1)), "before the next frame");
        assert_eq!(shown(&pair, 0, 1), Some(TORCH.stack(10)));
        pair.settle(200);
        let events = events(&mut pair, 0);
        assert_eq!(events.slots.len(), 2, "{:?}", events.slots);
        assert!(events.slots.iter().all(|change| change.cause == SlotCause::Predicted));
        assert_eq!((events.confirmed.as_slice(), events.rejected.len()), (&[id][..], 0));
        assert_eq!(events.pending.iter().filter(|p| p.pending).count(), 2);
        assert_eq!(events.pending.iter().filter(|p| !p.pending).count(), 2);
        assert_same(&pair, 0, player(0));
        assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, 0);
    }
}

#[test]
fn swap_costs_eight_bytes_up_and_five_down() {
    let Scene { mut pair, me, .. } = stocked(Scene::clients(1)).build();
    for _ in 0..40 {
        let (up, down) = (bytes_up(&pair, 0), bytes_down(&pair, 0));
        ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 26) });
        pair.settle(20);
        assert!(bytes_up(&pair, 0) - up <= 8, "{} up", bytes_up(&pair, 0) - up);
        assert!(bytes_down(&pair, 0) - down <= 5, "{} down", bytes_down(&pair, 0) - down);
    }
    assert_same(&pair, 0, player(0));
}

#[test]
fn rejection_without_server_changes_corrects_the_client() {
    let scene = Scene::with_setup(1, |app| {
        setup(app);
        app.add_rule::<With<Inventory>, _>(|_: In<AccessRequest>| {
            AccessDecision::Deny(Rejection::Locked)
        });
    });
    let Scene { mut pair, player_entity: server, me, .. } = stocked(scene).build();
    pair.network.latency_ticks = 5;
    let marked = stats(&pair.server).slots_marked;
    let id = ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 1) });
    assert_eq!(shown(&pair, 0, 0), Some(AXE.stack(1)));
    pair.settle(100);
    assert_eq!(shown(&pair, 0, 0), Some(TORCH.stack(10)));
    assert_eq!(stats(&pair.server).slots_marked, marked);
    let events = events(&mut pair, 0);
    assert_eq!(events.rejected, [(id, Rejection::Locked)]);
    let causes: Vec<_> = events.slots.iter().map(|change| change.cause).collect();
    let (shown_first, taken_back) = (SlotCause::Predicted, SlotCause::RolledBack);
    assert_eq!(causes, [shown_first, shown_first, taken_back, taken_back]);
    assert_eq!(events.pending.len(), 4);
    assert_eq!(inventory(&mut pair, server).get(0), Some(TORCH.stack(10)));
}

#[test]
fn actions_after_a_rejection_work() {
    let Scene { mut pair, player_entity: server, me, .. } = stocked(Scene::clients(1)).build();
    pair.network.latency_ticks = 8;
    // The server takes the axe while the client moves it; the client continues with the torches.
    inventory(&mut pair, server).set(1, None).unwrap();
    let first =
        ask(&mut pair, 0, InventoryAction::Move { from: inv(me, 1), to: inv(me, 5), count: None });
    let onto = InventoryAction::Move { from: inv(me, 0), to: inv(me, 5), count: Some(4) };
    let to_other = InventoryAction::Move { from: inv(me, 0), to: inv(me, 9), count: Some(4) };
    assert!(
        with_actions(&mut pair.clients[0].app, {
            let onto = onto.clone();
            move |actions| actions.check(&onto)
        })
        .is_err()
    );
    let second = ask(&mut pair, 0, onto);
    let third = ask(&mut pair, 0, to_other);
    pair.settle(200);
    let events = events(&mut pair, 0);
    assert_eq!(events.rejected, [(second, Rejection::Occupied), (first, Rejection::Stale)]);
    assert_eq!(events.confirmed, [third]);
    assert_eq!(shown(&pair, 0, 9), Some(TORCH.stack(4)));
    assert_same(&pair, 0, player(0));
    assert_eq!(total(&mut pair, TORCH), 10);
}

#[test]
fn duplicate_and_lost_responses_are_harmless() {
    for lost in 0..4 {
        let Scene { mut pair, me, .. } = stocked(Scene::clients(1)).build();
        let channel = pair.sync_channel();
        let mut count = 0;
        pair.tamper(move |_, on, bytes| {
            count += u32::from(on == channel);
            match on == channel {
                true if count - 1 == lost => vec![],
                true => vec![bytes.clone(), bytes],
                false => vec![bytes],
            }
        });
        for n in 0..4 {
            ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, n), b: inv(me, n + 10) });
            pair.step();
        }
        pair.steps(400);
        pair.stop_tampering();
        pair.settle(400);
        let answers = events(&mut pair, 0).confirmed.len() + events(&mut pair, 0).rejected.len();
        // Only two of the four swaps have contents.
        assert_eq!(answers, 4, "message {lost} was lost");
        assert_same(&pair, 0, player(0));
        ask(&mut pair, 0, InventoryAction::Swap { a: inv(me, 0), b: inv(me, 10) });
        pair.settle(100);
        assert_same(&pair, 0, player(0));
        assert_eq!(total(&mut pair, TORCH), 10);
        assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, 0);
    }
}

#[test]
fn server_changes_the_slot_under_a_prediction() {
    let Scene { mut pair, player_entity: server, me, .. } = stocked(Scene::clients(1)).build();
    pair.network.latency_ticks = 6;
    ask(&mut pair, 0, InventoryAction::Move { from: inv(me, 0), to: inv(me, 7), count: Some(5) });
    // Five torches are added to the same slot: the count of a stack may differ.
    inventory(&mut pair, server).set(0, TORCH.stack(15)).unwrap();
    for _ in 0..40 {
        pair.step();
        let torches: u64 = pair.shown::<Inventory>(0, player(0)).unwrap().count(TORCH);
        assert!(torches == 10 || torches == 15, "{torches} torches are shown");
    }
    assert_eq!(
        (shown(&pair, 0, 0), shown(&pair, 0, 7)),
        (Some(TORCH.stack(10)), Some(TORCH.stack(5)))
    );
    assert_same(&pair, 0, player(0));
    assert_eq!(events(&mut pair, 0).rejected, []);
}

#[test]
fn rapid_pick_and_place_at_a_second_of_latency_with_jitter() {
    each_seed(3..4, |seed| {
        let Scene { mut pair, me, .. } = stocked(Scene::clients(1)).build();
        let mut random = fastrand::Rng::with_seed(seed);
        for n in 0..3000 {
            pair.network.latency_ticks = random.u64(12..60);
            if n % 4 == 0 {
                let (a, b) = (random.usize(0..27), random.usize(0..27));
                let count = random.bool().then(|| random.u32(1..5));
                ask(
                    &mut pair,
                    0,
                    InventoryAction::Move { from: inv(me, a), to: inv(me, b), count },
                );
            }
            pair.step();
            assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(TORCH), 10);
        }
        pair.settle(400);
        assert_same(&pair, 0, player(0));
        assert_eq!(total(&mut pair, TORCH), 10);
        let stale = |(_, reason): &&(RequestId, Rejection)| *reason == Rejection::Stale;
        assert_eq!(events(&mut pair, 0).rejected.iter().filter(stale).count(), 0);
        assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, 0);
    });
}

#[test]
fn three_viewers_take_the_last_item_in_one_tick() {
    let Scene { mut pair, .. } =
        Scene::clients(3).players(3).chest([0, 1, 2]).stored(0, BOOTS.stack(1)).latency(4).build();
    for client in 0..3 {
        let me = shown_entity(&pair, client, player(client as u64));
        let open = shown_entity(&pair, client, chest(1));
        ask(&mut pair, client, InventoryAction::QuickMove { from: inv(open, 0), to: me.into() });
        assert_eq!(pair.shown::<Inventory>(client, player(client as u64)).unwrap().count(BOOTS), 1);
    }
    pair.settle(100);
    let won: Vec<_> =
        (0..3).filter(|client| events(&mut pair, *client).confirmed.len() == 1).collect();
    assert_eq!(won.len(), 1);
    for client in (0..3).filter(|client| *client != won[0]) {
        assert_eq!(
            events(&mut pair, client).rejected[0].1,
            Rejection::Stale,
            "the losers receive a reason"
        );
        assert_eq!(pair.shown::<Inventory>(client, player(client as u64)).unwrap().count(BOOTS), 0);
    }
    for client in 0..3 {
        assert_same(&pair, client, chest(1));
        assert_same(&pair, client, player(client as u64));
    }
    assert_eq!(total(&mut pair, BOOTS), 1);
}

#[test]
fn twenty_quick_moves_and_a_drag_are_one_request_each() {
    let Scene { mut pair, player_entity: server, me, .. } = stocked(Scene::clients(1)).build();
    for slot in 0..20 {
        inventory(&mut pair, server).set(slot, BOOTS.stack(1).with_wear(slot as u16)).unwrap();
    }
    let chest_entity = spawn_chest(&mut pair, 1, &[0]);
    pair.settle(30);
    pair.network.latency_ticks = 6;
    let open = shown_entity(&pair, 0, chest(1));
    for slot in 0..20 {
        ask(&mut pair, 0, InventoryAction::QuickMove { from: inv(me, slot), to: open.into() });
    }
    pair.settle(100);
    assert_eq!(events(&mut pair, 0).confirmed.len(), 20);
    assert_eq!(inventory(&mut pair, chest_entity).count(BOOTS), 20);
    hotbar(&mut pair, server).set(0, COIN.stack(100)).unwrap();
    pair.settle(50);
    let (requests, marked) = (stats(&pair.server).requests_validated, stats(&pair.server).commits);
    let onto = (0..9).map(|slot| inv(me, slot)).collect();
    let from = (me, Hotbar::slot(0));
    ask(&mut pair, 0, InventoryAction::Spread { from, onto, each: None });
    assert_eq!(shown(&pair, 0, 8), Some(COIN.stack(11)));
    pair.settle(100);
    assert_eq!(stats(&pair.server).requests_validated - requests, 1);
    assert_eq!(stats(&pair.server).commits - marked, 1, "one batch");
    assert_eq!(hotbar(&mut pair, server).get(0), Some(COIN.stack(1)));
    assert_same(&pair, 0, player(0));
    assert_same(&pair, 0, chest(1));
}

#[test]
fn lost_repeated_and_reordered_requests_apply_at_most_once() {
    for trick in 0..4 {
        let Scene { mut pair, player_entity: server, me, .. } = stocked(Scene::clients(1)).build();
        let channel = pair.request_channel();
        let mut count = 0;
        let mut held = None;
        pair.tamper_requests(move |_, on, bytes| {
            count += u32::from(on == channel);
            match trick {
                _ if on != channel => vec![bytes],
                0 if count == 2 => vec![],
                1 => vec![bytes.clone(), bytes],
                2 if count == 2 => {
                    held = Some(bytes);
                    vec![]
                }
                2 => [Some(bytes), held.take()].into_iter().flatten().collect(),
                3 if count == 2 || count == 3 => vec![],
                _ => vec![bytes],
            }
        });
        // One torch per request, so that each one counts.
        for _ in 0..5 {
            ask(
                &mut pair,
                0,
                InventoryAction::Move { from: inv(me, 0), to: inv(me, 9), count: Some(1) },
            );
            pair.step();
        }
        pair.settle(100);
        let lost = [1, 0, 1, 2][trick];
        assert_eq!(inventory(&mut pair, server).get(9), Some(TORCH.stack(5 - lost)), "{trick}");
        let events = events(&mut pair, 0);
        assert_eq!(events.confirmed.len(), 5 - lost as usize);
        assert!(events.rejected.iter().all(|rejected| rejected.1 == Rejection::Unanswered));
        assert_same(&pair, 0, player(0));
        assert_eq!(stats(&pair.clients[0].app).rebase_mismatches, 0);
    }
}

#[test]
fn action_on_two_inventories_reaches_viewers_at_once() {
    let Scene { mut pair, me, .. } = stocked(Scene::clients(2)).build();
    spawn_chest(&mut pair, 1, &[0, 1]);
    pair.settle(50);
    let open = shown_entity(&pair, 0, chest(1));
    ask(&mut pair, 0, InventoryAction::Move { from: inv(me, 0), to: inv(open, 0), count: Some(4) });
    // In no tick is a torch missing or doubled.
    for _ in 0..20 {
        pair.step();
        let own = pair.shown::<Inventory>(0, player(0)).unwrap().count(TORCH);
        assert_eq!(own + pair.shown::<Inventory>(0, chest(1)).unwrap().count(TORCH), 10);
    }
    assert_same(&pair, 1, chest(1));
    assert_eq!(pair.shown::<Inventory>(1, chest(1)).unwrap().count(TORCH), 4);
}

#[test]
fn reconnected_client_acts_again_and_nothing_applies_twice() {
    let Scene { mut pair, player_entity: server, me, .. } = stocked(Scene::clients(1)).build();
    pair.network.latency_ticks = 10;
    for _ in 0..3 {
        ask(
            &mut pair,
            0,
            InventoryAction::Move { from: inv(me, 0), to: inv(me, 9), count: Some(1) },
        );
    }
    pair.steps(12);
    pair.disconnect(0);
    assert_eq!(events(&mut pair, 0).rejected.len(), 3, "the responses were in flight");
    pair.connect(0);
    let owner = Owner(pair.client_id(0));
    pair.server.world_mut().entity_mut(server).insert(owner);
    pair.settle(100);
    assert_eq!(shown(&pair, 0, 9), Some(TORCH.stack(3)));
    let me = shown_entity(&pair, 0, player(0));
    ask(&mut pair, 0, InventoryAction::Move { from: inv(me, 0), to: inv(me, 9), count: Some(1) });
    pair.settle(100);
    assert_eq!(shown(&pair, 0, 9), Some(TORCH.stack(4)));
    assert_eq!(events(&mut pair, 0).confirmed.len(), 1);
    assert_same(&pair, 0, player(0));
}
