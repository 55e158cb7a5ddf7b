//! Builds the chunked transfers: full updates that are too large for one message are sent on a separate
//! channel, within a budget. When the client has all chunks, its views open, and what has changed since follows as
//! an ordinary delta.

use core::time::Duration;

use bevy::{platform::collections::HashSet, prelude::*};
use bevy_replicon::bytes::Bytes;
use log::{error, warn};

use crate::{
    model::{
        catalog::ItemCatalog,
        data::{DataPool, Datum},
        id::DataId,
    },
    server::{
        baseline::Baseline,
        client_stats::AbandonedTransfers,
        pacing::{clock::AppInstant, settings::SyncSettings},
        views::{
            client::SyncedClient, clients::Clients, subscriptions::Subscriptions,
            throttle::Throttle,
        },
    },
    shared::{containers::ContainerRegistry, messages::SyncChunk, stats::InventoryStats},
    wire::{
        OpenHead, Schema,
        bits::BitWriter,
        encode::{self, OpenBody},
        transfer::{CHUNK_BYTES, CHUNKS_MAX, ChunkHead, pack, write_chunk},
    },
};

use super::{
    copies::{EncodedCopies, SyncedInventories, head_of},
    transfers::{TRANSFER_BYTES, Transfer},
};
use bevy_replicon::prelude::*;
use bevy_replicon::shared::message::registry::RemoteMessageRegistry;

/// What [`build_transfers`] works with.
struct Building<'a, 'w, 's> {
    now: AppInstant,
    inventories: &'a SyncedInventories<'w, 's>,
    schema: Schema<'a>,
    pool: &'a DataPool,
    subscriptions: &'a Subscriptions,
    clients: &'a mut Clients,
    copies: &'a mut EncodedCopies,
    stats: &'a mut InventoryStats,
}

/// Abandons the transfers that were not confirmed in time, and builds the next ones.
pub(crate) fn build_transfers(
    inventories: SyncedInventories,
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    pool: Res<DataPool>,
    time: Res<Time<Real>>,
    subscriptions: Res<Subscriptions>,
    mut abandoned: ResMut<AbandonedTransfers>,
    mut clients: ResMut<Clients>,
    mut copies: ResMut<EncodedCopies>,
    mut stats: ResMut<InventoryStats>,
) {
    let now = AppInstant::new(time.elapsed());
    let chunked = core::mem::take(&mut clients.chunked);
    let mut building = Building {
        now,
        inventories: &inventories,
        schema: Schema { catalog: &catalog, registry: registry.as_slice() },
        pool: &pool,
        subscriptions: &subscriptions,
        clients: &mut clients,
        copies: &mut copies,
        stats: &mut stats,
    };
    for client in &chunked {
        let Some(state) = building.clients.get_mut(*client) else { continue };
        if state.transfers.abandon_late(now) {
            building.stats.transfers_abandoned += 1;
            abandoned.0.push(*client);
            warn!("client `{client}` has not confirmed a transfer; sending it again");
        }
        building.build(*client);
    }
    clients.chunked = chunked;
    copies.clear();
}

/// The contents of a transfer that is being built.
#[derive(Default)]
struct TransferContents {
    /// Number of bytes at which the transfer is full.
    bytes_max: usize,
    opens: BitWriter,
    copies: Vec<(Entity, OpenHead)>,
    data: Vec<Datum>,
    /// The ids of `data`.
    ids: HashSet<DataId>,
    data_bytes: usize,
    needs_known_data: bool,
}

impl TransferContents {
    fn is_full(&self) -> bool {
        self.opens.len() / 8 + self.data_bytes >= self.bytes_max
    }

    fn add_data(&mut self, datum: Datum) {
        self.data_bytes += datum.bytes.len();
        self.ids.insert(datum.id);
        self.data.push(datum);
    }
}

/// What became of a view that was to be added to a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Added {
    /// It was added, or needs no full update.
    Done,
    /// Its instance data must be sent ahead.
    TooMuchData,
}

