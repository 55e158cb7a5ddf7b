//! Which players see an inventory. No data about an inventory is sent to any other client.

use bevy::ecs::{component::Component, entity::Entity};
use bevy_replicon::shared::client_id::ClientId;
use smallvec::SmallVec;

use crate::{model::rights::Rights, server::pacing::priority::SyncPriority};

/// The client that an inventory belongs to. It sees the inventory and has all rights.
///
/// Insert it again to change the owner. It is removed when that client disconnects. A game that needs to know the
/// former owner then must keep a component of its own.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
pub struct Owner(pub ClientId);

/// Players may [open](crate::prelude::InventoryActions::open) this inventory, and then have these rights.
/// [Rules](crate::prelude::InventoryAppExt::add_rule) can add further conditions. Default: [`Rights::USE`].
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Openable(pub Rights);

impl Default for Openable {
    /// Returns [`Rights::USE`]: see, put and take, as for an ordinary chest.
    fn default() -> Self {
        Self(Rights::USE)
    }
}

/// Players that see the inventory `via` may open this one, with the rights that they have to `via`. A player
/// can have one inventory of `via` open at a time. An [`Openable`] on the same entity restricts these rights,
/// and rules can deny access. The inventory closes when the player no longer sees `via`.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[relationship(relationship_target = OpensInto)]
pub struct OpenedThrough {
    /// The inventory that the player must see to open this one.
    pub via: Entity,
}

/// The inventories that may be opened through this one.
#[derive(Component, Debug)]
#[relationship_target(relationship = OpenedThrough)]
pub struct OpensInto(Vec<Entity>);

/// The players that see an inventory in addition to its owner, such as those that stand at a chest.
///
/// A client that disconnects is removed from every list.
#[derive(Component, PartialEq, Eq, Default, Debug)]
pub struct Viewers(SmallVec<[Viewer; 2]>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Viewer {
    client: ClientId,
    rights: Rights,
    /// Whether the player opened the inventory itself, and may close it.
    by_request: bool,
    priority: Option<SyncPriority>,
}

impl Clone for Viewers {
    /// Clones the list. In the clone, all viewers count as added by the game: they have opened the inventory with the
    /// original list, and not the one that gets the clone.
    fn clone(&self) -> Self {
        Self(self.0.iter().map(|viewer| Viewer { by_request: false, ..*viewer }).collect())
    }
}

impl Viewers {
    /// Returns an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a client with these rights, or replaces the rights of a viewer. [`Rights::SEE`] is always included. A
    /// priority that was set for the client is reset.
    pub fn add(&mut self, client: ClientId, rights: Rights) {
        self.remove(client);
        self.0.push(Viewer {
            client,
            rights: rights | Rights::SEE,
            by_request: false,
            priority: None,
        });
    }

    /// Like [`add`](Self::add), for a player that opened the inventory itself.
    pub(crate) fn add_by_request(&mut self, client: ClientId, rights: Rights) {
        self.remove(client);
        self.0.push(Viewer {
            client,
            rights: rights | Rights::SEE,
            by_request: true,
            priority: None,
        });
    }

    /// Returns `true` if a client sees the inventory because it opened it, not because the game added it.
    pub(crate) fn is_by_request(&self, client: ClientId) -> bool {
        self.0.iter().any(|viewer| viewer.client == client && viewer.by_request)
    }

    /// Removes a client. Returns `true` if it was a viewer.
    pub fn remove(&mut self, client: ClientId) -> bool {
        let len = self.0.len();
        self.0.retain(|viewer| viewer.client != client);
        self.0.len() != len
    }

    /// Returns the rights of a client, or `None` if it is not a viewer.
    #[must_use]
    pub fn rights_of(&self, client: ClientId) -> Option<Rights> {
        self.iter().find(|(viewer, _)| *viewer == client).map(|(_, rights)| rights)
    }

    /// Returns all viewers with their rights.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ClientId, Rights)> + '_ {
        self.0.iter().map(|viewer| (viewer.client, viewer.rights))
    }

    /// Sets the priority for one viewer, instead of the inventory's [`SyncPriority`]. Has no effect if the
    /// client is not a viewer.
    pub fn set_priority(&mut self, client: ClientId, priority: SyncPriority) {
        for viewer in self.0.iter_mut().filter(|viewer| viewer.client == client) {
            viewer.priority = Some(priority);
        }
    }

    /// Returns all viewers with their rights and the priority that was set for each.
    pub(crate) fn iter_with_priority(
        &self,
    ) -> impl Iterator<Item = (ClientId, Rights, Option<SyncPriority>)> + '_ {
        self.0.iter().map(|viewer| (viewer.client, viewer.rights, viewer.priority))
    }

    /// Returns the number of viewers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if there are no viewers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
