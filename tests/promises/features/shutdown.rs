//! A server that stops sends all pending updates, and reports those it could not send.

use crate::common::*;
use core::time::Duration;

#[derive(Resource, Default)]
struct Flushed(Vec<InventoriesFlushed>);

fn record_flushes(pair: &mut Simulation) {
    pair.server.init_resource::<Flushed>().add_observer(
        |on: On<InventoriesFlushed>, mut flushed: ResMut<Flushed>| flushed.0.push((*on).clone()),
    );
}

fn flush(pair: &mut Simulation, within: Duration) {
    pair.server.world_mut().trigger(FlushInventories { within });
}

fn flushed(pair: &Simulation) -> &[InventoriesFlushed] {
    &pair.server.world().resource::<Flushed>().0
}

#[test]
fn pending_updates_are_sent_before_the_server_stops() {
    let mut pair = pair(3);
    record_flushes(&mut pair);
    let players = [0, 1, 2].map(|client| spawn_player(&mut pair, client));
    pair.settle(50);
    let mut settings = pair.server.world_mut().resource_mut::<SyncSettings>();
    (settings.normal_interval, settings.debounce_delay) =
        (Duration::from_secs(60), Duration::from_secs(60));
    settings.bytes_per_second = 1;
    pair.server.world_mut().entity_mut(players[1]).insert(SyncPriority::Normal);
    for n in 1..=40 {
        for player in players {
            inventory(&mut pair, player).set(n % 27, TORCH.stack(n as u32)).unwrap();
        }
        pair.step();
    }
    // A bank that is sent in chunks.
    let slots = (0..4000).map(|n| Some(COIN.stack(1 + n * 7919 % 100_000))).collect();
    let owner = Owner(pair.client_id(2));
    pair.server.world_mut().spawn((chest(9), Inventory(slots), owner));
    pair.step();
    for client in 0..3 {
        let shown = pair.shown::<Inventory>(client, player(client as u64)).unwrap();
        assert_eq!(shown.count(TORCH), 0, "client {client} waits");
    }
    flush(&mut pair, Duration::from_secs(2));
    pair.steps(30);
    assert_eq!(flushed(&pair), [InventoriesFlushed { remaining: vec![], stored: true }]);
    (0..3).for_each(|client| assert_same(&pair, client, player(client as u64)));
    assert_same(&pair, 2, chest(9));
    // Afterwards updates are deferred as before.
    inventory(&mut pair, players[0]).set(0, AXE.stack(1)).unwrap();
    pair.steps(30);
    assert_ne!(pair.shown::<Inventory>(0, player(0)).unwrap().get(0), Some(AXE.stack(1)));
    assert_eq!(flushed(&pair).len(), 1);
}

#[test]
fn updates_not_sent_in_time_are_reported() {
    let mut pair = pair(2);
    record_flushes(&mut pair);
    let me = spawn_player(&mut pair, 0);
    pair.settle(50);
    // This client never acknowledges the transfer.
    pair.tamper_requests(|client, _, bytes| if client == 1 { vec![] } else { vec![bytes] });
    let slots = (0..4000).map(|n| Some(COIN.stack(1 + n * 7919 % 100_000))).collect();
    let owner = Owner(pair.client_id(1));
    pair.server.world_mut().spawn((chest(9), Inventory(slots), owner));
    pair.step();
    inventory(&mut pair, me).set(0, TORCH.stack(9)).unwrap();
    flush(&mut pair, Duration::from_millis(500));
    pair.steps(20);
    assert!(flushed(&pair).is_empty(), "there is time left");
    pair.steps(20);
    let client = pair.client_id(1).entity().unwrap();
    let remaining = vec![PendingUpdate { client, inventory: chest(9) }];
    assert_eq!(flushed(&pair), [InventoriesFlushed { remaining, stored: true }]);
    assert_same(&pair, 0, player(0));
}

#[test]
fn flush_completes_at_once_without_a_server() {
    let mut app = Simulation::app(setup);
    app.init_resource::<Flushed>().add_observer(
        |on: On<InventoriesFlushed>, mut flushed: ResMut<Flushed>| flushed.0.push((*on).clone()),
    );
    app.world_mut().trigger(FlushInventories { within: Duration::ZERO });
    app.update();
    assert_eq!(
        app.world().resource::<Flushed>().0,
        [InventoriesFlushed { remaining: vec![], stored: true }]
    );
}
