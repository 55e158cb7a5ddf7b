//! Selects the views that open in this tick, and the chunked transfers that are handed over.

use core::time::Duration;

use bevy::{platform::collections::HashSet, prelude::*};

use crate::{
    model::{catalog::ItemCatalog, data::DataPool, id::DataId},
    server::{
        baseline::Baseline,
        pacing::{clock::AppInstant, settings::SyncSettings},
        views::{
            client::{ChangesSince, SyncedClient, ViewOpening},
            clients::Clients,
            idle::IdleChecks,
            lifecycle::begin_view,
            subscriptions::Subscriptions,
            throttle::Throttle,
        },
    },
    shared::{containers::ContainerRegistry, stats::InventoryStats},
    wire::{
        COPIES_MAX, Handover, OpenHead, Schema,
        bits::BitWriter,
        encode::{self, OpenBody},
    },
};

use super::{
    copies::{EncodedCopies, SyncedInventories, head_of},
    transfers::Transfer,
};

/// Maximum bytes of full updates in one private message. Larger ones are sent in chunks.
const OPEN_BYTES_MAX: usize = 1000;

/// Estimated bytes of the header of a view that opens.
const HEAD_BYTES: usize = 4;

/// What [`select_openings`] works with.
struct Selecting<'a, 'w, 's> {
    inventories: &'a SyncedInventories<'w, 's>,
    schema: Schema<'a>,
    pool: &'a DataPool,
    subscriptions: &'a mut Subscriptions,
    clients: &'a mut Clients,
    copies: &'a mut EncodedCopies,
    /// Buffer for encoding a message only to determine its length.
    scratch: BitWriter,
    idle: &'a mut IdleChecks,
    now: AppInstant,
    checksum_delay: Duration,
    stats: &'a mut InventoryStats,
}

/// Selects what opens for every client that is sent more than updates.
pub(crate) fn select_openings(
    inventories: SyncedInventories,
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    pool: Res<DataPool>,
    settings: Res<SyncSettings>,
    time: Res<Time<Real>>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut idle: ResMut<IdleChecks>,
    mut copies: ResMut<EncodedCopies>,
    mut stats: ResMut<InventoryStats>,
) {
    copies.clear();
    let pending = core::mem::take(&mut clients.pending);
    let mut selecting = Selecting {
        inventories: &inventories,
        schema: Schema { catalog: &catalog, registry: registry.as_slice() },
        pool: &pool,
        subscriptions: &mut subscriptions,
        clients: &mut clients,
        copies: &mut copies,
        scratch: BitWriter::default(),
        idle: &mut idle,
        now: AppInstant::new(time.elapsed()),
        checksum_delay: settings.checksum_delay,
        stats: &mut stats,
    };
    for slot in &pending {
        if !selecting.clients.outbox(*slot).is_some_and(|outbox| outbox.eventful) {
            continue;
        }
        let client = slot.client;
        let openings = selecting.select(client);
        let handover = selecting.hand_over(client, &mut throttle);
        if let Some(state) = selecting.clients.get_mut(client) {
            (state.openings, state.handover) = (openings, handover);
        }
    }
    clients.pending = pending;
}

