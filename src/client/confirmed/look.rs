//! For the overlay: a look at one copy.

use bevy::prelude::*;

use crate::{
    model::{rights::Rights, unit::Unit},
    wire::digest::digest,
};

use super::Confirmations;

/// A copy as it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) version: u64,
    pub(crate) handle: u32,
    pub(crate) rights: Rights,
    pub(crate) confirmed: &'a Unit,
    pub(crate) shown: &'a Unit,
    /// What the server says that it comes to at this version, if it has.
    pub(crate) expected: Option<u64>,
    epoch: u64,
}

impl Look<'_> {
    /// What the copy comes to.
    pub(crate) fn digest(&self) -> u64 {
        digest(self.confirmed, self.version, self.epoch)
    }
}

impl Confirmations {
    /// All copies: handle, version and what is confirmed.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (u32, u64, &Unit)> {
        self.views.iter().flatten().map(|held| (held.head.handle, held.version, &held.unit))
    }

    /// The copy that an entity shows.
    pub(crate) fn look(&self, entity: Entity) -> Option<Look<'_>> {
        let held = self.by_entity(entity)?;
        let expected = held.digest.filter(|(version, _)| *version == held.version);
        Some(Look {
            version: held.version,
            handle: held.head.handle,
            rights: held.head.rights,
            confirmed: &held.unit,
            shown: held.shown(),
            expected: expected.map(|(_, digest)| digest),
            epoch: self.epoch,
        })
    }
}
