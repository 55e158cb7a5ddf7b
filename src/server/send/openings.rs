//! Selects the views that open in this tick, and the chunked transfers that are handed over.

use bevy::{platform::collections::HashSet, prelude::*};

use crate::{
    model::{catalog::Catalogue, data::DataPool, id::DataId},
    server::{
        baseline::Baseline,
        pacing::{clock::Moment, settings::SyncSettings},
        views::{
            client::{ClientViews, Opening},
            clients::Clients,
            idle::IdleChecks,
            lifecycle::begin_view,
            subscriptions::Subscriptions,
            throttle::Throttle,
        },
    },
    shared::{containers::Kinds, stats::InventoryStats},
    wire::{
        COPIES_MAX, Handover, OpenHead, Schema,
        bits::BitWriter,
        encode::{self, Body, Entry},
    },
};

use super::{
    copies::{Copies, Inventories, head_of},
    transfers::Transfer,
};

/// Maximum bytes of full updates in one private message. Larger ones are sent in chunks.
const OPEN_BYTES_MAX: usize = 1000;

/// Estimated bytes of the header of a view that opens.
const HEAD_BYTES: usize = 4;

/// What [`select_openings`] works with.
struct Selecting<'a, 'w, 's> {
    units: &'a Inventories<'w, 's>,
    schema: Schema<'a>,
    pool: &'a DataPool,
    subscriptions: &'a mut Subscriptions,
    clients: &'a mut Clients,
    copies: &'a mut Copies,
    /// Encoded once to learn its length.
    scratch: BitWriter,
    stats: &'a mut InventoryStats,
}

/// Selects what opens for every client that is sent more than updates.
pub(crate) fn select_openings(
    units: Inventories,
    catalogue: Res<Catalogue>,
    kinds: Res<Kinds>,
    pool: Res<DataPool>,
    settings: Res<SyncSettings>,
    time: Res<Time<Real>>,
    mut subscriptions: ResMut<Subscriptions>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut idle: ResMut<IdleChecks>,
    mut copies: ResMut<Copies>,
    mut stats: ResMut<InventoryStats>,
) {
    copies.clear();
    if clients.pending.is_empty() {
        return;
    }
    let now = Moment::new(time.elapsed());
    let pending = core::mem::take(&mut clients.pending);
    let mut selecting = Selecting {
        units: &units,
        schema: Schema { catalogue: &catalogue, kinds: kinds.as_slice() },
        pool: &pool,
        subscriptions: &mut subscriptions,
        clients: &mut clients,
        copies: &mut copies,
        scratch: BitWriter::default(),
        stats: &mut stats,
    };
    for slot in &pending {
        if !selecting.clients.outbox(*slot).is_some_and(|outbox| outbox.eventful) {
            continue;
        }
        let client = slot.client;
        let openings = selecting.select(client);
        for Opening { unit, .. } in openings.iter().filter(|opening| opening.since.is_some()) {
            // A copy that the client has kept may have become wrong meanwhile.
            if let Some(views) = selecting.subscriptions.get_mut(*unit) {
                idle.record_sent(*unit, views, now, settings.digest_after);
            }
        }
        let handover = selecting.hand_over(client, &mut throttle);
        if let Some(views) = selecting.clients.get_mut(client) {
            (views.openings, views.handover) = (openings, handover);
        }
    }
    clients.pending = pending;
}

