//! Malformed messages, in either direction, never panic and never apply in part.

use super::begin_first_view;
use crate::common::{
    random::{each_seed, size},
    *,
};
use bevy_inventory_sync::{
    model::{
        container::ContainerInfo, data::Datum, limits::CLIENT_SLOTS_MAX, state::InventoryState,
    },
    wire::{
        DecodeError, OpenHead, Schema,
        bits::BitWriter,
        decode, encode,
        transfer::{pack, read_transfer},
    },
};
use bevy_replicon::bytes::Bytes;

/// One step of a session that sends every kind of message once.
fn session_step(pair: &mut Simulation, own: Entity, shared: Entity, step: usize) {
    match step {
        0 => drop(inventory(pair, own).set(0, TORCH.stack(9))),
        1 => drop(inventory(pair, own).split(0, 1)),
        2 => drop(inventory(pair, shared).set(3, AXE.stack(1).with_wear(77))),
        3 => {
            drop(inventory(pair, own).set(1, COIN.stack(1000)));
            drop(inventory(pair, shared).set(3, AXE.stack(1).with_wear(80)));
        }
        4 => (0..27).for_each(|slot| drop(inventory(pair, own).set(slot, TORCH.stack(2)))),
        5 => hotbar(pair, own).select(3),
        6 => drop(spawn_chest(pair, 2, &[0])),
        7 => (0..9).for_each(|slot| drop(inventory(pair, own).set(slot, None))),
        _ => {
            let client = pair.client_id(0);
            let mut viewers = pair.server.world_mut().get_mut::<Viewers>(shared).unwrap();
            viewers.remove(client);
        }
    }
    pair.step();
}

#[test]
fn truncated_messages_never_panic_or_apply_in_part() {
    let shown = |pair: &Simulation| {
        [player(0), chest(1), chest(2)].map(|id| {
            (pair.shown::<Inventory>(0, id).cloned(), pair.shown::<Hotbar>(0, id).cloned())
        })
    };
    for step in 0..9 {
        let Scene { mut pair, player_entity: own, chest_entity: shared, .. } =
            Scene::clients(2).players(1).chest([0, 1]).build();
        (0..step).for_each(|step| session_step(&mut pair, own, shared, step));
        let (before, channel) = (shown(&pair), pair.sync_channel());
        pair.record = true;
        pair.tamper(|_, _, _| vec![]);
        session_step(&mut pair, own, shared, step);
        let record = core::mem::take(&mut pair.clients[0].record);
        let sent: Vec<Bytes> =
            record.into_iter().filter(|(on, _)| *on == channel).map(|(_, bytes)| bytes).collect();
        assert!(!sent.is_empty(), "step {step} sends something");
        for bytes in &sent {
            for len in 0..bytes.len() {
                feed(&mut pair, channel, bytes.slice(..len));
                assert_eq!(shown(&pair), before, "step {step}, {len} of {} bytes", bytes.len());
            }
        }
        assert!(stats(&pair.clients[0].app).decode_errors > 0);
    }
}

/// Makes client 0 receive bytes as if the server had sent them, in a separate frame.
fn feed(pair: &mut Simulation, channel: usize, bytes: Bytes) {
    let app = &mut pair.clients[0].app;
    app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, bytes);
    app.update();
}

#[test]
fn random_bytes_never_panic_and_are_repaired() {
    each_seed(3..4, |seed| {
        let Scene { mut pair, player_entity: own, .. } =
            Scene::clients(1).players(1).carried(0, TORCH.stack(9)).build();
        let channel = pair.sync_channel();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut kept = 0;
        let count = size(4_000, 20_000);
        for _ in 0..count {
            let len = random.usize(0..40);
            let bytes: Vec<u8> = core::iter::repeat_with(|| random.u8(..)).take(len).collect();
            feed(&mut pair, channel, bytes.into());
            kept += 1;
        }
        assert_eq!(kept, count);
        let client = stats(&pair.clients[0].app);
        assert!(client.decode_errors + client.gaps + client.unknown_views > count * 3 / 4);
        // What decoded by chance is repaired like any other wrong copy.
        pair.steps(1200);
        let requested = stats(&pair.clients[0].app).resyncs_requested;
        assert!(requested >= 1);
        inventory(&mut pair, own).set(1, TORCH.stack(1)).unwrap();
        // It may start from a wrong cached copy, until a checksum reveals it.
        within(&mut pair, 4800, |pair| is_same(pair, 0, player(0)));
        assert_same(&pair, 0, player(0));
    });
}

