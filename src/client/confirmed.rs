//! What the server has confirmed, by view; the only truth a client has.

use std::collections::VecDeque;

use bevy::{
    platform::collections::{HashMap, HashSet},
    prelude::*,
};

use crate::{
    model::{id::InventoryId, stack::Stack, state::Unit},
    shared::events::{CloseReason, SlotCause},
    wire::{
        COPIES_MAX, CloseCause, Open, OpenHead, Part, Update,
        checksum::digest,
        decode::{Copies, Held, Reference},
        handshake::KnownCopies,
    },
};

/// One inventory that this client sees.
#[derive(Debug)]
pub(crate) struct Confirmed {
    pub(crate) head: OpenHead,
    pub(crate) version: u64,
    pub(crate) unit: Unit,
    /// What is shown instead, if a request that has no answer yet makes a difference.
    predicted: Option<Unit>,
    /// The entity that shows it, once there is one.
    pub(crate) entity: Option<Entity>,
    /// Whether the game has been told that it is open on that entity.
    pub(crate) opened: bool,
    /// Whether rights or structure changed since the entity was last written.
    pub(crate) reopened: bool,
    pub(crate) resized: bool,
    /// Whether it is on the list of those that wait for their entity.
    pub(crate) waits: bool,
    /// What changed since the game was last told, each slot once.
    pub(crate) changes: Vec<Change>,
    changed: HashSet<(u8, usize)>,
    pub(crate) selected_before: Option<u8>,
    /// What the server says the copy comes to at a version.
    pub(super) digest: Option<(u64, u64)>,
}

/// A copy of an inventory that is not in view, to be told later what changed since.
#[derive(Debug)]
struct Kept {
    id: InventoryId,
    version: u64,
    unit: Unit,
}

/// A copy that is not what the server has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrong {
    pub(crate) view: u32,
    pub(crate) id: InventoryId,
}

/// A slot of a confirmed copy that moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) kind: u8,
    pub(crate) index: usize,
    pub(crate) old: Option<Stack>,
    pub(crate) cause: SlotCause,
}

/// A view that ended and whose entity the game must still be told about.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) entity: Entity,
    pub(crate) id: InventoryId,
    pub(crate) reason: CloseReason,
    /// Whether the entity was spawned by this crate, and goes with the view.
    pub(crate) mirror: bool,
    /// Whether the entity is there to be cleaned up.
    pub(crate) alive: bool,
}

/// All confirmed copies.
#[derive(Resource, Default, Debug)]
pub(crate) struct Confirmations {
    pub(crate) views: Vec<Option<Confirmed>>,
    pub(crate) handles: HashMap<u32, u32>,
    pub(crate) ids: HashMap<InventoryId, u32>,
    /// Views for [`reconcile_entities`](super::reconcile) and [`notify_game`](super::notify) to look at.
    pub(crate) touched: Vec<u32>,
    /// Views whose entity has not appeared yet.
    pub(crate) waiting: Vec<u32>,
    pub(crate) closed: Vec<Closed>,
    /// The run of the server that the copies are of.
    pub(super) epoch: u64,
    /// As [`COPIES_MAX`] says.
    kept: VecDeque<Kept>,
    /// The copies that the server was last told of, in order.
    named: Vec<InventoryId>,
    /// Views whose copy is not what the server says it is.
    pub(crate) wrong: Vec<u32>,
    /// Where to look next for a copy that has gone wrong.
    checked: usize,
}

impl Copies for Confirmations {
    fn held(&self, reference: Reference) -> Option<Held<'_>> {
        let view = match reference {
            Reference::View(view) => view,
            Reference::Handle(handle) => *self.handles.get(&handle)?,
        };
        let held = self.get(view)?;
        let OpenHead { handle, id, .. } = held.head;
        Some(Held { view, handle, id, version: held.version, unit: &held.unit })
    }

    fn kept(&self, id: InventoryId) -> Option<(u64, &Unit)> {
        let held = self.by_id(id).map(|held| (held.version, &held.unit));
        let kept = || self.kept.iter().find(|kept| kept.id == id);
        held.or_else(|| kept().map(|kept| (kept.version, &kept.unit)))
    }
}

