//! All connected clients. A client is found by its entity once, and by its slot from then on.
//!
//! They are kept in a slab and not as components of the client entities, because an update looks up every
//! viewer of the inventory: an index into a slab costs less than a query (`cargo bench --bench instructions`).

use bevy::{ecs::entity::EntityHashMap, prelude::*};

use crate::{
    model::id::DataId,
    server::{
        client_stats::ClientSyncStats,
        pacing::{budget::Budget, quality::LinkGrade},
    },
    wire::{message::MessageWriter, stream::StreamCheck},
};

use super::client::SyncedClient;

/// A client with its index in the slab.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ClientSlot {
    pub(crate) client: Entity,
    index: u32,
}

/// What a client is sent in this tick. It contains everything that an ordinary update needs, aligned to a pair of
/// cache lines that are fetched together. The rest is in [`SyncedClient`].
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Outbox {
    client: Entity,
    /// Whether the client is on the list of those that are sent something.
    pending: bool,
    /// Whether the client's private message may contain more than updates.
    pub(crate) eventful: bool,
    /// Number of parts that the client shares with others.
    pub(crate) shared_parts: u32,
    /// Number of updates in the client's private message.
    pub(crate) private_updates: u32,
    pub(crate) message: MessageWriter,
    /// Check of everything that the client was sent since the last reset.
    pub(crate) stream: StreamCheck,
    pub(crate) budget: Budget,
    /// Whether some of the client's views wait in the throttle queue.
    pub(super) throttled: bool,
    pub(crate) grade: LinkGrade,
    pub(crate) totals: SentTotals,
}

/// What a client has been sent since it connected.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct SentTotals {
    pub(crate) updates: u64,
    pub(crate) merged: u64,
    pub(crate) throttled: u64,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Outbox {
    fn new(client: Entity) -> Self {
        Self {
            client,
            pending: false,
            eventful: false,
            shared_parts: 0,
            private_updates: 0,
            message: MessageWriter::default(),
            stream: StreamCheck::default(),
            budget: Budget::default(),
            throttled: false,
            grade: LinkGrade::default(),
            totals: SentTotals::default(),
        }
    }

    /// Counts a message that was passed to the messaging backend.
    pub(crate) fn record_sent(&mut self, bytes: usize) {
        self.totals.messages += 1;
        self.totals.bytes += bytes as u64;
    }

    /// Returns `true` if the client is sent either a single shared part or only private updates.
    pub(crate) fn is_plain(&self) -> bool {
        !self.eventful
            && (self.shared_parts == 0 || (self.shared_parts == 1 && self.private_updates == 0))
    }

    /// Ends the tick for this client.
    pub(crate) fn reset(&mut self) {
        (self.pending, self.eventful) = (false, false);
        (self.shared_parts, self.private_updates) = (0, 0);
    }
}

/// All connected clients.
#[derive(Resource, Default, Debug)]
pub(crate) struct Clients {
    slots: EntityHashMap<u32>,
    outboxes: Vec<Outbox>,
    states: Vec<SyncedClient>,
    free: Vec<u32>,
    /// Clients that are sent something in this tick.
    pub(crate) pending: Vec<ClientSlot>,
    /// Whether any of them is sent more than updates.
    pub(crate) has_events: bool,
    /// Clients that are sent more in the next tick.
    unfinished: Vec<Entity>,
    /// Clients with full updates that are sent in chunks.
    pub(crate) chunked: Vec<Entity>,
}

impl Clients {
    /// Adds a client. It is sent nothing before its handshake.
    pub(super) fn insert(&mut self, client: Entity) {
        self.remove(client);
        let index = self.free.pop().unwrap_or_else(|| {
            self.outboxes.push(Outbox::new(client));
            self.states.push(SyncedClient::default());
            u32::try_from(self.states.len() - 1).expect("there are fewer clients than entities")
        });
        self.outboxes[index as usize] = Outbox::new(client);
        self.slots.insert(client, index);
    }

    pub(super) fn remove(&mut self, client: Entity) -> Option<SyncedClient> {
        let index = self.slots.remove(&client)?;
        self.free.push(index);
        // A slot that is still listed somewhere finds no client.
        self.outboxes[index as usize] = Outbox::new(Entity::PLACEHOLDER);
        self.pending.retain(|slot| slot.client != client);
        self.unfinished.retain(|unfinished| *unfinished != client);
        self.chunked.retain(|chunked| *chunked != client);
        Some(core::mem::take(&mut self.states[index as usize]))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Entity> + '_ {
        self.slots.keys().copied()
    }

    pub(super) fn slot(&self, client: Entity) -> Option<ClientSlot> {
        Some(ClientSlot { client, index: *self.slots.get(&client)? })
    }

    pub(crate) fn get(&self, client: Entity) -> Option<&SyncedClient> {
        self.states.get(*self.slots.get(&client)? as usize)
    }

    pub(crate) fn get_mut(&mut self, client: Entity) -> Option<&mut SyncedClient> {
        self.states.get_mut(*self.slots.get(&client)? as usize)
    }

    #[inline]
    pub(crate) fn outbox(&self, slot: ClientSlot) -> Option<&Outbox> {
        self.outboxes.get(slot.index as usize).filter(|outbox| outbox.client == slot.client)
    }

