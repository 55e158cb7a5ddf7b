//! The confirmed copies by view: everything that the server has confirmed to this client.

pub(super) mod inventory;
mod kept;

use crate::{
    model::{
        data::DataPool,
        id::InventoryId,
        planted::{Bug, planted},
        stack::Stack,
        state::InventoryState,
    },
    shared::events::{CloseReason, SlotCause},
    wire::{
        CloseCause, Open, OpenHead, Part, Update,
        checksum::checksum,
        decode::{CopyInView, CopySource, Reference},
    },
};

use super::state::CopyRepaired;
use inventory::ConfirmedInventory;
use kept::KeptCopy;
use std::collections::VecDeque;

use bevy::{platform::collections::HashMap, prelude::*};

/// A copy that does not match the server's checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WrongCopy {
    pub(crate) view: u32,
    pub(crate) id: InventoryId,
}

/// A view that ended, for which the game has not been notified yet.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) entity: Entity,
    pub(crate) id: InventoryId,
    pub(crate) reason: CloseReason,
    /// Whether this crate spawned the entity and despawns it with the view.
    pub(crate) mirror: bool,
    /// Whether the entity still exists and must be cleaned up.
    pub(crate) alive: bool,
}

/// All confirmed copies.
#[derive(Resource, Default, Debug)]
pub(crate) struct ConfirmedInventories {
    /// Boxed, so that a high index of a view costs little memory.
    pub(crate) views: Vec<Option<Box<ConfirmedInventory>>>,
    /// Number of slots of all views.
    pub(crate) slots: usize,
    pub(crate) handles: HashMap<u32, u32>,
    pub(crate) ids: HashMap<InventoryId, u32>,
    /// Views that [`reconcile_entities`](super::reconcile) and [`notify_game`](super::notify) must process.
    pub(crate) touched: Vec<u32>,
    /// Views whose entity does not exist yet.
    pub(crate) waiting: Vec<u32>,
    pub(crate) closed: Vec<Closed>,
    /// Number of the next full message from the server.
    pub(crate) next_number: u8,
    /// Id of the server run from which the copies come.
    pub(super) epoch: u64,
    /// Copies of inventories not in view, oldest first; see [`COPIES_MAX`](crate::wire::COPIES_MAX).
    kept: VecDeque<KeptCopy>,
    /// Ids of the copies last listed to the server, in order.
    listed: Vec<InventoryId>,
    /// Views whose copy does not match the server's checksum.
    pub(crate) wrong: Vec<u32>,
    /// Incorrect copies that have been replaced and not reported yet.
    pub(super) repaired: Vec<CopyRepaired>,
    /// Index of the view that [`Self::check_next`] checks next.
    checked: usize,
}

impl CopySource for ConfirmedInventories {
    fn in_view(&self, reference: Reference) -> Option<CopyInView<'_>> {
        let view = match reference {
            Reference::View(view) => view,
            Reference::Handle(handle) => *self.handles.get(&handle)?,
        };
        let copy = self.get(view)?;
        let OpenHead { handle, id, .. } = copy.head;
        Some(CopyInView { view, handle, id, version: copy.version, state: &copy.state })
    }

    fn latest(&self, id: InventoryId) -> Option<(u64, &InventoryState)> {
        let in_view = self.by_id(id).map(|copy| (copy.version, &copy.state));
        let kept = || self.kept.iter().find(|kept| kept.id == id);
        in_view.or_else(|| kept().map(|kept| (kept.version, &kept.state)))
    }

    fn slots(&self) -> usize {
        self.slots
    }
}

