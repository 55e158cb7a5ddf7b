//! A corrupted copy is detected by its checksum and repaired alone.

use crate::{
    actions::custom::{Engraving, setup_all},
    common::*,
};
use bevy_inventory_sync::{
    client::state::CopyRepaired,
    wire::{
        bits::BitWriter,
        decode, encode,
        handshake::{ControlRequest, write_request},
        stream::StreamCheck,
    },
};
use core::time::Duration;

/// Ticks until an inventory is idle and its checksum has arrived.
const REST: usize = 310;

/// A client with an inventory and a chest, both of which have just changed.
fn scene() -> Scene {
    let mut scene = Scene::clients(1).players(1).chest([0]).build();
    for (there, slot) in [(scene.player_entity, 3), (scene.chest_entity, 4)] {
        inventory(&mut scene.pair, there).set(slot, TORCH.stack(9)).unwrap();
    }
    scene.pair.step();
    scene
}

/// Corrupts a slot on the client, and forgets the events of that.
fn corrupt(pair: &mut Simulation, id: InventoryId, slot: usize, stack: Option<Stack>) {
    pair.corrupt(0, id, slot, stack);
    pair.clients[0].app.update();
    events(pair, 0).clear();
}

/// Asserts that exactly one full update was requested and sent, and one slot changed.
#[track_caller]
fn assert_repaired(
    pair: &mut Simulation,
    before: InventoryStats,
    slot: usize,
    wrong: Option<Stack>,
) {
    let after = stats(&pair.server);
    assert_eq!(after.repairs_served - before.repairs_served, 1);
    assert_eq!(after.resyncs_served - before.resyncs_served, 0);
    assert_eq!(after.opens_encoded - before.opens_encoded, 1, "only that inventory");
    assert_eq!(after.copies_encoded - before.copies_encoded, 1);
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.repairs_requested, client.checksum_mismatches), (1, 1));
    let events = events(pair, 0);
    assert!(events.opened.is_empty() && events.closed.is_empty() && events.resized.is_empty());
    let [changed] = events.slots.as_slice() else { panic!("{:?}", events.slots) };
    assert_eq!((usize::from(changed.slot.index), changed.old), (slot, wrong));
    assert_eq!(changed.cause, SlotCause::FullUpdate);
}

#[test]
fn corrupted_copy_is_repaired_by_one_request() {
    for wrong in [None, Some(AXE.stack(1)), Some(TORCH.stack(8)), Some(TORCH.stack(9).with_wear(1))]
    {
        let Scene { mut pair, .. } = scene();
        corrupt(&mut pair, player(0), 3, wrong);
        let before = stats(&pair.server);
        pair.steps(REST - 20);
        assert_eq!(events(&mut pair, 0).slots, [], "it is not idle yet");
        pair.steps(30);
        assert_same(&pair, 0, player(0));
        assert_repaired(&mut pair, before, 3, wrong);
    }
}

#[test]
fn copy_corrupted_while_idle_is_repaired() {
    let Scene { mut pair, .. } = scene();
    pair.steps(REST);
    assert_eq!(stats(&pair.clients[0].app).checksums_checked, 2);
    let (before, bytes) = (stats(&pair.server), bytes_down(&pair, 0));
    corrupt(&mut pair, chest(1), 4, Some(BOOTS.stack(1)));
    pair.steps(3 * 16);
    assert_same(&pair, 0, chest(1));
    assert_repaired(&mut pair, before, 4, Some(BOOTS.stack(1)));
    assert!(bytes_down(&pair, 0) - bytes < 40, "{} bytes", bytes_down(&pair, 0) - bytes);
    pair.steps(REST);
    assert_eq!(stats(&pair.clients[0].app).repairs_requested, 1, "no further repair");
}

#[test]
fn one_corrupted_copy_of_two_hundred_is_repaired() {
    let mut pair = pair(1);
    let all: Vec<Entity> = (0..200).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    pair.settle(100);
    for there in &all {
        inventory(&mut pair, *there).set(0, TORCH.stack(1)).unwrap();
    }
    pair.steps(REST);
    let before = stats(&pair.server);
    assert_eq!(before.checksums_encoded, 200);
    corrupt(&mut pair, chest(137), 7, Some(TORCH.stack(64)));
    pair.steps(16 * 201 + 20);
    assert_same(&pair, 0, chest(137));
    assert_repaired(&mut pair, before, 7, Some(TORCH.stack(64)));
}

