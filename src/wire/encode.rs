//! Values into bits. Nothing here can fail: what cannot be encoded never leaves
//! [`mark`](crate::server::mark).

use crate::model::{id::InventoryId, rights::RIGHTS_BITS, stack::Stack, unit::Unit};

use super::{BASE_BITS, CloseCause, OpenHead, Schema, base_bits, bits::BitWriter};

/// Begins a message that holds only updates of inventories that nobody else sees.
pub fn begin_plain(w: &mut BitWriter) {
    w.flag(false);
}

/// Begins a message of one update, the same for all who see the inventory.
pub fn begin_shared(w: &mut BitWriter) {
    w.put(0b01, 2);
}

/// Begins a message that can hold everything. `closes` and then `opens` must follow.
pub fn begin_full(w: &mut BitWriter, reset: bool, follows: usize) {
    w.put(0b011, 3);
    w.flag(reset);
    w.golomb(follows as u64, 0);
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

/// Writes one view that begins.
pub fn open(w: &mut BitWriter, schema: Schema, head: &OpenHead, unit: &Unit) {
    w.golomb(u64::from(head.view), 0);
    w.golomb(u64::from(head.handle), 0);
    id(w, head.id);
    w.flag(head.owner);
    w.put(u32::from(head.rights.bits()), RIGHTS_BITS);
    w.golomb(head.version, 4);
    w.flag(head.entity.is_some());
    if let Some(entity) = head.entity {
        w.golomb(u64::from(entity.index_u32()), 7);
        w.golomb(u64::from(entity.generation().to_bits()), 0);
    }
    w.golomb(unit.sections().len() as u64, 0);
    for section in unit.sections() {
        w.put(u32::from(section.kind), index_bits(schema.kinds.len()));
        w.golomb(section.slots.len() as u64, 5);
    }
    selected(w, unit.selected);
    slots(w, schema, unit);
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are written")]
fn id(w: &mut BitWriter, id: InventoryId) {
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

fn slots(w: &mut BitWriter, schema: Schema, unit: &Unit) {
    for cell in unit.iter() {
        w.flag(cell.is_some());
        if let Some(cell) = cell {
            stack(w, schema, &cell);
        }
    }
}

fn stack(w: &mut BitWriter, schema: Schema, stack: &Stack) {
    // Mark lets no unknown item through; a rank of zero would show the wrong item, not break the bits.
    w.put(schema.catalogue.rank(stack.item).unwrap_or(0), schema.catalogue.rank_bits());
    w.golomb(u64::from(stack.count() - 1), 2);
    w.flag(stack.wear != 0);
    if stack.wear != 0 {
        w.put(u32::from(stack.wear), 16);
    }
    w.flag(stack.data.is_some());
    if let Some(data) = stack.data {
        w.golomb(u64::from(data.0.get()), 4);
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
    match entries {
        [] => w.put(0b01, 2),
        [entry] => {
            w.flag(false);
            w.put(to_u32(entry.slot), width);
            change(w, schema, entry);
        }
        entries if entries.len() * (width as usize + 1) < len => {
            w.put(0b011, 3);
            for entry in entries {
                w.put(to_u32(entry.slot), width);
                change(w, schema, entry);
                w.flag(entry.slot != entries[entries.len() - 1].slot);
            }
        }
        entries => {
            w.put(0b111, 3);
            let mut changed = entries.iter().map(|entry| entry.slot).peekable();
            for slot in 0..len {
                w.flag(changed.next_if_eq(&slot).is_some());
            }
            for entry in entries {
                change(w, schema, entry);
            }
        }
    }
}

fn change(w: &mut BitWriter, schema: Schema, entry: &Entry) {
    let Some(new) = entry.new else {
        return w.put(0b01, 2);
    };
    match entry.old.flatten() {
        Some(old) if old.stacks_with(&new) && old.count > new.count => {
            w.put(0b00, 2);
            w.golomb(u64::from(old.count() - new.count() - 1), 0);
        }
        Some(old) if old.stacks_with(&new) && old.count < new.count => {
            w.put(0b10, 2);
            w.golomb(u64::from(new.count() - old.count() - 1), 0);
        }
        Some(old) if old.count == new.count && old.worn(new.wear) == new => {
            w.put(0b0111, 4);
            let by = i64::from(new.wear) - i64::from(old.wear);
            w.golomb(zigzag(by), 2);
        }
        _ => {
            w.put(0b011, 3);
            stack(w, schema, &new);
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
