//! Events for the game. Each one is both an observer event and a message.

use bevy::ecs::{
    entity::Entity,
    event::{EntityEvent, Event},
    message::Message,
    system::Commands,
    world::World,
};
use bevy_replicon::shared::client_id::ClientId;

use crate::{
    model::{container::Slot, id::InventoryId, rights::Rights, stack::Stack},
    wire::handshake::ProtocolMismatch,
};

/// An inventory came into the local player's view. Emitted once, not per slot.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryOpened {
    /// The entity with the containers.
    pub entity: Entity,
    /// Id of the inventory.
    pub inventory: InventoryId,
    /// Rights of the local player.
    pub rights: Rights,
}

/// Containers were added to, removed from or resized in an inventory in view. Rebuild the grid.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryResized {
    /// The entity with the containers.
    pub entity: Entity,
    /// Id of the inventory.
    pub inventory: InventoryId,
}

/// An inventory left the local player's view. Its containers are removed right after this event.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryClosed {
    /// The entity that had the containers. It may no longer exist when the message is read.
    pub entity: Entity,
    /// Id of the inventory.
    pub inventory: InventoryId,
    /// Why the view was closed.
    pub reason: CloseReason,
}

/// Why a view was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// The server stopped showing the inventory: it was closed, the player walked away, or rights
    /// were revoked.
    Hidden,
    /// The inventory no longer exists.
    Despawned,
    /// The connection was lost or closed.
    Disconnected,
    /// The replicated entity with the inventory is no longer visible. The view continues and opens
    /// again if the entity comes back.
    EntityHidden,
}

/// The contents of a slot in view changed. Emitted once per actual change.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotChanged {
    /// The entity with the container.
    pub entity: Entity,
    /// The slot.
    pub slot: Slot,
    /// The contents shown before.
    pub old: Option<Stack>,
    /// The contents shown now.
    pub new: Option<Stack>,
    /// Cause of the change.
    pub cause: SlotCause,
}

/// How a change reached the local player.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SlotCause {
    /// The server changed this slot.
    Server,
    /// The slot differed in a full update, which was sent because much changed or to repair an
    /// incorrect copy.
    FullUpdate,
    /// A request of the player was predicted before the server's answer.
    Predicted,
    /// A predicted change was rejected, or the server's result differs from it.
    RolledBack,
}

/// The selected slot of an inventory in view changed.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectedChanged {
    /// The entity with the hotbar.
    pub entity: Entity,
    /// Index of the previously selected slot.
    pub old: u8,
    /// Index of the selected slot.
    pub new: u8,
}

/// Authority: a change of one slot was committed. Read by statistics, audits and action logs.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The entity with the container.
    pub entity: Entity,
    /// Id of the inventory.
    pub inventory: InventoryId,
    /// The slot.
    pub slot: Slot,
    /// Contents at the last commit.
    pub old: Option<Stack>,
    /// Current contents.
    pub new: Option<Stack>,
    /// Version of the inventory that includes this change.
    pub version: u64,
    /// Cause of the change.
    pub cause: Cause,
}

/// Cause of a slot change on the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Cause {
    /// Direct mutation without a declared cause.
    #[default]
    Undeclared,
    /// The container was added.
    Spawned,
    /// The container was removed.
    Removed,
    /// A call of [`Inventories::insert_up_to`](crate::prelude::Inventories::insert_up_to).
    Inserted,
    /// A call of [`Inventories::take`](crate::prelude::Inventories::take) or a similar method.
    Taken,
    /// A call of [`Inventories::transact`](crate::prelude::Inventories::transact).
    Transacted,
    /// A call of [`Inventories::load`](crate::prelude::Inventories::load).
    Loaded,
    /// An action of this player.
    Acted(ClientId),
    /// A call of [`Inventories::drop_if`](crate::prelude::Inventories::drop_if) or a similar
    /// method: the game dropped items on the ground.
    Dropped,
    /// Crafting by a [`Crafter`](crate::features::crafter::Crafter).
    Crafted,
    /// The inventory was deleted from the [store](crate::store).
    Deleted,
    /// The [store](crate::store) rejected a commit, so that changes were undone.
    Reverted,
    /// A command of an operator, through the gateway.
    Operator,
}

impl Cause {
    /// Returns the name, for logs and for the [history](crate::store::history): `acted` for an action of any player.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undeclared => "undeclared",
            Self::Spawned => "spawned",
            Self::Removed => "removed",
            Self::Inserted => "inserted",
            Self::Taken => "taken",
            Self::Transacted => "transacted",
            Self::Loaded => "loaded",
            Self::Acted(_) => "acted",
            Self::Dropped => "dropped",
            Self::Crafted => "crafted",
            Self::Deleted => "deleted",
            Self::Reverted => "reverted",
            Self::Operator => "operator",
        }
    }
}

/// Server and client: the two cannot be synced because of a protocol mismatch. The client stays connected, and the game
/// decides how to proceed. If a handshake was corrupted in transit, only the server reports this, and the client sends
/// it again.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncRejected {
    /// The rejected client; on that client itself, [`ClientId::Server`].
    pub peer: ClientId,
    /// The differences.
    pub mismatch: ProtocolMismatch,
}

/// Emits an event as a message and triggers its observers.
pub(crate) fn emit<E: Event + Message + Clone>(world: &mut World, event: E)
where
    for<'a> E::Trigger<'a>: Default,
{
    world.write_message(event.clone());
    world.trigger(event);
}

/// Emits an event as a message and triggers its observers when the commands are applied.
pub(crate) fn emit_deferred<E: Event + Message + Clone>(commands: &mut Commands, event: E)
where
    for<'a> E::Trigger<'a>: Default,
{
    commands.write_message(event.clone());
    commands.trigger(event);
}