#[test]
fn repaired_copy_is_reported_once_with_the_size_of_the_repair() {
    #[derive(Resource, Default)]
    struct Repairs(Vec<CopyRepaired>);

    let Scene { mut pair, .. } = scene();
    pair.clients[0].app.init_resource::<Repairs>().add_systems(
        Last,
        |mut repaired: MessageReader<CopyRepaired>, mut repairs: ResMut<Repairs>| {
            repairs.0.extend(repaired.read().copied());
        },
    );
    pair.steps(REST);
    corrupt(&mut pair, chest(1), 9, Some(BOOTS.stack(1)));
    pair.steps(REST);
    let repairs = &pair.clients[0].app.world().resource::<Repairs>().0;
    let [repair] = repairs.as_slice() else { panic!("{repairs:?}") };
    assert_eq!(repair.inventory, chest(1));
    let received = pair.clients[0].app.world().resource::<InventoryStats>().bytes_received;
    assert!((10..received).contains(&repair.bytes), "{repair:?}");
}

#[test]
fn copy_corrupted_before_closing_is_repaired_after_reopening() {
    for reconnect in [false, true] {
        let Scene { mut pair, chest_entity: other, .. } = scene();
        pair.steps(REST);
        hide(&mut pair, other, 0);
        pair.steps(2);
        show(&mut pair, other, 0);
        pair.steps(2);
        corrupt(&mut pair, chest(1), 9, Some(BOOTS.stack(1)));
        if reconnect {
            pair.disconnect(0);
            pair.step();
            pair.connect(0);
        } else {
            hide(&mut pair, other, 0);
            pair.steps(2);
        }
        show(&mut pair, other, 0);
        pair.steps(10);
        assert!(stats(&pair.server).opens_from_cached_copy > 0, "it starts from the cached copy");
        pair.steps(REST + 50);
        assert_same(&pair, 0, chest(1));
    }
}

#[test]
fn copy_that_is_wrong_since_it_opened_is_repaired() {
    for reconnected in [false, true] {
        let Scene { mut pair, player_entity: me, chest_entity: small, .. } =
            Scene::clients(1).players(1).chest([0]).build();
        // Too large for a message, so it is sent in chunks.
        let large = spawn_chest(&mut pair, 2, &[0]);
        pair.server.world_mut().entity_mut(large).insert(noise(4000, 1));
        pair.settle(200);
        if reconnected {
            reconnect(&mut pair, 0, 10, &[me], &[small, large]);
            pair.settle(200);
            assert_eq!(stats(&pair.server).opens_from_cached_copy, 3);
        }
        let all = [player(0), chest(1), chest(2)];
        all.iter().for_each(|id| corrupt(&mut pair, *id, 3, Some(BOOTS.stack(1))));
        pair.steps(REST + 60);
        all.iter().for_each(|id| assert_same(&pair, 0, *id));
        assert_eq!(stats(&pair.clients[0].app).checksum_mismatches, 3);
        assert_eq!(stats(&pair.server).repairs_served, 3);
    }
}

#[test]
fn many_openings_cause_no_burst_of_checksums() {
    let mut pair = pair(1);
    (0..500).for_each(|n| drop(spawn_chest(&mut pair, n, &[0])));
    pair.settle(200);
    let mut most = 0;
    for _ in 0..REST + 30 {
        let before = bytes_down(&pair, 0);
        pair.step();
        most = most.max(bytes_down(&pair, 0) - before);
    }
    assert_eq!(stats(&pair.server).checksums_encoded, 500);
    assert!(most <= 32 * 11, "{most} bytes in one tick");
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.checksums_checked, client.checksum_mismatches), (500, 0));
}