impl Selecting<'_, '_, '_> {
    /// Selects the views of a client that open now, and advances their last sent version. The player's own
    /// inventories come first, and no more are selected than fit into a message. Of the others, those of which
    /// the client has kept a copy open in the next tick, and the rest is sent in chunks.
    fn select(&mut self, client: Entity) -> Vec<ViewOpening> {
        let Some(state) = self.clients.get_mut(client).filter(|state| state.ready) else {
            return Vec::new();
        };
        let wanted = core::mem::take(&mut state.opens);
        let heads = wanted.into_iter().filter_map(|view| self.head(client, view));
        let mut heads: Vec<(Entity, OpenHead)> = heads.collect();
        heads.sort_by_key(|(_, head)| !head.owner);
        let Some(state) = self.clients.get_mut(client) else { return Vec::new() };
        let mut openings: Vec<ViewOpening> = Vec::new();
        let mut bytes = 0;
        let mut data: HashSet<DataId> = HashSet::default();
        let (mut next_tick, mut in_chunks) = (Vec::new(), Vec::new());
        for (inventory, head) in heads {
            let Ok((baseline, _)) = self.inventories.get(inventory) else { continue };
            let copy = self.copies.of(inventory, baseline, self.schema, self.stats);
            let ShortestOpening { since, bits } =
                shortest_opening(state, &head, baseline, self.schema, copy, &mut self.scratch);
            let is_missing = |id: &DataId| !state.known_data.contains(id) && !data.contains(id);
            let missing: HashSet<DataId> = baseline.data().filter(is_missing).collect();
            let missing_bytes = missing.iter().filter_map(|id| Some(self.pool.describe(*id)?.1));
            let cost = HEAD_BYTES + bits / 8 + missing_bytes.sum::<usize>();
            if bytes + cost <= OPEN_BYTES_MAX && openings.len() < COPIES_MAX {
                bytes += cost;
                data.extend(missing);
                openings.push(ViewOpening { inventory, head, since });
            } else if since.is_some() && cost <= OPEN_BYTES_MAX {
                next_tick.push(head.view);
            } else {
                in_chunks.push(head.view);
            }
        }
        if !next_tick.is_empty() {
            state.opens.extend(next_tick);
            self.clients.mark_unfinished(client);
        }
        self.clients.send_in_chunks(client, in_chunks);
        for ViewOpening { inventory, head, .. } in &openings {
            self.begin(*inventory, client, head.version);
            if let Some(state) = self.clients.get_mut(client) {
                state.transfers.supersede(head.view);
            }
        }
        openings
    }

    /// Records that a full update of this version is on its way to a client. A checksum follows.
    fn begin(&mut self, inventory: Entity, client: Entity, version: u64) {
        begin_view(inventory, client, version, self.subscriptions, self.clients);
        if let Some(viewers) = self.subscriptions.get_mut(inventory) {
            self.idle.record_sent(inventory, viewers, self.now, self.checksum_delay);
        }
    }

    fn head(&self, client: Entity, view: u32) -> Option<(Entity, OpenHead)> {
        let inventory = self.clients.inventory_of(client, view)?;
        let (baseline, is_replicated) = self.inventories.get(inventory).ok()?;
        let head = head_of(client, view, inventory, baseline, is_replicated, self.subscriptions)?;
        Some((inventory, head))
    }

    /// Opens the views of a transfer that a client has received. Views in which more than the contents of slots
    /// has changed since are sent again instead.
    fn hand_over(&mut self, client: Entity, throttle: &mut Throttle) -> Option<Handover> {
        let transfers = &mut self.clients.get_mut(client)?.transfers;
        let Transfer { copies, data, .. } =
            transfers.transfer.take_if(|transfer| transfer.received)?;
        let number = transfers.last;
        let mut dropped = Vec::new();
        for (place, (inventory, head)) in copies.iter().enumerate() {
            let Some(version) = self.unchanged_version(client, *inventory, head) else {
                dropped.push(place);
                if let Some(state) = self.clients.get_mut(client) {
                    state.transfers.wanted.insert(head.view);
                }
                continue;
            };
            self.begin(*inventory, client, head.version);
            if version > head.version
                && let Some(viewers) = self.subscriptions.get_mut(*inventory)
            {
                throttle.wait(*inventory, viewers);
            }
        }
        let state = self.clients.get_mut(client)?;
        for id in data {
            if self.pool.contains(id) {
                state.known_data.insert(id);
            } else {
                state.forgotten_data.push(id);
            }
        }
        Some(Handover { transfer: number, dropped })
    }

    /// Returns the current version of an inventory if only the contents of slots have changed since this header.
    fn unchanged_version(&self, client: Entity, inventory: Entity, head: &OpenHead) -> Option<u64> {
        let (baseline, is_replicated) = self.inventories.get(inventory).ok()?;
        if baseline.structure_version() > head.version {
            return None;
        }
        let now =
            head_of(client, head.view, inventory, baseline, is_replicated, self.subscriptions)?;
        (OpenHead { version: head.version, ..now } == *head).then(|| baseline.version())
    }
}

/// The shortest way to open a view.
struct ShortestOpening {
    /// The changes since the copy that the client has kept, if they are shorter than a full update.
    since: Option<ChangesSince>,
    bits: usize,
}

fn shortest_opening(
    state: &SyncedClient,
    head: &OpenHead,
    baseline: &Baseline,
    schema: Schema,
    copy: &BitWriter,
    scratch: &mut BitWriter,
) -> ShortestOpening {
    let kept = state.copy_of(head.id);
    let changes = kept.and_then(|base| Some((base, baseline.changes_since(base)?)));
    let Some((base, entries)) = changes else {
        return ShortestOpening { since: None, bits: copy.len() };
    };
    let mut bits = |body| {
        scratch.clear();
        encode::open(scratch, schema, None, (head, baseline.state()), body);
        scratch.len()
    };
    let since_bits = bits(OpenBody::Since(base, &entries));
    if since_bits < copy.len() || since_bits < bits(OpenBody::Copy(copy)) {
        ShortestOpening { since: Some(ChangesSince { base, entries }), bits: since_bits }
    } else {
        ShortestOpening { since: None, bits: copy.len() }
    }
}
