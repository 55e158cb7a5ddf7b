//! Reads updates: what changed in a view that the client has.

use crate::model::{stack::Stack, unit::Unit};

use super::{
    super::{
        BASE_BITS, DecodeError, Schema, Update, base_bits, bits::BitReader, encode::index_bits,
    },
    Held, Reference, narrow, selected, slots, stack, view_index,
};

pub(super) fn update<'a>(
    r: &mut BitReader,
    schema: Schema,
    held: &impl Fn(Reference) -> Option<Held<'a>>,
    shared: bool,
) -> Result<Update, DecodeError> {
    let (view, reference) = if shared {
        let handle = narrow(r, 0, "a handle", u32::MAX - 1)?;
        (handle, Reference::Handle(handle))
    } else {
        let view = view_index(r)?;
        (view, Reference::View(view))
    };
    let held = held(reference).ok_or(DecodeError::UnknownView { view })?;
    if r.take(BASE_BITS)? != base_bits(held.version, held.handle) {
        return Err(DecodeError::Gap { id: held.id, version: held.version });
    }
    let what = "the number of commits";
    let max = (u64::MAX / 2).saturating_sub(held.version);
    let steps = r.golomb(0, what, max)?.saturating_add(1);
    let version = held.version + steps;
    let selected = selected(r)?;
    let full = r.flag()?;
    let slots =
        if full { slots(r, schema, held.unit)? } else { delta(r, schema, held.unit, steps == 1)? };
    Ok(Update { view: held.view, version, selected, slots, full })
}

fn delta(
    r: &mut BitReader,
    schema: Schema,
    unit: &Unit,
    relative: bool,
) -> Result<Vec<(usize, Option<Stack>)>, DecodeError> {
    let mut changes = Vec::new();
    if !r.flag()? {
        changes.push(entry(r, schema, unit, relative)?);
    } else if !r.flag()? {
    } else if !r.flag()? {
        loop {
            let next = entry(r, schema, unit, relative)?;
            if changes.last().is_some_and(|(slot, _)| *slot >= next.0) {
                return Err(DecodeError::BadChange { slot: next.0 });
            }
            changes.push(next);
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
            changes.push((slot, change(r, schema, unit, slot, relative)?));
        }
    }
    Ok(changes)
}

fn entry(
    r: &mut BitReader,
    schema: Schema,
    unit: &Unit,
    relative: bool,
) -> Result<(usize, Option<Stack>), DecodeError> {
    let slot = r.take(index_bits(unit.len()))? as usize;
    if slot >= unit.len() {
        let max = (unit.len() as u64).saturating_sub(1);
        return Err(DecodeError::OutOfRange { what: "a slot", value: slot as u64, max });
    }
    Ok((slot, change(r, schema, unit, slot, relative)?))
}

fn change(
    r: &mut BitReader,
    schema: Schema,
    unit: &Unit,
    slot: usize,
    relative: bool,
) -> Result<Option<Stack>, DecodeError> {
    let bad = DecodeError::BadChange { slot };
    let before = || {
        if relative { unit.get(slot).ok_or(bad) } else { Err(DecodeError::NotRelative) }
    };
    if !r.flag()? {
        let grows = r.flag()?;
        let old = before()?;
        let by = narrow(r, 0, "a change of count", u32::MAX - 1)?.checked_add(1).ok_or(bad)?;
        let count = if grows { old.count().checked_add(by) } else { old.count().checked_sub(by) };
        return count.and_then(|count| old.with_count(count)).map(Some).ok_or(bad);
    }
    if !r.flag()? {
        return Ok(None);
    }
    if !r.flag()? {
        return stack(r, schema).map(Some);
    }
    if !r.flag()? {
        let old = before()?;
        let by = unzigzag(r.golomb(2, "a change of wear", 1 << 18)?);
        let wear = u16::try_from(i64::from(old.wear) + by).map_err(|_| bad)?;
        return Ok(Some(old.worn(wear)));
    }
    Err(DecodeError::Reserved)
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
