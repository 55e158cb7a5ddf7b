//! Decodes messages into values. All indices, counts and lengths are checked here, so the results
//! can be applied without further checks.

pub(crate) mod slot_count;
mod update;

use crate::model::{
    data::Datum,
    id::{DataId, InventoryId, ItemId},
    limits::{DATA_BYTES_MAX, INVENTORY_SLOTS_MAX},
    rejection::Rejection,
    rights::{RIGHTS_BITS, Rights},
    slots::Slots,
    stack::Stack,
    state::InventoryState,
};

use slot_count::SlotCount;
use update::{read_delta, read_quick, read_update};

use super::{
    ANSWERS_MAX, Answers, COPIES_MAX, CloseCause, DecodeError, Handover, NUMBER_BITS, Open,
    OpenHead, Part, Reset, Schema, Update, VIEWS_MAX,
    bits::{BitReader, low_byte},
    form::{Form, REASON_BITS, REASON_GAME, count_bits, index_bits},
    numbers::ANSWER_BITS,
};
use core::num::NonZeroU32;

use bevy::ecs::entity::{Entity, EntityGeneration, EntityIndex};

/// Maximum number of instance data values in a message. With a slot that refers to it, a value takes at least eight
/// bytes, so that a transfer of the maximum length has fewer.
const VALUES_MAX: usize = 1 << 19;

/// The information about a view that is needed to decode an update of it.
pub struct CopyInView<'a> {
    /// Index of the view.
    pub view: u32,
    /// Handle of the inventory.
    pub handle: u32,
    /// Id of the inventory, for error messages.
    pub id: InventoryId,
    /// Version of the copy.
    pub version: u64,
    /// The copy.
    pub state: &'a InventoryState,
}

/// Reference to a view in an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reference {
    /// The client's index of the view.
    View(u32),
    /// The server's handle of the inventory.
    Handle(u32),
}

impl Reference {
    fn number(self) -> u32 {
        match self {
            Self::View(number) | Self::Handle(number) => number,
        }
    }
}

/// The copies that a client has.
pub trait CopySource {
    /// Returns the copy for a view.
    fn in_view(&self, reference: Reference) -> Option<CopyInView<'_>>;

    /// Returns the copy of an inventory that is in view or was kept, with its version.
    fn latest(&self, id: InventoryId) -> Option<(u64, &InventoryState)>;

    /// Returns the number of slots of all views.
    fn slots(&self) -> usize {
        0
    }
}

/// No copies.
impl CopySource for () {
    fn in_view(&self, _: Reference) -> Option<CopyInView<'_>> {
        None
    }

    fn latest(&self, _: InventoryId) -> Option<(u64, &InventoryState)> {
        None
    }
}

/// Reads the number of shared parts that belong to a message, without the views.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid.
pub fn follows(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut r = BitReader::new(bytes);
    if !is_full(bytes) {
        return Ok(0);
    }
    r.take(4 + NUMBER_BITS)?;
    if r.flag()? {
        read_answers(&mut r)?;
    }
    read_reset(&mut r)?;
    read_length(&mut r, 0, "number of parts", VIEWS_MAX)
}

fn read_reset(r: &mut BitReader) -> Result<Option<Reset>, DecodeError> {
    if !r.flag()? {
        return Ok(None);
    }
    let transfer = low_byte(read_narrow(r, 0, "transfer number", 255)?);
    let epoch = r.take_u64()?;
    Ok(Some(Reset { transfer, epoch, handled: r.take(32)? }))
}

/// Returns `true` if a message is a full one.
#[must_use]
pub fn is_full(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte & 0b1111 == 0b0111)
}

/// Returns `true` if a message is a shared part.
#[must_use]
pub fn is_shared(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte & 0b111 == 0b101)
}

