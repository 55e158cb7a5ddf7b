//! Lost, repeated, reordered and old messages are detected and repaired by one resync.

use std::{cell::RefCell, rc::Rc};

use crate::common::{random::sample, *};
use bevy_inventory_sync::{
    server::{inspect::footprints, views::resync::ResendInventories},
    wire::{
        handshake::{ControlRequest, KnownCopies, read_request},
        stream::StreamCheck,
    },
};
use bevy_replicon::bytes::Bytes;

#[test]
fn dropped_message_is_repaired_by_one_resync() {
    for dropped in 0..8 {
        let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
        let channel = pair.sync_channel();
        let mut at = 0;
        pair.tamper(move |_, on, bytes| {
            at += usize::from(on == channel);
            if on == channel && at == dropped + 1 { vec![] } else { vec![bytes] }
        });
        for n in 0..12 {
            inventory(&mut pair, entity).set(n, TORCH.stack(1 + n as u32)).unwrap();
            pair.step();
        }
        pair.steps(60);
        assert_same(&pair, 0, player(0));
        let client = stats(&pair.clients[0].app);
        assert_eq!(client.resyncs_requested, 1, "dropped message {dropped}");
        assert_eq!(stats(&pair.server).resyncs_served, 1);
        assert_eq!(events(&mut pair, 0).slots.len(), 12, "each slot changed once");
        assert_eq!(events(&mut pair, 0).opened.len(), 1);
        assert!(events(&mut pair, 0).closed.is_empty());
    }
}

#[test]
fn full_updates_requested_several_times_in_one_tick_are_sent_once() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    let chest = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(4);
    let before = stats(&pair.server).opens_encoded;
    for inventory in [None, Some(entity), None, Some(chest), None] {
        pair.server.world_mut().trigger(ResendInventories { inventory });
    }
    hide(&mut pair, chest, 0);
    for (_, kept) in footprints(pair.server.world()) {
        assert!(kept.opening <= 2, "{kept:?}");
    }
    pair.steps(4);
    assert_eq!(stats(&pair.server).opens_encoded, before + 1);
    assert_same(&pair, 0, player(0));
    assert!(footprints(pair.server.world()).all(|(_, kept)| kept.opening == 0));
}

#[test]
fn repeated_and_reordered_messages_are_harmless() {
    for reorder in [false, true] {
        let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
        let channel = pair.sync_channel();
        let mut held: Option<Bytes> = None;
        let mut n = 0;
        pair.tamper(move |_, on, bytes| {
            n += 1;
            match (on == channel && n % 5 == 0, reorder) {
                (true, false) => vec![bytes.clone(), bytes],
                (true, true) => {
                    held = Some(bytes);
                    vec![]
                }
                (false, _) => [Some(bytes), held.take()].into_iter().flatten().collect(),
            }
        });
        for n in 0..200 {
            inventory(&mut pair, entity).set(n % 27, TORCH.stack(1 + n as u32 % 64)).unwrap();
            pair.step();
        }
        pair.stop_tampering();
        pair.steps(600);
        inventory(&mut pair, entity).set(0, AXE.stack(1)).unwrap();
        pair.steps(600);
        assert_same(&pair, 0, player(0));
        let client = stats(&pair.clients[0].app);
        assert!(client.gaps > 0);
        assert!(client.resyncs_requested < 12, "few resyncs: {}", client.resyncs_requested);
    }
}

#[test]
fn lost_message_that_reuses_a_view_index_is_detected() {
    let mut pair = pair(1);
    let a = spawn_chest(&mut pair, 1, &[0]);
    let b = spawn_chest(&mut pair, 2, &[]);
    pair.steps(4);
    let channel = pair.sync_channel();
    let mut first = true;
    pair.tamper(move |_, on, bytes| {
        if on == channel && core::mem::replace(&mut first, false) { vec![] } else { vec![bytes] }
    });
    hide(&mut pair, a, 0);
    show(&mut pair, b, 0);
    pair.steps(2);
    for n in 0..20 {
        inventory(&mut pair, b).set(n, AXE.stack(1)).unwrap();
        pair.steps(2);
    }
    within(&mut pair, 120, |pair| is_same(pair, 0, chest(2)));
    assert!(stats(&pair.clients[0].app).gaps > 0, "an update for another inventory is detected");
    assert_same(&pair, 0, chest(2));
}

