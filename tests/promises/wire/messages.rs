//! Messages of the server are exactly the bytes that `tests/golden/make_golden.py` builds from the drawing in
//! `src/wire.rs`, without sharing code with the crate.

use super::begin_first_view;
use crate::common::*;
use bevy_inventory_sync::{
    model::{container::ContainerInfo, data::Datum, state::InventoryState},
    wire::{
        Answers, CloseCause, DecodeError, Handover, Open, OpenHead, Part, Reset, Schema,
        bits::BitWriter,
        decode::{self, CopyInView, CopySource, Reference},
        encode::{self, ChangedSlot, OpenBody, UpdateHead},
        transfer::pack,
    },
};

const GOLDEN: &str = include_str!("../../golden/wire.txt");

fn catalog() -> ItemCatalog {
    Items::<()>::from_ron(ITEMS).unwrap().catalog().clone()
}

fn kinds() -> [ContainerInfo; 2] {
    [ContainerInfo::of::<Inventory>(), ContainerInfo::of::<Hotbar>()]
}

/// A player of 36 slots, slot 3 selected.
fn unit(stacks: &[(usize, Stack)]) -> InventoryState {
    let mut unit = InventoryState::default();
    unit.insert(0, Slots::new(27));
    unit.insert(1, Slots::new(9));
    unit.selected = Some(3);
    for (slot, stack) in stacks {
        unit.set(*slot, Some(*stack));
    }
    unit
}

fn head(view: u32, base: u64) -> UpdateHead {
    UpdateHead { view, handle: 0, base, version: base + 1, selected: None }
}

fn entry(slot: usize, old: Option<Stack>, new: Option<Stack>) -> ChangedSlot {
    ChangedSlot { slot, old: Some(old), new }
}

fn open_head(view: u32, entity: Option<Entity>) -> OpenHead {
    OpenHead {
        view,
        handle: 7,
        id: InventoryId::from_bits(1 << 63 | 0x0123_4567_89AB_CDEF),
        owner: true,
        acts: false,
        rights: Rights::all(),
        version: 12,
        entity,
    }
}

fn opened() -> InventoryState {
    unit(&[(0, TORCH.stack(5)), (35, AXE.stack(1).with_wear(300))])
}

/// A private message without a checksum list.
fn private(write: impl FnOnce(&mut BitWriter, Schema)) -> Vec<u8> {
    let (catalog, kinds) = (catalog(), kinds());
    let mut w = BitWriter::default();
    write(&mut w, Schema { catalog: &catalog, registry: &kinds });
    w.flag(false);
    w.finish().to_vec()
}

/// A message of the kind that can hold everything, with checksums at its end.
fn whole(checksums: &[(u32, u64)], write: impl FnOnce(&mut BitWriter, Schema)) -> Vec<u8> {
    let (catalog, kinds) = (catalog(), kinds());
    let mut w = BitWriter::default();
    write(&mut w, Schema { catalog: &catalog, registry: &kinds });
    w.flag(false);
    encode::checksums(&mut w, checksums);
    w.finish().to_vec()
}

const RESET: Option<Reset> = Some(Reset { transfer: 7, epoch: 0xFEDC_BA98_7654_3210, handled: 0 });

fn open(
    w: &mut BitWriter,
    schema: Schema,
    before: Option<(&OpenHead, &InventoryState)>,
    (head, unit): (&OpenHead, &InventoryState),
) {
    let mut copy = BitWriter::default();
    encode::copy(&mut copy, schema, unit);
    encode::open(w, schema, before, (head, unit), OpenBody::Copy(&copy));
}

fn plain(head: UpdateHead, entries: &[ChangedSlot]) -> Vec<u8> {
    private(|w, schema| {
        encode::begin_plain(w);
        encode::update_delta(w, schema, &head, 36, entries);
    })
}

fn quick(head: UpdateHead, entries: &[ChangedSlot]) -> Vec<u8> {
    quick_message(head, entries, false)
}

fn quick_message(head: UpdateHead, entries: &[ChangedSlot], shared: bool) -> Vec<u8> {
    let (catalog, kinds) = (catalog(), kinds());
    let mut w = BitWriter::default();
    let schema = Schema { catalog: &catalog, registry: &kinds };
    assert!(encode::quick(&mut w, schema, &head, shared, (36, entries)));
    w.finish().to_vec()
}

