//! Who sees an inventory. Nobody else gets a byte of it.

use bevy::ecs::{component::Component, entity::Entity};
use bevy_replicon::shared::client_id::ClientId;
use smallvec::SmallVec;

use crate::{model::rights::Rights, server::pacing::priority::SyncPriority};

/// The client to whom an inventory belongs: sees all of it and may do everything.
///
/// Insert it again to hand the inventory over. It is removed when that client disconnects; a game that
/// wants to know then whose body it was keeps a component of its own.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[component(immutable)]
pub struct Owner(pub ClientId);

/// Players may ask to open this inventory ([`open`](crate::prelude::InventoryActions::open)), and then have
/// these rights to it. What else must be true say [rules](crate::prelude::InventoryAppExt::add_rule).
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Openable(pub Rights);

impl Default for Openable {
    /// Seeing, putting and taking: an ordinary chest.
    fn default() -> Self {
        Self(Rights::USE)
    }
}

/// Players who see the inventory `via` may open this one, one inventory of `via` at a time, with the rights
/// that they have to `via`. An [`Openable`] beside it restricts these rights, and rules may deny. It closes
/// when the player no longer sees `via`.
#[derive(Component, Clone, Copy, PartialEq, Eq, Debug)]
#[relationship(relationship_target = OpensInto)]
pub struct OpenedThrough {
    /// The inventory that the player must see.
    pub via: Entity,
}

/// The inventories that may be opened through this one.
#[derive(Component, Debug)]
#[relationship_target(relationship = OpenedThrough)]
pub struct OpensInto(Vec<Entity>);

/// Who else sees an inventory: the players standing at a chest.
///
/// A client that disconnects is removed from every list.
#[derive(Component, Clone, PartialEq, Eq, Default, Debug)]
pub struct Viewers(SmallVec<[Viewer; 2]>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Viewer {
    client: ClientId,
    rights: Rights,
    /// The player asked for it, and may end it.
    asked: bool,
    priority: Option<SyncPriority>,
}

impl Viewers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a client see the inventory, or changes what it may do.
    pub fn add(&mut self, client: ClientId, rights: Rights) {
        self.remove(client);
        self.0.push(Viewer { client, rights: rights | Rights::SEE, asked: false, priority: None });
    }

    /// The same for a player who asked for it.
    pub(crate) fn add_asked(&mut self, client: ClientId, rights: Rights) {
        self.remove(client);
        self.0.push(Viewer { client, rights: rights | Rights::SEE, asked: true, priority: None });
    }

    /// Whether a client sees the inventory because it asked, and not because the game let it.
    pub(crate) fn has_asked(&self, client: ClientId) -> bool {
        self.0.iter().any(|there| there.client == client && there.asked)
    }

    /// Ends it. Says whether the client was there.
    pub fn remove(&mut self, client: ClientId) -> bool {
        let len = self.0.len();
        self.0.retain(|there| there.client != client);
        self.0.len() != len
    }

    /// What a client may do, if it is a viewer.
    #[must_use]
    pub fn rights_of(&self, client: ClientId) -> Option<Rights> {
        self.iter().find(|(there, _)| *there == client).map(|(_, rights)| rights)
    }

    /// Everybody with their rights.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ClientId, Rights)> + '_ {
        self.0.iter().map(|there| (there.client, there.rights))
    }

    /// How soon a client hears of changes, if it is a viewer: as the inventory's [`SyncPriority`] says, until this
    /// says otherwise.
    pub fn set_priority(&mut self, client: ClientId, priority: SyncPriority) {
        for viewer in self.0.iter_mut().filter(|there| there.client == client) {
            viewer.priority = Some(priority);
        }
    }

    pub(crate) fn iter_with_pace(
        &self,
    ) -> impl Iterator<Item = (ClientId, Rights, Option<SyncPriority>)> + '_ {
        self.0.iter().map(|there| (there.client, there.rights, there.priority))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
