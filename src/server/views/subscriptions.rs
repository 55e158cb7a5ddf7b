//! Which clients see which inventory, and what each of them has been sent of it.

use std::collections::VecDeque;

use bevy::{
    ecs::entity::{EntityHashMap, EntityHashSet},
    prelude::*,
};
use bevy_replicon::prelude::*;
use smallvec::SmallVec;

use crate::{
    model::{id::InventoryId, rights::Rights},
    server::{
        baseline::{Baseline, LOG_MAX, LoggedChange},
        pacing::{
            budget::UpdateKind,
            clock::{AppInstant, Timer},
            priority::SyncPriority,
        },
    },
};

use super::{
    access::Viewers,
    client::SyncedClient,
    clients::{ClientSlot, Clients},
    queue::QueueRank,
};

/// All open views by inventory.
#[derive(Resource, Default, Debug)]
pub(crate) struct Subscriptions {
    inventories: EntityHashMap<InventoryViewers>,
    /// Handles that are no longer in use. The one that was freed first is at the front.
    free_handles: VecDeque<u32>,
    next_handle: u32,
    /// Inventories whose viewers must be updated.
    stale: Vec<Entity>,
    /// For each client, the inventories whose [`Viewers`] listed it in the last tick, whether it is connected or not.
    listing: EntityHashMap<EntityHashSet>,
    /// Whether the local player has ever seen an inventory.
    pub(crate) seen_locally: bool,
}

/// The viewers of one inventory.
#[derive(Debug)]
pub(crate) struct InventoryViewers {
    pub(crate) id: InventoryId,
    pub(crate) handle: u32,
    pub(crate) subscriptions: SmallVec<[Subscription; 1]>,
    /// Number of slots of the inventory, as of the last update of the views.
    pub(super) slots: usize,
    /// Recent changes that some viewer has not been sent, at most [`LOG_MAX`].
    pub(crate) log: Vec<LoggedChange>,
    /// Whether the inventory is on the list of those with a viewer that is not due yet.
    pub(super) waits: bool,
    /// The newest known version while a viewer is behind.
    pub(super) version: u64,
    /// Whether a viewer is behind.
    pub(super) late: bool,
    /// When an update was last sent to any viewer.
    pub(super) sent_at: AppInstant,
    /// When the inventory was queued for an idle check.
    pub(super) checked_since: Option<AppInstant>,
    /// When its idle check is due. An entry of the queue with another time is out of date.
    pub(super) check_due: AppInstant,
    /// Access of the local player of a host or of a single-player game, if it sees the inventory.
    pub(crate) local: Option<Access>,
}

/// One client that sees an inventory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription {
    pub(crate) slot: ClientSlot,
    pub(crate) view: u32,
    pub(crate) access: Access,
    /// The access that the client was last sent.
    pub(crate) shown: Access,
    /// The last version that was sent. `None` until the full update has been sent.
    pub(crate) sent: Option<u64>,
    /// The priority that the game has set for this viewer. `None` to use that of the inventory.
    pub(crate) priority: Option<SyncPriority>,
    pub(crate) timer: Timer,
    /// Whether the client knows the view from a full update.
    pub(crate) known: bool,
    /// The last version of which the client was sent the checksum. Zero for none.
    pub(crate) checked: u64,
}

/// What a player may do with an inventory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Access {
    pub(crate) rights: Rights,
    pub(crate) owner: bool,
    /// Whether the player owns the inventory and it is marked as acting.
    pub(crate) acts: bool,
}

/// Number of unused handles that are kept back, so that a message about an old inventory is not taken for one
/// about a new inventory.
const HANDLES_KEPT_BACK: usize = 32;

