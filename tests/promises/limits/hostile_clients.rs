//! Clients that break the rules cost bounded work, get typed answers, move nothing and harm nobody else.

use crate::common::forge::{TYPES, forged, send, view};
use crate::common::{random::each_seed, *};
use bevy_inventory_sync::wire::{
    bits::BitWriter,
    request::{REQUEST_BYTES_MAX, RequestBody, Target, write_body},
};

fn inv(n: u32, slot: usize) -> SlotRef {
    (view(n), Inventory::slot(slot))
}

/// Two players; the first sees its own inventory as view 0.
fn scene() -> Scene {
    let mut scene = Scene::clients(2).players(2).carried(0, TORCH.stack(10)).build();
    inventory(&mut scene.pair, scene.players[1]).set(0, COIN.stack(100)).unwrap();
    scene.pair.settle(50);
    scene
}

/// Everything that the two players have.
fn contents(pair: &mut Simulation, units: [Entity; 2]) -> Vec<Option<Stack>> {
    let world = pair.server.world();
    let slots = |unit| world.get::<Inventory>(unit).unwrap().as_slice().iter().copied();
    units.into_iter().flat_map(slots).collect()
}

#[test]
fn invalid_requests_are_rejected_and_counted_and_move_nothing() {
    let Scene { mut pair, players, .. } = scene();
    let [a, b] = [players[0], players[1]];
    let before = contents(&mut pair, [a, b]);
    let moving = |from, to, count| InventoryAction::Move { from, to, count };
    let invalid = [
        moving(inv(0, 27), inv(0, 1), None),
        moving(inv(0, 255), inv(0, 1), None),
        moving(inv(0, 65535), inv(0, 1), None),
        moving(inv(0, 0), inv(0, 65535), None),
        moving(inv(1, 0), inv(0, 1), None),
        moving(inv(9, 0), inv(0, 1), None),
        moving(inv(0, 0), inv(0, 1), Some(0)),
        moving(inv(0, 0), inv(0, 1), Some(11)),
        moving(inv(0, 0), inv(0, 1), Some(u32::MAX)),
        InventoryAction::Swap { a: inv(0, 0), b: inv(65535, 0) },
        InventoryAction::QuickMove { from: inv(0, 0), to: view(3).into() },
        InventoryAction::Collect { onto: inv(0, 0), from: vec![view(3).into(); 8] },
        InventoryAction::Spread { from: inv(0, 0), onto: vec![inv(0, 1); 256], each: Some(1) },
        InventoryAction::Spread { from: inv(0, 0), onto: vec![inv(0, 1)], each: Some(u32::MAX) },
        InventoryAction::MoveAll { from: view(1).into(), to: view(0).into() },
        InventoryAction::Drop { from: inv(1, 0), count: None },
        InventoryAction::Drop { from: inv(0, 0), count: Some(u32::MAX) },
        InventoryAction::Select { slot: (view(0), Hotbar::slot(9)) },
        InventoryAction::Select { slot: inv(0, 300) },
        InventoryAction::Sort { entity: view(7), container: ContainerKey::of(Inventory::NAME) },
        InventoryAction::Sort { entity: view(0), container: ContainerKey::of(Equipment::NAME) },
        InventoryAction::craft(RecipeId::of("no such recipe"), view(0)),
        InventoryAction::Craft {
            recipe: RecipeId::of("torches"),
            times: u32::MAX,
            from: vec![view(0).into()],
            to: view(0).into(),
            at: None,
        },
    ];
    let rejected = stats(&pair.server).requests_rejected;
    for (n, action) in (1u8..).zip(&invalid) {
        let bytes = forged(&pair, n, Some(0), action);
        send(&mut pair, 0, bytes);
        pair.step();
        assert_eq!(contents(&mut pair, [a, b]), before, "{action:?}");
        assert_eq!(stats(&pair.server).requests_rejected - rejected, u64::from(n), "{action:?}");
    }
    // Acting as someone else, or as nobody, with one's own items.
    let n = u8::try_from(invalid.len()).unwrap();
    for (more, actor) in (1..).zip([Some(1), Some(60_000)]) {
        let bytes = forged(&pair, n + more, actor, &moving(inv(0, 0), inv(0, 1), None));
        send(&mut pair, 0, bytes);
        pair.step();
        assert_eq!(contents(&mut pair, [a, b]), before);
    }
    assert_eq!(stats(&pair.server).requests_malformed, 0);
    pair.settle(50);
    assert_same(&pair, 0, player(0));
    assert_same(&pair, 1, player(1));
}

