//! Full updates, encoded once per tick for all clients that open the inventory.

use bevy::{
    ecs::{entity::EntityHashMap, entity_disabling::Disabled, query::Allow},
    prelude::*,
};
use bevy_replicon::prelude::Replicated;

use crate::{
    server::{baseline::Baseline, views::subscriptions::Subscriptions},
    shared::stats::InventoryStats,
    wire::{OpenHead, Schema, bits::BitWriter, encode},
};

/// All inventories, each with whether its entity is replicated.
pub(crate) type SyncedInventories<'w, 's> =
    Query<'w, 's, (&'static Baseline, Has<Replicated>), Allow<Disabled>>;

/// The encoded slots of the inventories that open in this tick.
#[derive(Resource, Default)]
pub(crate) struct EncodedCopies(EntityHashMap<(u64, BitWriter)>);

impl EncodedCopies {
    /// Drops the copies of the previous tick.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the encoded slots of an inventory.
    pub(super) fn of(
        &mut self,
        inventory: Entity,
        baseline: &Baseline,
        schema: Schema,
        stats: &mut InventoryStats,
    ) -> &BitWriter {
        let version = baseline.version();
        let new = || (u64::MAX, BitWriter::default());
        let (encoded, w) = self.0.entry(inventory).or_insert_with(new);
        if *encoded != version {
            *encoded = version;
            stats.copies_encoded += 1;
            w.clear();
            encode::copy(w, schema, baseline.state());
        }
        w
    }
}

/// Returns the header of a full update of an inventory. Returns `None` if the client does not see the inventory
/// by this view, or needs no full update.
pub(super) fn head_of(
    client: Entity,
    view: u32,
    inventory: Entity,
    baseline: &Baseline,
    is_replicated: bool,
    subscriptions: &Subscriptions,
) -> Option<OpenHead> {
    let viewers = subscriptions.get(inventory)?;
    let mut unsent = viewers.subscriptions.iter().filter(|viewer| viewer.sent.is_none());
    let viewer = unsent.find(|viewer| viewer.slot.client == client && viewer.view == view)?;
    Some(OpenHead {
        view,
        handle: viewers.handle,
        id: viewers.id,
        owner: viewer.access.owner,
        acts: viewer.access.acts,
        rights: viewer.access.rights,
        version: baseline.version(),
        entity: is_replicated.then_some(inventory),
    })
}
