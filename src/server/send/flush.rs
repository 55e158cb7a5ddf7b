//! Sends all waiting updates before a server stops, and reports those that could not be sent in time.

use core::time::Duration;

use bevy::{ecs::entity_disabling::Disabled, ecs::query::Allow, prelude::*};
use bevy_replicon::prelude::*;
use log::{info, warn};

use crate::{
    model::id::InventoryId,
    server::{
        baseline::Baseline,
        pacing::clock::AppInstant,
        views::{
            behind::list_behind, clients::Clients, subscriptions::Subscriptions, throttle::Throttle,
        },
    },
    shared::{events::emit_deferred, schedule::InventoryServerSystems, storing::StoreHealth},
};

pub(crate) fn plugin(app: &mut App) {
    app.add_message::<InventoriesFlushed>().add_observer(begin_flush).add_systems(
        PostUpdate,
        end_flush.after(InventoryServerSystems::Send).before(ServerSystems::Send),
    );
}

/// Server: trigger it before you stop the server or disconnect all clients. Everything that waits because of its
/// priority, the debounce delay, a budget or a chunked transfer is sent at once, and everything is committed to the
/// [store](crate::store), if there is one. Each chunked transfer takes a round trip. [`InventoriesFlushed`] is emitted
/// when that is done, or when the time is up.
///
/// ```
/// use core::time::Duration;
///
/// use bevy::prelude::*;
/// use bevy_inventory_sync::prelude::*;
/// use bevy_inventory_sync::server::send::flush::{FlushInventories, InventoriesFlushed};
///
/// fn quit(mut commands: Commands) {
///     commands.trigger(FlushInventories { within: Duration::from_secs(2) });
/// }
///
/// fn stop(flushed: On<InventoriesFlushed>, mut exit: MessageWriter<AppExit>) {
///     for update in &flushed.remaining {
///         warn!("client `{}` is behind on inventory `{}`", update.client, update.inventory);
///     }
///     exit.write(AppExit::Success);
/// }
/// # bevy::ecs::system::assert_is_system(quit);
/// ```
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlushInventories {
    /// Maximum time for the flush. Updates that are not sent by then are reported in
    /// [`InventoriesFlushed::remaining`].
    pub within: Duration,
}

/// Server: all waiting updates were passed to the messaging backend, or the time of [`FlushInventories`] is up.
/// Stop the server in the next frame or later, so that the backend can send them. Emitted at once if no server
/// runs and there is no store.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct InventoriesFlushed {
    /// The updates that could not be sent in time. Empty if all were sent.
    pub remaining: Vec<PendingUpdate>,
    /// Whether the [store](crate::store) has everything. `true` if there is none.
    pub stored: bool,
}

/// A client that was not sent the newest state of an inventory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PendingUpdate {
    /// The client.
    pub client: Entity,
    /// The inventory.
    pub inventory: InventoryId,
}

fn begin_flush(
    flush: On<FlushInventories>,
    time: Res<Time<Real>>,
    server: Res<State<ServerState>>,
    store: Option<Res<StoreHealth>>,
    mut throttle: ResMut<Throttle>,
    mut commands: Commands,
) {
    if *server == ServerState::Stopped && store.is_none() {
        emit_deferred(&mut commands, InventoriesFlushed { remaining: Vec::new(), stored: true });
        return;
    }
    throttle.flush_until = Some(AppInstant::new(time.elapsed().saturating_add(flush.within)));
}

fn end_flush(
    time: Res<Time<Real>>,
    inventories: Query<&Baseline, Allow<Disabled>>,
    subscriptions: Res<Subscriptions>,
    clients: Res<Clients>,
    store: Option<Res<StoreHealth>>,
    mut throttle: ResMut<Throttle>,
    mut commands: Commands,
) {
    let Some(until) = throttle.flush_until else { return };
    let version = |inventory| inventories.get(inventory).map_or(0, Baseline::version);
    let behind = list_behind(&subscriptions, &clients, version).into_iter();
    let remaining: Vec<PendingUpdate> =
        behind.map(|(client, inventory)| PendingUpdate { client, inventory }).collect();
    let over = AppInstant::new(time.elapsed()) >= until;
    let stored = store.is_none_or(|store| !store.flushing);
    let waits = !remaining.is_empty() || !stored;
    if waits && !over {
        return;
    }
    throttle.flush_until = None;
    if remaining.is_empty() {
        info!("all waiting inventory updates have been sent");
    } else {
        warn!("{} inventory updates could not be sent in time", remaining.len());
    }
    if !stored {
        warn!("the last changes could not be stored in time");
    }
    emit_deferred(&mut commands, InventoriesFlushed { remaining, stored });
}