impl Confirmations {
    pub(crate) fn get(&self, view: u32) -> Option<&Confirmed> {
        self.views.get(view as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, view: u32) -> Option<&mut Confirmed> {
        self.views.get_mut(view as usize)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Confirmed> {
        self.views.iter().flatten()
    }

    /// The copy that an id names.
    pub(crate) fn by_id(&self, id: InventoryId) -> Option<&Confirmed> {
        self.get(*self.ids.get(&id)?)
    }

    pub(crate) fn by_id_mut(&mut self, id: InventoryId) -> Option<&mut Confirmed> {
        self.get_mut(*self.ids.get(&id)?)
    }

    /// The copy that an entity shows.
    pub(crate) fn by_entity(&self, entity: Entity) -> Option<&Confirmed> {
        self.views.iter().flatten().find(|held| held.entity == Some(entity))
    }

    pub(crate) fn by_entity_mut(&mut self, entity: Entity) -> Option<&mut Confirmed> {
        self.views.iter_mut().flatten().find(|held| held.entity == Some(entity))
    }

    /// The views that show something else than what is confirmed.
    pub(crate) fn predicted(&self) -> Vec<u32> {
        let held = self.views.iter().flatten().filter(|held| held.predicted.is_some());
        held.map(|held| held.head.view).collect()
    }

    /// The copies that the server may begin from, the most valuable first: what is in view and not known to be
    /// wrong, the own and the large before others, and then what was closed last.
    pub(crate) fn name_copies(&mut self) -> KnownCopies {
        let mut held: Vec<&Confirmed> = self.views.iter().flatten().collect();
        held.retain(|held| !self.wrong.contains(&held.head.view));
        held.sort_by_key(|held| (!held.head.owner, core::cmp::Reverse(held.unit.len())));
        let held = held.into_iter().map(|held| (held.head.id, held.version));
        let kept = self.kept.iter().rev().map(|kept| (kept.id, kept.version));
        let mut named: Vec<(InventoryId, u64)> = held.chain(kept).take(COPIES_MAX).collect();
        named.reverse();
        self.named = named.iter().map(|(id, _)| *id).collect();
        let copies = named.into_iter().map(|(id, version)| (id.to_bits(), version)).collect();
        KnownCopies { epoch: self.epoch, copies, transfer: None }
    }

    /// Keeps copies that came in without beginning, for a transfer was cut off.
    pub(crate) fn keep_opens(&mut self, opens: Vec<Open>) {
        for Open { head, unit } in opens.into_iter().take(COPIES_MAX) {
            if self.by_id(head.id).is_none() {
                self.keep(head.id, head.version, unit);
            }
        }
    }

    fn keep(&mut self, id: InventoryId, version: u64, unit: Unit) {
        self.kept.retain(|kept| kept.id != id);
        if self.kept.len() == COPIES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { id, version, unit });
    }

    /// Compares one copy with what the server said of it, the next one each time: memory can go wrong while
    /// nothing changes.
    pub(crate) fn check_next(&mut self) -> Option<Wrong> {
        self.checked = if self.checked < self.views.len() { self.checked } else { 0 };
        let held = self.views.get(self.checked)?.as_ref();
        self.checked += 1;
        let view = held?.head.view;
        self.check(view)
    }

    /// Compares a copy with what the server said of it, if that is of the same version.
    pub(crate) fn check(&self, view: u32) -> Option<Wrong> {
        let held = self.get(view)?;
        let (version, expected) = held.digest.filter(|(version, _)| *version == held.version)?;
        let wrong = digest(&held.unit, version, self.epoch) != expected;
        wrong.then_some(Wrong { view, id: held.head.id })
    }

    /// The connection is gone; a new one may be to the same server.
    pub(crate) fn keep_all(&mut self) {
        let named = self.name_copies();
        for (bits, _) in named.copies {
            let id = InventoryId::from_bits(bits);
            if let Some(held) = self.by_id(id) {
                let (version, unit) = (held.version, held.unit.clone());
                self.keep(id, version, unit);
            }
        }
    }

    /// Puts a view on the list of those whose copy is wrong. Says whether that is news.
    pub(crate) fn note_wrong(&mut self, view: u32) -> bool {
        let news = !self.wrong.contains(&view);
        if news {
            self.wrong.push(view);
        }
        news
    }

    /// Spoils one slot of a confirmed copy, as bad memory would.
    pub(crate) fn corrupt(&mut self, id: InventoryId, slot: usize, stack: Option<Stack>) {
        if let Some(held) = self.by_id_mut(id) {
            held.set(slot, stack, SlotCause::Server);
            let view = held.head.view;
            self.touched.push(view);
        }
    }

    /// The version of this client's copy of what begins, if it is newer: versions never fall.
    pub(crate) fn newer_than(&self, open: &Open) -> Option<u64> {
        let held = self.by_id(open.head.id)?;
        (held.version > open.head.version).then_some(held.version)
    }

    /// Applies the parts of one message. They have been checked; this cannot fail.
    pub(crate) fn apply(&mut self, parts: Vec<Part>) -> u64 {
        let mut moved = 0;
        for part in parts {
            let mut before = HashMap::default();
            if let Some(reset) = part.reset {
                self.reset(reset.epoch);
                let views = core::mem::take(&mut self.views);
                before.extend(views.into_iter().flatten().map(|view| (view.head.id, view)));
            }
            for (view, cause) in part.closes {
                let reason = match cause {
                    CloseCause::Hidden => CloseReason::Hidden,
                    CloseCause::Despawned => CloseReason::Despawned,
                };
                self.close(view, reason);
            }
            for open in part.opens {
                moved += self.open(open, &mut before);
            }
            for update in part.updates {
                moved += self.update(update);
            }
            for (_, gone) in before {
                self.end(gone, CloseReason::Hidden);
            }
            for (view, digest) in part.digests {
                if let Some(held) = self.get_mut(view) {
                    held.digest = Some((held.version, digest));
                }
            }
        }
        moved
    }

    /// Keeps the copies that the server was told of, and forgets the views.
    fn reset(&mut self, epoch: u64) {
        self.handles.clear();
        self.ids.clear();
        self.wrong.clear();
        let mut copies: HashMap<InventoryId, Kept> =
            self.kept.drain(..).map(|kept| (kept.id, kept)).collect();
        if core::mem::replace(&mut self.epoch, epoch) == epoch {
            for held in self.views.iter().flatten() {
                let Confirmed { head: OpenHead { id, .. }, version, ref unit, .. } = *held;
                copies.insert(id, Kept { id, version, unit: unit.clone() });
            }
            // The list stays: over a slow link it was said twice, and is answered twice.
            self.kept.extend(self.named.iter().filter_map(|id| copies.remove(id)));
        }
    }

    fn close(&mut self, view: u32, reason: CloseReason) {
        if let Some(gone) = self.views.get_mut(view as usize).and_then(Option::take) {
            self.handles.remove(&gone.head.handle);
            self.ids.remove(&gone.head.id);
            self.wrong.retain(|wrong| *wrong != view);
            if reason == CloseReason::Hidden {
                self.keep(gone.head.id, gone.version, gone.unit.clone());
            }
            self.end(gone, reason);
        }
    }

    pub(crate) fn end(&mut self, gone: Confirmed, reason: CloseReason) {
        let id = gone.head.id;
        if let Some(entity) = gone.entity {
            let mirror = gone.head.entity.is_none();
            self.closed.push(Closed { entity, id, reason, mirror, alive: true });
        } else if let Some(closed) = self.closed.iter_mut().find(|closed| closed.id == id) {
            // Its entity went in this very frame; now it is known why.
            closed.reason = reason;
        }
    }

    /// Begins a view, or heals one that was there, keeping its entity.
    fn open(&mut self, open: Open, before: &mut HashMap<InventoryId, Confirmed>) -> u64 {
        let Open { head, unit } = open;
        self.kept.retain(|kept| kept.id != head.id);
        self.wrong.retain(|wrong| *wrong != head.view);
        let there = self.get(head.view).is_some_and(|there| there.head.id == head.id);
        let old =
            if there { self.views[head.view as usize].take() } else { before.remove(&head.id) };
        self.close(head.view, CloseReason::Hidden);
        if self.views.len() <= head.view as usize {
            self.views.resize_with(head.view as usize + 1, || None);
        }
        // A view that moved to another entity begins anew.
        let old = match old {
            Some(old) if old.head.entity != head.entity => {
                self.end(old, CloseReason::Hidden);
                None
            }
            old => old,
        };
        let mut moved = unit.iter().flatten().count() as u64;
        let mut view = match old {
            Some(old) => {
                moved = 0;
                let reopened = old.head.rights != head.rights || old.head.owner != head.owner;
                let resized = !old.unit.same_structure(&unit);
                Confirmed {
                    reopened: old.reopened || reopened,
                    resized: old.resized || resized,
                    ..old
                }
            }
            None => Confirmed {
                head,
                version: head.version,
                unit: unit.clone(),
                predicted: None,
                entity: None,
                opened: false,
                reopened: false,
                resized: false,
                waits: false,
                changes: Vec::new(),
                changed: HashSet::default(),
                selected_before: None,
                digest: None,
            },
        };
        view.head = head;
        view.version = head.version;
        moved += view.heal(unit);
        self.handles.insert(head.handle, head.view);
        self.ids.insert(head.id, head.view);
        if view.entity.is_none() && !core::mem::replace(&mut view.waits, true) {
            self.waiting.push(head.view);
        }
        self.views[head.view as usize] = Some(view);
        self.touched.push(head.view);
        moved
    }

    fn update(&mut self, update: Update) -> u64 {
        let Some(view) = self.get_mut(update.view) else { return 0 };
        let cause = if update.full { SlotCause::FullCopy } else { SlotCause::Server };
        let mut moved = 0;
        for (flat, new) in update.slots {
            moved += u64::from(view.set(flat, new, cause));
        }
        view.version = update.version;
        if let Some(selected) = update.selected {
            view.select(Some(selected));
        }
        self.touched.push(update.view);
        moved
    }
}

impl Confirmed {
    /// Shows the copy on an entity, from the beginning.
    pub(crate) fn attach(&mut self, entity: Entity) {
        self.entity = Some(entity);
        self.waits = false;
        drop(self.take_changes());
        self.selected_before = None;
        self.resized = false;
        self.reopened = true;
    }