/// Reads one message, given the copies that the client has.
///
/// # Errors
///
/// [`DecodeError`] if the bytes are invalid; nothing has been changed in this case.
pub fn message(
    bytes: &[u8],
    schema: Schema,
    copies: &impl CopySource,
) -> Result<Part, DecodeError> {
    let mut r = BitReader::new(bytes);
    let mut part = Part::default();
    if !r.flag()? {
        part.updates.push(read_quick(&mut r, schema, copies, Reference::View(0))?);
    } else if !r.flag()? {
        let shared = r.flag()?;
        if !r.flag()? {
            let reference = read_reference(&mut r, shared)?;
            part.updates.push(read_quick(&mut r, schema, copies, reference)?);
        } else {
            part.updates.push(read_update(&mut r, schema, copies, shared)?);
            read_updates(&mut r, schema, copies, shared, &mut part.updates)?;
        }
    } else if !r.flag()? {
        part.answers = Some(read_answers(&mut r)?);
        read_updates(&mut r, schema, copies, false, &mut part.updates)?;
    } else if !r.flag()? {
        read_full(&mut r, schema, copies, &mut part)?;
    } else {
        return Err(DecodeError::Reserved);
    }
    r.end()?;
    Ok(part)
}

/// Reads which view an update refers to.
fn read_reference(r: &mut BitReader, shared: bool) -> Result<Reference, DecodeError> {
    Ok(match shared {
        true => Reference::Handle(read_handle(r)?),
        false => Reference::View(read_view_index(r)?),
    })
}

fn read_full(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    part: &mut Part,
) -> Result<(), DecodeError> {
    part.number = Some(low_byte(r.take(NUMBER_BITS)?));
    if r.flag()? {
        part.answers = Some(read_answers(r)?);
    }
    part.reset = read_reset(r)?;
    part.follows = read_length(r, 0, "number of parts", VIEWS_MAX)?;
    read_all_data(r, part)?;
    let mut slot_count = SlotCount::of(copies, part.reset.is_some());
    let closes = read_length(r, 0, "number of closes", VIEWS_MAX)?;
    for _ in 0..closes {
        let view = read_view_index(r)?;
        slot_count.release(view, copies);
        copies.in_view(Reference::View(view)).ok_or(DecodeError::UnknownView { view })?;
        let cause = if r.flag()? { CloseCause::Despawned } else { CloseCause::Hidden };
        part.closes.push((view, cause));
    }
    read_opens(r, schema, copies, &mut slot_count, part)?;
    part.handover = read_handover(r)?;
    read_updates(r, schema, copies, false, &mut part.updates)?;
    let checksums = read_length(r, 0, "number of checksums", VIEWS_MAX)?;
    for _ in 0..checksums {
        part.checksums.push((read_view_index(r)?, r.take_u64()?));
    }
    Ok(())
}

pub(super) fn read_all_data(r: &mut BitReader, part: &mut Part) -> Result<(), DecodeError> {
    let data = read_length(r, 0, "number of instance data values", r.left())?;
    (0..data).try_for_each(|_| read_datum(r, part))
}

pub(super) fn read_opens(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    slot_count: &mut SlotCount,
    part: &mut Part,
) -> Result<(), DecodeError> {
    let opens = read_length(r, 0, "number of opens", VIEWS_MAX)?;
    let mut from_copies = 0;
    for _ in 0..opens {
        let next = read_open(r, schema, copies, part.opens.last(), slot_count, &mut from_copies)?;
        part.opens.push(next);
    }
    Ok(())
}

fn read_answers(r: &mut BitReader) -> Result<Answers, DecodeError> {
    let last = low_byte(r.take(ANSWER_BITS)?);
    let count = 1 + read_length(r, 0, "number of answers", ANSWERS_MAX - 1)?;
    let mut results = Vec::with_capacity(count);
    for _ in 0..count {
        results.push(if r.flag()? { Ok(()) } else { Err(read_reason(r)?) });
    }
    Ok(Answers { last, results })
}

fn read_reason(r: &mut BitReader) -> Result<Rejection, DecodeError> {
    let code = r.take(REASON_BITS)?;
    if code == REASON_GAME {
        let [low, high, ..] = r.take(16)?.to_le_bytes();
        return Ok(Rejection::Game(u16::from_le_bytes([low, high])));
    }
    Rejection::CODES.get(code as usize).copied().ok_or(DecodeError::Reserved)
}

