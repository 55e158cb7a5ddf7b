//! Decodes updates: the changes of a view that the client has.

use crate::{
    model::{stack::Stack, state::InventoryState},
    wire::{
        BASE_BITS, DecodeError, Schema, Update, base_bits,
        bits::BitReader,
        form::{Form, index_bits},
    },
};

use super::{
    CopyInView, CopySource, Reference, read_item, read_narrow, read_reference, read_selected,
    read_slots, read_stack,
};

pub(super) fn read_update(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    shared: bool,
) -> Result<Update, DecodeError> {
    let reference = read_reference(r, shared)?;
    let copy =
        copies.in_view(reference).ok_or(DecodeError::UnknownView { view: reference.number() })?;
    check_base(r, &copy)?;
    let what = "number of commits";
    let max = (u64::MAX / 2).saturating_sub(copy.version);
    let steps = r.golomb(0, what, max)?.saturating_add(1);
    let version = copy.version + steps;
    let selected = read_selected(r, schema, copy.state)?;
    let full = r.flag()?;
    let slots =
        if full { read_slots(r, schema, copy.state)? } else { read_delta(r, schema, copy.state)? };
    Ok(Update { view: copy.view, version, selected, slots, full })
}

/// Reads an update that is a message by itself.
pub(super) fn read_quick(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    reference: Reference,
) -> Result<Update, DecodeError> {
    let copy =
        copies.in_view(reference).ok_or(DecodeError::UnknownView { view: reference.number() })?;
    check_base(r, &copy)?;
    let mut slots = Vec::with_capacity(2);
    read_entry(r, schema, copy.state, &mut slots)?;
    let version = copy.version.checked_add(1).ok_or(DecodeError::Reserved)?;
    Ok(Update { view: copy.view, version, selected: None, slots, full: false })
}

fn check_base(r: &mut BitReader, copy: &CopyInView) -> Result<(), DecodeError> {
    if r.take(BASE_BITS)? != base_bits(copy.version, copy.handle) {
        return Err(DecodeError::Gap { id: copy.id, version: copy.version });
    }
    Ok(())
}

pub(super) fn read_delta(
    r: &mut BitReader,
    schema: Schema,
    state: &InventoryState,
) -> Result<Vec<(usize, Option<Stack>)>, DecodeError> {
    let mut changes = Vec::new();
    if !r.flag()? {
        read_entry(r, schema, state, &mut changes)?;
    } else if !r.flag()? {
    } else if !r.flag()? {
        let mut before = None;
        loop {
            let slot = read_entry(r, schema, state, &mut changes)?;
            if before.replace(slot).is_some_and(|before| before >= slot) {
                return Err(DecodeError::BadChange { slot });
            }
            if !r.flag()? {
                break;
            }
        }
    } else {
        let mut changed = Vec::new();
        for slot in 0..state.len() {
            if r.flag()? {
                changed.push(slot);
            }
        }
        for slot in changed {
            let EncodedChange::To(stack) = read_change(r, schema, state, slot)? else {
                return Err(DecodeError::Reserved);
            };
            changes.push((slot, stack));
        }
    }
    Ok(changes)
}

/// Reads one entry and returns its slot.
fn read_entry(
    r: &mut BitReader,
    schema: Schema,
    state: &InventoryState,
    changes: &mut Vec<(usize, Option<Stack>)>,
) -> Result<usize, DecodeError> {
    let slot = read_slot(r, state)?;
    match read_change(r, schema, state, slot)? {
        EncodedChange::To(stack) => changes.push((slot, stack)),
        EncodedChange::ExchangedWith(other) => {
            changes.push((slot, state.get(other)));
            changes.push((other, state.get(slot)));
        }
    }
    Ok(slot)
}

fn read_slot(r: &mut BitReader, state: &InventoryState) -> Result<usize, DecodeError> {
    let slot = r.take(index_bits(state.len()))? as usize;
    if slot >= state.len() {
        let max = (state.len() as u64).saturating_sub(1);
        return Err(DecodeError::OutOfRange { what: "slot", value: slot as u64, max });
    }
    Ok(slot)
}

enum EncodedChange {
    To(Option<Stack>),
    ExchangedWith(usize),
}

fn read_change(
    r: &mut BitReader,
    schema: Schema,
    state: &InventoryState,
    slot: usize,
) -> Result<EncodedChange, DecodeError> {
    let bad = DecodeError::BadChange { slot };
    let before = || state.get(slot).ok_or(bad);
    if !r.flag()? {
        let grows = r.flag()?;
        let old = before()?;
        let by = read_amount(r)?;
        let count = if grows { old.count().checked_add(by) } else { old.count().checked_sub(by) };
        let new = count.and_then(|count| old.with_count(count)).ok_or(bad)?;
        return Ok(EncodedChange::To(Some(new)));
    }
    if !r.flag()? {
        return Ok(EncodedChange::To(None));
    }
    if !r.flag()? {
        return Ok(EncodedChange::To(Some(read_stack(r, schema, Form::ALONE)?)));
    }
    if !r.flag()? {
        let old = before()?;
        let by = unzigzag(r.golomb(2, "change of wear", 1 << 18)?);
        let wear = u16::try_from(i64::from(old.wear) + by).map_err(|_| bad)?;
        return Ok(EncodedChange::To(Some(old.with_wear(wear))));
    }
    if r.flag()? {
        let old = before()?;
        let item = read_item(r, schema)?;
        return Ok(EncodedChange::To(Some(Stack { item, wear: 0, data: None, ..old })));
    }
    let other = read_slot(r, state)?;
    if other > slot { Ok(EncodedChange::ExchangedWith(other)) } else { Err(bad) }
}

fn read_amount(r: &mut BitReader) -> Result<u32, DecodeError> {
    if r.flag()? {
        return Ok(1);
    }
    Ok(match r.take(3)? {
        7 => 9 + read_narrow(r, 3, "change of count", u32::MAX - 9)?,
        less => 2 + less,
    })
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
