//! Numbers of requests agree again after requests, answers or resets were lost or late.

use std::{cell::Cell, rc::Rc};

use crate::common::*;
use bevy_inventory_sync::wire::handshake::CONTROL;
use bevy_replicon::shared::server_entity_map::ServerEntityMap;

/// Loses the message on a channel that is sent next.
fn lose_next(pair: &mut Simulation, request: bool) {
    let own = if request { pair.request_channel() } else { pair.sync_channel() };
    let mut lost = false;
    let tamper = move |_, on, bytes| match on == own && !core::mem::replace(&mut lost, true) {
        true => vec![],
        false => vec![bytes],
    };
    if request { pair.tamper_requests(tamper) } else { pair.tamper(tamper) }
}

#[test]
fn lost_last_request_or_answer_is_given_up_after_a_while() {
    for request in [true, false] {
        let Scene { mut pair, player_entity: me, .. } =
            Scene::clients(1).players(1).carried(0, COIN.stack(10)).build();
        pair.steps(30);
        let shown = shown_entity(&pair, 0, player(0));
        lose_next(&mut pair, request);
        let (from, to) = (inv(shown, 0), inv(shown, 5));
        let id = ask(&mut pair, 0, InventoryAction::Move { from, to, count: None });
        within(&mut pair, 600, |pair| is_same(pair, 0, player(0)) && answered(pair, id));
        let moved = inventory(&mut pair, me).get(5).is_some();
        assert_eq!(moved, !request, "only the answer was lost");
        // Afterwards requests work as before.
        let (from, to) = (inv(shown, if moved { 5 } else { 0 }), inv(shown, 7));
        let id = ask(&mut pair, 0, InventoryAction::Move { from, to, count: None });
        pair.steps(4);
        assert!(events(&mut pair, 0).confirmed.contains(&id), "request lost: {request}");
        assert_same(&pair, 0, player(0));
    }
}

/// Returns `true` if a request has been answered.
fn answered(pair: &Simulation, id: RequestId) -> bool {
    let events = pair.clients[0].app.world().resource::<EventLog>();
    events.confirmed.contains(&id) || events.rejected.iter().any(|(there, _)| *there == id)
}

#[test]
fn client_follows_a_server_that_has_seen_later_request_numbers() {
    for ahead in 1..=20 {
        let Scene { mut pair, .. } =
            Scene::clients(1).players(1).carried(0, COIN.stack(10)).build();
        pair.steps(30);
        let shown = shown_entity(&pair, 0, player(0));
        let select = |slot| InventoryAction::Select { slot: (shown, Hotbar::slot(slot)) };
        let own = pair.request_channel();
        // The number of a request is in its first byte.
        pair.tamper_requests(move |_, on, bytes| {
            let mut bytes = bytes.to_vec();
            if on == own {
                bytes[0] = bytes[0].wrapping_add(ahead);
            }
            vec![bytes.into()]
        });
        let first = ask(&mut pair, 0, select(1));
        pair.step();
        pair.stop_tampering();
        pair.steps(10);
        let second = ask(&mut pair, 0, select(2));
        within(&mut pair, 600, |pair| answered(pair, first) && answered(pair, second));
        let third = ask(&mut pair, 0, select(3));
        pair.steps(4);
        assert!(events(&mut pair, 0).confirmed.contains(&third), "{ahead} ahead");
        assert_same(&pair, 0, player(0));
    }
}

#[test]
fn client_recovers_from_any_number_of_lost_requests() {
    for lost in [1, 31, 32, 33, 64, 130] {
        let Scene { mut pair, .. } =
            Scene::clients(1).players(1).carried(0, COIN.stack(10)).build();
        pair.steps(30);
        let shown = shown_entity(&pair, 0, player(0));
        let select = |slot| InventoryAction::Select { slot: (shown, Hotbar::slot(slot)) };
        let requests = pair.request_channel();
        // Control requests arrive.
        pair.tamper_requests(move |_, on, bytes| match on == requests && bytes[0] != CONTROL {
            true => vec![],
            false => vec![bytes],
        });
        let mut sent = 0;
        while sent < lost {
            let before = events(&mut pair, 0).rejected.len();
            ask(&mut pair, 0, select(sent % 9));
            pair.step();
            if events(&mut pair, 0).rejected.len() == before {
                sent += 1;
            } else {
                // Too many are pending, until they time out.
                pair.steps(60);
            }
        }
        pair.stop_tampering();
        within(&mut pair, 4000, |pair| {
            let world = pair.clients[0].app.world();
            world.resource::<EventLog>().rejected.len() >= lost
        });
        let last = ask(&mut pair, 0, select(3));
        pair.steps(10);
        assert!(events(&mut pair, 0).confirmed.contains(&last), "{lost} lost");
        assert_eq!(stats(&pair.server).requests_malformed, 0, "{lost} lost");
    }
}