#[test]
fn viewer_that_joins_is_the_only_one_to_receive_a_checksum() {
    let Scene { mut pair, chest_entity: there, .. } = Scene::clients(2).chest([0]).build();
    let checked = |pair: &Simulation| [0, 1].map(|n| stats(&pair.clients[n].app).checksums_checked);
    pair.steps(REST);
    assert_eq!(checked(&pair), [1, 0]);
    show(&mut pair, there, 1);
    pair.steps(REST);
    assert_eq!(checked(&pair), [1, 1]);
}

#[test]
fn only_viewers_that_are_up_to_date_receive_a_checksum() {
    let mut pair = pair(2);
    let there = spawn_chest(&mut pair, 1, &[0, 1]);
    let (low, checksum_delay) = (Duration::from_secs(10), Duration::from_secs(1));
    pair.server.insert_resource(SyncSettings { low_interval: low, checksum_delay, ..default() });
    let late = pair.client_id(1);
    pair.server
        .world_mut()
        .get_mut::<Viewers>(there)
        .unwrap()
        .set_priority(late, SyncPriority::Low);
    pair.settle(50);
    for n in 1..4 {
        inventory(&mut pair, there).set(0, TORCH.stack(n)).unwrap();
        pair.steps(2);
    }
    pair.steps(200);
    let checked = |pair: &Simulation| [0, 1].map(|n| stats(&pair.clients[n].app).checksums_checked);
    assert_eq!(checked(&pair), [1, 0]);
    pair.steps(700);
    assert_same(&pair, 1, chest(1));
    assert_eq!(checked(&pair), [1, 1], "each once");
    assert_eq!(stats(&pair.clients[1].app).checksum_mismatches, 0);
}

#[test]
fn all_repairs_that_clients_request_at_once_are_served_in_one_tick() {
    let mut pair = pair(2);
    (0..3).for_each(|n| drop(spawn_chest(&mut pair, n, &[0, 1])));
    pair.settle(60);
    let before = stats(&pair.server);
    for client in 0..2 {
        let world = pair.clients[client].app.world_mut();
        let handles = world
            .run_system_once(|client: ClientInspect| {
                client.copies().map(|copy| copy.handle).collect::<Vec<_>>()
            })
            .unwrap();
        let request = write_request(&ControlRequest::Repair((0..).zip(handles).collect())).unwrap();
        forge::send(&mut pair, client, request);
    }
    pair.step();
    let after = stats(&pair.server);
    assert_eq!(after.repairs_served - before.repairs_served, 6);
    assert_eq!(after.opens_encoded - before.opens_encoded, 6);
}

#[test]
fn wrong_checksums_do_bounded_harm() {
    let Scene { mut pair, player_entity: me, .. } = scene();
    pair.steps(REST);
    for checksums in [vec![(7, 5)], vec![((1 << 16) - 1, 5)], vec![(0, 5), (0, 6), (1, 7)]] {
        let mut w = BitWriter::default();
        encode::begin_full(&mut w, next_number(&mut pair, 0), None, None, 0);
        encode::data(&mut w, &[], &[]);
        encode::closes(&mut w, &[]);
        encode::opens(&mut w, 0);
        encode::handover(&mut w, None);
        w.flag(false);
        encode::checksums(&mut w, &checksums);
        feed_full(&mut pair, 0, w.finish());
        pair.steps(10);
    }
    assert_eq!(stats(&pair.clients[0].app).decode_errors, 0);
    events(&mut pair, 0).clear();
    pair.steps(60 * 60);
    assert_same(&pair, 0, player(0));
    let InventoryStats { repairs_served, resyncs_served, opens_encoded, .. } = stats(&pair.server);
    assert!(
        (2..=20).contains(&repairs_served),
        "two wrong checksums, retried with growing pauses: {repairs_served}"
    );
    // The forged message takes the number of the next one.
    assert!(resyncs_served <= 2, "{resyncs_served}");
    assert!(opens_encoded <= 2 + repairs_served + 2 * resyncs_served);
    assert_eq!(events(&mut pair, 0).slots, [], "nothing was wrong");
    // The next change ends the repeated checks.
    inventory(&mut pair, me).set(3, TORCH.stack(8)).unwrap();
    pair.steps(REST);
    assert_same(&pair, 0, player(0));
}