impl Selecting<'_, '_, '_> {
    /// Selects the views of a client that open now, and advances their last sent version: its own inventories
    /// first, and no more than fit into a message. Of the others, those of which the client has kept a copy open
    /// in the next tick, and the rest is sent in chunks.
    fn select(&mut self, client: Entity) -> Vec<Opening> {
        let Some(views) = self.clients.get_mut(client).filter(|views| views.ready) else {
            return Vec::new();
        };
        let mut wanted = core::mem::take(&mut views.opens);
        wanted.sort_unstable();
        wanted.dedup();
        let heads = wanted.into_iter().filter_map(|view| self.head(client, view));
        let mut heads: Vec<(Entity, OpenHead)> = heads.collect();
        heads.sort_by_key(|(_, head)| !head.owner);
        let Some(views) = self.clients.get_mut(client) else { return Vec::new() };
        let mut openings: Vec<Opening> = Vec::new();
        let mut bytes = 0;
        let mut data: HashSet<DataId> = HashSet::default();
        let (mut next_tick, mut in_chunks) = (Vec::new(), Vec::new());
        for (unit, head) in heads {
            let Ok((baseline, _)) = self.units.get(unit) else { continue };
            let copy = self.copies.of(unit, baseline, self.schema, self.stats);
            let (since, bits) =
                shorter_since(views, &head, baseline, self.schema, copy, &mut self.scratch);
            let missing =
                baseline.data().filter(|id| !views.knows.contains(id) && data.insert(*id));
            let missing = missing.filter_map(|id| self.pool.datum(id));
            let missing: usize = missing.map(|datum| datum.bytes.len()).sum();
            let cost = HEAD_BYTES + bits / 8 + missing;
            if bytes + cost <= OPEN_BYTES_MAX && openings.len() < COPIES_MAX {
                bytes += cost;
                openings.push(Opening { unit, head, since });
            } else if since.is_some() && cost <= OPEN_BYTES_MAX {
                next_tick.push(head.view);
            } else {
                in_chunks.push(head.view);
            }
        }
        if !next_tick.is_empty() {
            views.opens.extend(next_tick);
            self.clients.mark_unfinished(client);
        }
        self.clients.send_in_chunks(client, in_chunks);
        for Opening { unit, head, .. } in &openings {
            begin_view(*unit, client, head.version, self.subscriptions, self.clients);
        }
        openings
    }

    fn head(&self, client: Entity, view: u32) -> Option<(Entity, OpenHead)> {
        let unit = self.clients.inventory_of(client, view)?;
        let found = self.units.get(unit).ok()?;
        Some((unit, head_of(client, view, unit, found, self.subscriptions)?))
    }

    /// Opens the views of a transfer that a client has received, except those that have changed in more than
    /// their slots since. The latter are sent again.
    fn hand_over(&mut self, client: Entity, throttle: &mut Throttle) -> Option<Handover> {
        let transfers = &mut self.clients.get_mut(client)?.transfers;
        let Transfer { copies, data, .. } =
            transfers.transfer.take_if(|transfer| transfer.received)?;
        let number = transfers.last;
        let mut dropped = Vec::new();
        for (place, (unit, head)) in copies.iter().enumerate() {
            let Some(version) = self.unchanged_version(client, *unit, head) else {
                dropped.push(place);
                if let Some(views) = self.clients.get_mut(client) {
                    views.transfers.wanted.push(head.view);
                }
                continue;
            };
            begin_view(*unit, client, head.version, self.subscriptions, self.clients);
            if version > head.version
                && let Some(views) = self.subscriptions.get_mut(*unit)
            {
                throttle.wait(*unit, views);
            }
        }
        let views = self.clients.get_mut(client)?;
        for id in data {
            if self.pool.contains(id) {
                views.knows.insert(id);
            } else {
                views.forgets.push(id);
            }
        }
        Some(Handover { transfer: number, dropped })
    }

    /// Returns the current version of an inventory if nothing but slots has changed since this header.
    fn unchanged_version(&self, client: Entity, unit: Entity, head: &OpenHead) -> Option<u64> {
        let found = self.units.get(unit).ok()?;
        let baseline = found.0;
        if baseline.structure_version() > head.version {
            return None;
        }
        let now = head_of(client, head.view, unit, found, self.subscriptions)?;
        (OpenHead { version: head.version, ..now } == *head).then(|| baseline.version())
    }
}

/// Returns the changes since the copy that a client has kept, if they are shorter than a full update, and the
/// number of bits of the shorter one.
fn shorter_since(
    views: &ClientViews,
    head: &OpenHead,
    baseline: &Baseline,
    schema: Schema,
    copy: &BitWriter,
    scratch: &mut BitWriter,
) -> (Option<(u64, Vec<Entry>)>, usize) {
    let kept = views.copy_of(head.id);
    let changes = kept.and_then(|base| Some((base, baseline.changes_since(base)?)));
    let Some((base, entries)) = changes else { return (None, copy.len()) };
    let mut bits = |body| {
        scratch.clear();
        encode::open(scratch, schema, None, (head, baseline.unit()), body);
        scratch.len()
    };
    let since = bits(Body::Since(base, &entries));
    if since < copy.len() || since < bits(Body::Copy(copy)) {
        (Some((base, entries)), since)
    } else {
        (None, copy.len())
    }
}