#[test]
fn reset_that_arrives_after_a_later_answer_does_not_repeat_request_numbers() {
    let Scene { mut pair, player_entity: own, .. } =
        Scene::clients(1).players(1).carried(0, COIN.stack(10)).build();
    pair.steps(30);
    let shown = shown_entity(&pair, 0, player(0));
    let select = |slot| InventoryAction::Select { slot: (shown, Hotbar::slot(slot)) };
    let sync = pair.sync_channel();
    let sent = Rc::<Cell<usize>>::default();
    let (count, mut reset) = (sent.clone(), None);
    // The reset arrives after the message that follows it.
    pair.tamper(move |_, on, bytes| {
        if on != sync {
            return vec![bytes];
        }
        count.set(count.get() + 1);
        match count.get() {
            1 => {
                reset = Some(bytes);
                vec![]
            }
            _ => [Some(bytes), reset.take()].into_iter().flatten().collect(),
        }
    });
    simulate_gap(&mut pair, 0);
    within(&mut pair, 60, |_| sent.get() == 1);
    // This changes nothing, so the reset still fits the client's copy.
    let first = ask(&mut pair, 0, select(0));
    within(&mut pair, 60, |_| sent.get() == 2);
    pair.stop_tampering();
    pair.steps(10);
    assert!(events(&mut pair, 0).confirmed.contains(&first));
    let second = ask(&mut pair, 0, select(2));
    within(&mut pair, 600, |pair| answered(pair, second));
    assert!(events(&mut pair, 0).confirmed.contains(&second));
    assert_eq!(hotbar(&mut pair, own).selected_index(), 2, "confirmed and applied");
    pair.steps(60);
    assert_same(&pair, 0, player(0));
}

#[test]
fn opening_that_was_lost_is_neither_closed_nor_confused_with_a_later_one() {
    for opens_another in [false, true] {
        let Scene { mut pair, chests, .. } =
            Scene::clients(1).players(1).chest([]).chest([]).build();
        for chest in &chests {
            let parts = (Openable::default(), Replicated);
            pair.server.world_mut().entity_mut(*chest).insert(parts);
        }
        pair.steps(30);
        let there = {
            let map = pair.clients[0].app.world().resource::<ServerEntityMap>();
            map.to_client()[&chests[0]]
        };
        lose_next(&mut pair, true);
        let lost = with_actions(&mut pair.clients[0].app, move |actions| actions.open(there));
        within(&mut pair, 600, |pair| answered(pair, lost));
        pair.stop_tampering();
        if opens_another {
            with_actions(&mut pair.clients[0].app, |actions| actions.open_by_id(chest(2)));
            pair.steps(10);
        }
        with_actions(&mut pair.clients[0].app, move |actions| {
            actions.cancel(lost);
            actions.close(there);
        });
        pair.steps(60);
        let viewers =
            |n: usize| pair.server.world().get::<Viewers>(chests[n]).map_or(0, Viewers::len);
        assert_eq!([viewers(0), viewers(1)], [0, usize::from(opens_another)]);
    }
}

#[test]
fn request_that_arrives_after_it_was_taken_for_lost_does_not_answer_a_later_one() {
    let Scene { mut pair, player_entity: own, .. } =
        Scene::clients(1).players(1).carried(0, COIN.stack(10)).build();
    pair.steps(30);
    let shown = shown_entity(&pair, 0, player(0));
    let select = |slot| InventoryAction::Select { slot: (shown, Hotbar::slot(slot)) };
    let requests = pair.request_channel();
    let held = Rc::<Cell<Vec<u8>>>::default();
    let holds = held.clone();
    pair.tamper_requests(move |_, on, bytes| match on == requests && bytes[0] != CONTROL {
        true => {
            holds.set(bytes.to_vec());
            vec![]
        }
        false => vec![bytes],
    });
    let late = ask(&mut pair, 0, select(1));
    within(&mut pair, 600, |pair| answered(pair, late));
    pair.stop_tampering();
    forge::send(&mut pair, 0, held.take());
    pair.step();
    assert_eq!(hotbar(&mut pair, own).selected_index(), 1);
    let next = ask(&mut pair, 0, select(2));
    pair.steps(10);
    assert!(events(&mut pair, 0).confirmed.contains(&next));
    assert_eq!(hotbar(&mut pair, own).selected_index(), 2, "confirmed and applied");
    assert_same(&pair, 0, player(0));
}