#[test]
fn random_bytes_from_a_client_are_counted_and_dropped() {
    each_seed(5..6, |seed| {
        let Scene { mut pair, player_entity: own, .. } = Scene::clients(2).players(2).build();
        let limits = RequestLimits {
            per_second: 1_000_000,
            burst: 1_000_000,
            malformed: 10,
            work_per_second: 1_000_000_000,
            ..default()
        };
        pair.server.insert_resource(limits);
        let channel = pair.request_channel();
        let client = pair.client_id(1).entity().unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        for n in 0..2000 {
            let len = if n % 100 == 0 { 4000 } else { random.usize(0..30) };
            let bytes: Vec<u8> = core::iter::repeat_with(|| random.u8(3..)).take(len).collect();
            let mut messages = pair.server.world_mut().resource_mut::<ServerMessages>();
            messages.insert_received(client, channel, bytes);
            if n % 100 == 0 {
                inventory(&mut pair, own).set(0, TORCH.stack(1 + n % 64)).unwrap();
                pair.step();
                assert_same(&pair, 0, player(0));
            }
        }
        pair.step();
        // Random bytes that happen to decode are rejected.
        let InventoryStats { requests_malformed, requests_rejected, requests_repeated, .. } =
            stats(&pair.server);
        // A request that cancels nothing is accepted.
        let accepted = stats(&pair.server).requests_accepted;
        assert_eq!(requests_malformed + requests_rejected + requests_repeated + accepted, 2000);
        assert!(requests_malformed >= 1500, "{requests_malformed}");
    });
}

/// A full message that opens one view of three empty slots, or replaces its copy.
fn opening(pair: &mut Simulation, id: InventoryId, version: u64) -> Vec<u8> {
    opening_with(pair, id, version, None, &[])
}

