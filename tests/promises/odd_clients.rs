//! Unusual moments on the side of the player: nothing panics, nothing is told twice or not at all.

use super::*;
use bevy_inventory_sync::{
    model::unit::Unit,
    wire::{OpenHead, Schema, bits::BitWriter, encode},
};

#[derive(Component, serde::Serialize, serde::Deserialize)]
struct Avatar;

#[test]
fn the_answer_to_hello_is_lost() {
    let mut pair = Pair::new(0, setup);
    let c = pair.add_client(setup);
    pair.connect(c);
    spawn_player(&mut pair, c);
    let channel = pair.sync_channel();
    let mut first = true;
    pair.tamper(move |_, on, bytes| {
        if on == channel && core::mem::replace(&mut first, false) { vec![] } else { vec![bytes] }
    });
    pair.steps(60 * 60);
    assert_same(&pair, c, player(0));
}

#[test]
fn hidden_and_shown_within_one_client_frame() {
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.replicate::<Avatar>();
    });
    let client = pair.client_id(0);
    let mut v = Viewers::new();
    v.add(client, Rights::USE);
    let e =
        pair.server.world_mut().spawn((chest(1), Inventory::default(), v, Avatar, Replicated)).id();
    pair.steps(4);
    assert_eq!(heard(&mut pair, 0).opened.len(), 1);
    heard(&mut pair, 0).clear();
    // Two ticks arrive in one frame of the client.
    let channel = pair.sync_channel();
    let mut held = None;
    pair.tamper(move |_, on, bytes| {
        if on != channel {
            return vec![bytes];
        }
        match held.take() {
            None => {
                held = Some(bytes);
                vec![]
            }
            Some(first) => vec![first, bytes],
        }
    });
    pair.server.world_mut().get_mut::<Viewers>(e).unwrap().remove(client);
    pair.step();
    pair.server.world_mut().get_mut::<Viewers>(e).unwrap().add(client, Rights::USE);
    pair.step();
    let there = pair.shown::<Inventory>(0, chest(1)).is_some();
    pair.steps(3);
    let heard = heard(&mut pair, 0);
    assert!(there, "the containers are gone for a frame");
    assert_eq!((heard.closed.len(), heard.opened.len()), (1, 1));
}

#[test]
fn rights_of_the_host_change() {
    let mut app = Pair::app(setup);
    let mut v = Viewers::new();
    v.add(ClientId::Server, Rights::USE);
    let e = app.world_mut().spawn((chest(1), Inventory::default(), v)).id();
    app.update();
    app.update();
    app.world_mut().get_mut::<Viewers>(e).unwrap().add(ClientId::Server, Rights::SEE);
    app.update();
    app.update();
    assert_eq!(app.world().resource::<Heard>().opened.len(), 1, "a client hears it once");
}

#[test]
fn rename_on_the_host() {
    let mut app = Pair::app(setup);
    let mut v = Viewers::new();
    v.add(ClientId::Server, Rights::USE);
    let e = app.world_mut().spawn((chest(1), Inventory::default(), v)).id();
    app.update();
    app.update();
    app.world_mut().entity_mut(e).insert(chest(2));
    app.update();
    app.update();
    let h = app.world().resource::<Heard>();
    assert_eq!((h.opened.len(), h.closed.len()), (2, 1));
}

#[test]
fn host_and_client_hear_the_same_of_a_shrink_and_a_removal() {
    let mut pair = pair(1);
    let client = pair.client_id(0);
    let mut v = Viewers::new();
    v.add(client, Rights::USE);
    v.add(ClientId::Server, Rights::USE);
    let e =
        pair.server.world_mut().spawn((chest(1), Inventory::default(), Hotbar::default(), v)).id();
    inventory(&mut pair, e).set(20, TORCH.stack(3)).unwrap();
    hotbar(&mut pair, e).set(2, TORCH.stack(3)).unwrap();
    pair.steps(4);
    drop(inventory(&mut pair, e).resize(9));
    pair.steps(3);
    pair.server.world_mut().entity_mut(e).remove::<Hotbar>();
    pair.steps(3);
    let host = pair
        .server
        .world()
        .resource::<Heard>()
        .slots
        .iter()
        .map(|s| (s.slot, s.old, s.new))
        .collect::<Vec<_>>();
    let there =
        heard(&mut pair, 0).slots.iter().map(|s| (s.slot, s.old, s.new)).collect::<Vec<_>>();
    assert_eq!(host, there);
}

#[test]
fn a_hostile_servers_versions() {
    let mut pair = pair(1);
    pair.steps(3);
    let channel = pair.sync_channel();
    let app = &mut pair.clients[0].app;
    let catalogue = app.world().resource::<Catalogue>().clone();
    let kinds = app.world().resource::<Kinds>().clone();
    let schema = Schema { catalogue: &catalogue, kinds: kinds.as_slice() };
    let mut unit = Unit::default();
    unit.insert(0, Slots::new(3));
    let mut w = BitWriter::default();
    encode::begin_full(&mut w, None, None, 0);
    encode::data(&mut w, &[], &[]);
    encode::closes(&mut w, &[]);
    encode::opens(&mut w, 1);
    let head = OpenHead {
        view: 0,
        handle: 0,
        id: chest(9),
        owner: false,
        rights: Rights::USE,
        version: u64::MAX / 2,
        entity: None,
    };
    let mut copy = BitWriter::default();
    encode::copy(&mut copy, schema, &unit);
    encode::open(&mut w, schema, None, (&head, &unit), encode::Body::Copy(&copy));
    encode::handover(&mut w, None);
    w.flag(false);
    encode::digests(&mut w, &[]);
    let feed = |app: &mut App, bytes: &[u8]| {
        app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, bytes.to_vec());
        app.update();
    };
    feed(app, w.finish());
    let mut version = u64::MAX / 2;
    for _ in 0..3 {
        let mut w = BitWriter::default();
        encode::begin_plain(&mut w);
        let next = version.wrapping_add(u64::MAX / 4 + 1);
        // The head writes version - base - 1; ask for the most that is accepted.
        w.golomb(0, 0);
        w.put((version & 7) as u32, 3);
        w.golomb(u64::MAX / 4, 0);
        w.flag(false);
        w.flag(false);
        w.put(0b01, 2);
        w.flag(false);
        feed(app, w.finish());
        version = next;
    }
    assert!(stats(app).decode_errors > 0);
}

