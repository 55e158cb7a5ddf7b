//! The part of a [`Witness`](crate::model::transaction::Witness) that follows an action. Most actions do not need it.
//!
//! ```text
//! seen      = hash:16 versions:EG0 version:32* listed?:1 [taken]     present if at least 8 bits follow the action
//! taken     = length:EG0 (take:EG0 stack)*              what was taken by item: the number of the call
//! stack     = item:⌈log2 items⌉ count-1:EG2 more?:1 [worn?:1 [wear:16] data?:1 [data:EG4]]
//! ```

use crate::model::{
    rejection::Rejection,
    transaction::{Seen, TAKEN_MAX, TakenStack, VERSIONS_MAX},
};

use super::{
    DecodeError, Schema,
    bits::{BitReader, BitWriter},
    decode::{self, read_length, read_narrow},
    encode,
    form::Form,
};

/// Writes what follows an action.
///
/// # Errors
///
/// [`Rejection::UnknownItem`] if the catalog does not have an item that was taken.
pub fn write_seen(w: &mut BitWriter, schema: Schema, seen: &Seen) -> Result<(), Rejection> {
    w.put(u32::from(seen.hash), 16);
    w.golomb(seen.versions.len() as u64, 0);
    seen.versions.iter().for_each(|version| w.put(*version, 32));
    w.flag(seen.taken.is_some());
    let Some(taken) = &seen.taken else { return Ok(()) };
    w.golomb(taken.len() as u64, 0);
    for TakenStack { take, stack } in taken {
        schema.catalog.rank(stack.item).ok_or(Rejection::UnknownItem)?;
        w.golomb(u64::from(*take), 0);
        encode::write_stack(w, schema, stack, Form::ALONE);
    }
    Ok(())
}

/// Reads what [`write_seen`] wrote, if it is there.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid.
pub fn read_seen(r: &mut BitReader, schema: Schema) -> Result<Option<Seen>, DecodeError> {
    if r.left() < 8 {
        return Ok(None);
    }
    let [low, high, ..] = r.take(16)?.to_le_bytes();
    let hash = u16::from_le_bytes([low, high]);
    let len = read_length(r, 0, "number of versions", VERSIONS_MAX)?;
    let versions = (0..len).map(|_| r.take(32)).collect::<Result<_, _>>()?;
    if !r.flag()? {
        return Ok(Some(Seen { hash, versions, taken: None }));
    }
    let len = read_length(r, 0, "number of taken stacks", TAKEN_MAX)?;
    let one = |r: &mut BitReader| {
        let take = read_narrow(r, 0, "number of a call", u32::MAX)?;
        Ok(TakenStack { take, stack: decode::read_stack(r, schema, Form::ALONE)? })
    };
    let taken = (0..len).map(|_| one(r)).collect::<Result<_, DecodeError>>()?;
    Ok(Some(Seen { hash, versions, taken: Some(taken) }))
}
