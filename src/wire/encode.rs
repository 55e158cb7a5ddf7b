//! Values into bits. Nothing here can fail: what cannot be encoded never leaves
//! [`mark`](crate::server::mark).

use bevy::ecs::entity::Entity;
use smallvec::SmallVec;

use crate::model::{
    id::{DataId, InventoryId, ItemId},
    reason::Reason,
    rights::RIGHTS_BITS,
    stack::Stack,
    unit::Unit,
};

use super::{
    ANSWER_BITS, Answers, BASE_BITS, CloseCause, Datum, OpenHead, Schema, base_bits,
    bits::BitWriter,
};

/// Writes a whole message, if one change of one inventory is all there is to say, and says whether it was.
/// With `shared` it is for all who see the inventory.
pub fn quick(
    w: &mut BitWriter,
    schema: Schema,
    update: &UpdateHead,
    shared: bool,
    (len, entries): (usize, &[Entry]),
) -> bool {
    let partners = exchanges(entries);
    let alone = match entries {
        [_] => true,
        [_, _] => partners.first() == Some(&Some(1)),
        _ => false,
    };
    let fits = alone && update.version == update.base + 1 && update.selected.is_none();
    if fits {
        match (shared, update.view) {
            (false, 0) => w.flag(false),
            (false, view) => {
                w.put(0b0001, 4);
                w.golomb(u64::from(view), 0);
            }
            (true, handle) => {
                w.put(0b0101, 4);
                w.golomb(u64::from(handle), 0);
            }
        }
        w.put(base_bits(update.base, update.handle), BASE_BITS);
        entry(w, schema, index_bits(len), entries, 0, &partners);
    }
    fits
}

/// Begins a message that holds only updates of inventories that nobody else sees.
pub fn begin_plain(w: &mut BitWriter) {
    w.put(0b1001, 4);
}

/// Begins a message of one update, the same for all who see the inventory.
pub fn begin_shared(w: &mut BitWriter) {
    w.put(0b1101, 4);
}

/// Begins a message of answers and of updates of inventories that nobody else sees.
pub fn begin_answered(w: &mut BitWriter, answers: &Answers) {
    w.put(0b011, 3);
    self::answers(w, answers);
}

/// Begins a message that can hold everything. `data`, `closes` and then `opens` must follow.
pub fn begin_full(w: &mut BitWriter, answers: Option<&Answers>, reset: bool, follows: usize) {
    w.put(0b0111, 4);
    w.flag(answers.is_some());
    if let Some(answers) = answers {
        self::answers(w, answers);
    }
    w.flag(reset);
    w.golomb(follows as u64, 0);
}

fn answers(w: &mut BitWriter, Answers { last, results }: &Answers) {
    w.put(u32::from(*last), ANSWER_BITS);
    w.golomb(results.len() as u64 - 1, 0);
    for result in results {
        w.flag(result.is_ok());
        if let Err(refused) = result {
            reason(w, *refused);
        }
    }
}

fn reason(w: &mut BitWriter, reason: Reason) {
    match (0..).zip(Reason::CODES).find(|(_, known)| *known == reason) {
        Some((code, _)) => w.put(code, REASON_BITS),
        None => {
            w.put(REASON_GAME, REASON_BITS);
            let Reason::Game(number) = reason else { return w.put(0, 16) };
            w.put(u32::from(number), 16);
        }
    }
}

/// How many bits a reason takes.
pub(super) const REASON_BITS: u32 = 5;

/// The code of a reason of the game's own.
pub(super) const REASON_GAME: u32 = 31;

/// Writes instance data that is gone, and such that the client does not have.
pub fn data(w: &mut BitWriter, forgotten: &[DataId], data: &[Datum]) {
    w.golomb((forgotten.len() + data.len()) as u64, 0);
    for id in forgotten {
        w.golomb(u64::from(id.0.get()), 4);
        w.flag(true);
    }
    for Datum { id, kind, bytes } in data {
        w.golomb(u64::from(id.0.get()), 4);
        w.flag(false);
        w.golomb(u64::from(*kind), 0);
        w.golomb(bytes.len() as u64, 6);
        bytes.iter().for_each(|byte| w.put(u32::from(*byte), 8));
    }
}

/// Writes the views that end.
pub fn closes(w: &mut BitWriter, closes: &[(u32, CloseCause)]) {
    w.golomb(closes.len() as u64, 0);
    for (view, cause) in closes {
        w.golomb(u64::from(*view), 0);
        w.flag(*cause == CloseCause::Despawned);
    }
}

/// Writes the number of views that begin.
pub fn opens(w: &mut BitWriter, len: usize) {
    w.golomb(len as u64, 0);
}

