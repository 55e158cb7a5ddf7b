//! Components that mark inventories: those that the local player sees, and those that have not been loaded yet.

use crate::model::rights::Rights;
use bevy::ecs::component::Component;

/// Marks every entity with a registered container. Each container type requires this component.
#[derive(Component, Clone, Copy, Default, Debug)]
pub struct HasContainer;

/// Marks every inventory that the local player may see, in all modes. Filter UI queries by it.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
pub struct InView {
    /// Rights of the local player.
    pub rights: Rights,
}

/// Marks the inventories that the local player owns, such as the player's backpack or corpse.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LocalInventory;

/// Marks an inventory from which its owner acts, such as the player's body: actions name it, and rules measure
/// distances from its entity. Not needed for a player that owns a single inventory. A player that has had a marked
/// inventory acts from no other, even if it loses that one.
///
/// A player that owns several inventories (a body and a bank, a body and its old corpse) acts from those that are
/// marked. If none is marked, the server rejects its actions as
/// [`Rejection::NotAllowed`](crate::prelude::Rejection::NotAllowed) and logs why. The game inserts it on the authority;
/// on a client it marks the player's own inventories. Of several, the client names the first one unless the game
/// [names another](crate::prelude::InventoryActions::request_as).
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ActingInventory;

/// Authority: marks an inventory whose random id was assigned in this tick, so the store has no record of it.
#[derive(Component, Clone, Copy, Default, Debug)]
#[doc(hidden)]
pub struct NewInventory;

/// Authority: marks an inventory that is being loaded from a [store](crate::store), or could not be loaded. It has no
/// containers meanwhile, and actions on it are rejected as [`Rejection::Loading`](crate::prelude::Rejection::Loading).
#[derive(Component, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[component(immutable)]
pub struct Loading;
