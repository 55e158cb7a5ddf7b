//! Encodes values into messages. Nothing here can fail: [`mark`](crate::server::mark) filters out
//! everything that cannot be encoded.

mod update;

use crate::model::planted::{Bug, planted};
use crate::model::{
    data::Datum,
    id::{DataId, InventoryId, ItemId},
    rejection::Rejection,
    rights::{RIGHTS_BITS, Rights},
    stack::Stack,
    state::InventoryState,
};

use super::{
    Answers, CloseCause, Handover, NUMBER_BITS, OpenHead, Reset, Schema,
    bits::BitWriter,
    form::{Form, REASON_BITS, REASON_GAME, count_bits, index_bits},
    numbers::ANSWER_BITS,
};
use bevy::ecs::entity::Entity;

pub use update::{ChangedSlot, UpdateHead, quick, update_delta, update_full};

/// Begins a message that contains only updates of inventories without other viewers.
pub fn begin_plain(w: &mut BitWriter) {
    w.put(0b1001, 4);
}

/// Begins a message of updates that is identical for all its recipients.
pub fn begin_shared(w: &mut BitWriter) {
    w.put(0b1101, 4);
}

/// Begins a message of answers and of updates of inventories without other viewers.
pub fn begin_answered(w: &mut BitWriter, answers: &Answers) {
    w.put(0b011, 3);
    write_answers(w, answers);
}

/// Begins a message that can contain everything. It must be followed by `data`, `closes`, `opens`,
/// `handover`, the updates with a zero bit after them, and `checksums`.
pub fn begin_full(
    w: &mut BitWriter,
    number: u8,
    answers: Option<&Answers>,
    reset: Option<Reset>,
    follows: usize,
) {
    w.put(0b0111, 4);
    w.put(u32::from(number), NUMBER_BITS);
    w.flag(answers.is_some());
    if let Some(answers) = answers {
        write_answers(w, answers);
    }
    w.flag(reset.is_some());
    if let Some(Reset { transfer, epoch, handled }) = reset {
        w.golomb(u64::from(transfer), 0);
        w.put_u64(epoch);
        w.put(handled, 32);
    }
    w.golomb(follows as u64, 0);
}

fn write_answers(w: &mut BitWriter, Answers { last, results }: &Answers) {
    w.put(u32::from(*last), ANSWER_BITS);
    w.golomb(results.len() as u64 - 1, 0);
    for result in results {
        w.flag(result.is_ok());
        if let Err(rejected) = result {
            write_reason(w, *rejected);
        }
    }
}

fn write_reason(w: &mut BitWriter, reason: Rejection) {
    match (0..).zip(Rejection::CODES).find(|(_, known)| *known == reason) {
        Some((code, _)) => w.put(code, REASON_BITS),
        None => {
            w.put(REASON_GAME, REASON_BITS);
            let Rejection::Game(number) = reason else { return w.put(0, 16) };
            w.put(u32::from(number), 16);
        }
    }
}

/// Writes instance data that was removed, and instance data that the client does not have.
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

/// Writes the views that close.
pub fn closes(w: &mut BitWriter, closes: &[(u32, CloseCause)]) {
    w.golomb(closes.len() as u64, 0);
    for (view, cause) in closes {
        w.golomb(u64::from(*view), 0);
        w.flag(*cause == CloseCause::Despawned);
    }
}

/// Writes the number of views that open.
pub fn opens(w: &mut BitWriter, len: usize) {
    w.golomb(len as u64, 0);
}

