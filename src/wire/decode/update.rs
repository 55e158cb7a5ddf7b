//! Decodes updates: the changes of a view that the client has.

use crate::{
    model::{stack::Stack, state::InventoryState},
    wire::{
        BASE_BITS, DecodeError, Schema, Update, base_bits,
        bits::BitReader,
        form::{Form, index_bits},
    },
};

use super::{CopySource, Held, Reference, item, narrow, reference, selected, slots, stack};

pub(super) fn update(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    shared: bool,
) -> Result<Update, DecodeError> {
    let reference = reference(r, shared)?;
    let held =
        copies.held(reference).ok_or(DecodeError::UnknownView { view: reference.number() })?;
    check_base(r, &held)?;
    let what = "number of commits";
    let max = (u64::MAX / 2).saturating_sub(held.version);
    let steps = r.golomb(0, what, max)?.saturating_add(1);
    let version = held.version + steps;
    let selected = selected(r)?;
    let full = r.flag()?;
    let slots = if full { slots(r, schema, held.state)? } else { delta(r, schema, held.state)? };
    Ok(Update { view: held.view, version, selected, slots, full })
}

/// Reads an update that is a message by itself.
pub(super) fn quick(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    reference: Reference,
) -> Result<Update, DecodeError> {
    let held =
        copies.held(reference).ok_or(DecodeError::UnknownView { view: reference.number() })?;
    check_base(r, &held)?;
    let mut slots = Vec::with_capacity(2);
    entry(r, schema, held.state, &mut slots)?;
    let version = held.version.checked_add(1).ok_or(DecodeError::Reserved)?;
    Ok(Update { view: held.view, version, selected: None, slots, full: false })
}

fn check_base(r: &mut BitReader, held: &Held) -> Result<(), DecodeError> {
    if r.take(BASE_BITS)? != base_bits(held.version, held.handle) {
        return Err(DecodeError::Gap { id: held.id, version: held.version });
    }
    Ok(())
}

pub(super) fn delta(
    r: &mut BitReader,
    schema: Schema,
    state: &InventoryState,
) -> Result<Vec<(usize, Option<Stack>)>, DecodeError> {
    let mut changes = Vec::new();
    if !r.flag()? {
        entry(r, schema, state, &mut changes)?;
    } else if !r.flag()? {
    } else if !r.flag()? {
        let mut before = None;
        loop {
            let slot = entry(r, schema, state, &mut changes)?;
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
            let EncodedChange::To(stack) = change(r, schema, state, slot)? else {
                return Err(DecodeError::Reserved);
            };
            changes.push((slot, stack));
        }
    }
    Ok(changes)
}

/// Reads one entry and returns its slot.
fn entry(
    r: &mut BitReader,
    schema: Schema,
    state: &InventoryState,
    changes: &mut Vec<(usize, Option<Stack>)>,
) -> Result<usize, DecodeError> {
    let slot = slot(r, state)?;
    match change(r, schema, state, slot)? {
        EncodedChange::To(stack) => changes.push((slot, stack)),
        EncodedChange::ExchangedWith(other) => {
            changes.push((slot, state.get(other)));
            changes.push((other, state.get(slot)));
        }
    }
    Ok(slot)
}

fn slot(r: &mut BitReader, state: &InventoryState) -> Result<usize, DecodeError> {
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

fn change(
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
        let by = amount(r)?;
        let count = if grows { old.count().checked_add(by) } else { old.count().checked_sub(by) };
        let new = count.and_then(|count| old.with_count(count)).ok_or(bad)?;
        return Ok(EncodedChange::To(Some(new)));
    }
    if !r.flag()? {
        return Ok(EncodedChange::To(None));
    }
    if !r.flag()? {
        return Ok(EncodedChange::To(Some(stack(r, schema, Form::ALONE)?)));
    }
    if !r.flag()? {
        let old = before()?;
        let by = unzigzag(r.golomb(2, "change of wear", 1 << 18)?);
        let wear = u16::try_from(i64::from(old.wear) + by).map_err(|_| bad)?;
        return Ok(EncodedChange::To(Some(old.with_wear(wear))));
    }
    if r.flag()? {
        let old = before()?;
        let item = item(r, schema)?;
        return Ok(EncodedChange::To(Some(Stack { item, wear: 0, data: None, ..old })));
    }
    let other = self::slot(r, state)?;
    if other > slot { Ok(EncodedChange::ExchangedWith(other)) } else { Err(bad) }
}

fn amount(r: &mut BitReader) -> Result<u32, DecodeError> {
    if r.flag()? {
        return Ok(1);
    }
    Ok(match r.take(3)? {
        7 => 9 + narrow(r, 3, "change of count", u32::MAX - 9)?,
        less => 2 + less,
    })
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