#[test]
fn stale_future_and_repeated_request_numbers_apply_nothing_twice() {
    let Scene { mut pair, players, .. } = scene();
    let [a, b] = [players[0], players[1]];
    let valid = InventoryAction::Move { from: inv(0, 0), to: inv(0, 1), count: Some(1) };
    let torches =
        |pair: &mut Simulation| inventory(pair, a).get(1).map_or(0, |stack| stack.count());
    for _ in 0..3 {
        let bytes = forged(&pair, 1, Some(0), &valid);
        send(&mut pair, 0, bytes);
        pair.step();
        assert_eq!(torches(&mut pair), 1, "once");
    }
    assert_eq!(stats(&pair.server).requests_repeated, 2);
    for number in [100, 200, 40] {
        let bytes = forged(&pair, number, Some(0), &valid);
        send(&mut pair, 0, bytes);
        pair.step();
        assert_eq!(torches(&mut pair), 1, "{number} is out of range");
    }
    assert_eq!(stats(&pair.server).requests_malformed, 3);
    let bytes = forged(&pair, 2, Some(0), &valid);
    send(&mut pair, 0, bytes);
    pair.step();
    assert_eq!(torches(&mut pair), 2);
    assert_eq!(inventory(&mut pair, b).count(COIN), 100);
}

#[test]
fn request_that_arrives_again_within_223_requests_is_not_applied_again() {
    let Scene { mut pair, players, .. } = scene();
    pair.server.insert_resource(RequestLimits {
        per_second: 1000,
        burst: 1000,
        ..RequestLimits::default()
    });
    let own = players[0];
    let take_one = InventoryAction::Move { from: inv(0, 0), to: inv(0, 1), count: Some(1) };
    let first = forged(&pair, 1, Some(0), &take_one);
    send(&mut pair, 0, first.clone());
    pair.step();
    for later in 1..=223u8 {
        send(&mut pair, 0, first.clone());
        pair.step();
        let moved = inventory(&mut pair, own).get(1).unwrap().count();
        assert_eq!(moved, 1, "{later} requests later");
        let select =
            InventoryAction::Select { slot: (view(0), Hotbar::slot(usize::from(later % 9))) };
        let next = forged(&pair, 1 + later, Some(0), &select);
        send(&mut pair, 0, next);
        pair.step();
    }
    assert_eq!(stats(&pair.server).requests_accepted, 224);
}

#[derive(Resource, Default)]
struct Bad(Vec<ClientViolation>);

fn record_violations(pair: &mut Simulation) {
    pair.server
        .init_resource::<Bad>()
        .add_observer(|bad: On<ClientViolation>, mut all: ResMut<Bad>| all.0.push(*bad));
}

