//! Requests of clients are exactly the bytes that `tests/golden/make_golden.py` builds from the drawing in
//! `src/wire/request.rs`, without sharing code with the crate.

use crate::common::{random::each_seed, *};
use bevy_inventory_sync::wire::{
    DecodeError, Schema,
    bits::{BitReader, BitWriter},
    request::{ActionReader, ActionWriter, RequestBody, Target, read_body, write_body},
};

const GOLDEN: &str = include_str!("../../golden/requests.txt");

fn entity(view: u32) -> Entity {
    Entity::from_raw_u32(view).unwrap()
}

fn backpack(view: u32, index: usize) -> SlotRef {
    (entity(view), Inventory::slot(index))
}

fn quick(view: u32, index: usize) -> SlotRef {
    (entity(view), Hotbar::slot(index))
}

/// The number, body and action of a named request.
fn request(name: &str) -> (u8, RequestBody, Option<InventoryAction>) {
    let act = |number, witness, action| {
        (number, RequestBody::Act { actor: Some(0), witness, kind: 0 }, Some(action))
    };
    let area = |view| ContainerRef::all(entity(view));
    match name {
        "move_all_of_it" => {
            let (from, to) = (backpack(0, 3), quick(0, 8));
            act(1, 0xABCD, InventoryAction::Move { from, to, count: None })
        }
        "move_five_to_a_chest" => {
            let (from, to) = (quick(0, 0), backpack(3, 26));
            act(255, 1, InventoryAction::Move { from, to, count: Some(5) })
        }
        "swap" => act(7, 500, InventoryAction::Swap { a: backpack(0, 0), b: backpack(0, 26) }),
        "quick_move_as_nobody" => {
            let body = RequestBody::Act { actor: None, witness: 9, kind: 0 };
            let to = ContainerRef::of::<Hotbar>(entity(0));
            (8, body, Some(InventoryAction::QuickMove { from: backpack(1, 0), to }))
        }
        "collect" => {
            let from = vec![area(0), ContainerRef::of::<Inventory>(entity(2))];
            act(9, 9, InventoryAction::Collect { onto: backpack(0, 1), from })
        }
        "spread" => {
            let onto = vec![backpack(0, 2), backpack(0, 3)];
            act(10, 9, InventoryAction::Spread { from: backpack(0, 1), onto, each: Some(1) })
        }
        "take_all" => act(11, 1, InventoryAction::MoveAll { from: area(4), to: area(0) }),
        "drop_one" => act(12, 9, InventoryAction::Drop { from: quick(0, 2), count: Some(1) }),
        "select" => act(13, 1, InventoryAction::Select { slot: quick(0, 4) }),
        "sort" => {
            let container = ContainerKey::of(Inventory::NAME);
            act(14, 1, InventoryAction::Sort { entity: entity(0), container })
        }
        "open_an_entity" => (15, RequestBody::Open(Target::Entity(entity(900))), None),
        "open_an_id" => {
            let id = InventoryId::from_bits(1 << 63 | 0x0123_4567_89AB_CDEF);
            (16, RequestBody::Open(Target::Id(id)), None)
        }
        "close" => (17, RequestBody::Close { view: 2, handle: 40 }, None),
        other => panic!("no such case: {other}"),
    }
}

fn with_schema<T>(f: impl FnOnce(Schema) -> T) -> T {
    let app = Simulation::app(|app| {
        app.insert_items(Items::<()>::from_ron(ITEMS).unwrap());
    });
    let world = app.world();
    let (catalog, kinds) = (world.resource::<ItemCatalog>(), world.resource::<ContainerRegistry>());
    f(Schema { catalog, registry: kinds.as_slice() })
}

fn golden() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    GOLDEN.lines().map(|line| {
        let (name, hex) = line.split_once(' ').unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (name, (0..hex.len()).step_by(2).map(byte).collect())
    })
}

fn read(
    bytes: &[u8],
    schema: Schema,
) -> Result<(u8, RequestBody, Option<InventoryAction>), DecodeError> {
    let mut r = BitReader::new(bytes);
    let (number, body) = read_body(&mut r, 1)?;
    let action = if matches!(body, RequestBody::Act { .. }) {
        let entity = |view| Some(entity(view));
        Some(ActionReader { r: &mut r, schema, entity: &entity }.action()?)
    } else {
        None
    };
    r.end()?;
    Ok((number, body, action))
}

#[test]
fn every_request_matches_its_golden_bytes_and_decodes() {
    assert_eq!(golden().count(), 13);
    with_schema(|schema| {
        for (name, bytes) in golden() {
            let (number, body, action) = request(name);
            let mut w = BitWriter::default();
            write_body(&mut w, number, &body, 1);
            if let Some(action) = &action {
                let view = |entity: Entity| Some(entity.index_u32());
                ActionWriter { w: &mut w, schema, view: &view }.action(action);
            }
            assert_eq!(w.finish(), bytes, "{name}");
            assert_eq!(read(&bytes, schema), Ok((number, body, action)), "{name}");
            for len in 0..bytes.len() {
                assert!(read(&bytes[..len], schema).is_err(), "{name}: {len} bytes");
            }
        }
    });
}

#[test]
fn random_requests_never_panic_and_lists_are_capped() {
    each_seed(11..12, |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        with_schema(|schema| {
            for _ in 0..50_000 {
                let len = random.usize(0..40);
                let bytes: Vec<u8> = core::iter::repeat_with(|| random.u8(..)).take(len).collect();
                if let Ok((_, _, Some(InventoryAction::Spread { onto, .. }))) = read(&bytes, schema)
                {
                    assert!(onto.len() <= 256);
                }
            }
        });
    });
}