/// Writes one view that begins. `before` is the one written before it in the same message.
pub fn open(
    w: &mut BitWriter,
    schema: Schema,
    before: Option<(&OpenHead, &Unit)>,
    (head, unit): (&OpenHead, &Unit),
) {
    let next = before.filter(|(before, there)| head.is_next(before) && unit.same_structure(there));
    if before.is_some() {
        w.flag(next.is_some());
    }
    match next {
        Some((before, _)) => {
            let after = before.id.next() == Some(head.id);
            w.flag(after);
            if !after {
                id(w, head.id);
            }
        }
        None => {
            w.golomb(u64::from(head.view), 0);
            w.golomb(u64::from(head.handle), 0);
            id(w, head.id);
            w.flag(head.owner);
            w.put(u32::from(head.rights.bits()), RIGHTS_BITS);
        }
    }
    w.golomb(head.version, 4);
    w.flag(head.entity.is_some());
    if let Some(entity) = head.entity {
        self::entity(w, entity);
    }
    if next.is_none() {
        w.golomb(unit.sections().len() as u64, 0);
        for section in unit.sections() {
            w.put(u32::from(section.kind), index_bits(schema.kinds.len()));
            w.golomb(section.slots.len() as u64, 5);
        }
    }
    selected(w, unit.selected);
    slots(w, schema, unit);
}

pub(super) fn entity(w: &mut BitWriter, entity: Entity) {
    w.golomb(u64::from(entity.index_u32()), 7);
    w.golomb(u64::from(entity.generation().to_bits()), 0);
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are written")]
pub(super) fn id(w: &mut BitWriter, id: InventoryId) {
    let bits = id.to_bits();
    let named = bits >> 63 == 1;
    w.flag(named);
    if named {
        w.put(bits as u32, 32);
        w.put((bits >> 32) as u32 & 0x7FFF_FFFF, 31);
    } else {
        w.golomb(bits, 4);
    }
}

fn selected(w: &mut BitWriter, selected: Option<u8>) {
    w.flag(selected.is_some());
    if let Some(selected) = selected {
        w.golomb(u64::from(selected), 0);
    }
}

/// How the stacks of a copy are written.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Whether some may have wear or data.
    pub(super) more: bool,
    /// Whether counts are written without regard to the item's maximum stack.
    pub(super) wide: bool,
    /// Whether no slot is empty, so that none has to say so.
    pub(super) all: bool,
}

impl Form {
    /// A stack by itself.
    pub(super) const ALONE: Self = Self { more: true, wide: true, all: true };

    /// The shortest form of a copy.
    fn of(schema: Schema, unit: &Unit) -> Self {
        let (mut more, mut fits) = (false, true);
        let (mut wide_bits, mut narrow_bits) = (0, 0);
        for stack in unit.iter().flatten() {
            let max_stack = schema.catalogue.max_stack(stack.item);
            more |= stack.wear != 0 || stack.data.is_some();
            fits &= stack.count() <= max_stack;
            wide_bits += BitWriter::golomb_bits(u64::from(stack.count() - 1), 2);
            narrow_bits += count_bits(max_stack);
        }
        // A slot takes a bit at least: by that a reader knows how many there can be.
        let all = schema.catalogue.rank_bits() > 0 && unit.iter().all(|cell| cell.is_some());
        Self { more, wide: !fits || wide_bits <= narrow_bits, all }
    }
}

/// How many bits a count takes that is at most `max_stack`.
pub(super) fn count_bits(max_stack: u32) -> u32 {
    u32::BITS - (max_stack - 1).leading_zeros()
}

fn slots(w: &mut BitWriter, schema: Schema, unit: &Unit) {
    let form = Form::of(schema, unit);
    w.flag(form.more);
    w.flag(form.wide);
    w.flag(form.all);
    for cell in unit.iter() {
        if !form.all {
            w.flag(cell.is_some());
        }
        if let Some(cell) = cell {
            stack(w, schema, &cell, form);
        }
    }
}

fn item(w: &mut BitWriter, schema: Schema, item: ItemId) {
    // Mark lets no unknown item through; a rank of zero would show the wrong item, not break the bits.
    w.put(schema.catalogue.rank(item).unwrap_or(0), schema.catalogue.rank_bits());
}

fn stack(w: &mut BitWriter, schema: Schema, stack: &Stack, form: Form) {
    item(w, schema, stack.item);
    if form.wide {
        w.golomb(u64::from(stack.count() - 1), 2);
    } else {
        w.put(stack.count() - 1, count_bits(schema.catalogue.max_stack(stack.item)));
    }
    if !form.more {
        return;
    }
    let more = stack.wear != 0 || stack.data.is_some();
    w.flag(more);
    if more {
        w.flag(stack.wear != 0);
        if stack.wear != 0 {
            w.put(u32::from(stack.wear), 16);
        }
        w.flag(stack.data.is_some());
        if let Some(data) = stack.data {
            w.golomb(u64::from(data.0.get()), 4);
        }
    }
}

/// Where an update starts, ends, and whom it is for.
#[derive(Clone, Copy, Debug)]
pub struct UpdateHead {
    /// The view's index, or the unit's handle in a shared part.
    pub view: u32,
    /// The unit's handle.
    pub handle: u32,
    /// The version that the viewers hold.
    pub base: u64,
    /// The version that they will hold.
    pub version: u64,
    /// The selected slot, if it changed since `base`.
    pub selected: Option<u8>,
}