#[test]
fn malformed_requests_are_counted_separately_and_emit_one_event() {
    let Scene { mut pair, players, .. } = scene();
    let [a, b] = [players[0], players[1]];
    record_violations(&mut pair);
    let before = contents(&mut pair, [a, b]);
    let valid = InventoryAction::Move { from: inv(0, 0), to: inv(0, 1), count: Some(1) };
    let whole = forged(&pair, 1, Some(0), &valid);
    for len in 0..whole.len() {
        send(&mut pair, 0, whole[..len].to_vec());
    }
    send(&mut pair, 0, [whole.as_slice(), &[0]].concat());
    send(&mut pair, 0, vec![0; REQUEST_BYTES_MAX + 1]);
    pair.step();
    assert_eq!(contents(&mut pair, [a, b]), before);
    let malformed = stats(&pair.server).requests_malformed;
    assert_eq!(malformed, whole.len() as u64 + 2);
    let client = pair.client_id(0).entity().unwrap();
    let bad = &pair.server.world().resource::<Bad>().0;
    assert_eq!(*bad, [ClientViolation { client, kind: ProtocolViolation::Malformed }]);
    let next = forged(&pair, 2, Some(0), &valid);
    send(&mut pair, 0, next);
    pair.step();
    assert_eq!(inventory(&mut pair, a).get(1), Some(TORCH.stack(1)), "a valid request is accepted");
}

#[test]
fn ten_thousand_requests_per_second_are_dropped_undecoded() {
    let Scene { mut pair, players, .. } = scene();
    let [a, b] = [players[0], players[1]];
    record_violations(&mut pair);
    let me = shown_entity(&pair, 1, player(1));
    let mut number = 0u8;
    for n in 0..120usize {
        for _ in 0..167 {
            number = number.wrapping_add(1);
            let (from, to) = (inv(0, 0), inv(0, 1));
            let bytes = forged(&pair, number, Some(0), &InventoryAction::Swap { a: from, b: to });
            send(&mut pair, 0, bytes);
        }
        let (from, to) = ((me, Inventory::slot(n % 5)), (me, Inventory::slot((n + 1) % 5)));
        ask(&mut pair, 1, InventoryAction::Swap { a: from, b: to });
        pair.step();
    }
    let InventoryStats { requests_validated, requests_flooded, requests_malformed, .. } =
        stats(&pair.server);
    assert!(requests_flooded > 19_000, "{requests_flooded}");
    assert!(
        requests_validated + requests_malformed < 800,
        "200 at once, 100 a second, and client 1"
    );
    pair.settle(50);
    let rejected: Vec<_> = events(&mut pair, 1).rejected.iter().map(|r| r.1).collect();
    assert!(rejected.iter().all(|r| *r == Rejection::TooFast), "{rejected:?}");
    assert_same(&pair, 1, player(1));
    assert_eq!(inventory(&mut pair, a).count(TORCH), 10);
    assert_eq!(inventory(&mut pair, b).count(COIN), 100);
    let client = pair.client_id(0).entity().unwrap();
    let flooding = ClientViolation { client, kind: ProtocolViolation::Flooding };
    assert!(pair.server.world().resource::<Bad>().0.contains(&flooding));
    assert!(!pair.server.world().resource::<Bad>().0.iter().any(|bad| bad.client != client));
}

#[test]
fn fast_legitimate_clicking_is_never_rejected() {
    each_seed(2..3, |seed| {
        let Scene { mut pair, me, .. } = scene();
        let mut random = fastrand::Rng::with_seed(seed);
        // Twenty shift-clicks per second, arriving in bursts.
        for n in 0..1200usize {
            if n % 3 == 0 {
                let here = if pair.shown::<Hotbar>(0, player(0)).unwrap().get(0).is_some() {
                    ((me, Hotbar::slot(0)), ContainerRef::of::<Inventory>(me))
                } else {
                    ((me, Inventory::slot(0)), ContainerRef::of::<Hotbar>(me))
                };
                ask(&mut pair, 0, InventoryAction::QuickMove { from: here.0, to: here.1 });
            }
            pair.network.latency_ticks = if n % 60 < 30 { random.u64(20..40) } else { 2 };
            pair.step();
        }
        pair.settle(100);
        assert_eq!(events(&mut pair, 0).rejected, []);
        assert_eq!(events(&mut pair, 0).confirmed.len(), 400);
        assert_eq!(stats(&pair.server).requests_flooded, 0);
    });
}