impl Building<'_, '_, '_> {
    /// Builds a transfer of the views that wait, as many as fit, unless another transfer is in progress.
    fn build(&mut self, client: Entity) {
        let now = self.now;
        let Some(state) = self.clients.get_mut(client).filter(|it| it.transfers.may_build(now))
        else {
            return;
        };
        let bytes_max = state.transfers.bytes_max();
        let wanted = core::mem::take(&mut state.transfers.wanted).into_iter();
        let mut wanted: Vec<_> =
            wanted.map(|view| (!state.own_views.contains(&view), view)).collect();
        // The player's own inventories come first.
        wanted.sort_unstable();
        let mut wanted = wanted.into_iter();
        let mut contents = TransferContents { bytes_max, ..default() };
        let mut with_much_data = Vec::new();
        while !contents.is_full()
            && let Some((foreign, view)) = wanted.next()
        {
            if self.add(client, view, &mut contents) == Added::TooMuchData {
                with_much_data.push(view);
                if !foreign {
                    break;
                }
            }
        }
        // Of the inventories that belong to others, those with a lot of data come last.
        let ahead_of = with_much_data.first().copied().filter(|_| contents.copies.is_empty());
        if let Some(view) = ahead_of {
            self.add_data(client, view, &mut contents);
        }
        let Some(state) = self.clients.get_mut(client) else { return };
        let transfers = &mut state.transfers;
        transfers.wanted = wanted.map(|(_, view)| view).chain(with_much_data).collect();
        let TransferContents { opens, copies, data, needs_known_data, .. } = contents;
        if copies.is_empty() && data.is_empty() {
            return;
        }
        let mut w = BitWriter::default();
        encode::data(&mut w, &[], &data);
        encode::opens(&mut w, copies.len());
        w.append(&opens);
        let bytes = Bytes::from(pack(w.finish()));
        let total = bytes.len().div_ceil(CHUNK_BYTES);
        debug_assert!(total <= CHUNKS_MAX, "the contents are limited");
        transfers.last = transfers.last.wrapping_add(1);
        transfers.transfer = Some(Transfer {
            bytes,
            total,
            sent: 0,
            sent_at: AppInstant::default(),
            built_at: now,
            copies,
            ahead_of,
            data: data.into_iter().map(|datum| datum.id).collect(),
            needs_known_data,
            received: false,
            gone: HashSet::default(),
        });
    }

    /// Adds the full update of a view.
    fn add(&mut self, client: Entity, view: u32, contents: &mut TransferContents) -> Added {
        let Some(inventory) = self.clients.inventory_of(client, view) else { return Added::Done };
        let Ok(found) = self.inventories.get(inventory) else { return Added::Done };
        let (baseline, is_replicated) = found;
        let Some(head) =
            head_of(client, view, inventory, baseline, is_replicated, self.subscriptions)
        else {
            return Added::Done;
        };
        let Some(state) = self.clients.get(client) else { return Added::Done };
        let missing = missing_data(state, baseline, self.pool, &contents.ids);
        if missing.iter().map(|datum| datum.bytes.len()).sum::<usize>() > TRANSFER_BYTES {
            return Added::TooMuchData;
        }
        missing.into_iter().for_each(|datum| contents.add_data(datum));
        let TransferContents { opens, copies, needs_known_data, .. } = contents;
        *needs_known_data |= baseline.data().any(|id| state.known_data.contains(&id));
        let before = copies.last().and_then(|(inventory, head)| {
            Some((head, self.inventories.get(*inventory).ok()?.0.state()))
        });
        let body = OpenBody::Copy(self.copies.of(inventory, baseline, self.schema, self.stats));
        encode::open(opens, self.schema, before, (&head, baseline.state()), body);
        copies.push((inventory, head));
        Added::Done
    }

    /// Adds instance data of a view until the transfer is full.
    fn add_data(&self, client: Entity, view: u32, contents: &mut TransferContents) {
        let Some(inventory) = self.clients.inventory_of(client, view) else { return };
        let Ok((baseline, _)) = self.inventories.get(inventory) else { return };
        let Some(state) = self.clients.get(client) else { return };
        for datum in missing_data(state, baseline, self.pool, &contents.ids) {
            if contents.is_full() {
                break;
            }
            contents.add_data(datum);
        }
    }
}

/// Returns the instance data of an inventory that neither the client nor a transfer with these ids has.
fn missing_data(
    state: &SyncedClient,
    baseline: &Baseline,
    pool: &DataPool,
    ids: &HashSet<DataId>,
) -> Vec<Datum> {
    let mut seen: HashSet<DataId> = HashSet::default();
    let missing = baseline
        .data()
        .filter(|id| !state.known_data.contains(id) && !ids.contains(id) && seen.insert(*id));
    missing.filter_map(|id| pool.datum(id)).collect()
}

/// Maximum time between two chunks of a transfer, while the total budget allows it.
const CHUNK_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// Sends the chunks of transfers, as far as the budgets allow.
pub(crate) fn send_chunks(
    registry: Res<RemoteMessageRegistry>,
    settings: Res<SyncSettings>,
    time: Res<Time<Real>>,
    mut clients: ResMut<Clients>,
    mut throttle: ResMut<Throttle>,
    mut messages: ResMut<ServerMessages>,
    mut stats: ResMut<InventoryStats>,
) {
    let Some(channel) = registry.server_message_channel::<SyncChunk>() else {
        return error!("the channel of inventory chunks is not registered");
    };
    let now = AppInstant::new(time.elapsed());
    let rates = settings.rates();
    let mut chunked = core::mem::take(&mut clients.chunked);
    // Each tick another client is served first.
    chunked.rotate_left(1);
    chunked.retain(|client| {
        let Some((outbox, state)) = clients.by_entity_mut(*client) else { return false };
        let left_in_total = throttle.total.left(rates.total, now);
        // While others use up the total, the client still gets its share of it.
        let left_in_total = left_in_total.max(throttle.shares.left(&state.share, rates.total));
        let number = state.transfers.last;
        let Some(transfer) = &mut state.transfers.transfer else {
            return !state.transfers.is_idle();
        };
        let mut left = if throttle.is_flushing() {
            usize::MAX
        } else {
            // A client whose updates use up its budget still gets a chunk from time to time.
            let is_late = now > transfer.sent_at.plus(CHUNK_INTERVAL_MAX);
            let of_client = outbox.budget.left(rates.client, now).max(usize::from(is_late));
            settings.chunk_bytes_per_tick.max(1).min(of_client).min(left_in_total)
        };
        let mut bytes = 0;
        while left > 0 && transfer.sent < transfer.total {
            let (index, total) = (transfer.sent, transfer.total);
            let head = ChunkHead { transfer: number, index, total };
            let chunk = Bytes::from(write_chunk(head, &transfer.bytes));
            stats.chunks_sent += 1;
            bytes += chunk.len();
            left = left.saturating_sub(chunk.len());
            outbox.record_sent(chunk.len());
            messages.send(*client, channel, chunk);
            transfer.sent += 1;
            transfer.sent_at = now;
        }
        stats.bytes_sent += bytes as u64;
        stats.bytes_chunks += bytes as u64;
        outbox.budget.spend(bytes, rates.client, now);
        throttle.total.spend(bytes, rates.total, now);
        throttle.shares.spend(&mut state.share, rates.total.nanos(bytes));
        true
    });
    chunked.append(&mut clients.chunked);
    clients.chunked = chunked;
}
