//! Before a server stops: tells everything that waits for its turn, and says what could not be told.

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
    shared::{events::emit_deferred, schedule::InventoryServerSystems},
};

pub(crate) fn plugin(app: &mut App) {
    app.add_message::<InventoriesFlushed>().add_observer(begin_flush).add_systems(
        PostUpdate,
        end_flush
            .after(InventoryServerSystems::Send)
            .before(ServerSystems::Send)
            .run_if(in_state(ServerState::Running)),
    );
}

/// Server: trigger it before you stop the server or disconnect everybody. Whatever waits for its turn (slower priorities,
/// a debounce delay, budgets, chunks) is told at once, and [`InventoriesFlushed`] says when that is done, or that the time
/// is over.
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
///     for left in &flushed.left {
///         warn!("client `{}` was not told all of inventory `{}`", left.client, left.inventory);
///     }
///     exit.write(AppExit::Success);
/// }
/// # bevy::ecs::system::assert_is_system(quit);
/// ```
#[derive(Event, Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlushInventories {
    /// How long it may take. What is left then is given up.
    pub within: Duration,
}

/// Server: everything that waited has been handed to the messaging backend, or the time is over. Stop the server in
/// the next frame at the earliest, so that the backend has sent it.
#[derive(Event, Message, Clone, PartialEq, Eq, Debug)]
pub struct InventoriesFlushed {
    /// What could not be told in time.
    pub left: Vec<PendingUpdate>,
}

/// A client that was not told the newest state of an inventory.
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
    mut throttle: ResMut<Throttle>,
    mut commands: Commands,
) {
    if *server == ServerState::Stopped {
        emit_deferred(&mut commands, InventoriesFlushed { left: Vec::new() });
        return;
    }
    throttle.flush_until = Some(AppInstant::new(time.elapsed().saturating_add(flush.within)));
}

fn end_flush(
    time: Res<Time<Real>>,
    inventories: Query<&Baseline, Allow<Disabled>>,
    subscriptions: Res<Subscriptions>,
    clients: Res<Clients>,
    mut throttle: ResMut<Throttle>,
    mut commands: Commands,
) {
    let Some(until) = throttle.flush_until else { return };
    let version = |inventory| inventories.get(inventory).map_or(0, Baseline::version);
    let left = list_behind(&subscriptions, &clients, version).into_iter();
    let left: Vec<PendingUpdate> =
        left.map(|(client, inventory)| PendingUpdate { client, inventory }).collect();
    let over = AppInstant::new(time.elapsed()) >= until;
    if !left.is_empty() && !over {
        return;
    }
    throttle.flush_until = None;
    if left.is_empty() {
        info!("everything that waited for clients has been told");
    } else {
        warn!("{} inventories of clients could not be told in time", left.len());
    }
    emit_deferred(&mut commands, InventoriesFlushed { left });
}
