//! Components that mark the inventories that the local player sees.

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
