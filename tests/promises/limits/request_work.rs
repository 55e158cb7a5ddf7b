//! The work that a client can cause is bounded, whatever it sends at its message limits. Honest clients do not notice.

use crate::common::{
    forge::{forged, send, view},
    *,
};
use bevy_inventory_sync::wire::handshake::{ControlRequest, write_request};

/// Slots of the largest inventory.
const LARGEST: usize = 8192;

/// Stacks of which no two match.
fn different(slots: usize) -> Inventory {
    Inventory((0..slots).map(|n| Some(AXE.stack(1).with_wear(n as u16))).collect())
}

/// A client with a full bag (view 0), and a bank of the maximum size with stacks of which no two match (view 1).
/// A second client sees a chest.
fn scene() -> Scene {
    let mut scene = Scene::clients(2).players(2).chest([1]).stored(0, TORCH.stack(60)).build();
    *inventory(&mut scene.pair, scene.player_entity) = different(127);
    let bank = (chest(9), different(LARGEST), viewer(scene.pair.client_id(0), Rights::USE));
    scene.pair.server.world_mut().spawn(bank);
    scene.pair.server.insert_resource(ItemAudit::Strict);
    scene.pair.settle(400);
    scene
}

/// The requests that cost most.
fn expensive() -> Vec<(&'static str, InventoryAction)> {
    let (bag, bank) = (view(0), view(1));
    let inventory = ContainerKey::of(Inventory::NAME);
    let recipe = RecipeId::of("torches");
    let craft = InventoryAction::Craft {
        recipe,
        times: 1,
        from: vec![bank.into(); 8],
        to: bank.into(),
        at: None,
    };
    vec![
        (
            "move a full bank into a full bag",
            InventoryAction::MoveAll { from: bank.into(), to: bag.into() },
        ),
        (
            "move a full bag into a full bank",
            InventoryAction::MoveAll { from: bag.into(), to: bank.into() },
        ),
        ("sort a bank", InventoryAction::Sort { entity: bank, container: inventory }),
        (
            "collect from eight times a bank",
            InventoryAction::Collect { onto: inv(bank, 0), from: vec![bank.into(); 8] },
        ),
        ("craft from eight times a bank", craft),
        (
            "quick move into a full bank",
            InventoryAction::QuickMove { from: inv(bag, 0), to: bank.into() },
        ),
        ("swap within a bank", InventoryAction::Swap { a: inv(bank, 0), b: inv(bank, 1) }),
        (
            "spread over 256 slots of a bank",
            InventoryAction::Spread {
                from: inv(bank, 0),
                onto: (1..257).map(|n| inv(bank, n)).collect(),
                each: Some(1),
            },
        ),
        (
            "drop all of a bank that cannot be seen",
            InventoryAction::DropAll { from: view(7).into() },
        ),
    ]
}

#[test]
fn work_for_one_client_stays_within_its_allowance_at_the_message_limit() {
    let limits = RequestLimits::default();
    for (name, action) in expensive() {
        let Scene { mut pair, .. } = scene();
        let before = stats(&pair.server);
        let (mut number, mut sent, mut largest) = (0_u8, 0, 0);
        for tick in 0..180_u64 {
            // The burst at once, less the handshake, and then the average rate.
            let allowed = u64::from(limits.burst) - 1 + tick * u64::from(limits.per_second) / 60;
            while sent < allowed {
                number = number.wrapping_add(1);
                sent += 1;
                let bytes = forged(&pair, number, Some(0), &action);
                send(&mut pair, 0, bytes);
            }
            let work = stats(&pair.server).request_work;
            pair.step();
            largest = (stats(&pair.server).request_work - work).max(largest);
        }
        let done = stats(&pair.server);
        let work = done.request_work - before.request_work;
        let allowed = u64::from(limits.work_burst) + 3 * u64::from(limits.work_per_second);
        // The last request may go above it.
        assert!(work <= allowed + largest, "{name}: {work} in three seconds");
        assert!(largest <= 200_000, "{name}: {largest} slots in one tick");
    }
}