impl Subscriptions {
    pub(crate) fn get(&self, inventory: Entity) -> Option<&InventoryViewers> {
        self.inventories.get(&inventory)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, inventory: Entity) -> Option<&mut InventoryViewers> {
        self.inventories.get_mut(&inventory)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Entity, &InventoryViewers)> + '_ {
        self.inventories.iter().map(|(inventory, viewers)| (*inventory, viewers))
    }

    /// Returns the viewers of an inventory. An inventory without an entry gets one, with a handle.
    pub(super) fn get_or_insert(
        &mut self,
        inventory: Entity,
        id: InventoryId,
    ) -> &mut InventoryViewers {
        self.inventories.entry(inventory).or_insert_with(|| {
            let reuse = self.free_handles.len() > HANDLES_KEPT_BACK;
            let free = if reuse { self.free_handles.pop_front() } else { None };
            let handle = free.unwrap_or_else(|| {
                self.next_handle += 1;
                self.next_handle - 1
            });
            InventoryViewers::new(id, handle)
        })
    }

    /// Removes an inventory and frees its handle.
    pub(super) fn remove(&mut self, inventory: Entity) -> Option<InventoryViewers> {
        let removed = self.inventories.remove(&inventory)?;
        for subscription in &removed.subscriptions {
            unlist(&mut self.listing, subscription.slot.client, inventory);
        }
        self.free_handles.push_back(removed.handle);
        Some(removed)
    }

    /// Removes the local player from all inventories, and returns those that it saw.
    pub(super) fn remove_local(&mut self) -> Vec<(Entity, InventoryId)> {
        let seen = |(inventory, viewers): (&Entity, &mut InventoryViewers)| {
            viewers.local.take().map(|_| (*inventory, viewers.id))
        };
        self.inventories.iter_mut().filter_map(seen).collect()
    }

    /// Returns the inventories that list a client as a viewer.
    pub(super) fn listing(&self, client: Entity) -> Vec<Entity> {
        self.listing.get(&client).into_iter().flatten().copied().collect()
    }

    /// Removes a client, and returns the inventories that list it as a viewer.
    pub(super) fn take_listing(&mut self, client: Entity) -> EntityHashSet {
        self.listing.remove(&client).unwrap_or_default()
    }

    /// Records which clients an inventory lists as viewers. Returns those for which `exists` is `false`.
    pub(super) fn record_listing(
        &mut self,
        inventory: Entity,
        viewers: Option<&Viewers>,
        exists: impl Fn(Entity) -> bool,
    ) -> Vec<Entity> {
        let lists = |client: Entity| {
            viewers.is_some_and(|viewers| viewers.rights_of(ClientId::Client(client)).is_some())
        };
        let before = self.inventories.get(&inventory).map(|entry| &entry.subscriptions);
        for subscription in before.into_iter().flatten().filter(|s| !lists(s.slot.client)) {
            unlist(&mut self.listing, subscription.slot.client, inventory);
        }
        let mut gone = Vec::new();
        for client in viewers.into_iter().flat_map(Viewers::iter).filter_map(|(id, _)| id.entity())
        {
            if exists(client) {
                self.listing.entry(client).or_default().insert(inventory);
            } else {
                gone.push(client);
            }
        }
        gone
    }

    /// Schedules an inventory for [`update_views`](super::viewers::update_views).
    pub(crate) fn mark_stale(&mut self, inventory: Entity) {
        self.stale.push(inventory);
    }

    /// Takes the scheduled inventories. The caller gives the buffer back with
    /// [`return_stale`](Self::return_stale).
    pub(super) fn take_stale(&mut self) -> Vec<Entity> {
        core::mem::take(&mut self.stale)
    }

    pub(super) fn return_stale(&mut self, mut stale: Vec<Entity>) {
        stale.clear();
        self.stale = stale;
    }

    /// Returns what a player may do with an inventory, or `None` if the player does not see it.
    pub(crate) fn access(&self, inventory: Entity, client: ClientId) -> Option<Access> {
        let viewers = self.inventories.get(&inventory)?;
        let ClientId::Client(client) = client else { return viewers.local };
        let of_client = |subscription: &&Subscription| subscription.slot.client == client;
        let subscription = viewers.subscriptions.iter().find(of_client)?;
        subscription.known.then_some(subscription.shown)
    }
}