#[test]
fn zero_delay_disables_checksums() {
    let mut pair = pair(1);
    let checksum_delay = Duration::ZERO;
    pair.server.insert_resource(SyncSettings { checksum_delay, ..default() });
    let me = spawn_player(&mut pair, 0);
    pair.settle(50);
    inventory(&mut pair, me).set(0, TORCH.stack(1)).unwrap();
    pair.steps(2 * REST);
    assert_eq!(stats(&pair.server).checksums_encoded, 0);
}

#[test]
fn busy_inventory_is_checked_in_a_quiet_tick() {
    let mut pair = pair(1);
    let checksum_delay = Duration::from_secs(1);
    pair.server.insert_resource(SyncSettings { checksum_delay, ..default() });
    let me = spawn_player(&mut pair, 0);
    pair.settle(50);
    for n in 0..1800u32 {
        if n % 10 != 0 {
            inventory(&mut pair, me).set(0, COIN.stack(1 + n)).unwrap();
        }
        pair.step();
    }
    let busy = stats(&pair.server).checksums_encoded;
    assert!((2..=4).contains(&busy), "{busy} in half a minute");
    pair.steps(100);
    assert_eq!(stats(&pair.server).checksums_encoded, busy + 1, "and one when idle");
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.checksums_checked, client.checksum_mismatches), (busy + 1, 0));
}

/// Changes a letter of `text` wherever it occurs in a message, at any bit offset. Returns `true` if it occurs.
fn alter_text(bytes: &mut [u8], text: &str) -> bool {
    let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (at % 8) & 1;
    let len = 8 * text.len();
    let is_at = |start: &usize| (0..len).all(|i| bit(bytes, start + i) == bit(text.as_bytes(), i));
    let found = (0..(8 * bytes.len() + 1).saturating_sub(len)).find(is_at);
    found.inspect(|start| bytes[start / 8 + 1] ^= 1 << (start % 8)).is_some()
}

/// Returns the text of the engraving that a client shows in a slot.
fn text_shown(pair: &Simulation, id: InventoryId, slot: usize) -> Option<String> {
    let world = pair.clients[0].app.world();
    let data = world.get::<Inventory>(shown_entity(pair, 0, id))?.get(slot)?.data?;
    world.resource::<DataPool>().get::<Engraving>(data).map(|engraving| engraving.text)
}

/// Alters the first instance data with this text on its way to a client, and corrects the checks of messages. To be
/// called before the first message.
fn alter_data(pair: &mut Simulation, text: &'static str) {
    let channel = pair.sync_channel();
    let (mut stream, mut altered) = (StreamCheck::default(), false);
    pair.tamper(move |_, on, bytes| {
        if on != channel {
            return vec![bytes];
        }
        let check = if decode::is_full(&bytes) { 3 } else { 0 };
        let mut message = bytes[..bytes.len() - check].to_vec();
        altered = altered || alter_text(&mut message, text);
        vec![stream.seal(message.into())]
    });
}

#[test]
fn altered_instance_data_is_sent_again() {
    let mut pair = Simulation::new(1, setup_all);
    let entity = spawn_player(&mut pair, 0);
    let viewers = viewer(pair.client_id(0), Rights::USE);
    let other = pair.server.world_mut().spawn((chest(1), Inventory::new(9), viewers)).id();
    alter_data(&mut pair, "for Ada");
    pair.settle(60);
    let mut pool = pair.server.world_mut().resource_mut::<DataPool>();
    let engraving = Engraving { text: "for Ada".into() };
    let stack = AXE.stack(1).with_data(pool.insert(&engraving).unwrap());
    inventory(&mut pair, entity).set(3, stack).unwrap();
    inventory(&mut pair, other).set(4, stack).unwrap();
    pair.steps(3);
    assert_ne!(text_shown(&pair, player(0), 3).unwrap(), "for Ada");
    pair.steps(2 * REST);
    assert_eq!(text_shown(&pair, player(0), 3).as_deref(), Some("for Ada"));
    assert_eq!(text_shown(&pair, chest(1), 4).as_deref(), Some("for Ada"));
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.repairs_requested, client.decode_errors), (1, 0));
    let server = stats(&pair.server);
    pair.steps(REST);
    assert_eq!(stats(&pair.server).repairs_served, server.repairs_served, "no further repair");
}