    /// The entity is gone.
    pub(crate) fn detach(&mut self) {
        self.entity = None;
        self.opened = false;
        self.waits = true;
    }

    /// What changed since this was last called.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        self.changed.clear();
        core::mem::take(&mut self.changes)
    }

    fn note(&mut self, change: Change) {
        if self.changed.insert((change.kind, change.index)) {
            self.changes.push(change);
        }
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> &Unit {
        self.predicted.as_ref().unwrap_or(&self.unit)
    }

    /// What is shown in one slot.
    pub(crate) fn shown_at(&self, kind: u8, index: usize) -> Option<Stack> {
        self.shown().section(kind)?.get(index)
    }

    /// Shows something else than what is confirmed.
    pub(crate) fn show(&mut self, unit: &Unit, cause: SlotCause) {
        self.note_shown(unit, cause);
        self.predicted = (*unit != self.unit).then(|| unit.clone());
    }

    /// Shows what is confirmed.
    pub(crate) fn show_confirmed(&mut self, cause: SlotCause) {
        let unit = self.unit.clone();
        self.show(&unit, cause);
    }

    /// Notes what will look different when `unit` is shown.
    fn note_shown(&mut self, unit: &Unit, cause: SlotCause) {
        let before = self.shown().clone();
        if before.selected != unit.selected {
            self.selected_before = self.selected_before.or(before.selected);
        }
        for section in unit.sections() {
            for (index, new) in section.slots.as_slice().iter().enumerate() {
                let old = before.section(section.kind).and_then(|slots| slots.get(index));
                if old != *new {
                    self.note(Change { kind: section.kind, index, old, cause });
                }
            }
        }
    }

    /// Moves a confirmed slot. What is shown follows when the pending requests have been done again.
    fn set(&mut self, flat: usize, new: Option<Stack>, cause: SlotCause) -> bool {
        let Some((kind, index)) = self.unit.locate(flat) else { return false };
        let shown = self.shown_at(kind, index);
        let moved = self.unit.set(flat, new) != new;
        if moved {
            self.note(Change { kind, index, old: shown, cause });
        }
        moved
    }

    fn select(&mut self, selected: Option<u8>) {
        if self.unit.selected != selected {
            self.selected_before = self.selected_before.or(self.shown().selected);
            self.unit.selected = selected;
        }
    }

    /// Takes over a full copy, noting only what differs.
    fn heal(&mut self, unit: Unit) -> u64 {
        let moved = self.unit.iter().zip(unit.iter()).filter(|(old, new)| old != new).count();
        self.note_shown(&unit, SlotCause::FullCopy);
        self.predicted = None;
        self.unit = unit;
        moved as u64
    }
}