fn encoded(name: &str) -> Vec<u8> {
    let torches = |count| Some(TORCH.stack(count));
    match name {
        "one_less" => plain(head(0, 4), &[entry(29, torches(40), torches(39))]),
        "three_more_in_view_two" => plain(head(2, 37), &[entry(0, torches(1), torches(4))]),
        "emptied" => plain(head(0, 0), &[entry(35, torches(1), None)]),
        "new_stack" => plain(head(0, 1), &[entry(7, None, Some(COIN.stack(700)))]),
        "worn_stack" => plain(head(0, 1), &[entry(7, None, Some(AXE.stack(1).with_wear(900)))]),
        "wear_three_less" => {
            let axe = |wear| Some(AXE.stack(1).with_wear(wear));
            plain(head(0, 9), &[entry(5, axe(10), axe(7))])
        }
        "two_slots" => {
            plain(head(0, 9), &[entry(1, torches(9), torches(7)), entry(30, torches(1), None)])
        }
        "many_slots" => {
            let entries: Vec<_> = (0..6).map(|slot| entry(slot, torches(1), None)).collect();
            plain(head(0, 9), &entries)
        }
        "of_handle_forty" => {
            let head = UpdateHead { handle: 40, ..head(0, 4) };
            plain(head, &[entry(29, torches(40), torches(39))])
        }
        "selected_only" => plain(UpdateHead { selected: Some(4), ..head(0, 9) }, &[]),
        "three_commits_later" => {
            let new = ChangedSlot { slot: 2, old: None, new: torches(64) };
            plain(UpdateHead { version: 12, ..head(0, 9) }, &[new])
        }
        "two_views" => private(|w, schema| {
            encode::begin_plain(w);
            let less = entry(29, torches(40), torches(39));
            encode::update_delta(w, schema, &head(0, 4), 36, &[less]);
            w.flag(true);
            let gone = entry(3, torches(1), None);
            encode::update_delta(w, schema, &head(1, 4), 36, &[gone]);
        }),
        "full_update" => private(|w, schema| {
            let filled: Vec<_> = (0..20).map(|slot| (slot, TORCH.stack(64))).collect();
            encode::begin_plain(w);
            encode::update_full(w, schema, &head(0, 4), &unit(&filled));
        }),
        other => encoded_with_more(other),
    }
}

/// Number of the full messages.
const NUMBER: u8 = 0xA5;

/// Begins a full message without answers and data, up to the views that open.
fn begin(w: &mut BitWriter, reset: Option<Reset>, closes: &[(u32, CloseCause)], opens: usize) {
    encode::begin_full(w, NUMBER, None, reset, 0);
    encode::data(w, &[], &[]);
    encode::closes(w, closes);
    encode::opens(w, opens);
}

/// Messages with more than a list of updates.
fn encoded_with_more(name: &str) -> Vec<u8> {
    let torches = |count| Some(TORCH.stack(count));
    match name {
        "shared" => {
            let (catalog, kinds) = (catalog(), kinds());
            let schema = Schema { catalog: &catalog, registry: &kinds };
            let mut w = BitWriter::default();
            encode::begin_shared(&mut w);
            let more = entry(29, torches(1), torches(2));
            let head = UpdateHead { handle: 5, ..head(5, 4) };
            encode::update_delta(&mut w, schema, &head, 36, &[more]);
            w.flag(false);
            w.finish().to_vec()
        }
        "handshake_without_views" => whole(&[], |w, _| {
            begin(w, RESET, &[], 0);
            encode::handover(w, None);
        }),
        "opened" => whole(&[], |w, schema| {
            begin(w, RESET, &[], 1);
            open(w, schema, None, (&open_head(0, None), &opened()));
            encode::handover(w, None);
        }),
        "opened_two" => whole(&[], |w, schema| {
            begin(w, None, &[], 2);
            let (first, unit) = (open_head(0, None), opened());
            open(w, schema, None, (&first, &unit));
            let id = InventoryId::from_bits(1 << 63 | 0x0123_4567_89AB_CDE0);
            let next = OpenHead { view: 1, handle: 8, id, version: 13, ..first };
            open(w, schema, Some((&first, &unit)), (&next, &unit));
            encode::handover(w, None);
        }),
        "opened_on_an_avatar" => whole(&[], |w, schema| {
            begin(w, None, &[], 1);
            let entity = Entity::from_raw_u32(900);
            open(w, schema, None, (&open_head(3, entity), &opened()));
            encode::handover(w, None);
        }),
        "transfer" => transfer(),
        "closed" => whole(&[], |w, _| {
            begin(w, None, &[(1, CloseCause::Hidden), (4, CloseCause::Despawned)], 0);
            encode::handover(w, None);
        }),
        other => encoded_seldom(other),
    }
}

