//! Requests of clients are exactly the bytes that `tests/golden/make_golden.py` builds from the drawing in
//! `src/wire/request.rs`, without sharing code with the crate.

use crate::common::{random::each_seed, *};
use bevy_inventory_sync::model::transaction::{Seen, TakenStack};
use bevy_inventory_sync::wire::{
    DecodeError, Schema,
    bits::{BitReader, BitWriter},
    request::{ActionReader, ActionWriter, RequestBody, Target, read_body, write_body},
    witness::{read_seen, write_seen},
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
        "open_an_entity" => {
            let target = Target::Entity(entity(900));
            (15, RequestBody::Open { target, actor: None }, None)
        }
        "open_an_id" => {
            let id = InventoryId::from_bits(1 << 63 | 0x0123_4567_89AB_CDEF);
            (16, RequestBody::Open { target: Target::Id(id), actor: None }, None)
        }
        "close" => (17, RequestBody::Close { view: 2, handle: 40 }, None),
        "open_an_entity_from_a_body" => {
            let target = Target::Entity(entity(900));
            (18, RequestBody::Open { target, actor: Some(2) }, None)
        }
        "cancel" => (19, RequestBody::Cancel { back: 3 }, None),
        "craft_with_a_worn_axe" => {
            let (recipe, from, to) = (RecipeId::from_bits(0x0123_4567), vec![area(0)], area(0));
            act(20, 9, InventoryAction::Craft { recipe, times: 1, from, to, at: None })
        }
        "agree_to_versions" => act(21, 9, InventoryAction::Use { slot: backpack(0, 0) }),
        "too_much_to_list" => act(22, 9, InventoryAction::Use { slot: backpack(0, 0) }),
        other => panic!("no such case: {other}"),
    }
}

/// What follows the action of a named request.
fn seen(name: &str) -> Option<Seen> {
    let seen = |versions, taken| Some(Seen { hash: 0xBEEF, versions, taken });
    match name {
        "craft_with_a_worn_axe" => {
            let stack = AXE.stack(1).with_wear(300);
            seen(vec![], Some(vec![TakenStack { take: 2, stack }]))
        }
        "agree_to_versions" => seen(vec![7, u32::MAX], Some(vec![])),
        "too_much_to_list" => seen(vec![], None),
        _ => None,
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

type Read = (u8, RequestBody, Option<InventoryAction>, Option<Seen>);

fn read(bytes: &[u8], schema: Schema) -> Result<Read, DecodeError> {
    let mut r = BitReader::new(bytes);
    let (number, body) = read_body(&mut r, 1)?;
    let (mut action, mut seen) = (None, None);
    if matches!(body, RequestBody::Act { .. }) {
        let entity = |view| Some(entity(view));
        action = Some(ActionReader { r: &mut r, schema, entity: &entity }.action()?);
        seen = read_seen(&mut r, schema)?;
    }
    r.end()?;
    Ok((number, body, action, seen))
}

#[test]
fn every_request_matches_its_golden_bytes_and_decodes() {
    assert_eq!(golden().count(), 18);
    with_schema(|schema| {
        for (name, bytes) in golden() {
            let (number, body, action) = request(name);
            let mut w = BitWriter::default();
            write_body(&mut w, number, &body, 1);
            if let Some(action) = &action {
                let view = |entity: Entity| Some(entity.index_u32());
                ActionWriter { w: &mut w, schema, view: &view }.action(action);
            }
            if let Some(seen) = seen(name) {
                write_seen(&mut w, schema, &seen).unwrap();
            }
            assert_eq!(w.finish(), bytes, "{name}");
            assert_eq!(read(&bytes, schema), Ok((number, body, action, seen(name))), "{name}");
            // An optional part at the end may be cut off as a whole.
            let optional = match body {
                RequestBody::Open { actor: Some(_), .. } => 1,
                _ => usize::from(seen(name).is_some()),
            };
            let valid = (0..bytes.len()).filter(|len| read(&bytes[..*len], schema).is_ok());
            assert!(valid.count() <= optional, "{name}");
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
                let Ok((_, _, action, seen)) = read(&bytes, schema) else { continue };
                if let Some(InventoryAction::Spread { onto, .. }) = action {
                    assert!(onto.len() <= 256);
                }
                let Some(Seen { versions, taken, .. }) = seen else { continue };
                assert!(versions.len() <= 8 && taken.is_none_or(|taken| taken.len() <= 64));
            }
        });
    });
}

#[test]
fn request_to_a_server_without_containers_or_actions_is_a_decode_error() {
    let (_, bytes) = golden().find(|(name, _)| *name == "move_all_of_it").unwrap();
    with_schema(|schema| {
        let error = read(&bytes, Schema { registry: &[], ..schema }).unwrap_err();
        assert_eq!(error, DecodeError::OutOfRange { what: "container type", value: 0, max: 0 });
    });
    let error = read_body(&mut BitReader::new(&bytes), 0).unwrap_err();
    assert_eq!(error, DecodeError::OutOfRange { what: "action type", value: 0, max: 0 });
}