fn unlist(listing: &mut EntityHashMap<EntityHashSet>, client: Entity, inventory: Entity) {
    let Some(of_client) = listing.get_mut(&client) else { return };
    of_client.remove(&inventory);
    if of_client.is_empty() {
        listing.remove(&client);
    }
}

impl InventoryViewers {
    fn new(id: InventoryId, handle: u32) -> Self {
        Self {
            id,
            handle,
            subscriptions: SmallVec::new(),
            slots: 0,
            log: Vec::new(),
            waits: false,
            version: 0,
            late: false,
            sent_at: AppInstant::default(),
            checked_since: None,
            check_due: AppInstant::default(),
            local: None,
        }
    }

    /// Returns `true` if neither a client nor the local player sees the inventory.
    pub(super) fn is_unseen(&self) -> bool {
        self.subscriptions.is_empty() && self.local.is_none()
    }

    /// Records that the inventory was removed from the list of those with a viewer that is not due yet.
    pub(crate) fn end_wait(&mut self) {
        self.waits = false;
    }

    /// Returns `true` if the inventory is on the list of those with a viewer that is not due yet.
    #[cfg(debug_assertions)]
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    /// Starts the debounce delay of every viewer that was up to date before this version.
    pub(crate) fn debounce_delay(
        &mut self,
        version: u64,
        now: AppInstant,
        delay: core::time::Duration,
    ) {
        for subscription in &mut self.subscriptions {
            if subscription.sent.is_some_and(|sent| sent + 1 == version) {
                subscription.timer.wait(now, delay);
            }
        }
    }

    /// Makes a client's next update due in this tick regardless of priority, because its player has acted on the
    /// inventory. It is sent with the answer, or waits together with it while the budget is far exceeded.
    pub(crate) fn hurry(&mut self, client: ClientId) {
        for subscription in &mut self.subscriptions {
            if ClientId::Client(subscription.slot.client) == client {
                subscription.timer.hurry();
            }
        }
    }

    /// Records that every viewer has been sent the newest version.
    #[inline]
    pub(crate) fn record_all_sent(&mut self) {
        if core::mem::take(&mut self.late) {
            self.log.clear();
        }
    }

    /// Records that some viewer is behind, and keeps the changes of the last commit if `committed`. Returns
    /// `true` if all viewers were up to date before.
    pub(super) fn record_late(&mut self, baseline: &Baseline, committed: bool) -> bool {
        self.version = baseline.version();
        if committed {
            let changes = baseline.last_changes();
            if self.log.len() + changes.len() > LOG_MAX {
                self.log.clear();
            }
            self.log.extend(changes.take(LOG_MAX));
        }
        !core::mem::replace(&mut self.late, true)
    }
}

impl Subscription {
    /// Returns the kind of the viewer's next update.
    #[inline]
    pub(crate) fn kind(&self) -> UpdateKind {
        match self.access.owner {
            _ if self.timer.hurries() => UpdateKind::Action,
            true => UpdateKind::Own,
            false => UpdateKind::Other,
        }
    }

    /// Returns the rank of the viewer's next update, given the priority of the inventory.
    #[inline]
    pub(crate) fn rank(&self, priority: SyncPriority) -> QueueRank {
        QueueRank { kind: self.kind(), priority: self.priority.unwrap_or(priority) }
    }

    /// Returns `true` if the viewer has not been sent this version.
    pub(crate) fn is_behind(&self, version: u64) -> bool {
        self.sent.is_some_and(|sent| sent < version)
    }

    /// Returns `true` if the viewer is behind and its client has no queued update for the view.
    pub(super) fn is_unqueued(&self, version: u64, clients: &Clients) -> bool {
        let queued = |state: &SyncedClient| state.queue.contains(self.view);
        self.is_behind(version) && !clients.get(self.slot.client).is_some_and(queued)
    }
}