impl ConfirmedInventories {
    pub(crate) fn get(&self, view: u32) -> Option<&ConfirmedInventory> {
        self.views.get(view as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, view: u32) -> Option<&mut ConfirmedInventory> {
        self.views.get_mut(view as usize)?.as_deref_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ConfirmedInventory> {
        self.views.iter().flatten().map(Box::as_ref)
    }

    /// Returns the copy with this id.
    pub(crate) fn by_id(&self, id: InventoryId) -> Option<&ConfirmedInventory> {
        self.get(*self.ids.get(&id)?)
    }

    pub(crate) fn by_id_mut(&mut self, id: InventoryId) -> Option<&mut ConfirmedInventory> {
        self.get_mut(*self.ids.get(&id)?)
    }

    /// Returns the copy that an entity shows.
    pub(crate) fn by_entity(&self, entity: Entity) -> Option<&ConfirmedInventory> {
        self.iter().find(|copy| copy.entity == Some(entity))
    }

    pub(crate) fn by_entity_mut(&mut self, entity: Entity) -> Option<&mut ConfirmedInventory> {
        let mut copies = self.views.iter_mut().flatten().map(Box::as_mut);
        copies.find(|copy| copy.entity == Some(entity))
    }

    /// Returns the views that show a predicted state.
    pub(crate) fn predicted(&self) -> Vec<u32> {
        let copies = self.iter().filter(|copy| copy.predicted.is_some());
        copies.map(|copy| copy.head.view).collect()
    }

    /// Compares one copy with the server's checksum, the next one in each call. This detects memory errors in
    /// copies that do not change.
    pub(crate) fn check_next(&mut self, pool: &DataPool) -> Option<WrongCopy> {
        self.checked = if self.checked < self.views.len() { self.checked } else { 0 };
        let copy = self.views.get(self.checked)?.as_ref();
        self.checked += 1;
        let view = copy?.head.view;
        self.check(view, pool)
    }

    /// Compares a copy with the server's checksum, if that is for the same version.
    pub(crate) fn check(&self, view: u32, pool: &DataPool) -> Option<WrongCopy> {
        let copy = self.get(view)?;
        let (version, expected) = copy.checksum.filter(|(version, _)| *version == copy.version)?;
        let wrong = checksum(&copy.state, version, self.epoch, pool) != expected;
        wrong.then_some(WrongCopy { view, id: copy.head.id })
    }

    /// Records that the copy of a view is incorrect. Returns `true` if this was not recorded before.
    pub(crate) fn record_wrong_copy(&mut self, view: u32) -> bool {
        let news = !self.wrong.contains(&view);
        if news {
            self.wrong.push(view);
        }
        news
    }

    /// Corrupts one slot of a confirmed copy, like a memory error.
    pub(crate) fn corrupt(&mut self, id: InventoryId, slot: usize, stack: Option<Stack>) {
        if let Some(copy) = self.by_id_mut(id) {
            copy.set(slot, stack, SlotCause::Server);
            let view = copy.head.view;
            self.touched.push(view);
        }
    }

    /// Returns the version of this client's copy if it is newer than that of `open`. Versions never
    /// decrease, so this is an error unless the message contains a reset.
    pub(crate) fn newer_than(&self, open: &Open) -> Option<u64> {
        let copy = self.by_id(open.head.id)?;
        (copy.version > open.head.version).then_some(copy.version)
    }

    /// Applies the parts of one message and returns the number of slots changed. The parts have been checked, so
    /// this cannot fail.
    pub(crate) fn apply(&mut self, parts: Vec<Part>) -> u64 {
        let mut changed = 0;
        for part in parts {
            if let Some(number) = part.number {
                self.next_number = number.wrapping_add(1);
            }
            let mut before = HashMap::default();
            if let Some(reset) = part.reset {
                self.reset(reset.epoch);
                before.extend(self.take_all().map(|view| (view.head.id, view)));
            }
            for (view, cause) in part.closes {
                let reason = match cause {
                    CloseCause::Hidden => CloseReason::Hidden,
                    CloseCause::Despawned => CloseReason::Despawned,
                };
                self.close(view, reason);
            }
            for open in part.opens {
                changed += self.open(open, &mut before);
            }
            let applied = part.updates.len()
                - usize::from(planted(Bug::HalfAMessage) && part.updates.len() > 1);
            for update in part.updates.into_iter().take(applied) {
                changed += self.update(update);
            }
            for (_, gone) in before {
                self.queue_close(&gone, CloseReason::Hidden);
            }
            for (view, checksum) in part.checksums {
                if let Some(copy) = self.get_mut(view) {
                    copy.checksum = Some((copy.version, checksum));
                }
            }
        }
        changed
    }

    /// Closes all views when the connection ends, and keeps their copies, because the next connection may be to the same
    /// server run. `arrived` are copies whose views have not opened.
    pub(super) fn disconnect(&mut self, arrived: Vec<Open>) {
        self.keep_opens(arrived);
        self.keep_all();
        for gone in self.take_all() {
            self.queue_close(&gone, CloseReason::Disconnected);
        }
        self.clear_index();
        self.touched.clear();
        self.waiting.clear();
        self.next_number = 0;
    }

    /// Forgets which views show which inventory, and which of them are incorrect.
    fn clear_index(&mut self) {
        self.handles.clear();
        self.ids.clear();
        self.wrong.clear();
    }

    /// Removes and returns all views.
    fn take_all(&mut self) -> impl Iterator<Item = Box<ConfirmedInventory>> + use<> {
        self.slots = 0;
        core::mem::take(&mut self.views).into_iter().flatten()
    }

    fn take(&mut self, view: u32) -> Option<Box<ConfirmedInventory>> {
        let taken = self.views.get_mut(view as usize)?.take()?;
        self.slots -= taken.state.len();
        Some(taken)
    }

    /// Keeps the copies that were listed to the server, if they are from the same server run, and drops the rest.
    fn reset(&mut self, epoch: u64) {
        self.clear_index();
        let mut copies: HashMap<InventoryId, KeptCopy> =
            self.kept.drain(..).map(|kept| (kept.id, kept)).collect();
        if core::mem::replace(&mut self.epoch, epoch) == epoch {
            for copy in self.iter() {
                let ConfirmedInventory { head: OpenHead { id, .. }, version, ref state, .. } =
                    *copy;
                copies.insert(id, KeptCopy { id, version, state: state.clone() });
            }
            // The list is not cleared: over a slow link it was sent twice, and is answered twice.
            self.kept.extend(self.listed.iter().filter_map(|id| copies.remove(id)));
        }
    }

    /// Records that an update of a copy may have been lost. The base of an update has few bits, so that a later one may
    /// still seem to fit. The copy is not named to the server from now on.
    pub(crate) fn record_missed_update(&mut self, id: InventoryId) {
        if let Some(view) = self.ids.get(&id).copied()
            && let Some(copy) = self.get_mut(view)
        {
            copy.missed_update = true;
        }
    }

    fn close(&mut self, view: u32, reason: CloseReason) {
        if planted(Bug::ClosedViewStays) && view % 4 == 3 {
            return;
        }
        if let Some(gone) = self.take(view) {
            self.handles.remove(&gone.head.handle);
            self.ids.remove(&gone.head.id);
            self.wrong.retain(|wrong| *wrong != view);
            if reason == CloseReason::Hidden && !gone.missed_update {
                self.keep(gone.head.id, gone.version, gone.state.clone());
            }
            self.queue_close(&gone, reason);
        }
    }

    /// Adds a view that ended to those of which the game is notified.
    pub(crate) fn queue_close(&mut self, gone: &ConfirmedInventory, reason: CloseReason) {
        let id = gone.head.id;
        if let Some(entity) = gone.entity {
            let mirror = gone.head.entity.is_none();
            self.closed.push(Closed { entity, id, reason, mirror, alive: true });
        } else if let Some(closed) = self.closed.iter_mut().find(|closed| closed.id == id) {
            // The entity disappeared in this frame. The actual reason is known only now.
            closed.reason = reason;
        }
    }

    /// Opens a view, or repairs an existing one and keeps its entity. Returns the number of slots changed.
    fn open(
        &mut self,
        open: Open,
        before: &mut HashMap<InventoryId, Box<ConfirmedInventory>>,
    ) -> u64 {
        let Open { head, state, bits } = open;
        self.kept.retain(|kept| kept.id != head.id);
        if self.wrong.contains(&head.view) {
            self.wrong.retain(|wrong| *wrong != head.view);
            let bytes = bits.div_ceil(8) as u64;
            self.repaired.push(CopyRepaired { inventory: head.id, bytes });
        }
        let old = self.take_previous(&head, before);
        self.close(head.view, CloseReason::Hidden);
        if self.views.len() <= head.view as usize {
            self.views.resize_with(head.view as usize + 1, || None);
        }
        // A view that moved to another entity closes and opens again.
        let old = match old {
            Some(old) if old.head.entity != head.entity => {
                self.queue_close(&old, CloseReason::Hidden);
                None
            }
            old => old,
        };
        let (mut view, mut changed) = match old {
            Some(old) => (old.reopen(&head, &state), 0),
            None => {
                let filled = state.iter().flatten().count() as u64;
                (Box::new(ConfirmedInventory::new(head, state.clone())), filled)
            }
        };
        view.head = head;
        view.version = head.version;
        view.missed_update = false;
        changed += view.replace(state);
        self.handles.insert(head.handle, head.view);
        self.ids.insert(head.id, head.view);
        if view.entity.is_none() && !core::mem::replace(&mut view.awaits_entity, true) {
            self.waiting.push(head.view);
        }
        self.slots += view.state.len();
        self.views[head.view as usize] = Some(view);
        self.touched.push(head.view);
        changed
    }

    /// Takes the copy that an opening view replaces: the same inventory at the same view, or before a reset.
    fn take_previous(
        &mut self,
        head: &OpenHead,
        before_reset: &mut HashMap<InventoryId, Box<ConfirmedInventory>>,
    ) -> Option<Box<ConfirmedInventory>> {
        if self.get(head.view).is_some_and(|current| current.head.id == head.id) {
            self.take(head.view)
        } else {
            before_reset.remove(&head.id)
        }
    }

    fn update(&mut self, update: Update) -> u64 {
        let Some(view) = self.get_mut(update.view) else { return 0 };
        let cause = if update.full { SlotCause::FullUpdate } else { SlotCause::Server };
        let mut changed = 0;
        for (flat, new) in update.slots {
            changed += u64::from(view.set(flat, new, cause));
        }
        view.version = update.version;
        if let Some(selected) = update.selected {
            view.select(Some(selected));
        }
        self.touched.push(update.view);
        changed
    }
}
