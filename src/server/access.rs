//! Who sees an inventory. Nobody else gets a byte of it.

use bevy::ecs::component::Component;
use bevy_replicon::shared::client_id::ClientId;
use smallvec::SmallVec;

use crate::model::rights::Rights;

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

/// Who else sees an inventory: the players standing at a chest.
///
/// A client that disconnects is removed from every list.
#[derive(Component, Clone, PartialEq, Eq, Default, Debug)]
pub struct Viewers(SmallVec<[(ClientId, Rights); 2]>);

impl Viewers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a client see the inventory, or changes what it may do.
    pub fn add(&mut self, client: ClientId, rights: Rights) {
        self.remove(client);
        self.0.push((client, rights | Rights::SEE));
    }

    /// Ends it. Says whether the client was there.
    pub fn remove(&mut self, client: ClientId) -> bool {
        let len = self.0.len();
        self.0.retain(|(there, _)| *there != client);
        self.0.len() != len
    }

    /// What a client may do, if it is a viewer.
    #[must_use]
    pub fn rights_of(&self, client: ClientId) -> Option<Rights> {
        self.iter().find(|(there, _)| *there == client).map(|(_, rights)| rights)
    }

    /// Everybody with their rights.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ClientId, Rights)> + '_ {
        self.0.iter().copied()
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