fn read_datum(r: &mut BitReader, part: &mut Part) -> Result<(), DecodeError> {
    let id = read_data_id(r)?;
    if r.flag()? {
        part.forgotten.push(id);
        return Ok(());
    }
    if part.data.len() == VALUES_MAX {
        let (value, max) = (VALUES_MAX as u64 + 1, VALUES_MAX as u64);
        return Err(DecodeError::OutOfRange { what: "number of instance data values", value, max });
    }
    let kind = low_byte(read_narrow(r, 0, "instance data type", 254)?);
    let len = read_length(r, 6, "instance data length", DATA_BYTES_MAX)?;
    part.data.push(Datum { id, kind, bytes: read_bytes(r, len)?.into() });
    Ok(())
}

/// Reads `len` bytes. Checks that the message is long enough before it allocates a buffer.
pub(super) fn read_bytes(r: &mut BitReader, len: usize) -> Result<Vec<u8>, DecodeError> {
    if len > r.left() / 8 {
        return Err(DecodeError::Truncated);
    }
    (0..len).map(|_| Ok(low_byte(r.take(8)?))).collect()
}

fn read_updates(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    shared: bool,
    updates: &mut Vec<Update>,
) -> Result<(), DecodeError> {
    while r.flag()? {
        updates.push(read_update(r, schema, copies, shared)?);
    }
    Ok(())
}

pub(super) fn read_length(
    r: &mut BitReader,
    k: u32,
    what: &'static str,
    max: usize,
) -> Result<usize, DecodeError> {
    let value = r.golomb(k, what, max as u64)?;
    usize::try_from(value).map_err(|_| DecodeError::OutOfRange { what, value, max: max as u64 })
}

pub(super) fn read_narrow(
    r: &mut BitReader,
    k: u32,
    what: &'static str,
    max: u32,
) -> Result<u32, DecodeError> {
    let value = r.golomb(k, what, u64::from(max))?;
    u32::try_from(value).map_err(|_| DecodeError::OutOfRange { what, value, max: u64::from(max) })
}

#[expect(clippy::cast_possible_truncation, reason = "the constant fits in 32 bits")]
pub(super) fn read_view_index(r: &mut BitReader) -> Result<u32, DecodeError> {
    read_narrow(r, 0, "view index", VIEWS_MAX as u32 - 1)
}

pub(super) fn read_handle(r: &mut BitReader) -> Result<u32, DecodeError> {
    read_narrow(r, 0, "handle", u32::MAX - 1)
}

fn read_open(
    r: &mut BitReader,
    schema: Schema,
    copies: &impl CopySource,
    before: Option<&Open>,
    slot_count: &mut SlotCount,
    from_copies: &mut usize,
) -> Result<Open, DecodeError> {
    let left = r.left();
    let next = match before {
        Some(before) => r.flag()?.then_some(before),
        None => None,
    };
    let mut head = match next {
        Some(before) => read_next_head(r, &before.head)?,
        None => read_first_head(r)?,
    };
    head.version = r.golomb(4, "version", u64::MAX / 2)?;
    head.entity = if r.flag()? { Some(read_entity(r)?) } else { None };
    let since = r.flag()?;
    *from_copies += usize::from(since);
    if *from_copies > COPIES_MAX {
        // Each of these is as large as the whole copy, however few bytes it takes on the wire.
        let (value, max) = (*from_copies as u64, COPIES_MAX as u64);
        return Err(DecodeError::OutOfRange { what: "number of copies", value, max });
    }
    slot_count.release(head.view, copies);
    let mut state = match next {
        _ if since => read_kept_copy(r, copies, &head, slot_count)?,
        Some(before) => read_structure_like(r, &before.state, slot_count)?,
        None => read_structure(r, schema, slot_count)?,
    };
    state.selected = read_selected(r, schema, &state)?;
    let slots = if since { read_delta(r, schema, &state)? } else { read_slots(r, schema, &state)? };
    for (slot, stack) in slots {
        state.set(slot, stack);
    }
    Ok(Open { head, state, bits: left - r.left() })
}