    #[inline]
    pub(crate) fn outbox_mut(&mut self, slot: ClientSlot) -> Option<&mut Outbox> {
        self.outboxes.get_mut(slot.index as usize).filter(|outbox| outbox.client == slot.client)
    }

    /// Returns the outbox and the state of the client in a slot.
    pub(crate) fn at_mut(&mut self, slot: ClientSlot) -> Option<(&mut Outbox, &mut SyncedClient)> {
        let outbox = self.outboxes.get_mut(slot.index as usize);
        let outbox = outbox.filter(|outbox| outbox.client == slot.client)?;
        Some((outbox, self.states.get_mut(slot.index as usize)?))
    }

    /// Returns what the client in a slot was sent of the bytes of all clients together.
    pub(super) fn share(&self, slot: ClientSlot) -> Option<&Budget> {
        let state = self.outbox(slot).and_then(|_| self.states.get(slot.index as usize));
        state.map(|state| &state.share)
    }

    /// Returns the outbox and the state of a client.
    pub(crate) fn by_entity_mut(
        &mut self,
        client: Entity,
    ) -> Option<(&mut Outbox, &mut SyncedClient)> {
        self.at_mut(self.slot(client)?)
    }

    pub(super) fn budgets_mut(&mut self) -> impl Iterator<Item = &mut Budget> {
        self.outboxes.iter_mut().map(|outbox| &mut outbox.budget)
    }

    pub(super) fn shares_mut(&mut self) -> impl Iterator<Item = &mut Budget> {
        self.states.iter_mut().map(|state| &mut state.share)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns the inventory that a client knows by this view.
    pub(crate) fn inventory_of(&self, client: Entity, view: u32) -> Option<Entity> {
        *self.get(client)?.inventory_by_view.get(view as usize)?
    }

    /// Puts a client on the list of those that are sent something.
    #[inline]
    pub(crate) fn mark_pending(&mut self, slot: ClientSlot) -> Option<&mut Outbox> {
        let Self { outboxes, pending, .. } = self;
        let outbox = outboxes.get_mut(slot.index as usize)?;
        if outbox.client != slot.client {
            return None;
        }
        if !core::mem::replace(&mut outbox.pending, true) {
            pending.push(slot);
        }
        Some(outbox)
    }

    /// Puts a client on the list of those that are sent more than updates.
    pub(crate) fn mark_eventful(&mut self, client: Entity) {
        let Some(slot) = self.slot(client) else { return };
        if let Some(outbox) = self.mark_pending(slot) {
            outbox.eventful = true;
            self.has_events = true;
        }
    }

    /// Schedules a client for another private message in the next tick.
    pub(crate) fn mark_unfinished(&mut self, client: Entity) {
        self.unfinished.push(client);
    }

    /// Moves the clients of [`mark_unfinished`](Self::mark_unfinished) to this tick.
    pub(super) fn resume_unfinished(&mut self) {
        for client in core::mem::take(&mut self.unfinished) {
            self.mark_eventful(client);
        }
    }

    /// Schedules full updates of these views to be sent in chunks.
    pub(crate) fn send_in_chunks(&mut self, client: Entity, views: Vec<u32>) {
        let Some(state) = self.get_mut(client).filter(|_| !views.is_empty()) else { return };
        state.transfers.wanted.extend(views);
        if !self.chunked.contains(&client) {
            self.chunked.push(client);
        }
    }

    /// Records that a client has all chunks of a transfer.
    pub(crate) fn receive_transfer(&mut self, client: Entity, number: u8) {
        if self.get_mut(client).is_some_and(|state| state.transfers.receive(number)) {
            self.mark_eventful(client);
        }
    }

    /// Forgets instance data that no longer exists. Clients are sent its ids with the next message that can
    /// contain them, or at once if there are many.
    pub(crate) fn forget_data(&mut self, gone: &[DataId]) {
        let clients: Vec<Entity> = self.iter().collect();
        for client in clients {
            let Some(state) = self.get_mut(client) else { continue };
            state.forgotten_data.extend(gone.iter().filter(|id| state.known_data.remove(*id)));
            if state.must_forget() {
                self.mark_eventful(client);
            }
        }
    }

    /// Returns `true` if updates for a client wait for the byte budget.
    pub(crate) fn is_throttled(&self, client: Entity) -> bool {
        self.get(client).is_some_and(|state| state.queue.len() > 0)
    }

    /// Counts that a client was out of sync or found a wrong copy.
    pub(crate) fn record_desync(&mut self, client: Entity) {
        if let Some(state) = self.get_mut(client) {
            state.desyncs += 1;
        }
    }

    pub(super) fn set_grade(&mut self, client: Entity, grade: LinkGrade) {
        if let Some((outbox, _)) = self.by_entity_mut(client) {
            outbox.grade = grade;
        }
    }

    /// Returns what a client has been sent, and what waits for it.
    pub(crate) fn stats_of(&self, client: Entity) -> Option<ClientSyncStats> {
        let slot = self.slot(client)?;
        let (outbox, state) = (self.outbox(slot)?, self.get(client)?);
        let SentTotals { updates, merged, throttled, messages, bytes } = outbox.totals;
        Some(ClientSyncStats {
            views: state.view_count() as u64,
            chunked: state.transfers.len() as u64,
            updates,
            merged,
            throttled,
            messages,
            bytes,
            desyncs: state.desyncs,
            ..default()
        })
    }
}
