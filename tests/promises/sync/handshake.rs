//! Nothing is sent before client and server agree on items, containers and actions.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{actions::custom::setup_all, common::*};

#[test]
fn different_catalog_is_explained_on_both_sides() {
    let mut pair = pair(1);
    let stranger = pair.add_client(|app| {
        setup(app);
        app.insert_items(Items::<()>::from_ron(r#"(items: [(key: "torch")])"#).unwrap());
    });
    pair.connect(stranger);
    spawn_player(&mut pair, stranger);
    pair.steps(10);
    let SyncState::Rejected(mismatch) = *pair.clients[stranger].app.world().resource::<SyncState>()
    else {
        panic!("the client was not rejected");
    };
    let text = mismatch.to_string();
    assert!(text.contains("the server has 4 items") && text.contains("the client 1"), "{text}");
    let id = pair.client_id(stranger);
    let rejected = pair.server.world().resource::<Messages<SyncRejected>>();
    let rejected: Vec<_> = rejected.iter_current_update_messages().collect();
    assert!(rejected.iter().all(|one| one.peer == id && one.mismatch == mismatch));
    assert!(pair.shown::<Inventory>(stranger, player(1)).is_none());
    let up = bytes_up(&pair, stranger);
    pair.steps(600);
    assert_eq!(bytes_up(&pair, stranger), up, "it does not retry");
}

#[test]
fn different_containers_are_explained() {
    let mut pair = pair(0);
    let stranger = pair.add_client(|app| {
        app.insert_items(Items::<()>::from_ron(ITEMS).unwrap()).add_public_view::<HeldItem>();
    });
    pair.connect(stranger);
    pair.steps(10);
    let state = *pair.clients[stranger].app.world().resource::<SyncState>();
    let SyncState::Rejected(mismatch) = state else { panic!("{state:?}") };
    assert!(mismatch.to_string().contains("the server has 3 "), "{mismatch}");
}

#[test]
fn lost_handshake_response_is_retried() {
    let mut pair = Simulation::new(0, setup);
    let c = pair.add_client(setup);
    pair.connect(c);
    spawn_player(&mut pair, c);
    let channel = pair.sync_channel();
    let mut first = true;
    pair.tamper(move |_, on, bytes| {
        if on == channel && core::mem::replace(&mut first, false) { vec![] } else { vec![bytes] }
    });
    within(&mut pair, 60 * 60, |pair| is_same(pair, c, player(0)));
    assert_same(&pair, c, player(0));
}

#[test]
fn handshake_that_was_altered_on_its_way_is_sent_again() {
    for at in 0.. {
        let mut pair = Simulation::new(0, setup);
        let c = pair.add_client(setup);
        pair.connect(c);
        spawn_player(&mut pair, c);
        let channel = pair.request_channel();
        let (altered, len) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (done, seen) = (altered.clone(), len.clone());
        pair.tamper_requests(move |_, on, bytes| {
            let mut bytes = bytes.to_vec();
            if on == channel && !done.swap(true, Ordering::Relaxed) {
                seen.store(bytes.len(), Ordering::Relaxed);
                bytes[at] ^= 1;
            }
            vec![bytes.into()]
        });
        within(&mut pair, 60 * 60, |pair| is_same(pair, c, player(0)));
        assert!(altered.load(Ordering::Relaxed));
        if at + 1 == len.load(Ordering::Relaxed) {
            return;
        }
    }
}

#[test]
fn different_actions_or_data_are_explained() {
    let mut pair = Simulation::new(0, setup_all);
    let c = pair.add_client(setup);
    pair.connect(c);
    pair.steps(10);
    let state = pair.clients[c].app.world().resource::<SyncState>();
    let SyncState::Rejected(mismatch) = state else { panic!("{state:?}") };
    assert!(mismatch.to_string().contains("actions"), "{mismatch}");
}

#[test]
fn handshake_costs_eighteen_bytes_without_views() {
    let Scene { mut pair, player_entity: own, .. } = Scene::clients(2).players(1).build();
    let before = bytes_down(&pair, 1);
    for n in 1..30 {
        inventory(&mut pair, own).set(0, TORCH.stack(n)).unwrap();
        pair.step();
    }
    assert_eq!(bytes_down(&pair, 1), before);
    assert_eq!(stats(&pair.clients[1].app).bytes_received, 18);
}

#[test]
fn nothing_is_sent_before_the_handshake() {
    let mut pair = pair(1);
    let late = pair.add_client(|app| {
        setup(app);
        app.world_mut().remove_resource::<ItemCatalog>();
    });
    pair.connect(late);
    spawn_player(&mut pair, late);
    pair.steps(10);
    assert_eq!(stats(&pair.clients[late].app).messages_received, 0);
    let items = Items::<()>::from_ron(ITEMS).unwrap();
    pair.clients[late].app.insert_items(items);
    pair.steps(5);
    assert_same(&pair, late, player(late as u64));
}

#[test]
fn handshake_waits_for_a_server_that_is_loading() {
    let mut pair = pair(1);
    pair.server.world_mut().remove_resource::<ItemCatalog>();
    let late = pair.add_client(setup);
    pair.connect(late);
    spawn_player(&mut pair, late);
    pair.steps(20);
    assert!(pair.shown::<Inventory>(late, player(late as u64)).is_none());
    pair.server.insert_items(Items::<()>::from_ron(ITEMS).unwrap());
    pair.steps(3);
    assert_same(&pair, late, player(late as u64));
    assert_eq!(stats(&pair.server).requests_malformed, 0);
}

#[test]
fn rejection_after_the_handshake_is_ignored() {
    let Scene { mut pair, player_entity: me, .. } = Scene::clients(1).players(1).build();
    let channel = pair.sync_channel();
    // The rejection of a server with other items.
    let message = bincode::serde::encode_to_vec(
        (1u16, 9u32, 7u64, 3u8, 7u64, 7u64),
        bincode::config::standard(),
    );
    feed(&mut pair, 0, channel, [vec![0x0F], message.unwrap()].concat());
    pair.step();
    simulate_gap(&mut pair, 0);
    inventory(&mut pair, me).set(0, TORCH.stack(1)).unwrap();
    pair.steps(100);
    assert_same(&pair, 0, player(0));
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.decode_errors, client.resyncs_requested), (2, 1));
    assert_eq!(*pair.clients[0].app.world().resource::<SyncState>(), SyncState::Synced);
}