/// Sessions in which one message is lost, repeated or late.
#[test]
fn any_message_dropped_repeated_or_late_is_repaired() {
    for trick in 0..3 {
        for which in sample(0..40, 10) {
            let Scene { mut pair, player_entity: me, chest_entity: shared, .. } =
                Scene::clients(2).players(1).chest([0, 1]).build();
            let channel = pair.sync_channel();
            let (mut count, mut held) = (0, None);
            pair.tamper(move |client, on, bytes| {
                if client != 0 || on != channel {
                    return vec![bytes];
                }
                count += 1;
                match trick {
                    0 if count == which => vec![],
                    1 if count == which => vec![bytes.clone(), bytes],
                    2 if count == which => {
                        held = Some(bytes);
                        vec![]
                    }
                    2 if count == which + 3 => {
                        [Some(bytes), held.take()].into_iter().flatten().collect()
                    }
                    _ => vec![bytes],
                }
            });
            for n in 1..=30u32 {
                inventory(&mut pair, me).set(n as usize % 27, COIN.stack(n)).unwrap();
                if n % 2 == 0 {
                    inventory(&mut pair, shared).set(n as usize % 27, TORCH.stack(n)).unwrap();
                }
                match n {
                    10 => hide(&mut pair, shared, 0),
                    15 => show(&mut pair, shared, 0),
                    20 => drop(spawn_chest(&mut pair, 2, &[0])),
                    25 => hotbar(&mut pair, me).select(5),
                    _ => {}
                }
                pair.step();
            }
            pair.steps(400);
            for id in [player(0), chest(1), chest(2)] {
                assert_same(&pair, 0, id);
            }
            let client = stats(&pair.clients[0].app);
            let asked = client.resyncs_requested + client.repairs_requested;
            // One that is late is missing first, and then one too many.
            assert!(asked <= 2 + u64::from(trick == 2), "trick {trick} at {which}: {client:?}");
        }
    }
}