/// Reads the version of the copy that a view opens from and returns the copy.
fn read_kept_copy(
    r: &mut BitReader,
    copies: &impl CopySource,
    head: &OpenHead,
    slot_count: &mut SlotCount,
) -> Result<InventoryState, DecodeError> {
    let version = r.golomb(4, "version", head.version)?;
    let kept = copies
        .latest(head.id)
        .filter(|(kept_version, _)| (version..=head.version).contains(kept_version));
    let (_, state) = kept.ok_or(DecodeError::UnknownCopy { id: head.id, version })?;
    slot_count.add(state.len())?;
    Ok(state.clone())
}

/// Reads the complete header of a view that does not directly follow the one before it in the message.
fn read_first_head(r: &mut BitReader) -> Result<OpenHead, DecodeError> {
    let (view, handle, id, owner) = (read_view_index(r)?, read_handle(r)?, read_id(r)?, r.flag()?);
    let rights = Rights::from_bits_retain(low_byte(r.take(RIGHTS_BITS)?));
    let acts = owner && !rights.contains(Rights::MANAGE);
    let rights = if owner { Rights::all() } else { rights };
    Ok(OpenHead { view, handle, id, owner, acts, rights, version: 0, entity: None })
}

/// Reads the shortened header of a view that directly follows `before`.
fn read_next_head(r: &mut BitReader, before: &OpenHead) -> Result<OpenHead, DecodeError> {
    let over = |what, value: u32| DecodeError::OutOfRange {
        what,
        value: u64::from(value) + 1,
        max: u64::from(value),
    };
    let view = before.view + 1;
    if view as usize >= VIEWS_MAX {
        return Err(over("view index", before.view));
    }
    let handle = before.handle.checked_add(1).ok_or(over("handle", before.handle))?;
    let id = match r.flag()? {
        true => before.id.next().ok_or(DecodeError::Reserved)?,
        false => read_id(r)?,
    };
    Ok(OpenHead { view, handle, id, ..*before })
}

/// Returns empty containers with the structure of another inventory.
fn read_structure_like(
    r: &BitReader,
    other: &InventoryState,
    slot_count: &mut SlotCount,
) -> Result<InventoryState, DecodeError> {
    // Each slot takes at least one bit, so a short message cannot allocate many.
    if other.len() > r.left() {
        return Err(DecodeError::Truncated);
    }
    let mut state = InventoryState::default();
    for container in other.containers() {
        slot_count.add_container(container.slots.len())?;
        state.insert(container.kind, Slots::new(container.slots.len()));
    }
    Ok(state)
}

pub(super) fn read_id(r: &mut BitReader) -> Result<InventoryId, DecodeError> {
    let bits = if r.flag()? {
        u64::from(r.take(32)?) | u64::from(r.take(31)?) << 32 | 1 << 63
    } else {
        r.golomb(4, "inventory id", (1 << 63) - 1)?
    };
    Ok(InventoryId::from_bits(bits))
}

pub(super) fn read_entity(r: &mut BitReader) -> Result<Entity, DecodeError> {
    let what = "entity index";
    let index = read_narrow(r, 7, what, u32::MAX - 1)?;
    let generation = read_narrow(r, 0, "entity generation", u32::MAX)?;
    let index = EntityIndex::from_raw_u32(index).ok_or(DecodeError::OutOfRange {
        what,
        value: u64::from(index),
        max: u64::from(u32::MAX - 1),
    })?;
    Ok(Entity::from_index_and_generation(index, EntityGeneration::from_bits(generation)))
}