#[test]
fn single_player_then_join() {
    let mut pair = Pair::new(0, setup);
    let c = pair.add_client(setup);
    let app = &mut pair.clients[c].app;
    let mine =
        app.world_mut().spawn((player(0), Inventory::default(), Owner(ClientId::Server))).id();
    app.world_mut().get_mut::<Inventory>(mine).unwrap().set(0, AXE.stack(1)).unwrap();
    app.update();
    app.update();
    pair.connect(c);
    let server = spawn_player(&mut pair, c);
    inventory(&mut pair, server).set(5, TORCH.stack(5)).unwrap();
    pair.steps(5);
    let world = pair.clients[c].app.world_mut();
    let local = world.query::<&LocalInventory>().iter(world).count();
    world.get_mut::<Inventory>(mine).unwrap().set(1, AXE.stack(1)).unwrap();
    pair.steps(3);
    let world = pair.clients[c].app.world_mut();
    let mine = world.get::<Inventory>(mine).unwrap();
    assert_eq!(
        (mine.get(0), mine.get(5)),
        (Some(AXE.stack(1)), None),
        "the server's slots were written over the local world's"
    );
    assert_eq!(local, 1);
}

#[test]
fn a_hotbar_shorter_than_its_selection() {
    let mut pair = pair(1);
    let e = spawn_player(&mut pair, 0);
    hotbar(&mut pair, e).select(8);
    drop(hotbar(&mut pair, e).slots.resize(4));
    pair.steps(4);
    let world = pair.clients[0].app.world_mut();
    let client = world.query::<&Hotbar>().single(world).unwrap().selected_index();
    let server = pair.server.world().get::<Hotbar>(e).unwrap().selected_index();
    assert_eq!(client, server);
}

#[test]
fn an_observer_despawns_on_the_client_while_it_is_attached() {
    let mut pair = pair(1);
    pair.clients[0].app.add_observer(|on: On<Add, Inventory>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    spawn_player(&mut pair, 0);
    pair.steps(4);
}

#[test]
fn an_observer_despawns_on_inview() {
    let mut pair = pair(1);
    pair.clients[0].app.add_observer(|on: On<Add, InView>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    spawn_player(&mut pair, 0);
    pair.steps(4);
}

#[test]
fn reason_of_a_despawned_avatar() {
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.replicate::<Avatar>();
    });
    let owner = Owner(pair.client_id(0));
    let e = pair
        .server
        .world_mut()
        .spawn((player(0), Inventory::default(), owner, Avatar, Replicated))
        .id();
    pair.steps(4);
    pair.server.world_mut().despawn(e);
    pair.steps(4);
    let reasons: Vec<_> = heard(&mut pair, 0).closed.iter().map(|c| c.reason).collect();
    assert_eq!(reasons, [CloseReason::Despawned]);
}

#[test]
fn a_lost_message_that_reuses_a_view() {
    let mut pair = pair(1);
    let a = spawn_chest(&mut pair, 1, &[0]);
    let b = spawn_chest(&mut pair, 2, &[]);
    pair.steps(4);
    let channel = pair.sync_channel();
    let mut first = true;
    pair.tamper(move |_, on, bytes| {
        if on == channel && core::mem::replace(&mut first, false) { vec![] } else { vec![bytes] }
    });
    let client = pair.client_id(0);
    pair.server.world_mut().get_mut::<Viewers>(a).unwrap().remove(client);
    pair.server.world_mut().get_mut::<Viewers>(b).unwrap().add(client, Rights::USE);
    pair.steps(2);
    for n in 0..20 {
        inventory(&mut pair, b).set(n, AXE.stack(1)).unwrap();
        pair.steps(2);
    }
    pair.steps(120);
    assert!(stats(&pair.clients[0].app).gaps > 0, "what is meant for another unit is noticed");
    assert_same(&pair, 0, chest(2));
}

#[test]
fn observer_on_client_change_despawns_during_close() {
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.replicate::<Avatar>();
    });
    pair.clients[0].app.add_observer(|on: On<Remove, Inventory>, mut commands: Commands| {
        commands.entity(on.entity).try_despawn()
    });
    let owner = Owner(pair.client_id(0));
    let e = pair
        .server
        .world_mut()
        .spawn((player(0), Inventory::default(), Hotbar::default(), owner, Avatar, Replicated))
        .id();
    pair.steps(4);
    pair.server.world_mut().entity_mut(e).remove::<Owner>();
    pair.steps(4);
}
