//! Read-only views of the server's state, for tools: the debug overlay, tests and other observers.

use bevy::{
    ecs::{entity_disabling::Disabled, query::Allow, system::SystemParam},
    prelude::*,
};
use bevy_replicon::shared::client_id::ClientId;

use crate::{
    model::{data::DataPool, id::InventoryId},
    shared::{containers::ContainerRegistry, markers::ActingInventory},
    wire::checksum::checksum,
};

use super::{
    baseline::Baseline,
    exchanges::Exchanges,
    marked::Marked,
    pacing::priority::SyncPriority,
    requests::{bodies::OwnedInventories, inbox::Inboxes},
    views::{
        clients::Clients,
        resync::{Resync, SyncClock},
        subscriptions::{InventoryViewers, Subscriptions},
        throttle::Throttle,
    },
};
pub use super::{
    exchanges::{Exchange, ExchangeMember},
    requests::inbox::REQUESTS_WAITING_MAX,
};

/// Run condition: returns `true` if this app has the server half.
pub(crate) fn server_is_present(subscriptions: Option<Res<Subscriptions>>) -> bool {
    subscriptions.is_some()
}

/// What one client has been sent of an inventory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SentState {
    /// The client.
    pub client: Entity,
    /// The last version that was sent. `None` until the full update has been sent.
    pub version: Option<u64>,
    /// The priority that the game has set for this viewer. `None` to use that of the inventory.
    pub priority: Option<SyncPriority>,
}

/// What the server keeps for one client. All of it is limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ClientFootprint {
    /// Number of inventories that the client sees.
    pub views: usize,
    /// Number of full updates to be sent in the next tick. At most `views`.
    pub opening: usize,
    /// Number of updates that wait for the byte budget. At most `views`.
    pub throttled: usize,
    /// Number of full updates that are sent in chunks or wait for that. At most twice `views`, because an inventory in
    /// a transfer may have to be sent again.
    pub transferred: usize,
    /// Number of copies that the client has kept of inventories that it no longer sees. At most
    /// [`COPIES_MAX`](crate::wire::COPIES_MAX).
    pub kept_copies: usize,
    /// Number of requests that wait. At most [`REQUESTS_WAITING_MAX`].
    pub requests: usize,
}

/// What the server knows about inventories and their viewers.
#[derive(SystemParam)]
pub struct ServerInspect<'w> {
    subscriptions: Option<Res<'w, Subscriptions>>,
    clock: Option<Res<'w, SyncClock>>,
    pool: Option<Res<'w, DataPool>>,
}

impl ServerInspect<'_> {
    fn viewers(&self, inventory: Entity) -> Option<&InventoryViewers> {
        self.subscriptions.as_ref()?.get(inventory)
    }

    /// Returns what each client that sees an inventory has been sent.
    pub fn sent_states(&self, inventory: Entity) -> impl Iterator<Item = SentState> + '_ {
        let viewers = self.viewers(inventory).into_iter();
        viewers.flat_map(|viewers| &viewers.subscriptions).map(|viewer| SentState {
            client: viewer.slot.client,
            version: viewer.sent,
            priority: viewer.priority,
        })
    }

    /// Returns `true` if the local player sees an inventory.
    #[must_use]
    pub fn is_seen_locally(&self, inventory: Entity) -> bool {
        self.viewers(inventory).is_some_and(|viewers| viewers.local.is_some())
    }

    /// Returns the number that identifies an inventory in messages to all clients, or `None` if nobody sees it.
    #[must_use]
    pub fn handle(&self, inventory: Entity) -> Option<u32> {
        self.viewers(inventory).map(|viewers| viewers.handle)
    }

    /// Returns the 64-bit checksum that viewers are sent for the last commit of an inventory. Zero on an app without
    /// the server half.
    #[must_use]
    pub fn checksum(&self, baseline: &Baseline) -> u64 {
        let resources = self.clock.as_ref().zip(self.pool.as_ref());
        resources.map_or(0, |(clock, pool)| {
            checksum(baseline.state(), baseline.version(), clock.epoch, pool)
        })
    }
}

/// The inventories that were committed in this tick, and which of them have exchanged items.
#[derive(SystemParam)]
pub struct CommitInspect<'w> {
    marked: Res<'w, Marked>,
    exchanges: Res<'w, Exchanges>,
}

impl CommitInspect<'_> {
    /// Returns the number of ticks that have been committed since the start.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.marked.pass
    }

    /// Returns the inventories that were committed in this tick.
    #[must_use]
    pub fn inventories(&self) -> &[Entity] {
        &self.marked.inventories
    }

    /// Returns the committed inventories whose containers were added, removed or resized, or that have a new id.
    #[must_use]
    pub fn resized(&self) -> &[Entity] {
        &self.marked.resized
    }

    /// Returns the committed inventories whose selected slot changed.
    #[must_use]
    pub fn selected(&self) -> &[Entity] {
        &self.marked.selected
    }

    /// Returns the exchanges of items between inventories in this tick. Nothing is recorded before
    /// [`record_exchanges`].
    #[must_use]
    pub fn exchanges(&self) -> &[Exchange] {
        self.exchanges.committed()
    }
}