fn read_structure(
    r: &mut BitReader,
    schema: Schema,
    slot_count: &mut SlotCount,
) -> Result<InventoryState, DecodeError> {
    let mut state = InventoryState::default();
    let containers = read_length(r, 0, "number of containers", schema.registry.len())?;
    for _ in 0..containers {
        let kind = r.take(index_bits(schema.registry.len()))?;
        let max = schema.registry.len() as u64 - 1;
        if u64::from(kind) > max {
            return Err(DecodeError::OutOfRange {
                what: "container type",
                value: u64::from(kind),
                max,
            });
        }
        let len = read_length(r, 5, "number of slots", INVENTORY_SLOTS_MAX - state.len())?;
        // Each slot takes at least one bit, so a short message cannot allocate many.
        if len > r.left() {
            return Err(DecodeError::Truncated);
        }
        let kind = low_byte(kind);
        if state.container(kind).is_some() {
            return Err(DecodeError::Reserved);
        }
        slot_count.add_container(len)?;
        state.insert(kind, Slots::new(len));
    }
    Ok(state)
}

fn read_selected(
    r: &mut BitReader,
    schema: Schema,
    state: &InventoryState,
) -> Result<Option<u8>, DecodeError> {
    if !r.flag()? {
        return Ok(None);
    }
    let selected = low_byte(read_narrow(r, 0, "selected slot", 255)?);
    let max = state.selected_max(schema.registry);
    let max = max.ok_or(DecodeError::NoSelection { selected })?;
    if selected > max {
        let (value, max) = (u64::from(selected), u64::from(max));
        return Err(DecodeError::OutOfRange { what: "selected slot", value, max });
    }
    Ok(Some(selected))
}

fn read_slots(
    r: &mut BitReader,
    schema: Schema,
    state: &InventoryState,
) -> Result<Vec<(usize, Option<Stack>)>, DecodeError> {
    let form = Form { more: r.flag()?, wide: r.flag()?, all: r.flag()? };
    // Without these bits, a stack could take none.
    if form.all && schema.catalog.rank_bits() == 0 {
        return Err(DecodeError::Reserved);
    }
    let mut slots = Vec::with_capacity(state.len());
    for slot in 0..state.len() {
        let filled = form.all || r.flag()?;
        slots.push((slot, if filled { Some(read_stack(r, schema, form)?) } else { None }));
    }
    Ok(slots)
}

fn read_item(r: &mut BitReader, schema: Schema) -> Result<ItemId, DecodeError> {
    let rank = r.take(schema.catalog.rank_bits())?;
    schema.catalog.at_rank(rank).ok_or(DecodeError::OutOfRange {
        what: "item rank",
        value: u64::from(rank),
        max: (schema.catalog.len() as u64).saturating_sub(1),
    })
}

pub(super) fn read_stack(
    r: &mut BitReader,
    schema: Schema,
    form: Form,
) -> Result<Stack, DecodeError> {
    let item = read_item(r, schema)?;
    let count = if form.wide {
        read_narrow(r, 2, "count", u32::MAX - 1)?
    } else {
        r.take(count_bits(schema.catalog.max_stack(item)))?
    };
    let (mut wear, mut data) = (0, None);
    if form.more && r.flag()? {
        wear = if r.flag()? { r.take(16)? } else { 0 };
        data = if r.flag()? { Some(read_data_id(r)?) } else { None };
    }
    let [low, high, ..] = wear.to_le_bytes();
    let wear = u16::from_le_bytes([low, high]);
    Ok(Stack { item, count: NonZeroU32::MIN.saturating_add(count), wear, data })
}

fn read_data_id(r: &mut BitReader) -> Result<DataId, DecodeError> {
    let what = "instance data id";
    let id = read_narrow(r, 4, what, u32::MAX)?;
    let zero = DecodeError::OutOfRange { what, value: 0, max: u64::from(u32::MAX) };
    NonZeroU32::new(id).map(DataId).ok_or(zero)
}

fn read_handover(r: &mut BitReader) -> Result<Option<Handover>, DecodeError> {
    if !r.flag()? {
        return Ok(None);
    }
    let transfer = low_byte(r.take(8)?);
    let len = read_length(r, 0, "number of dropped copies", r.left())?;
    let place = |r: &mut BitReader| read_length(r, 4, "copy index", VIEWS_MAX);
    let dropped = (0..len).map(|_| place(r)).collect::<Result<_, _>>()?;
    Ok(Some(Handover { transfer, dropped }))
}