fn head(w: &mut BitWriter, head: &UpdateHead, full: bool) {
    w.golomb(u64::from(head.view), 0);
    w.put(base_bits(head.base, head.handle), BASE_BITS);
    w.golomb(head.version - head.base - 1, 0);
    selected(w, head.selected);
    w.flag(full);
}

/// Writes all slots of a unit whose structure the viewers know.
pub fn update_full(w: &mut BitWriter, schema: Schema, update: &UpdateHead, unit: &Unit) {
    head(w, update, true);
    slots(w, schema, unit);
}

/// One changed slot of a delta.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its flat position.
    pub slot: usize,
    /// What the viewers hold there, if that is known.
    pub old: Option<Option<Stack>>,
    /// What lies there now.
    pub new: Option<Stack>,
}

/// Writes the changed slots, in rising order, of a unit with `len` slots.
pub fn update_delta(
    w: &mut BitWriter,
    schema: Schema,
    update: &UpdateHead,
    len: usize,
    entries: &[Entry],
) {
    head(w, update, false);
    let width = index_bits(len);
    let partners = exchanges(entries);
    let is_partner = |at: usize| partners.contains(&Some(at));
    let mut left = (0..entries.len()).filter(|at| !is_partner(*at)).count();
    if left <= 1 || entries.len() * (width as usize + 1) < len {
        match left {
            0 => return w.put(0b01, 2),
            1 => w.flag(false),
            _ => w.put(0b011, 3),
        }
        let several = left > 1;
        for at in (0..entries.len()).filter(|at| !is_partner(*at)) {
            entry(w, schema, width, entries, at, &partners);
            left -= 1;
            if several {
                w.flag(left > 0);
            }
        }
        return;
    }
    w.put(0b111, 3);
    let mut changed = entries.iter().map(|entry| entry.slot).peekable();
    for slot in 0..len {
        w.flag(changed.next_if_eq(&slot).is_some());
    }
    for entry in entries {
        change(w, schema, entry);
    }
}

fn entry(
    w: &mut BitWriter,
    schema: Schema,
    width: u32,
    entries: &[Entry],
    at: usize,
    partners: &[Option<usize>],
) {
    w.put(to_u32(entries[at].slot), width);
    match partners.get(at).copied().flatten() {
        Some(other) => {
            w.put(0b01111, 5);
            w.put(to_u32(entries[other].slot), width);
        }
        None => change(w, schema, &entries[at]),
    }
}

/// Above so many entries nobody looks for exchanges.
const EXCHANGES_MAX: usize = 16;

/// For each entry the later one whose slot it was exchanged with, if there is one.
fn exchanges(entries: &[Entry]) -> SmallVec<[Option<usize>; EXCHANGES_MAX]> {
    let mut partners: SmallVec<[Option<usize>; EXCHANGES_MAX]> = SmallVec::new();
    if entries.len() > EXCHANGES_MAX {
        return partners;
    }
    for (at, entry) in entries.iter().enumerate() {
        let crossed = |(n, other): &(usize, &Entry)| {
            let known = entry.old.zip(other.old);
            known.is_some_and(|(a, b)| a == other.new && b == entry.new)
                && !partners.contains(&Some(*n))
        };
        let taken = partners.contains(&Some(at));
        let later = entries.iter().enumerate().skip(at + 1);
        let partner = later.filter(crossed).map(|(n, _)| n).next();
        partners.push(partner.filter(|_| !taken));
    }
    partners
}

fn change(w: &mut BitWriter, schema: Schema, entry: &Entry) {
    let Some(new) = entry.new else {
        return w.put(0b01, 2);
    };
    match entry.old.flatten() {
        Some(old) if old.stacks_with(&new) && old.count > new.count => {
            w.put(0b00, 2);
            amount(w, old.count() - new.count());
        }
        Some(old) if old.stacks_with(&new) && old.count < new.count => {
            w.put(0b10, 2);
            amount(w, new.count() - old.count());
        }
        Some(old) if old.count == new.count && old.worn(new.wear) == new => {
            w.put(0b0111, 4);
            let by = i64::from(new.wear) - i64::from(old.wear);
            w.golomb(zigzag(by), 2);
        }
        Some(old) if old.count == new.count && new.wear == 0 && new.data.is_none() => {
            w.put(0b11111, 5);
            item(w, schema, new.item);
        }
        _ => {
            w.put(0b011, 3);
            stack(w, schema, &new, Form::ALONE);
        }
    }
}

fn amount(w: &mut BitWriter, amount: u32) {
    match amount {
        1 => w.put(0b1, 1),
        2 => w.put(0b10, 2),
        more => {
            w.put(0b00, 2);
            w.golomb(u64::from(more - 3), 1);
        }
    }
}

fn zigzag(by: i64) -> u64 {
    ((by << 1) ^ (by >> 63)).cast_unsigned()
}

fn to_u32(slot: usize) -> u32 {
    u32::try_from(slot).expect("a unit never has so many slots")
}

/// How many bits name one of `len` things.
#[must_use]
pub fn index_bits(len: usize) -> u32 {
    usize::BITS - len.saturating_sub(1).leading_zeros()
}