/// Messages for cached copies, checksums and chunked transfers.
fn encoded_seldom(name: &str) -> Vec<u8> {
    match name {
        "opened_from_a_cached_copy" => whole(&[], |w, schema| {
            begin(w, None, &[], 1);
            let changed = [ChangedSlot { slot: 2, old: None, new: Some(TORCH.stack(64)) }];
            let unit = (&open_head(0, None), &opened());
            encode::open(w, schema, None, unit, OpenBody::Since(9, &changed));
            encode::handover(w, None);
        }),
        "checksums" => whole(&[(0, 0x0123_4567_89AB_CDEF), (3, 1)], |w, _| {
            begin(w, None, &[], 0);
            encode::handover(w, None);
        }),
        "handed_over" => whole(&[], |w, _| {
            begin(w, None, &[], 0);
            encode::handover(w, Some(&Handover { transfer: 9, dropped: vec![0, 20] }));
        }),
        other => encoded_with_answers(other),
    }
}

fn shared_two() -> Vec<u8> {
    private(|w, schema| {
        encode::begin_shared(w);
        let (more, none) = (
            entry(29, Some(TORCH.stack(1)), Some(TORCH.stack(2))),
            entry(3, Some(TORCH.stack(1)), None),
        );
        let [first, second] =
            [(5, 4), (9, 2)].map(|(n, base)| UpdateHead { handle: n, ..head(n, base) });
        encode::update_delta(w, schema, &first, 36, &[more]);
        w.flag(true);
        encode::update_delta(w, schema, &second, 36, &[none]);
    })
}

fn transfer() -> Vec<u8> {
    let (catalog, kinds) = (catalog(), kinds());
    let mut w = BitWriter::default();
    let datum = Datum { id: DataId(3.try_into().unwrap()), kind: 1, bytes: vec![1, 255].into() };
    encode::data(&mut w, &[], &[datum]);
    encode::opens(&mut w, 1);
    let schema = Schema { catalog: &catalog, registry: &kinds };
    open(&mut w, schema, None, (&open_head(0, None), &opened()));
    pack(w.finish())
}

/// Messages with responses or instance data.
fn encoded_with_answers(name: &str) -> Vec<u8> {
    let (torch, axe) = (Some(TORCH.stack(3)), Some(AXE.stack(1).with_wear(7)));
    let exchange = [entry(3, torch, axe), entry(30, axe, torch)];
    let full = |answers: Option<&Answers>, follows, forgotten: &[DataId], data: &[Datum]| {
        whole(&[], |w, _| {
            encode::begin_full(w, NUMBER, answers, None, follows);
            encode::data(w, forgotten, data);
            encode::closes(w, &[]);
            encode::opens(w, 0);
            encode::handover(w, None);
        })
    };
    match name {
        "shared_two" => shared_two(),
        "quick_one_less" => {
            quick(head(0, 4), &[entry(29, Some(TORCH.stack(40)), Some(TORCH.stack(39)))])
        }
        "quick_new_stack_in_view_three" => {
            quick(head(3, 4), &[entry(7, None, Some(COIN.stack(7)))])
        }
        "quick_other_item" => {
            let old = Some(TORCH.stack(40).with_wear(3));
            quick(head(0, 4), &[entry(7, old, Some(COIN.stack(40)))])
        }
        "full_update_without_gaps" => private(|w, schema| {
            let filled: Vec<_> = (0..36).map(|slot| (slot, COIN.stack(700))).collect();
            encode::begin_plain(w);
            encode::update_full(w, schema, &head(0, 4), &unit(&filled));
        }),
        "quick_shared" => {
            let head = UpdateHead { handle: 5, ..head(5, 4) };
            let more = entry(29, Some(TORCH.stack(1)), Some(TORCH.stack(3)));
            quick_message(head, &[more], true)
        }
        "quick_exchanged" => quick(head(0, 9), &exchange),
        "exchanged" => plain(head(0, 9), &exchange),
        "exchanged_and_one_less" => {
            let less = entry(12, Some(TORCH.stack(2)), Some(TORCH.stack(1)));
            plain(head(0, 9), &[exchange[0], less, exchange[1]])
        }
        "accepted" => private(|w, _| {
            encode::begin_answered(w, &Answers { last: 5, results: vec![Ok(())] });
        }),
        "accepted_with_slots" => private(|w, schema| {
            encode::begin_answered(w, &Answers { last: 5, results: vec![Ok(())] });
            w.flag(true);
            encode::update_delta(w, schema, &head(0, 9), 36, &exchange);
        }),
        "rejected_stale_and_by_the_game" => private(|w, _| {
            let results = vec![Ok(()), Err(Rejection::Stale), Err(Rejection::Game(500))];
            encode::begin_answered(w, &Answers { last: 7, results });
        }),
        "response_with_a_shared_part" => {
            full(Some(&Answers { last: 9, results: vec![Ok(())] }), 1, &[], &[])
        }
        "data" => {
            let [gone, id] = [2, 3].map(|id: u32| DataId(id.try_into().unwrap()));
            full(None, 0, &[gone], &[Datum { id, kind: 1, bytes: vec![1, 255].into() }])
        }
        other => panic!("no such case: {other}"),
    }
}