#[test]
fn pending_requests_are_bounded_and_every_one_is_answered() {
    let Scene { mut pair, me, .. } = scene();
    pair.network.latency_ticks = 60;
    for _ in 0..50 {
        let (a, b) = ((me, Inventory::slot(0)), (me, Inventory::slot(1)));
        ask(&mut pair, 0, InventoryAction::Swap { a, b });
    }
    assert_eq!(events(&mut pair, 0).rejected.len(), 18);
    assert!(events(&mut pair, 0).rejected.iter().all(|r| r.1 == Rejection::TooManyPending));
    pair.settle(300);
    assert_eq!(events(&mut pair, 0).confirmed.len(), 32);
    assert_same(&pair, 0, player(0));
    pair.network.latency_ticks = 0;
    ask(&mut pair, 0, InventoryAction::Use { slot: (me, Inventory::slot(0)) });
    pair.disconnect(0);
    assert_eq!(events(&mut pair, 0).rejected.last().unwrap().1, Rejection::NotConnected);
    ask(&mut pair, 0, InventoryAction::Use { slot: (me, Inventory::slot(0)) });
    assert_eq!(
        events(&mut pair, 0).rejected.len(),
        20,
        "requests without a connection are rejected"
    );
}

#[test]
fn stale_copy_is_corrected_when_an_action_touches_it() {
    let Scene { mut pair, player_entity: a, me, .. } = scene();
    inventory(&mut pair, a).set(5, AXE.stack(1)).unwrap();
    pair.step();
    pair.corrupt(0, player(0), 5, Some(COIN.stack(1)));
    pair.step();
    let shown = pair.shown::<Inventory>(0, player(0)).unwrap().get(5);
    assert_ne!(shown, Some(AXE.stack(1)), "the copy is wrong and undetected");
    let (from, to) = ((me, Inventory::slot(5)), (me, Inventory::slot(6)));
    let id = ask(&mut pair, 0, InventoryAction::Move { from, to, count: None });
    pair.settle(50);
    assert_eq!(events(&mut pair, 0).rejected, [(id, Rejection::Stale)]);
    assert_same(&pair, 0, player(0));
}

#[test]
fn opening_a_missing_inventory_reveals_nothing() {
    let Scene { mut pair, .. } = scene();
    let mut w = BitWriter::default();
    let target = Target::Entity(Entity::from_raw_u32(400_000).unwrap());
    write_body(&mut w, 1, &RequestBody::Open { target, actor: None }, TYPES);
    let bytes = w.finish().to_vec();
    send(&mut pair, 0, bytes);
    let mut w = BitWriter::default();
    write_body(&mut w, 2, &RequestBody::Close { view: 999, handle: 0 }, TYPES);
    let bytes = w.finish().to_vec();
    send(&mut pair, 0, bytes);
    pair.step();
    assert_eq!(stats(&pair.server).requests_rejected, 2);
    assert_eq!(stats(&pair.server).requests_malformed, 0);
}

#[test]
fn overlong_lists_are_malformed_and_huge_inventories_have_bounded_cost() {
    let Scene { mut pair, .. } = scene();
    for (n, action) in (1u8..).zip([
        InventoryAction::Collect { onto: inv(0, 0), from: vec![view(0).into(); 9] },
        InventoryAction::Spread { from: inv(0, 0), onto: vec![inv(0, 1); 257], each: Some(1) },
    ]) {
        let bytes = forged(&pair, n, Some(0), &action);
        send(&mut pair, 0, bytes);
        pair.step();
        assert_eq!(stats(&pair.server).requests_malformed, u64::from(n), "{action:?}");
    }
    // Two banks of maximum size, full of one item.
    for id in 10..12 {
        let viewers = viewer(pair.client_id(0), Rights::USE);
        let slots = (0..8192).map(|_| Some(TORCH.stack(1))).collect();
        pair.server.world_mut().spawn((chest(id), Inventory(slots), viewers));
    }
    pair.settle(50);
    let rejected = stats(&pair.server).requests_rejected;
    let kinds = ContainerKey::of(Inventory::NAME);
    for (n, action) in (3u8..).zip([
        InventoryAction::Collect { onto: inv(1, 0), from: vec![view(1).into(); 8] },
        InventoryAction::Sort { entity: view(1), container: kinds },
        InventoryAction::MoveAll { from: view(0).into(), to: view(1).into() },
        InventoryAction::MoveAll { from: view(1).into(), to: view(2).into() },
    ]) {
        let bytes = forged(&pair, n, Some(0), &action);
        send(&mut pair, 0, bytes);
        pair.step();
    }
    pair.steps(200);
    assert_eq!(stats(&pair.server).requests_rejected - rejected, 0);
    assert_same(&pair, 0, chest(10));
    assert_same(&pair, 0, player(0));
    assert_eq!(pair.shown::<Inventory>(0, chest(10)).unwrap().count(TORCH), 0);
    assert_eq!(pair.shown::<Inventory>(0, chest(11)).unwrap().count(TORCH), 2 * 8192 + 10);
}

