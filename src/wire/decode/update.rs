//! Decodes updates: the changes of a view that the client has.

use crate::{
    model::{stack::Stack, state::Unit},
    wire::{
        BASE_BITS, DecodeError, Schema, Update, base_bits,
        bits::BitReader,
        form::{Form, index_bits},
    },
};

use super::{Copies, Held, Reference, item, narrow, reference, selected, slots, stack};

pub(super) fn update(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl Copies,
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
    let slots = if full { slots(r, schema, held.unit)? } else { delta(r, schema, held.unit)? };
    Ok(Update { view: held.view, version, selected, slots, full })
}

/// Reads an update that is a message by itself.
pub(super) fn quick(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl Copies,
    reference: Reference,
) -> Result<Update, DecodeError> {
    let held =
        copies.held(reference).ok_or(DecodeError::UnknownView { view: reference.number() })?;
    check_base(r, &held)?;
    let mut slots = Vec::with_capacity(2);
    entry(r, schema, held.unit, &mut slots)?;
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
    unit: &Unit,
) -> Result<Vec<(usize, Option<Stack>)>, DecodeError> {
    let mut changes = Vec::new();
    if !r.flag()? {
        entry(r, schema, unit, &mut changes)?;
    } else if !r.flag()? {
    } else if !r.flag()? {
        let mut before = None;
        loop {
            let slot = entry(r, schema, unit, &mut changes)?;
            if before.replace(slot).is_some_and(|before| before >= slot) {
                return Err(DecodeError::BadChange { slot });
            }
            if !r.flag()? {
                break;
            }
        }
    } else {
        let mut changed = Vec::new();
        for slot in 0..unit.len() {
            if r.flag()? {
                changed.push(slot);
            }
        }
        for slot in changed {
            let Change::To(stack) = change(r, schema, unit, slot)? else {
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
    unit: &Unit,
    changes: &mut Vec<(usize, Option<Stack>)>,
) -> Result<usize, DecodeError> {
    let slot = slot(r, unit)?;
    match change(r, schema, unit, slot)? {
        Change::To(stack) => changes.push((slot, stack)),
        Change::ExchangedWith(other) => {
            changes.push((slot, unit.get(other)));
            changes.push((other, unit.get(slot)));
        }
    }
    Ok(slot)
}

fn slot(r: &mut BitReader, unit: &Unit) -> Result<usize, DecodeError> {
    let slot = r.take(index_bits(unit.len()))? as usize;
    if slot >= unit.len() {
        let max = (unit.len() as u64).saturating_sub(1);
        return Err(DecodeError::OutOfRange { what: "slot", value: slot as u64, max });
    }
    Ok(slot)
}

enum Change {
    To(Option<Stack>),
    ExchangedWith(usize),
}

fn change(
    r: &mut BitReader,
    schema: Schema,
    unit: &Unit,
    slot: usize,
) -> Result<Change, DecodeError> {
    let bad = DecodeError::BadChange { slot };
    let before = || unit.get(slot).ok_or(bad);
    if !r.flag()? {
        let grows = r.flag()?;
        let old = before()?;
        let by = amount(r)?;
        let count = if grows { old.count().checked_add(by) } else { old.count().checked_sub(by) };
        let new = count.and_then(|count| old.with_count(count)).ok_or(bad)?;
        return Ok(Change::To(Some(new)));
    }
    if !r.flag()? {
        return Ok(Change::To(None));
    }
    if !r.flag()? {
        return Ok(Change::To(Some(stack(r, schema, Form::ALONE)?)));
    }
    if !r.flag()? {
        let old = before()?;
        let by = unzigzag(r.golomb(2, "change of wear", 1 << 18)?);
        let wear = u16::try_from(i64::from(old.wear) + by).map_err(|_| bad)?;
        return Ok(Change::To(Some(old.worn(wear))));
    }
    if r.flag()? {
        let old = before()?;
        let item = item(r, schema)?;
        return Ok(Change::To(Some(Stack { item, wear: 0, data: None, ..old })));
    }
    let other = self::slot(r, unit)?;
    if other > slot { Ok(Change::ExchangedWith(other)) } else { Err(bad) }
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
