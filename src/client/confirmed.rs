//! What the server has confirmed, by view; the only truth a client has.

use bevy::{
    platform::collections::{HashMap, HashSet},
    prelude::*,
};

use crate::{
    events::{CloseReason, SlotCause},
    model::{data::DataPool, id::InventoryId, stack::Stack, unit::Unit},
    wire::{
        CloseCause, Open, OpenHead, Part, Update,
        decode::{Held, Reference},
    },
};

use super::{
    bulk::Transfers,
    predict::Predictions,
    receive::Received,
    submit::{Submission, SyncState},
};

/// One inventory that this client sees.
#[derive(Debug)]
pub(crate) struct Confirmed {
    pub(super) head: OpenHead,
    pub(super) version: u64,
    pub(super) unit: Unit,
    /// What is shown instead, if a request that has no answer yet makes a difference.
    predicted: Option<Unit>,
    /// The entity that shows it, once there is one.
    pub(super) entity: Option<Entity>,
    /// Whether the game has been told that it is open on that entity.
    pub(super) opened: bool,
    /// Whether rights or structure changed since the entity was last written.
    pub(super) reopened: bool,
    pub(super) resized: bool,
    /// Whether it is on the list of those that wait for their entity.
    pub(super) waits: bool,
    /// What changed since the game was last told, each slot once.
    pub(super) changes: Vec<Change>,
    changed: HashSet<(u8, usize)>,
    pub(super) selected_before: Option<u8>,
}

/// A slot of a confirmed copy that moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) kind: u8,
    pub(super) index: usize,
    pub(super) old: Option<Stack>,
    pub(super) cause: SlotCause,
}

/// A view that ended and whose entity the game must still be told about.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) entity: Entity,
    pub(super) id: InventoryId,
    pub(super) reason: CloseReason,
    /// Whether the entity was spawned by this crate, and goes with the view.
    pub(super) mirror: bool,
    /// Whether the entity is there to be cleaned up.
    pub(super) alive: bool,
}

/// All confirmed copies.
#[derive(Resource, Default, Debug)]
pub(crate) struct Confirmations {
    views: Vec<Option<Confirmed>>,
    handles: HashMap<u32, u32>,
    ids: HashMap<InventoryId, u32>,
    /// Views for [`reconcile_entities`](super::reconcile) and [`notify_game`](super::notify) to look at.
    pub(super) touched: Vec<u32>,
    /// Views whose entity has not appeared yet.
    pub(super) waiting: Vec<u32>,
    pub(super) closed: Vec<Closed>,
}

impl Confirmations {
    pub(super) fn get(&self, view: u32) -> Option<&Confirmed> {
        self.views.get(view as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, view: u32) -> Option<&mut Confirmed> {
        self.views.get_mut(view as usize)?.as_mut()
    }

    /// The copy that an id names.
    pub(super) fn by_id(&self, id: InventoryId) -> Option<&Confirmed> {
        self.get(*self.ids.get(&id)?)
    }

    pub(super) fn by_id_mut(&mut self, id: InventoryId) -> Option<&mut Confirmed> {
        self.get_mut(*self.ids.get(&id)?)
    }

    /// The copy that an entity shows.
    pub(super) fn by_entity(&self, entity: Entity) -> Option<&Confirmed> {
        self.views.iter().flatten().find(|held| held.entity == Some(entity))
    }

    pub(super) fn by_entity_mut(&mut self, entity: Entity) -> Option<&mut Confirmed> {
        self.views.iter_mut().flatten().find(|held| held.entity == Some(entity))
    }

    /// The views that show something else than what is confirmed.
    pub(super) fn predicted(&self) -> Vec<u32> {
        let held = self.views.iter().flatten().filter(|held| held.predicted.is_some());
        held.map(|held| held.head.view).collect()
    }

    /// What the decoder asks for.
    pub(super) fn held(&self, reference: Reference) -> Option<Held<'_>> {
        let view = match reference {
            Reference::View(view) => view,
            Reference::Handle(handle) => *self.handles.get(&handle)?,
        };
        let held = self.get(view)?;
        let OpenHead { handle, id, .. } = held.head;
        Some(Held { view, handle, id, version: held.version, unit: &held.unit })
    }

    /// Applies the parts of one message. They have been checked; this cannot fail.
    pub(super) fn apply(&mut self, parts: Vec<Part>) -> u64 {
        let mut moved = 0;
        for part in parts {
            let mut before = HashMap::default();
            if part.reset.is_some() {
                self.handles.clear();
                self.ids.clear();
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
        }
        moved
    }

    fn close(&mut self, view: u32, reason: CloseReason) {
        if let Some(gone) = self.views.get_mut(view as usize).and_then(Option::take) {
            self.handles.remove(&gone.head.handle);
            self.ids.remove(&gone.head.id);
            self.end(gone, reason);
        }
    }

    fn end(&mut self, gone: Confirmed, reason: CloseReason) {
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
    pub(super) fn attach(&mut self, entity: Entity) {
        self.entity = Some(entity);
        self.waits = false;
        drop(self.take_changes());
        self.selected_before = None;
        self.resized = false;
        self.reopened = true;
    }

    /// The entity is gone.
    pub(super) fn detach(&mut self) {
        self.entity = None;
        self.opened = false;
        self.waits = true;
    }

    /// What changed since this was last called.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        self.changed.clear();
        core::mem::take(&mut self.changes)
    }

    fn note(&mut self, change: Change) {
        if self.changed.insert((change.kind, change.index)) {
            self.changes.push(change);
        }
    }

    /// What is shown.
    pub(super) fn shown(&self) -> &Unit {
        self.predicted.as_ref().unwrap_or(&self.unit)
    }

    /// What is shown in one slot.
    pub(super) fn shown_at(&self, kind: u8, index: usize) -> Option<Stack> {
        self.shown().section(kind)?.get(index)
    }

    /// Shows something else than what is confirmed.
    pub(super) fn show(&mut self, unit: &Unit, cause: SlotCause) {
        self.note_shown(unit, cause);
        self.predicted = (*unit != self.unit).then(|| unit.clone());
    }

    /// Shows what is confirmed.
    pub(super) fn show_confirmed(&mut self, cause: SlotCause) {
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

/// The connection is gone, and a client is no authority: everything closes.
pub(super) fn disconnect(
    mut confirmations: ResMut<Confirmations>,
    (mut received, mut transfers): (ResMut<Received>, ResMut<Transfers>),
    mut submission: ResMut<Submission>,
    mut state: ResMut<SyncState>,
    mut predictions: ResMut<Predictions>,
    mut pool: ResMut<DataPool>,
) {
    predictions.disconnect();
    pool.follow(false);
    let views = core::mem::take(&mut confirmations.views);
    for gone in views.into_iter().flatten() {
        confirmations.end(gone, CloseReason::Disconnected);
    }
    confirmations.handles.clear();
    confirmations.ids.clear();
    confirmations.touched.clear();
    confirmations.waiting.clear();
    *received = Received::default();
    *transfers = Transfers::default();
    *submission = Submission::default();
    *state = SyncState::default();
}
