//! Saves inventories, and loads them.

use bevy::prelude::*;
use log::error;

use crate::{
    model::{
        catalog::ItemCatalog,
        container::ContainerInfo,
        data::DataPool,
        error::InventoryError,
        id::DataId,
        limits::INVENTORY_SLOTS_MAX,
        saved::{LostData, SavedInventory, UnknownItems},
        slots::Slots,
        stack::Stack,
        state::InventoryState,
        transaction::Staged,
    },
    server::returns::AwaitsReturns,
    shared::events::Cause,
};

use super::Inventories;

impl Inventories<'_, '_> {
    /// Saves an inventory with items by key, for any serde format. Includes the items in other inventories that
    /// [return](crate::prelude::ReturnsTo) to this one. A stack whose instance data no longer exists is saved without
    /// it, logged as an error, and listed in [`SavedInventory::lost_data`].
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], also if the catalog has not loaded, [`InventoryError::DuplicateId`], or
    /// [`InventoryError::TooManySlots`].
    pub fn save(&self, entity: Entity) -> Result<SavedInventory, InventoryError> {
        let missing = self.or_loading(InventoryError::NoInventory { entity });
        let state = self.state(entity).ok_or(missing)?;
        self.check_unique(entity)?;
        if state.len() > INVENTORY_SLOTS_MAX {
            return Err(InventoryError::TooManySlots { entity, len: state.len() });
        }
        let catalog = self.catalog.as_deref().ok_or(missing)?;
        let unknown = self.unknown.get(entity).ok();
        let pool = self.pool.as_deref();
        let awaits = self.awaiting.get(entity).into_iter().flat_map(AwaitsReturns::iter);
        let elsewhere = awaits.filter_map(|from| self.state(from));
        let registry = self.registry.as_slice();
        let saved = save_with_returned(&state, registry, catalog, pool, unknown, elsewhere);
        for LostData { container, slot, item, data: DataId(data) } in &saved.lost_data {
            error!("entity {entity}, {container}[{slot}]: {item} is saved without its data {data}");
        }
        Ok(saved)
    }

    /// Checks that no other entity has the same id.
    fn check_unique(&self, entity: Entity) -> Result<(), InventoryError> {
        let first = self.inventory_ids.get(entity).ok().and_then(|id| self.ids.get(*id));
        match first.filter(|first| *first != entity) {
            Some(first) => Err(InventoryError::DuplicateId { entity, first }),
            None => Ok(()),
        }
    }

    /// Replaces the contents of an entity's containers with a saved inventory; every viewer gets a full update. Saved
    /// containers that the entity lacks, and items that are not in the catalog, are kept in [`UnknownItems`]. Items
    /// that [return](crate::prelude::ReturnsTo) to the inventory are put into it. Those that do not fit are dropped.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], also if the catalog has not loaded. [`InventoryError::DuplicateId`] if the
    /// inventory with this id is in the world already: a second login must not create the items again.
    pub fn load(&mut self, entity: Entity, saved: &SavedInventory) -> Result<(), InventoryError> {
        let missing = self.or_loading(InventoryError::NoInventory { entity });
        let current = self.state(entity).ok_or(missing)?;
        let catalog = self.catalog.as_deref().ok_or(missing)?;
        self.check_unique(entity)?;
        let known: Vec<_> = (0u8..)
            .zip(self.registry.as_slice())
            .filter(|(kind, _)| current.container(*kind).is_some())
            .map(|(_, kind)| kind.name)
            .collect();
        let (mut here, mut elsewhere) =
            (SavedInventory { selected: saved.selected, ..Default::default() }, vec![]);
        for container in &saved.containers {
            if known.contains(&container.name.as_str()) {
                here.containers.push(container.clone());
            } else {
                elsewhere.push(container.clone());
            }
        }
        let mut pool = self.pool.as_deref_mut();
        let (mut state, mut unknown) =
            here.restore(self.registry.as_slice(), catalog, pool.as_deref_mut());
        unknown.containers.extend(elsewhere);
        let returned = saved.restore_returned(catalog, pool, &mut unknown);
        for container in current.containers() {
            if state.container(container.kind).is_none() {
                state.insert(container.kind, Slots::new(container.slots.len()));
            }
        }
        state.selected = current.selected.and(state.selected.or(current.selected));
        let staged = [Staged { entity, state, before: current }];
        self.write(&staged, Cause::Loaded);
        self.enter(&staged, &[], Cause::Loaded);
        if let Some(marked) = self.marked.as_mut().filter(|_| self.authority.is_here()) {
            marked.restructure(entity);
        }
        self.commands.entity(entity).try_insert(unknown);
        self.insert_or_drop(entity, returned);
        Ok(())
    }

    /// Puts stacks that belong to an inventory into it. What does not fit is dropped.
    pub(crate) fn insert_or_drop(&mut self, entity: Entity, stacks: Vec<Stack>) {
        for stack in stacks {
            let rest = self.insert_up_to(entity, stack).into_stack();
            self.drop_at(entity, rest);
        }
    }
}

/// Saves an inventory together with the contents of others that belong to it.
pub(crate) fn save_with_returned(
    state: &InventoryState,
    registry: &[ContainerInfo],
    catalog: &ItemCatalog,
    pool: Option<&DataPool>,
    unknown: Option<&UnknownItems>,
    elsewhere: impl Iterator<Item = InventoryState>,
) -> SavedInventory {
    let mut saved = SavedInventory::new(state, registry, catalog, pool, unknown);
    elsewhere.for_each(|state| saved.add_returned(&state, catalog, pool));
    saved
}
