//! Inventories whose items belong to a player although they are not part of the player's inventory.

use bevy::prelude::*;

/// The items of this inventory belong to the inventory `to`: an offer in a trade, the grid of a workbench that a player
/// uses, a parcel that is being packed. They are never lost:
///
/// - When this entity or the component is removed, all items are put into `to`. What does not fit is
///   [dropped](crate::prelude::Dropped) there.
/// - The same happens when `to` loses its [`Owner`](crate::prelude::Owner), before the game's observers of
///   [`Remove`] run. A player that is saved at that moment has its items back.
/// - [`save`](crate::prelude::Inventories::save) of `to` includes them, so that the offer survives a crash during a
///   trade. [`load`](crate::prelude::Inventories::load) returns them.
///
/// Rules do not apply when items return. If `to` has a limit, such as a weight, give this inventory a rule as well, so
/// that players cannot put more into it.
///
/// Move items out of the inventory first if they are to go elsewhere, as a completed trade does.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[relationship(relationship_target = AwaitsReturns)]
pub struct ReturnsTo {
    /// The inventory that gets the items back.
    #[relationship]
    pub to: Entity,
}

/// The inventories whose items return to this one.
#[derive(Component, Debug)]
#[relationship_target(relationship = ReturnsTo)]
pub struct AwaitsReturns(Vec<Entity>);
