//! What the game hears. Everything is an observer event and a message at once.

use bevy::ecs::{
    component::Component,
    entity::Entity,
    event::{EntityEvent, Event},
    message::Message,
    system::Commands,
    world::World,
};
use bevy_replicon::shared::client_id::ClientId;

use crate::{
    hello::Mismatch,
    model::{container::Slot, id::InventoryId, rights::Rights, stack::Stack},
};

/// On every inventory that the local player may see, in all modes. UI queries filter on it.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
pub struct InView {
    /// What the local player may do with it.
    pub rights: Rights,
}

/// On the inventories that the local player owns: the own backpack, the own corpse.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LocalInventory;

/// The local player sees an inventory from now on. One event, not one per slot.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryOpened {
    /// The entity with the containers.
    pub entity: Entity,
    /// Which.
    pub inventory: InventoryId,
    /// What the local player may do with it.
    pub rights: Rights,
}

/// Containers were added to, removed from or resized in an inventory in view. Draw its grid anew.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryResized {
    /// The entity with the containers.
    pub entity: Entity,
    /// Which.
    pub inventory: InventoryId,
}

/// The local player does not see an inventory any more. Its containers go right after this event.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventoryClosed {
    /// The entity that had the containers. It may be gone when a message is read.
    pub entity: Entity,
    /// Which.
    pub inventory: InventoryId,
    /// Why.
    pub reason: CloseReason,
}

/// Why a view ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The server stopped showing it: closed, walked away, rights revoked.
    Hidden,
    /// The inventory is gone.
    Despawned,
    /// The connection is gone.
    Disconnected,
    /// The replicated entity that carried it went out of sight. The view goes on, and opens again
    /// should the entity come back.
    EntityGone,
}

/// A slot of an inventory in view holds something else now. Raised once per real change.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotChanged {
    /// The entity with the container.
    pub entity: Entity,
    /// Which slot.
    pub slot: Slot,
    /// What was shown there.
    pub old: Option<Stack>,
    /// What is shown there now.
    pub new: Option<Stack>,
    /// How it came here.
    pub cause: SlotCause,
}

/// How a change came to the local player.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotCause {
    /// The server changed this slot.
    Server,
    /// A full copy, sent because much changed or to heal a wrong copy, differed here.
    FullCopy,
    /// The player's own request, shown ahead of the answer.
    Predicted,
    /// What was shown ahead was refused, or came out otherwise.
    RolledBack,
}

/// Another slot of an inventory in view is selected now.
#[derive(EntityEvent, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectedChanged {
    /// The entity with the hotbar.
    pub entity: Entity,
    /// The index that was selected.
    pub old: u8,
    /// The index that is selected now.
    pub new: u8,
}

/// Server: one slot was committed. What statistics, audit and journals read.
#[derive(Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The entity with the container.
    pub entity: Entity,
    /// Which inventory.
    pub inventory: InventoryId,
    /// Which slot.
    pub slot: Slot,
    /// What lay there at the last commit.
    pub old: Option<Stack>,
    /// What lies there now.
    pub new: Option<Stack>,
    /// The version of the inventory with this change.
    pub version: u64,
    /// Who or what did it.
    pub cause: Cause,
}

/// What changed a slot on the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Cause {
    /// A plain mutation: nobody said.
    #[default]
    Undeclared,
    /// The container was just added.
    Spawned,
    /// The container was removed.
    Removed,
    /// [`Inventories::give`](crate::prelude::Inventories::give).
    Given,
    /// [`Inventories::take`](crate::prelude::Inventories::take) and its kin.
    Taken,
    /// [`Inventories::transact`](crate::prelude::Inventories::transact).
    Transacted,
    /// [`Inventories::load`](crate::prelude::Inventories::load).
    Loaded,
    /// An action of this player.
    Acted(ClientId),
    /// Put on the ground by the game: [`Inventories::drop_where`](crate::prelude::Inventories::drop_where)
    /// and its kin.
    Dropped,
    /// A [`Crafter`](crate::prelude::Crafter) made something.
    Crafted,
}

/// Server and client: the two cannot be synced, and why. The client stays connected; what follows is
/// the game's choice.
#[derive(Event, Message, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncRefused {
    /// The client that was refused; on that client itself [`ClientId::Server`].
    pub peer: ClientId,
    /// What differs.
    pub mismatch: Mismatch,
}

/// Raises an event as a message and to observers.
pub(crate) fn tell<E: Event + Message + Clone>(world: &mut World, event: E)
where
    for<'a> E::Trigger<'a>: Default,
{
    world.write_message(event.clone());
    world.trigger(event);
}

/// The same, with the next commands.
pub(crate) fn tell_later<E: Event + Message + Clone>(commands: &mut Commands, event: E)
where
    for<'a> E::Trigger<'a>: Default,
{
    commands.write_message(event.clone());
    commands.trigger(event);
}