#[test]
fn work_of_an_action_is_at_least_the_number_of_slots_that_it_searches() {
    for (name, action) in expensive().into_iter().take(6) {
        let mut pair = scene().pair;
        let before = stats(&pair.server).request_work;
        let request = forged(&pair, 1, Some(0), &action);
        send(&mut pair, 0, request);
        pair.step();
        let work = stats(&pair.server).request_work - before;
        assert!(work >= LARGEST as u64, "{name}: {work}");
    }
}

#[test]
fn others_are_served_in_the_same_tick_beside_a_client_that_causes_as_much_work_as_it_can() {
    for (name, action) in expensive() {
        let Scene { mut pair, chest_entity, .. } = scene();
        let there = shown_entity(&pair, 1, chest(1));
        let me = shown_entity(&pair, 1, player(1));
        let mut number = 0_u8;
        for taken in 1..=30 {
            for _ in 0..2 {
                number = number.wrapping_add(1);
                let bytes = forged(&pair, number, Some(0), &action);
                send(&mut pair, 0, bytes);
            }
            let (from, to) = (inv(there, 0), inv(me, 0));
            ask(&mut pair, 1, InventoryAction::Move { from, to, count: Some(1) });
            pair.step();
            // The request of this step arrives in the next one.
            let left = inventory(&mut pair, chest_entity).count(TORCH);
            assert_eq!(left, 61 - taken, "{name}");
        }
    }
}

#[test]
fn shift_clicks_and_one_sort_of_the_largest_inventory_are_not_delayed() {
    let sort =
        InventoryAction::Sort { entity: view(1), container: ContainerKey::of(Inventory::NAME) };
    let Scene { mut pair, .. } = scene();
    let before = stats(&pair.server);
    let bytes = forged(&pair, 1, Some(0), &sort);
    send(&mut pair, 0, bytes);
    pair.step();
    let after = stats(&pair.server);
    assert_eq!(after.requests_validated - before.requests_validated, 1);
    assert_eq!(after.requests_delayed, before.requests_delayed);

    // Twenty shift-clicks per second between a bag of 36 and a chest of 54 slots.
    let Scene { mut pair, player_entity, chest_entity, me, open, .. } =
        Scene::clients(1).players(1).chest([0]).build();
    *inventory(&mut pair, chest_entity) = different(54);
    inventory(&mut pair, player_entity).set(0, COIN.stack(5)).unwrap();
    pair.settle(60);
    for n in 0..200 {
        let slot = n % 54;
        let (from, to) = if n % 2 == 0 { (inv(open, slot), me) } else { (inv(me, 1), open) };
        ask(&mut pair, 0, InventoryAction::QuickMove { from, to: to.into() });
        pair.steps(3);
        let answered = events(&mut pair, 0).confirmed.len() + events(&mut pair, 0).rejected.len();
        assert_eq!(answered, n + 1);
    }
    assert_eq!(stats(&pair.server).requests_delayed, 0);
}

#[test]
fn requests_beyond_the_inbox_are_answered_with_a_reason_and_in_order() {
    let Scene { mut pair, .. } = scene();
    let slow = RequestLimits { work_per_second: 100, work_burst: 1, ..default() };
    pair.server.insert_resource(slow);
    let select = InventoryAction::Select { slot: (view(0), Hotbar::slot(3)) };
    for number in 1..=40 {
        let bytes = forged(&pair, number, Some(0), &select);
        send(&mut pair, 0, bytes);
    }
    pair.step();
    // One was handled, and 32 wait. The others are answered once it is their turn.
    let delayed = stats(&pair.server).requests_delayed;
    assert_eq!(delayed, 31);
    pair.server.insert_resource(RequestLimits::default());
    pair.steps(200);
    let done = stats(&pair.server);
    assert_eq!(done.requests_accepted, 32);
    assert_eq!(done.requests_malformed, 0);
    let client = pair.client_id(0).entity().unwrap();
    let sync = pair.server.world().get::<ClientSyncStats>(client);
    assert!(sync.is_none_or(|sync| sync.accepted == 32));
}