#[test]
fn older_full_update_that_arrives_late_is_ignored() {
    let Scene { mut pair, chest_entity: there, .. } =
        Scene::clients(1).chest([]).stored(0, TORCH.stack(1)).build();
    pair.record = true;
    show(&mut pair, there, 0);
    pair.step();
    let (channel, old) = pair.clients[0].record.last().cloned().unwrap();
    assert_eq!(channel, pair.sync_channel());
    pair.record = false;
    for n in 2..12 {
        inventory(&mut pair, there).set(0, TORCH.stack(n)).unwrap();
        pair.step();
    }
    events(&mut pair, 0).clear();
    feed(&mut pair, 0, channel, old.to_vec());
    for _ in 0..60 {
        pair.step();
        assert_same(&pair, 0, chest(1));
    }
    assert_eq!(events(&mut pair, 0).slots, [], "not even for one tick");
    inventory(&mut pair, there).set(0, TORCH.stack(20)).unwrap();
    pair.steps(100);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn replayed_messages_neither_open_close_nor_change_anything() {
    let mut pair = pair(0);
    // From the first message on, which resets the client.
    pair.record = true;
    pair.add_client(setup);
    pair.connect(0);
    let (me, there) = (spawn_player(&mut pair, 0), spawn_chest(&mut pair, 1, &[]));
    inventory(&mut pair, there).set(0, TORCH.stack(1)).unwrap();
    pair.steps(10);
    let gone = spawn_chest(&mut pair, 2, &[0]);
    for n in 1..5 {
        show(&mut pair, there, 0);
        pair.steps(2);
        inventory(&mut pair, me).set(n, TORCH.stack(n as u32)).unwrap();
        pair.steps(2);
        hide(&mut pair, there, 0);
        pair.steps(2);
        simulate_gap(&mut pair, 0);
        pair.steps(100);
    }
    pair.server.world_mut().despawn(gone);
    pair.steps(10);
    show(&mut pair, there, 0);
    pair.steps(4);
    pair.record = false;
    let recorded = core::mem::take(&mut pair.clients[0].record);
    let channel = pair.sync_channel();
    let recorded: Vec<Bytes> =
        recorded.into_iter().filter(|(on, _)| *on == channel).map(|(_, bytes)| bytes).collect();
    assert!(recorded.len() >= 16, "{} messages", recorded.len());
    for (at, bytes) in recorded.iter().enumerate() {
        events(&mut pair, 0).clear();
        feed(&mut pair, 0, channel, bytes.to_vec());
        for _ in 0..200 {
            pair.step();
            assert_same(&pair, 0, player(0));
            assert_same(&pair, 0, chest(1));
            assert!(pair.shown::<Inventory>(0, chest(2)).is_none(), "message {at}");
        }
        let seen = events(&mut pair, 0);
        let (opened, closed) = (seen.opened.len(), seen.closed.len());
        assert_eq!((opened, closed, seen.slots.len()), (0, 0, 0), "message {at}");
    }
    // A client that is out of sync applies the next reset, whatever its number is.
    let client = stats(&pair.clients[0].app);
    assert!(client.gaps as usize >= recorded.len() / 2, "{client:?}");
}

#[test]
fn lost_closing_is_noticed_by_the_next_message_that_opens_a_view() {
    let Scene { mut pair, chest_entity: there, .. } = Scene::clients(1).chest([0]).build();
    pair.steps(60);
    let channel = pair.sync_channel();
    pair.tamper(move |_, on, bytes| if on == channel { vec![] } else { vec![bytes] });
    hide(&mut pair, there, 0);
    pair.steps(2);
    pair.stop_tampering();
    assert!(pair.shown::<Inventory>(0, chest(1)).is_some());
    spawn_chest(&mut pair, 2, &[0]);
    pair.steps(60);
    assert!(pair.shown::<Inventory>(0, chest(1)).is_none());
    assert_same(&pair, 0, chest(2));
    assert_eq!(stats(&pair.clients[0].app).gaps, 1);
}

#[test]
fn numbers_of_full_messages_wrap_and_start_again_with_each_connection() {
    let Scene { mut pair, chest_entity: there, .. } = Scene::clients(1).chest([]).build();
    for round in 0..2 {
        for _ in 0..200 {
            show(&mut pair, there, 0);
            pair.steps(2);
            hide(&mut pair, there, 0);
            pair.steps(2);
        }
        show(&mut pair, there, 0);
        pair.steps(2);
        assert_same(&pair, 0, chest(1));
        assert_eq!(stats(&pair.clients[0].app).gaps, 0, "connection {round}");
        hide(&mut pair, there, 0);
        pair.steps(2);
        pair.disconnect(0);
        pair.connect(0);
        pair.steps(4);
    }
}

/// Drops what this client is sent on the sync channel, or all its requests.
fn drop_all(pair: &mut Simulation, to_server: bool) {
    let (sync, requests) = (pair.sync_channel(), pair.request_channel());
    if to_server {
        pair.tamper_requests(move |_, on, bytes| if on == requests { vec![] } else { vec![bytes] });
    } else {
        pair.tamper(move |_, on, bytes| if on == sync { vec![] } else { vec![bytes] });
    }
}

#[test]
fn copy_that_has_missed_updates_is_not_the_base_of_a_resync() {
    let Scene { mut pair, player_entity: own, .. } = Scene::clients(1).players(1).build();
    pair.steps(30);
    drop_all(&mut pair, false);
    inventory(&mut pair, own).set(1, TORCH.stack(1)).unwrap();
    pair.step();
    pair.stop_tampering();
    // No request arrives while later updates seem to fit.
    drop_all(&mut pair, true);
    for n in 0..9 {
        inventory(&mut pair, own).set(0, TORCH.stack(1 + n)).unwrap();
        pair.step();
    }
    drop(inventory(&mut pair, own).resize(28));
    for n in 0..20 {
        inventory(&mut pair, own).set(0, TORCH.stack(20 + n)).unwrap();
        pair.step();
    }
    hotbar(&mut pair, own).slots_mut().set(8, TORCH.stack(5)).unwrap();
    pair.steps(2);
    pair.stop_tampering();
    within(&mut pair, 300, |pair| is_same(pair, 0, player(0)));
    let client = stats(&pair.clients[0].app);
    assert!(client.resyncs_requested <= 4, "{client:?}");
}

#[test]
fn error_after_a_reset_in_the_same_tick_is_not_forgotten() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).build();
    pair.steps(30);
    simulate_gap(&mut pair, 0);
    let channel = pair.sync_channel();
    // The message with the reset is followed by another one, which was altered.
    pair.tamper(move |_, on, bytes| {
        let mut altered = bytes.to_vec();
        altered[2] ^= 1;
        if on == channel { vec![bytes, altered.into()] } else { vec![bytes] }
    });
    within(&mut pair, 60, |pair| stats(&pair.clients[0].app).gaps > 0);
    pair.stop_tampering();
    within(&mut pair, 300, |pair| stats(&pair.clients[0].app).resyncs_requested == 2);
    pair.steps(10);
    assert_same(&pair, 0, player(0));
}

#[test]
fn resync_after_an_undecodable_reset_lists_no_copies() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).build();
    pair.steps(30);
    simulate_gap(&mut pair, 0);
    let (sync, requests) = (pair.sync_channel(), pair.request_channel());
    // Half of each reset arrives, with a check that is correct for it.
    pair.tamper(move |_, on, bytes| match on == sync {
        true => vec![StreamCheck::default().seal(bytes.slice(..bytes.len() / 2))],
        false => vec![bytes],
    });
    let listed = Rc::<RefCell<Vec<usize>>>::default();
    let lists = listed.clone();
    pair.tamper_requests(move |_, on, bytes| {
        if on == requests
            && let Ok(ControlRequest::Resync(KnownCopies { copies, .. })) = read_request(&bytes)
        {
            lists.borrow_mut().push(copies.len());
        }
        vec![bytes]
    });
    within(&mut pair, 300, |pair| stats(&pair.clients[0].app).resyncs_requested == 3);
    assert_eq!(*listed.borrow(), [1, 0, 0]);
    assert!(stats(&pair.clients[0].app).decode_errors >= 2);
    pair.stop_tampering();
    within(&mut pair, 300, |pair| is_same(pair, 0, player(0)));
}
