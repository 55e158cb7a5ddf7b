//! Encodes updates: the changes of a view that the client has.

use smallvec::SmallVec;

use crate::{
    model::{stack::Stack, state::InventoryState},
    wire::{
        BASE_BITS, Schema, base_bits,
        bits::BitWriter,
        form::{Form, index_bits},
    },
};

use super::{write_item, write_selected, write_slots, write_stack};

/// Header of an update: its view, its start and its end.
#[derive(Clone, Copy, Debug)]
pub struct UpdateHead {
    /// Index of the view, or the handle of the inventory in a shared part.
    pub view: u32,
    /// Handle of the inventory.
    pub handle: u32,
    /// Version that the viewers hold.
    pub base: u64,
    /// Version that they will hold.
    pub version: u64,
    /// The selected slot, if it changed since `base`.
    pub selected: Option<u8>,
}

fn write_head(w: &mut BitWriter, head: &UpdateHead, full: bool) {
    w.golomb(u64::from(head.view), 0);
    w.put(base_bits(head.base, head.handle), BASE_BITS);
    w.golomb(head.version - head.base - 1, 0);
    match head.selected {
        None => w.put(u32::from(full) << 1, 2),
        some => {
            write_selected(w, some);
            w.flag(full);
        }
    }
}

/// Writes all slots of an inventory whose structure the viewers know.
pub fn update_full(w: &mut BitWriter, schema: Schema, update: &UpdateHead, state: &InventoryState) {
    write_head(w, update, true);
    write_slots(w, schema, state);
}

/// One changed slot of a delta.
#[derive(Clone, Copy, Debug)]
pub struct ChangedSlot {
    /// Flat position of the slot.
    pub slot: usize,
    /// Contents that the viewers hold, if known.
    pub old: Option<Option<Stack>>,
    /// Current contents.
    pub new: Option<Stack>,
}

/// Writes a whole message if it consists of a single change of one inventory; returns `true` if it
/// did. With `shared`, the message is for all viewers of the inventory.
pub fn quick(
    w: &mut BitWriter,
    schema: Schema,
    update: &UpdateHead,
    shared: bool,
    (len, entries): (usize, &[ChangedSlot]),
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
        write_entry(w, schema, index_bits(len), entries, 0, &partners);
    }
    fits
}

/// Writes the changed slots, in ascending order, of an inventory with `len` slots.
pub fn update_delta(
    w: &mut BitWriter,
    schema: Schema,
    update: &UpdateHead,
    len: usize,
    entries: &[ChangedSlot],
) {
    write_head(w, update, false);
    write_delta(w, schema, len, entries);
}

pub(super) fn write_delta(w: &mut BitWriter, schema: Schema, len: usize, entries: &[ChangedSlot]) {
    let width = index_bits(len);
    if let [only] = entries {
        w.flag(false);
        w.put(to_u32(only.slot), width);
        return write_change(w, schema, only);
    }
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
            write_entry(w, schema, width, entries, at, &partners);
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
        write_change(w, schema, entry);
    }
}

fn write_entry(
    w: &mut BitWriter,
    schema: Schema,
    width: u32,
    entries: &[ChangedSlot],
    at: usize,
    partners: &[Option<usize>],
) {
    w.put(to_u32(entries[at].slot), width);
    match partners.get(at).copied().flatten() {
        Some(other) => {
            w.put(0b01111, 5);
            w.put(to_u32(entries[other].slot), width);
        }
        None => write_change(w, schema, &entries[at]),
    }
}

/// Maximum number of entries up to which exchanges are detected.
const EXCHANGES_MAX: usize = 16;

/// Returns for each entry the later entry whose slot it was exchanged with, if any.
fn exchanges(entries: &[ChangedSlot]) -> SmallVec<[Option<usize>; EXCHANGES_MAX]> {
    let mut partners: SmallVec<[Option<usize>; EXCHANGES_MAX]> = SmallVec::new();
    if entries.len() < 2 || entries.len() > EXCHANGES_MAX {
        return partners;
    }
    for (at, entry) in entries.iter().enumerate() {
        let crossed = |(n, other): &(usize, &ChangedSlot)| {
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

fn write_change(w: &mut BitWriter, schema: Schema, entry: &ChangedSlot) {
    let Some(new) = entry.new else {
        return w.put(0b01, 2);
    };
    match entry.old.flatten() {
        Some(old) if old.stacks_with(&new) && old.count > new.count => {
            w.put(0b00, 2);
            write_amount(w, old.count() - new.count());
        }
        Some(old) if old.stacks_with(&new) && old.count < new.count => {
            w.put(0b10, 2);
            write_amount(w, new.count() - old.count());
        }
        Some(old) if old.count == new.count && old.with_wear(new.wear) == new => {
            w.put(0b0111, 4);
            let by = i64::from(new.wear) - i64::from(old.wear);
            w.golomb(zigzag(by), 2);
        }
        Some(old) if old.count == new.count && new.wear == 0 && new.data.is_none() => {
            w.put(0b11111, 5);
            write_item(w, schema, new.item);
        }
        _ => {
            w.put(0b011, 3);
            write_stack(w, schema, &new, Form::ALONE);
        }
    }
}

fn write_amount(w: &mut BitWriter, amount: u32) {
    match amount {
        1 => w.put(0b1, 1),
        2..=8 => w.put((amount - 2) << 1, 4),
        more => {
            w.put(0b1110, 4);
            w.golomb(u64::from(more - 9), 3);
        }
    }
}

fn zigzag(by: i64) -> u64 {
    ((by << 1) ^ (by >> 63)).cast_unsigned()
}

fn to_u32(slot: usize) -> u32 {
    u32::try_from(slot).expect("a slot position must fit in 32 bits")
}