#[test]
fn delayed_requests_are_handled_in_order_and_all_of_them() {
    let Scene { mut pair, chest_entity, me, open, .. } =
        Scene::clients(1).players(1).chest([0]).stored(0, COIN.stack(100)).build();
    pair.server.insert_resource(RequestLimits {
        work_per_second: 3000,
        work_burst: 1,
        ..default()
    });
    for n in 0..30 {
        let (from, to) = match n % 2 {
            0 => (inv(open, 0), inv(me, 0)),
            _ => (inv(me, 0), inv(open, 0)),
        };
        ask(&mut pair, 0, InventoryAction::Move { from, to, count: Some(1 + n / 4) });
    }
    pair.steps(200);
    assert!(stats(&pair.server).requests_delayed > 100);
    assert_eq!(events(&mut pair, 0).rejected, []);
    assert_eq!(events(&mut pair, 0).confirmed.len(), 30);
    assert_eq!(inventory(&mut pair, chest_entity).count(COIN), 100);
    assert_same(&pair, 0, player(0));
    assert_same(&pair, 0, chest(1));
}

#[test]
fn work_of_the_player_at_the_authority_is_not_charged_to_a_client() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).build();
    let bank = (chest(9), different(LARGEST), Owner(ClientId::Server));
    let bank = pair.server.world_mut().spawn(bank).id();
    pair.settle(30);
    for _ in 0..20 {
        let container = ContainerKey::of(Inventory::NAME);
        let sort = InventoryAction::Sort { entity: bank, container };
        with_actions(&mut pair.server, move |actions| actions.request(sort));
    }
    let before = stats(&pair.server).request_work;
    let me = shown_entity(&pair, 0, player(0));
    ask(&mut pair, 0, InventoryAction::Select { slot: (me, Hotbar::slot(2)) });
    pair.settle(30);
    let work = stats(&pair.server).request_work - before;
    assert!(work < 500, "{work}");
}

#[test]
fn repairs_are_charged_as_work() {
    let Scene { mut pair, .. } = scene();
    let limits =
        RequestLimits { work_per_second: 8192, work_burst: 8192, ..RequestLimits::default() };
    pair.server.insert_resource(limits);
    let before = stats(&pair.server).copies_encoded;
    // The handle of the bank's view is one of these.
    let request = ControlRequest::Repair((0..32).map(|handle| (1, handle)).collect());
    let bytes = write_request(&request).unwrap();
    for n in 0..600 {
        if n % 10 == 0 {
            send(&mut pair, 0, bytes.clone());
        }
        pair.step();
    }
    let encoded = stats(&pair.server).copies_encoded - before;
    assert!((5..=12).contains(&encoded), "{encoded} copies of a bank in ten seconds");
}

#[test]
fn resync_waits_for_requests_that_were_made_before() {
    let Scene { mut pair, .. } = scene();
    let limits =
        RequestLimits { work_per_second: 9000, work_burst: 100, ..RequestLimits::default() };
    pair.server.insert_resource(limits);
    let shown = shown_entity(&pair, 0, chest(9));
    events(&mut pair, 0).clear();
    let container = ContainerKey::of(Inventory::NAME);
    for _ in 0..8 {
        ask(&mut pair, 0, InventoryAction::Sort { entity: shown, container });
        pair.step();
    }
    // They take longer than a client waits for an answer.
    pair.steps(1500);
    let events = events(&mut pair, 0);
    assert_eq!((events.confirmed.len(), events.rejected.as_slice()), (8, &[][..]));
}