fn golden() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    GOLDEN.lines().map(|line| {
        let (name, hex) = line.split_once(' ').unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (name, (0..hex.len()).step_by(2).map(byte).collect())
    })
}

#[test]
fn every_message_matches_its_golden_bytes() {
    assert_eq!(golden().count(), 37);
    for (name, bytes) in golden() {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(&encoded(name)), hex(&bytes), "{name}");
    }
}

/// Decodes for a client that holds `held` in every view and under every handle.
fn decoded(bytes: &[u8], version: u64, held: &InventoryState) -> Result<Part, DecodeError> {
    let (catalog, kinds) = (catalog(), kinds());
    let schema = Schema { catalog: &catalog, registry: &kinds };
    decode::message(bytes, schema, &Everything { version, state: held })
}

/// A client that has any inventory, always with the same contents.
struct Everything<'a> {
    version: u64,
    state: &'a InventoryState,
}

impl CopySource for Everything<'_> {
    fn in_view(&self, reference: Reference) -> Option<CopyInView<'_>> {
        let (view, handle) = match reference {
            Reference::View(view) => (view, 0),
            Reference::Handle(handle) => (handle, handle),
        };
        Some(CopyInView { view, handle, id: player(0), version: self.version, state: self.state })
    }

    fn latest(&self, _: InventoryId) -> Option<(u64, &InventoryState)> {
        Some((self.version, self.state))
    }
}

#[test]
fn golden_bytes_decode_to_their_updates() {
    let held = unit(&[
        (1, TORCH.stack(9)),
        (5, AXE.stack(1).with_wear(10)),
        (29, TORCH.stack(40)),
        (0, TORCH.stack(1)),
    ]);
    let slots = |name: &str, version| {
        let bytes = golden().find(|(there, _)| *there == name).unwrap().1;
        let part = decoded(&bytes, version, &held).unwrap();
        part.updates.into_iter().map(|update| (update.version, update.slots)).collect::<Vec<_>>()
    };
    assert_eq!(slots("one_less", 4), [(5, vec![(29, Some(TORCH.stack(39)))])]);
    assert_eq!(slots("one_less", 12), [(13, vec![(29, Some(TORCH.stack(39)))])], "modulo 8");
    assert_eq!(slots("quick_one_less", 4), [(5, vec![(29, Some(TORCH.stack(39)))])]);
    let exchanged = vec![(3, None), (30, None)];
    assert_eq!(slots("quick_exchanged", 9), [(10, exchanged)]);
    assert_eq!(slots("emptied", 32), [(33, vec![(35, None)])]);
    assert_eq!(slots("new_stack", 1), [(2, vec![(7, Some(COIN.stack(700)))])]);
    assert_eq!(slots("wear_three_less", 9), [(10, vec![(5, Some(AXE.stack(1).with_wear(7)))])]);
    assert_eq!(slots("two_slots", 9), [(10, vec![(1, Some(TORCH.stack(7))), (30, None)])]);
    assert_eq!(slots("three_commits_later", 9), [(12, vec![(2, Some(TORCH.stack(64)))])]);
    assert_eq!(slots("shared", 4), [(5, vec![(29, Some(TORCH.stack(41)))])]);
    let bytes = golden().find(|(name, _)| *name == "opened_on_an_avatar").unwrap().1;
    let mut open = Open { head: open_head(3, Entity::from_raw_u32(900)), state: opened(), bits: 0 };
    open.bits = decoded(&bytes, 0, &held).unwrap().opens[0].bits;
    assert_eq!(decoded(&bytes, 0, &held).unwrap().opens, [open]);
}