/// The inventories from which players act.
#[derive(SystemParam)]
pub struct ActorInspect<'w, 's> {
    owned: Res<'w, OwnedInventories>,
    inventories: Query<'w, 's, (&'static InventoryId, Has<ActingInventory>), Allow<Disabled>>,
}

impl ActorInspect<'_, '_> {
    /// Returns the id of the inventory from which a player acts. `None` if the player owns none.
    #[must_use]
    pub fn acting_inventory(&self, client: ClientId) -> Option<InventoryId> {
        let owned = self.inventories.iter_many(self.owned.of(client));
        owned.max_by_key(|(_, acts)| *acts).map(|(id, _)| *id)
    }
}

/// Returns the number of ticks that have been committed since the start.
#[must_use]
pub fn tick(world: &World) -> u64 {
    world.get_resource::<Marked>().map_or(0, |marked| marked.pass)
}

/// Returns the number of connected clients.
#[must_use]
pub fn clients(world: &World) -> usize {
    world.get_resource::<Clients>().map_or(0, Clients::len)
}

/// Returns the entities with inventories that a client sees. Empty if it is not connected.
pub fn seen_by(world: &World, client: Entity) -> impl Iterator<Item = Entity> + '_ {
    let state = world.get_resource::<Clients>().and_then(|clients| clients.get(client));
    state.into_iter().flat_map(|state| state.inventory_by_view.iter().copied().flatten())
}

/// Returns the entities with inventories that a player owns.
#[must_use]
pub fn owned_by(world: &World, client: ClientId) -> &[Entity] {
    world.get_resource::<OwnedInventories>().map_or(&[], |owned| owned.of(client))
}

/// Runs `run`, in which changes by [`Inventories`](crate::prelude::Inventories) have the cause
/// [`Cause::Operator`](crate::prelude::Cause::Operator).
pub fn run_as_operator<T>(world: &mut World, run: impl FnOnce(&mut World) -> T) -> T {
    world.resource_mut::<Marked>().operated = true;
    let result = run(world);
    world.resource_mut::<Marked>().operated = false;
    result
}

/// Records exchanges of items from now on, for [`CommitInspect::exchanges`].
pub fn record_exchanges(world: &mut World) {
    world.get_resource_or_init::<Exchanges>().enable();
}

/// Takes the exchanges since the last tick, with the number of the tick to which they belong.
pub fn take_pending_exchanges(world: &mut World) -> (u64, Vec<Exchange>) {
    let tick = world.resource::<Marked>().pass + 1;
    (tick, world.get_resource_or_init::<Exchanges>().take_pending())
}

/// Records that an inventory has another id since the last tick.
pub fn record_new_id(world: &mut World, entity: Entity, old: InventoryId, new: InventoryId) {
    let before = world.resource::<ContainerRegistry>().read_in(world, entity);
    let old = ExchangeMember { entity, inventory: old, before };
    world.get_resource_or_init::<Exchanges>().record_new_id(old, new);
}

/// Returns what the server keeps for each client.
pub fn footprints(world: &World) -> impl Iterator<Item = (Entity, ClientFootprint)> + '_ {
    let inboxes = world.get_resource::<Inboxes>();
    let clients = world.get_resource::<Clients>().into_iter();
    clients.flat_map(|clients| clients.iter().filter_map(|id| Some((id, clients.get(id)?)))).map(
        move |(client, state)| {
            let kept = ClientFootprint {
                views: state.view_count(),
                opening: state.opens.len(),
                throttled: state.queue.len(),
                transferred: state.transfers.len(),
                kept_copies: state.kept_copies(),
                requests: inboxes.map_or(0, |inboxes| inboxes.waiting(client)),
            };
            (client, kept)
        },
    )
}

/// Returns `true` if no update waits to be sent, and no chunked transfer is in progress.
#[must_use]
pub fn is_idle(world: &World) -> bool {
    let chunked =
        world.get_resource::<Clients>().is_some_and(|clients| !clients.chunked.is_empty());
    let waiting = world.get_resource::<Throttle>().is_some_and(|throttle| !throttle.is_empty());
    !chunked && !waiting
}

/// Returns everything that the server stores about viewers and clients, in debug format. For tests that check for
/// leftover state.
#[must_use]
pub fn debug_state(world: &World) -> String {
    let state = (
        world.get_resource::<Subscriptions>(),
        world.get_resource::<Clients>(),
        world.get_resource::<Throttle>(),
        world.get_resource::<Resync>(),
    );
    format!("{state:?}")
}
