//! Decodes messages of a server. Input: a version of the client's copies, then a message.

use std::collections::BTreeMap;

use super::{
    game::{Client, SLOT_BYTES, schema},
    memory,
};
use bevy_inventory_sync::{
    model::limits::CLIENT_SLOTS_MAX,
    wire::{
        COPIES_MAX, Part, Update,
        bits::BitWriter,
        decode::{self, CopySource, Reference},
        encode::{self, ChangedSlot, OpenBody, UpdateHead},
        message::{FullHead, MessageWriter},
    },
};

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Some((version, bytes)) = bytes.split_first() else { return };
    let client = Client::new(*version);
    // A slot takes at least one bit of a message, except in copies that the client has.
    let slots = CLIENT_SLOTS_MAX.min(8 * bytes.len());
    let cap = slots * SLOT_BYTES + COPIES_MAX * client.copy_bytes();
    let Ok(part) = memory::within(cap, || decode::message(bytes, schema(), &client)) else {
        return;
    };
    if part.number.is_some() {
        assert_eq!(decode::follows(bytes), Ok(part.follows));
    }
    let again = decode::message(&encoded(&part, &client), schema(), &client);
    assert_eq!(again.map(in_order), Ok(in_order(part)));
}

/// Removes the sizes of openings, which depend on the encoding.
pub(super) fn without_sizes(mut part: Part) -> Part {
    part.opens.iter_mut().for_each(|open| open.bits = 0);
    part
}

/// Replaces the changes of each update by the last change of each slot.
fn in_order(part: Part) -> Part {
    let mut part = without_sizes(part);
    for update in &mut part.updates {
        update.slots = last_changes(update).into_iter().collect();
    }
    part
}

fn last_changes(update: &Update) -> BTreeMap<usize, Option<bevy_inventory_sync::prelude::Stack>> {
    update.slots.iter().copied().collect()
}

fn encoded(part: &Part, client: &Client) -> Vec<u8> {
    let mut message = MessageWriter::default();
    match (part.number, &part.answers) {
        (Some(number), answers) => {
            let Part { reset, follows, forgotten, data, closes, .. } = part;
            let (answers, reset, follows) = (answers.as_ref(), *reset, *follows);
            message.begin_full(&FullHead {
                number,
                answers,
                reset,
                follows,
                forgotten,
                data,
                closes,
            });
            message.opens(part.opens.len(), part.handover.as_ref(), |w| {
                let mut before = None;
                for open in &part.opens {
                    let (mut copy, open) = (BitWriter::default(), (&open.head, &open.state));
                    encode::copy(&mut copy, schema(), open.1);
                    w.open(schema(), before.replace(open), open, OpenBody::Copy(&copy));
                }
            });
        }
        (None, Some(answers)) => message.begin_answered(answers),
        (None, None) => message.begin_updates(),
    }
    for update in &part.updates {
        let held = client.in_view(Reference::View(update.view)).expect("it was there before");
        let Update { view, version, selected, .. } = *update;
        let head = UpdateHead { view, handle: held.handle, base: held.version, version, selected };
        let changes = last_changes(update);
        if update.full {
            let mut state = held.state.clone();
            for (slot, stack) in changes {
                state.set(slot, stack);
            }
            message.update(|w| encode::update_full(w, schema(), &head, &state));
            continue;
        }
        let changed = |(slot, new)| ChangedSlot { slot, old: Some(held.state.get(slot)), new };
        let changed: Vec<_> = changes.into_iter().map(changed).collect();
        let alone = part.number.is_none() && part.answers.is_none() && part.updates.len() == 1;
        if !(alone && message.quick(schema(), &head, held.state.len(), &changed)) {
            message
                .update(|w| encode::update_delta(w, schema(), &head, held.state.len(), &changed));
        }
    }
    message.finish(&part.checksums);
    message.take_bytes().to_vec()
}