#[test]
fn constant_resync_requests_are_rate_limited() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).build();
    let channel = pair.request_channel();
    let client = pair.client_id(0).entity().unwrap();
    let before = stats(&pair.server).opens_encoded;
    // A resync of a client that has no copy.
    let resync = vec![1, 1, 0, 0, 0];
    for _ in 0..100 {
        for _ in 0..10 {
            let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
            messages.insert_received(client, channel, resync.clone());
        }
        pair.step();
    }
    let served = stats(&pair.server).opens_encoded - before;
    let InventoryStats { resyncs_served, requests_flooded, .. } = stats(&pair.server);
    assert_eq!(resyncs_served + requests_flooded, 1000);
    assert!((300..400).contains(&resyncs_served), "{resyncs_served}: a burst and 100 per second");
    assert!((3..=5).contains(&served), "{served} full updates: after 10, 20 and 40 ticks");
}

#[test]
fn client_that_requests_everything_in_every_tick_is_sent_it_ever_more_rarely() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).build();
    for n in 1..=300 {
        spawn_chest(&mut pair, n, &[0]);
    }
    pair.settle(200);
    let channel = pair.request_channel();
    let client = pair.client_id(0).entity().unwrap();
    let resync = vec![1, 1, 0, 0, 0];
    let count = |pair: &mut Simulation, ticks: usize| {
        let before = stats(&pair.server).copies_encoded + stats(&pair.server).opens_encoded;
        for _ in 0..ticks {
            let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
            messages.insert_received(client, channel, resync.clone());
            pair.step();
        }
        stats(&pair.server).copies_encoded + stats(&pair.server).opens_encoded - before
    };
    let first = count(&mut pair, 70);
    assert!(first <= 2 * 4 * 301, "{first}: after 10, 20 and 40 ticks");
    count(&mut pair, 700);
    let later = count(&mut pair, 640);
    assert!(later <= 2 * 3 * 301, "{later}: every 320 ticks");
}

#[test]
fn player_cannot_have_more_inventories_open_than_the_limit() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).build();
    pair.server.insert_resource(RequestLimits { open_inventories: 5, ..default() });
    for n in 1..=8 {
        let inside = (chest(n), Inventory::new(3), Openable::default());
        pair.server.world_mut().spawn(inside);
    }
    pair.settle(30);
    for n in 1..=8 {
        with_actions(&mut pair.clients[0].app, move |actions| actions.open_by_id(chest(n)));
        pair.settle(30);
    }
    let reasons: Vec<_> = events(&mut pair, 0).rejected.iter().map(|rejected| rejected.1).collect();
    assert_eq!(reasons, [Rejection::TooMuch; 3]);
    let first = shown_entity(&pair, 0, chest(1));
    with_actions(&mut pair.clients[0].app, move |actions| actions.close(first));
    pair.settle(30);
    with_actions(&mut pair.clients[0].app, move |actions| actions.open_by_id(chest(8)));
    pair.settle(30);
    assert_same(&pair, 0, chest(8));
}
