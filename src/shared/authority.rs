//! Determines whether this app is the authority or a client of a server.

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_replicon::prelude::ClientState;

/// Distinguishes the authority (dedicated server, listen server, single player) from a client. A
/// client that is still connecting is not the authority.
#[derive(SystemParam)]
pub(crate) struct Authority<'w> {
    client: Option<Res<'w, State<ClientState>>>,
}

impl Authority<'_> {
    pub(crate) fn is_here(&self) -> bool {
        self.client.as_ref().is_none_or(|state| ***state == ClientState::Disconnected)
    }

    /// Like [`Self::is_here`], outside of systems.
    pub(crate) fn is_in(world: &World) -> bool {
        let client = world.get_resource::<State<ClientState>>();
        client.is_none_or(|state| **state == ClientState::Disconnected)
    }
}

/// Run condition: runs a system on the authority only.
pub(crate) fn authority_is_here(authority: Authority) -> bool {
    authority.is_here()
}
