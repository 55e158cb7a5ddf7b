//! The steps of the pipeline as system sets, in the order in which a slot change passes through them.

use bevy::prelude::*;
#[cfg(feature = "server")]
use bevy_replicon::{prelude::ServerState, server::server_tick::ServerTick};

#[cfg(feature = "server")]
use super::authority::Authority;

/// The steps that the authority runs: a dedicated server, a listen server or a single player's app.
///
/// [`Validate`](Self::Validate) runs in [`PreUpdate`]. All other steps run in [`PostUpdate`] in the order
/// in which they are listed, before replicon's `ServerSystems::Send`. From [`First`](Self::First) to
/// [`Last`](Self::Last) they run once per server tick, or every frame if no server runs.
/// [`Features`](Self::Features) runs every frame.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InventoryServerSystems {
    /// Reads client requests and accepts or rejects them. Runs in [`PreUpdate`].
    Validate,
    /// Runs the crate's own game logic: crafters, tabs, loot, open inventories. A game that writes to
    /// inventories in `PostUpdate` orders itself before or after it.
    Features,
    /// Runs before all other steps of the tick. Empty unless the game adds systems to it.
    First,
    /// Finds the slots that differ from the last commit.
    Mark,
    /// Selects the recipients of each change.
    Batch,
    /// Encodes each update once per distinct set of recipients.
    Encode,
    /// Passes the bytes to the messaging backend.
    Send,
    /// Runs after all other steps of the tick: the change tracker, the store and the gateway, if the app has them.
    Last,
}

/// The steps that a connected client runs.
///
/// [`Submit`](Self::Submit) runs in [`PostUpdate`] before replicon's `ClientSystems::Send`. All other steps
/// run in [`PreUpdate`] after `ClientSystems::Receive`, in the order in which they are listed. Requests of
/// the player are predicted when they are made, at the next sync point.
#[derive(SystemSet, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InventoryClientSystems {
    /// Collects the messages that belong together.
    Receive,
    /// Decodes them and updates the confirmed copies.
    Apply,
    /// Writes the predicted state to the components.
    Reconcile,
    /// Triggers the events of the game.
    Notify,
    /// Sends handshakes and requests for missing or wrong copies.
    Submit,
}

#[cfg(feature = "server")]
/// Returns `true` once per server tick, or every frame if no server runs, because the tick does not
/// advance then. Returns `false` on clients.
pub(crate) fn sync_is_due(
    authority: Authority,
    server: Res<State<ServerState>>,
    tick: Option<Res<ServerTick>>,
) -> bool {
    let ticked = tick.is_some_and(|tick| tick.is_changed());
    authority.is_here() && (*server == ServerState::Stopped || ticked)
}