/// The same with a stack in the first slot, and with instance data.
fn opening_with(
    pair: &mut Simulation,
    id: InventoryId,
    version: u64,
    first: Option<Stack>,
    data: &[Datum],
) -> Vec<u8> {
    let number = next_number(pair, 0);
    let world = pair.clients[0].app.world();
    let (catalog, kinds) = (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
    let schema = Schema { catalog, registry: kinds.as_slice() };
    let mut unit = InventoryState::default();
    let mut slots = Slots::new(3);
    slots.set(0, first).unwrap();
    unit.insert(0, slots);
    let head = OpenHead {
        view: 0,
        handle: 0,
        id,
        owner: false,
        acts: false,
        rights: Rights::USE,
        version,
        entity: None,
    };
    let mut copy = BitWriter::default();
    encode::copy(&mut copy, schema, &unit);
    let mut w = BitWriter::default();
    encode::begin_full(&mut w, number, None, None, 0);
    encode::data(&mut w, &[], data);
    encode::closes(&mut w, &[]);
    encode::opens(&mut w, 1);
    encode::open(&mut w, schema, None, (&head, &unit), encode::OpenBody::Copy(&copy));
    encode::handover(&mut w, None);
    w.flag(false);
    encode::checksums(&mut w, &[]);
    w.finish().to_vec()
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Engraving(u8);

impl ItemData for Engraving {
    const NAME: &'static str = "engraving";
}

#[test]
fn slot_with_instance_data_that_was_not_sent_is_a_decode_error() {
    let id = DataId(7.try_into().unwrap());
    let engraved = AXE.stack(1).with_data(id);
    let datum = Datum { id, kind: 0, bytes: vec![3].into() };
    for (data, errors) in [(vec![datum], 0), (vec![], 1)] {
        let mut pair = Simulation::new(1, |app| {
            setup(app);
            app.add_item_data::<Engraving>();
        });
        pair.steps(3);
        let message = opening_with(&mut pair, chest(9), 1, Some(engraved), &data);
        feed_full(&mut pair, 0, &message);
        pair.clients[0].app.update();
        assert_eq!(stats(&pair.clients[0].app).decode_errors, errors);
        let shown = pair.shown::<Inventory>(0, chest(9)).and_then(|slots| slots.get(0));
        assert_eq!(shown, (errors == 0).then_some(engraved));
    }
}

#[test]
fn opening_of_an_older_version_is_a_gap() {
    for (version, gaps) in [(8, 0), (7, 0), (6, 1)] {
        let mut pair = pair(1);
        for version in [7, version] {
            let message = opening(&mut pair, chest(9), version);
            feed_full(&mut pair, 0, &message);
            pair.clients[0].app.update();
        }
        assert_eq!(stats(&pair.clients[0].app).gaps, gaps, "version {version} after 7");
    }
}

#[test]
fn updates_of_unknown_views_are_counted() {
    let mut pair = pair(1);
    pair.steps(3);
    let channel = pair.sync_channel();
    for count in 1..=2 {
        let mut w = BitWriter::default();
        encode::begin_plain(&mut w);
        w.golomb(5, 0);
        w.put(0, 16);
        crate::common::feed(&mut pair, 0, channel, w.finish().to_vec());
        pair.clients[0].app.update();
        assert_eq!(stats(&pair.clients[0].app).unknown_views, count);
    }
}

#[test]
fn versions_that_overflow_are_decode_errors() {
    let mut pair = pair(1);
    pair.steps(3);
    let message = opening(&mut pair, chest(9), u64::MAX / 2);
    feed_full(&mut pair, 0, &message);
    let channel = pair.sync_channel();
    let app = &mut pair.clients[0].app;
    app.update();
    let feed = |app: &mut App, bytes: &[u8]| {
        app.world_mut().resource_mut::<ClientMessages>().insert_received(channel, bytes.to_vec());
        app.update();
    };
    let mut version = u64::MAX / 2;
    for _ in 0..3 {
        let mut w = BitWriter::default();
        encode::begin_plain(&mut w);
        let next = version.wrapping_add(u64::MAX / 4 + 1);
        // The head encodes version - base - 1; use the largest accepted value.
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
fn slots_that_take_no_bits_are_a_decode_error() {
    // A stack of the only item, whose stack size is one, takes no bits if no slot may be empty. With such slots, a
    // short message could allocate many.
    let items = Items::<()>::from_ron(r#"(items: [(key: "axe", max_stack: 1)])"#).unwrap();
    let registry = [ContainerInfo::of::<Inventory>()];
    let schema = Schema { catalog: items.catalog(), registry: &registry };
    let decoded = |all| {
        let mut w = BitWriter::default();
        encode::begin_full(&mut w, 0, None, None, 0);
        encode::data(&mut w, &[], &[]);
        encode::closes(&mut w, &[]);
        encode::opens(&mut w, 1);
        begin_first_view(&mut w);
        // One container of three slots, nothing selected, neither wear nor data, counts of no bits.
        w.golomb(1, 0);
        w.golomb(3, 5);
        w.put(0, 3);
        w.flag(all);
        if !all {
            w.put(0b111, 3);
        }
        encode::handover(&mut w, None);
        w.flag(false);
        encode::checksums(&mut w, &[]);
        decode::message(w.finish(), schema, &())
    };
    assert_eq!(decoded(false).unwrap().opens[0].state.total(), 3);
    assert_eq!(decoded(true), Err(DecodeError::Reserved));
}

/// Writes a full message up to its opens: `views` views in a row, the first with these containers of this many slots.
fn opens_of_empty_slots(views: u64, kinds: u32, containers: &[(u32, u64)]) -> BitWriter {
    let mut w = BitWriter::default();
    encode::begin_full(&mut w, 0, None, None, 0);
    encode::data(&mut w, &[], &[]);
    encode::closes(&mut w, &[]);
    w.golomb(views, 0);
    for view in 0..views {
        if view > 0 {
            // Follows the view before, and has the next id. Version, no entity, a whole copy.
            w.put(0b11, 2);
            w.golomb(1, 4);
            w.put(0, 2);
        } else {
            begin_first_view(&mut w);
            w.golomb(containers.len() as u64, 0);
            for (kind, slots) in containers {
                w.put(*kind, kinds.next_power_of_two().ilog2());
                w.golomb(*slots, 5);
            }
        }
        // Nothing selected, the form of the stacks, and empty slots.
        w.put(0, 4);
        containers.iter().for_each(|(_, slots)| (0..*slots).for_each(|_| w.flag(false)));
    }
    encode::handover(&mut w, None);
    w.flag(false);
    encode::checksums(&mut w, &[]);
    w
}

#[test]
fn container_type_twice_in_a_view_is_a_decode_error() {
    let items = Items::<()>::from_ron(ITEMS).unwrap();
    let registry = [ContainerInfo::of::<Inventory>(), ContainerInfo::of::<Hotbar>()];
    let schema = Schema { catalog: items.catalog(), registry: &registry };
    let decoded = |containers: &[(u32, u64)]| {
        decode::message(opens_of_empty_slots(1, 2, containers).finish(), schema, &())
    };
    assert_eq!(decoded(&[(0, 5), (1, 3)]).unwrap().opens[0].state.len(), 8);
    assert_eq!(decoded(&[(0, 5), (0, 3)]), Err(DecodeError::Reserved));
}

#[test]
fn containers_without_slots_are_limited_in_number() {
    // In a view with the structure of the one before, they take no bits at all.
    let items = Items::<()>::from_ron(ITEMS).unwrap();
    let registry = vec![ContainerInfo::of::<Inventory>(); 64];
    let schema = Schema { catalog: items.catalog(), registry: &registry };
    let containers: Vec<(u32, u64)> = (0..64).map(|kind| (kind, 0)).collect();
    let decoded =
        |views| decode::message(opens_of_empty_slots(views, 64, &containers).finish(), schema, &());
    let most = CLIENT_SLOTS_MAX as u64 / 64;
    assert_eq!(decoded(most).unwrap().opens.len() as u64, most);
    let (value, max) = (CLIENT_SLOTS_MAX as u64 + 1, CLIENT_SLOTS_MAX as u64);
    let error = DecodeError::OutOfRange { what: "number of containers", value, max };
    assert_eq!(decoded(most + 1), Err(error));
}

#[test]
fn values_of_no_bytes_are_limited_in_number() {
    // In memory, each takes more than twenty times its fourteen bits. Compressed, they take next to nothing.
    let items = Items::<()>::from_ron(ITEMS).unwrap();
    let registry = [ContainerInfo::of::<Inventory>()];
    let schema = Schema { catalog: items.catalog(), registry: &registry };
    let decoded = |values: u64| {
        let mut w = BitWriter::default();
        w.golomb(values, 0);
        for _ in 0..values {
            // Id, not removed, type, length.
            w.golomb(2, 4);
            w.flag(false);
            w.golomb(0, 0);
            w.golomb(0, 6);
        }
        encode::opens(&mut w, 0);
        let packed = pack(w.finish());
        assert!(packed.len() < 10_000, "{}", packed.len());
        read_transfer(&packed, schema, 0)
    };
    let max = 1 << 19;
    assert_eq!(decoded(max).unwrap().data.len() as u64, max);
    let what = "number of instance data values";
    assert_eq!(decoded(max + 1), Err(DecodeError::OutOfRange { what, value: max + 1, max }));
}