#[test]
fn count_changes_up_to_eight_take_two_bytes() {
    let (catalog, kinds) = (catalog(), kinds());
    let schema = Schema { catalog: &catalog, registry: &kinds };
    for by in (1..40).chain([1000, 999_990]) {
        let held = unit(&[(35, COIN.stack(10))]);
        let change = entry(35, Some(COIN.stack(10)), Some(COIN.stack(10 + by)));
        let mut w = BitWriter::default();
        assert!(encode::quick(&mut w, schema, &head(0, 7), false, (36, &[change])));
        let bytes = w.finish();
        assert_eq!(bytes.len() == 2, by <= 8, "{by}");
        let part = decoded(bytes, 7, &held).unwrap();
        assert_eq!(part.updates[0].slots, [(35, Some(COIN.stack(10 + by)))], "{by}");
    }
}

#[test]
fn opening_from_a_cached_copy_applies_its_changes() {
    let bytes = golden().find(|(name, _)| *name == "opened_from_a_cached_copy").unwrap().1;
    let kept = unit(&[(2, AXE.stack(1)), (35, AXE.stack(1).with_wear(300))]);
    let expected = unit(&[(2, TORCH.stack(64)), (35, AXE.stack(1).with_wear(300))]);
    for version in 9..=12 {
        assert_eq!(decoded(&bytes, version, &kept).unwrap().opens[0].state, expected);
    }
    for version in [8, 13] {
        let id = open_head(0, None).id;
        let unknown = DecodeError::UnknownCopy { id, version: 9 };
        assert_eq!(decoded(&bytes, version, &kept), Err(unknown), "a copy of version {version}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let held = unit(&[(1, TORCH.stack(9)), (29, TORCH.stack(40)), (0, TORCH.stack(1))]);
    for (name, bytes) in golden() {
        let version = (0..32).find(|version| decoded(&bytes, *version, &held).is_ok());
        for len in 0..bytes.len() {
            let result = decoded(&bytes[..len], version.unwrap_or(0), &held);
            assert!(result.is_err(), "{name}: {len} of {} bytes", bytes.len());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(decoded(&longer, version.unwrap_or(0), &held).is_err(), "{name} and a byte more");
    }
}

#[test]
fn update_that_does_not_fit_the_copy_is_a_named_error() {
    let held = unit(&[(29, TORCH.stack(1))]);
    let bytes = |name: &str| golden().find(|(there, _)| *there == name).unwrap().1;
    let error = |name: &str, version| decoded(&bytes(name), version, &held).unwrap_err();
    let gap = DecodeError::Gap { id: player(0), version: 6 };
    assert_eq!(error("one_less", 6), gap);
    assert!(gap.to_string().contains("the copy's version 6"), "{gap}");
    assert_eq!(error("one_less", 4), DecodeError::BadChange { slot: 29 }, "one less of one");
    assert_eq!(error("three_more_in_view_two", 37), DecodeError::BadChange { slot: 0 });
    let nobody = decode::message(
        &bytes("one_less"),
        Schema { catalog: &catalog(), registry: &kinds() },
        &(),
    );
    assert_eq!(nobody, Err(DecodeError::UnknownView { view: 0 }));
}

#[test]
fn slots_and_items_out_of_range_are_named_errors() {
    let (catalog, kinds) = (catalog(), kinds());
    let schema = Schema { catalog: &catalog, registry: &kinds };
    let mut w = BitWriter::default();
    encode::begin_plain(&mut w);
    encode::update_delta(&mut w, schema, &head(0, 0), 64, &[entry(40, None, None)]);
    w.flag(false);
    let error = decoded(w.finish(), 0, &unit(&[])).unwrap_err();
    assert_eq!(error, DecodeError::OutOfRange { what: "slot", value: 40, max: 35 });
    assert_eq!(error.to_string(), "slot is 40, above the maximum of 35");

    // Three items take two bits, so a fourth can be encoded.
    let fewer = Items::<()>::from_ron(r#"(items: [(key: "axe"), (key: "boots"), (key: "coin")])"#);
    let fewer = fewer.unwrap().catalog().clone();
    let bytes = plain(head(0, 0), &[entry(0, None, Some(TORCH.stack(1)))]);
    let held = unit(&[]);
    let schema = Schema { catalog: &fewer, registry: &kinds };
    let result = decode::message(&bytes, schema, &Everything { version: 0, state: &held });
    assert_eq!(result, Err(DecodeError::OutOfRange { what: "item rank", value: 3, max: 2 }));
}

#[test]
fn selected_slot_that_does_not_exist_is_a_named_error() {
    let select = |slot| plain(UpdateHead { selected: Some(slot), ..head(0, 0) }, &[]);
    assert!(decoded(&select(8), 0, &unit(&[])).is_ok());
    for slot in [9, 10, 255] {
        let error = decoded(&select(slot), 0, &unit(&[])).unwrap_err();
        let value = u64::from(slot);
        assert_eq!(error, DecodeError::OutOfRange { what: "selected slot", value, max: 8 });
    }
    let mut without_slots = InventoryState::default();
    without_slots.insert(1, Slots::new(0));
    assert!(decoded(&select(0), 0, &without_slots).is_ok());
    assert!(decoded(&select(1), 0, &without_slots).is_err());
}

#[test]
fn selected_slot_of_an_inventory_without_a_selection_is_a_named_error() {
    let mut chest = InventoryState::default();
    chest.insert(0, Slots::new(27));
    let head = UpdateHead { selected: Some(3), ..head(0, 0) };
    let bytes = plain(head, &[]);
    assert!(decoded(&bytes, 0, &unit(&[])).is_ok());
    let error = decoded(&bytes, 0, &chest).unwrap_err();
    assert_eq!(error, DecodeError::NoSelection { selected: 3 });
    assert_eq!(error.to_string(), "slot 3 is selected, but no container has a selection");
}

#[test]
fn short_message_cannot_allocate_much_memory() {
    let mut w = BitWriter::default();
    encode::begin_full(&mut w, 0, None, None, 0);
    encode::data(&mut w, &[], &[]);
    encode::closes(&mut w, &[]);
    w.golomb(1, 0);
    begin_first_view(&mut w);
    w.golomb(1, 0);
    w.put(0, 1);
    w.golomb(8192, 5);
    let error = decoded(w.finish(), 0, &unit(&[])).unwrap_err();
    assert_eq!(error, DecodeError::Truncated);
    for count in [1 << 17, 1 << 40] {
        let mut w = BitWriter::default();
        encode::begin_full(&mut w, 0, None, None, 0);
        encode::data(&mut w, &[], &[]);
        w.golomb(count, 0);
        assert!(matches!(decoded(w.finish(), 0, &unit(&[])), Err(DecodeError::OutOfRange { .. })));
    }
}

/// A client whose views have this number of slots.
struct Full(usize);

impl CopySource for Full {
    fn in_view(&self, _: Reference) -> Option<CopyInView<'_>> {
        None
    }

    fn latest(&self, _: InventoryId) -> Option<(u64, &InventoryState)> {
        None
    }

    fn slots(&self) -> usize {
        self.0
    }
}

#[test]
fn message_that_would_show_too_many_slots_is_an_error_before_they_are_allocated() {
    use bevy_inventory_sync::model::limits::CLIENT_SLOTS_MAX;
    let (catalog, kinds) = (catalog(), kinds());
    let schema = Schema { catalog: &catalog, registry: &kinds };
    let bytes = encoded("opened_two");
    let slots = 2 * opened().len();
    let most = CLIENT_SLOTS_MAX - slots;
    assert!(decode::message(&bytes, schema, &Full(most)).is_ok());
    let error = decode::message(&bytes, schema, &Full(most + 1)).unwrap_err();
    assert_eq!(error, DecodeError::TooManySlots { slots: CLIENT_SLOTS_MAX + 1 });
}
