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
        decode::{CopySource, Held, Reference},
    },
};

use super::state::CopyRepaired;
use inventory::ConfirmedInventory;
use kept::Kept;
use std::collections::VecDeque;

use bevy::{
    platform::collections::{HashMap, HashSet},
    prelude::*,
};

/// A copy that does not match the server's checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrong {
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
    kept: VecDeque<Kept>,
    /// Ids of the copies last named to the server, in order.
    named: Vec<InventoryId>,
    /// Views whose copy does not match the server's checksum.
    pub(crate) wrong: Vec<u32>,
    /// Incorrect copies that have been replaced and not reported yet.
    pub(super) repaired: Vec<CopyRepaired>,
    /// Index of the view that [`Self::check_next`] checks next.
    checked: usize,
}

impl CopySource for ConfirmedInventories {
    fn held(&self, reference: Reference) -> Option<Held<'_>> {
        let view = match reference {
            Reference::View(view) => view,
            Reference::Handle(handle) => *self.handles.get(&handle)?,
        };
        let held = self.get(view)?;
        let OpenHead { handle, id, .. } = held.head;
        Some(Held { view, handle, id, version: held.version, state: &held.state })
    }

    fn kept(&self, id: InventoryId) -> Option<(u64, &InventoryState)> {
        let held = self.by_id(id).map(|held| (held.version, &held.state));
        let kept = || self.kept.iter().find(|kept| kept.id == id);
        held.or_else(|| kept().map(|kept| (kept.version, &kept.state)))
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
        self.iter().find(|held| held.entity == Some(entity))
    }

    pub(crate) fn by_entity_mut(&mut self, entity: Entity) -> Option<&mut ConfirmedInventory> {
        let mut held = self.views.iter_mut().flatten().map(Box::as_mut);
        held.find(|held| held.entity == Some(entity))
    }

    /// Returns the views that show a predicted state.
    pub(crate) fn predicted(&self) -> Vec<u32> {
        let held = self.iter().filter(|held| held.predicted.is_some());
        held.map(|held| held.head.view).collect()
    }

    /// Compares one copy with the server's checksum, the next one in each call. This detects memory errors in
    /// copies that do not change.
    pub(crate) fn check_next(&mut self, pool: &DataPool) -> Option<Wrong> {
        self.checked = if self.checked < self.views.len() { self.checked } else { 0 };
        let held = self.views.get(self.checked)?.as_ref();
        self.checked += 1;
        let view = held?.head.view;
        self.check(view, pool)
    }

    /// Compares a copy with the server's checksum, if that is for the same version.
    pub(crate) fn check(&self, view: u32, pool: &DataPool) -> Option<Wrong> {
        let held = self.get(view)?;
        let (version, expected) = held.checksum.filter(|(version, _)| *version == held.version)?;
        let wrong = checksum(&held.state, version, self.epoch, pool) != expected;
        wrong.then_some(Wrong { view, id: held.head.id })
    }

    /// Records that the copy of a view is incorrect. Returns `true` if this was not recorded before.
    pub(crate) fn record_wrong(&mut self, view: u32) -> bool {
        let news = !self.wrong.contains(&view);
        if news {
            self.wrong.push(view);
        }
        news
    }

    /// Corrupts one slot of a confirmed copy, like a memory error.
    pub(crate) fn corrupt(&mut self, id: InventoryId, slot: usize, stack: Option<Stack>) {
        if let Some(held) = self.by_id_mut(id) {
            held.set(slot, stack, SlotCause::Server);
            let view = held.head.view;
            self.touched.push(view);
        }
    }

    /// Returns the version of this client's copy if it is newer than that of `open`. Versions never
    /// decrease, so this is an error unless the message contains a reset.
    pub(crate) fn newer_than(&self, open: &Open) -> Option<u64> {
        let held = self.by_id(open.head.id)?;
        (held.version > open.head.version).then_some(held.version)
    }

    /// Applies the parts of one message and returns the number of slots changed. The parts have been checked, so
    /// this cannot fail.
    pub(crate) fn apply(&mut self, parts: Vec<Part>) -> u64 {
        let mut moved = 0;
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
                moved += self.open(open, &mut before);
            }
            let applied = part.updates.len()
                - usize::from(planted(Bug::HalfAMessage) && part.updates.len() > 1);
            for update in part.updates.into_iter().take(applied) {
                moved += self.update(update);
            }
            for (_, gone) in before {
                self.end(&gone, CloseReason::Hidden);
            }
            for (view, checksum) in part.checksums {
                if let Some(held) = self.get_mut(view) {
                    held.checksum = Some((held.version, checksum));
                }
            }
        }
        moved
    }

    /// Removes and returns all views.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Box<ConfirmedInventory>> + use<> {
        self.slots = 0;
        core::mem::take(&mut self.views).into_iter().flatten()
    }

    fn take(&mut self, view: u32) -> Option<Box<ConfirmedInventory>> {
        let taken = self.views.get_mut(view as usize)?.take()?;
        self.slots -= taken.state.len();
        Some(taken)
    }

    /// Keeps the copies that were named to the server, if they are from the same server run, and drops the rest.
    fn reset(&mut self, epoch: u64) {
        self.handles.clear();
        self.ids.clear();
        self.wrong.clear();
        let mut copies: HashMap<InventoryId, Kept> =
            self.kept.drain(..).map(|kept| (kept.id, kept)).collect();
        if core::mem::replace(&mut self.epoch, epoch) == epoch {
            for held in self.iter() {
                let ConfirmedInventory { head: OpenHead { id, .. }, version, ref state, .. } =
                    *held;
                copies.insert(id, Kept { id, version, state: state.clone() });
            }
            // The list is not cleared: over a slow link it was sent twice, and is answered twice.
            self.kept.extend(self.named.iter().filter_map(|id| copies.remove(id)));
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
            self.end(&gone, reason);
        }
    }

    pub(crate) fn end(&mut self, gone: &ConfirmedInventory, reason: CloseReason) {
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
        let there = self.get(head.view).is_some_and(|there| there.head.id == head.id);
        let old = if there { self.take(head.view) } else { before.remove(&head.id) };
        self.close(head.view, CloseReason::Hidden);
        if self.views.len() <= head.view as usize {
            self.views.resize_with(head.view as usize + 1, || None);
        }
        // A view that moved to another entity closes and opens again.
        let old = match old {
            Some(old) if old.head.entity != head.entity => {
                self.end(&old, CloseReason::Hidden);
                None
            }
            old => old,
        };
        let mut moved = state.iter().flatten().count() as u64;
        let mut view = match old {
            Some(old) => {
                moved = 0;
                let access = |head: &OpenHead| (head.rights, head.owner, head.acts);
                let reopened = access(&old.head) != access(&head);
                let resized = !old.state.same_structure(&state);
                ConfirmedInventory {
                    reopened: old.reopened || reopened,
                    resized: old.resized || resized,
                    ..*old
                }
            }
            None => ConfirmedInventory {
                head,
                version: head.version,
                state: state.clone(),
                missed_update: false,
                predicted: None,
                entity: None,
                opened: false,
                reopened: false,
                resized: false,
                waits: false,
                changes: Vec::new(),
                changed: HashSet::default(),
                selected_before: None,
                checksum: None,
            },
        };
        view.head = head;
        view.version = head.version;
        view.missed_update = false;
        moved += view.replace(state);
        self.handles.insert(head.handle, head.view);
        self.ids.insert(head.id, head.view);
        if view.entity.is_none() && !core::mem::replace(&mut view.waits, true) {
            self.waiting.push(head.view);
        }
        self.slots += view.state.len();
        self.views[head.view as usize] = Some(Box::new(view));
        self.touched.push(head.view);
        moved
    }

    fn update(&mut self, update: Update) -> u64 {
        let Some(view) = self.get_mut(update.view) else { return 0 };
        let cause = if update.full { SlotCause::FullUpdate } else { SlotCause::Server };
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