/// The slots of a view that opens.
#[derive(Clone, Copy, Debug)]
pub enum OpenBody<'a> {
    /// All slots, as written by [`copy`].
    Copy(&'a BitWriter),
    /// The changes since this version in ascending order of slots, for clients that have kept this
    /// version or a later one.
    Since(u64, &'a [ChangedSlot]),
}

/// Writes the contents of all slots of an inventory: identical for everyone who starts to view it.
pub fn copy(w: &mut BitWriter, schema: Schema, state: &InventoryState) {
    write_selected(w, state.selected);
    write_slots(w, schema, state);
}

/// Writes one view that opens. `before` is the view written before it in the same message.
pub fn open(
    w: &mut BitWriter,
    schema: Schema,
    before: Option<(&OpenHead, &InventoryState)>,
    (head, state): (&OpenHead, &InventoryState),
    body: OpenBody,
) {
    let next = before.filter(|(before, there)| head.is_next(before) && state.same_structure(there));
    if before.is_some() {
        w.flag(next.is_some());
    }
    match next {
        Some((before, _)) => {
            let after = before.id.next() == Some(head.id);
            w.flag(after);
            if !after {
                write_id(w, head.id);
            }
        }
        None => {
            w.golomb(u64::from(head.view), 0);
            w.golomb(u64::from(head.handle), 0);
            write_id(w, head.id);
            w.flag(head.owner);
            // An owner has all rights, so one of them tells whether the player acts from the inventory.
            let acts = if head.acts { Rights::MANAGE } else { Rights::empty() };
            w.put(u32::from((head.rights - acts).bits()), RIGHTS_BITS);
        }
    }
    w.golomb(head.version, 4);
    w.flag(head.entity.is_some());
    if let Some(entity) = head.entity {
        write_entity(w, entity);
    }
    match body {
        OpenBody::Since(base, entries) => {
            w.flag(true);
            w.golomb(base, 4);
            write_selected(w, state.selected);
            update::write_delta(w, schema, state.len(), entries);
        }
        OpenBody::Copy(copy) => {
            w.flag(false);
            if next.is_none() {
                write_structure(w, schema, state);
            }
            w.append(copy);
        }
    }
}

fn write_structure(w: &mut BitWriter, schema: Schema, state: &InventoryState) {
    w.golomb(state.containers().len() as u64, 0);
    for container in state.containers() {
        w.put(u32::from(container.kind), index_bits(schema.registry.len()));
        w.golomb(container.slots.len() as u64, 5);
    }
}

/// Writes the checksums of views.
pub fn checksums(w: &mut BitWriter, checksums: &[(u32, u64)]) {
    w.golomb(checksums.len() as u64, 0);
    for (view, checksum) in checksums {
        w.golomb(u64::from(*view), 0);
        w.put_u64(*checksum);
    }
}

/// Writes which views open with contents sent in chunks.
pub fn handover(w: &mut BitWriter, handover: Option<&Handover>) {
    w.flag(handover.is_some());
    if let Some(Handover { transfer, dropped }) = handover {
        w.put(u32::from(*transfer), 8);
        w.golomb(dropped.len() as u64, 0);
        dropped.iter().for_each(|place| w.golomb(*place as u64, 4));
    }
}

pub(super) fn write_entity(w: &mut BitWriter, entity: Entity) {
    w.golomb(u64::from(entity.index_u32()), 7);
    w.golomb(u64::from(entity.generation().to_bits()), 0);
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are written separately")]
pub(super) fn write_id(w: &mut BitWriter, id: InventoryId) {
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

fn write_selected(w: &mut BitWriter, selected: Option<u8>) {
    w.flag(selected.is_some());
    if let Some(selected) = selected {
        w.golomb(u64::from(selected), 0);
    }
}

fn write_slots(w: &mut BitWriter, schema: Schema, state: &InventoryState) {
    let form = Form::of(schema, state);
    w.flag(form.more);
    w.flag(form.wide);
    w.flag(form.all);
    for cell in state.iter() {
        if !form.all {
            w.flag(cell.is_some());
        }
        if let Some(cell) = cell {
            write_stack(w, schema, &cell, form);
        }
    }
}

fn write_item(w: &mut BitWriter, schema: Schema, item: ItemId) {
    // `mark` lets no unknown item through. A rank of zero would show the wrong item but keep the
    // bits valid.
    w.put(schema.catalog.rank(item).unwrap_or(0), schema.catalog.rank_bits());
}

pub(super) fn write_stack(w: &mut BitWriter, schema: Schema, stack: &Stack, form: Form) {
    write_item(w, schema, stack.item);
    if form.wide {
        w.golomb(u64::from(stack.count() - 1), 2);
    } else {
        w.put(stack.count() - 1, count_bits(schema.catalog.max_stack(stack.item)));
    }
    if !form.more {
        return;
    }
    let worn = stack.wear != 0 && !planted(Bug::WearNotEncoded);
    let more = worn || stack.data.is_some();
    w.flag(more);
    if more {
        w.flag(worn);
        if worn {
            w.put(u32::from(stack.wear), 16);
        }
        w.flag(stack.data.is_some());
        if let Some(data) = stack.data {
            w.golomb(u64::from(data.0.get()), 4);
        }
    }
}
