//! Transactions over any number of inventories: all or nothing, and identical on server and client.

mod player;
mod put;
mod take;
mod moves;
mod gestures;
mod effect;

use bevy::ecs::entity::Entity;

use core::ops::Range;

use smallvec::{SmallVec, smallvec};

use super::{
    catalog::ItemCatalog,
    container::{ContainerInfo, ContainerRef, Slot},
    data::{DataPool, Datum},
    error::InventoryError,
    id::ItemId,
    stack::Stack,
    state::InventoryState,
};

#[cfg(feature = "server")]
pub(crate) use effect::{Effect, net_change};
pub(crate) use player::Player;

/// An inventory that a transaction has accessed.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) entity: Entity,
    pub(crate) state: InventoryState,
    /// The inventory before the transaction.
    pub(crate) before: InventoryState,
}

/// Result of a successful transaction.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) staged: Vec<Staged>,
    /// New instance data.
    pub(crate) minted: Vec<Datum>,
    /// Stacks to be dropped on the ground.
    pub(crate) dropped: Vec<Stack>,
}

/// A transaction on copies of inventories, which are written back only if it succeeds.
pub struct Transaction<'a> {
    catalog: &'a ItemCatalog,
    registry: &'a [ContainerInfo],
    load: &'a dyn Fn(Entity) -> Option<InventoryState>,
    pool: Option<&'a DataPool>,
    player: Option<Player<'a>>,
    staged: Vec<Staged>,
    minted: Vec<Datum>,
    dropped: Vec<Stack>,
    witnessed: u64,
    /// The value of `witnessed` at the first point where a client cannot continue.
    witnessed_in_part: Option<u64>,
    /// Inventories that are exempt from the player's rights.
    trusted: Vec<Entity>,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(
        catalog: &'a ItemCatalog,
        registry: &'a [ContainerInfo],
        load: &'a dyn Fn(Entity) -> Option<InventoryState>,
        pool: Option<&'a DataPool>,
        player: Option<Player<'a>>,
    ) -> Self {
        Self {
            catalog,
            registry,
            load,
            pool,
            player,
            staged: Vec::new(),
            minted: Vec::new(),
            dropped: Vec::new(),
            witnessed: 0,
            witnessed_in_part: None,
            trusted: Vec::new(),
        }
    }

    pub(crate) fn done(self) -> Done {
        let Self { staged, minted, dropped, .. } = self;
        Done { staged, minted, dropped }
    }

    /// Returns the inventories that were accessed.
    pub(crate) fn staged(&self) -> &[Staged] {
        &self.staged
    }

    /// Returns the catalog, for limits and tags.
    #[must_use]
    pub fn catalog(&self) -> &ItemCatalog {
        self.catalog
    }

    /// Drops a stack that was taken out before. The server puts it on the ground
    /// ([`Dropped`](crate::prelude::Dropped)) at the inventory that the transaction accessed first.
    pub fn drop(&mut self, stack: Stack) {
        self.dropped.push(stack);
    }

    /// Runs a step of several parts and reverts all of them if one fails, since a closure may
    /// continue after an error.
    fn all_or_nothing<T, E>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = (self.staged.clone(), self.dropped.clone());
        step(self).inspect_err(|_| (self.staged, self.dropped) = before)
    }

    fn state(&mut self, entity: Entity) -> Result<&mut InventoryState, InventoryError> {
        let at = match self.staged.iter().position(|staged| staged.entity == entity) {
            Some(at) => at,
            None => {
                let state = (self.load)(entity).ok_or(InventoryError::NoInventory { entity })?;
                self.note_unit(entity);
                self.staged.push(Staged { entity, before: state.clone(), state });
                self.staged.len() - 1
            }
        };
        Ok(&mut self.staged[at].state)
    }

    fn flat(&mut self, entity: Entity, slot: Slot) -> Result<usize, InventoryError> {
        let registry = self.registry;
        let index = slot.index;
        self.state(entity)?.flat(registry, slot).ok_or(InventoryError::NoSuchSlot { entity, index })
    }

    /// Returns the flat positions of an area.
    fn range(&mut self, area: ContainerRef) -> Result<core::ops::Range<usize>, InventoryError> {
        let registry = self.registry;
        let ContainerRef { entity, container } = area;
        let state = self.state(entity)?;
        let Some(key) = container else { return Ok(0..state.len()) };
        let missing = InventoryError::NoSuchSlot { entity, index: 0 };
        let kind = state.kind_of(registry, key).ok_or(missing)?;
        let start = state.start_of(kind);
        Ok(start..start + state.container(kind).ok_or(missing)?.len())
    }

    /// Returns the flat positions of an area in the order in which items are inserted, as one range for each
    /// container. See [`Container::ORDER`](super::container::Container::ORDER).
    fn ordered(
        &mut self,
        area: ContainerRef,
    ) -> Result<SmallVec<[Range<usize>; 4]>, InventoryError> {
        if area.container.is_some() {
            return Ok(smallvec![self.range(area)?]);
        }
        let registry = self.registry;
        let state = self.state(area.entity)?;
        let mut end = 0;
        let ranges = state.containers().iter().map(|container| {
            let start = end;
            end += container.slots.len();
            let order = registry.get(usize::from(container.kind)).map_or(0, |kind| kind.order);
            (order, start..end)
        });
        let mut ranges: SmallVec<[_; 4]> = ranges.collect();
        // Containers of the same order are sorted by name already.
        ranges.sort_by_key(|(order, _)| *order);
        Ok(ranges.into_iter().map(|(_, range)| range).collect())
    }

    fn check_known(&self, item: ItemId) -> Result<(), InventoryError> {
        self.catalog.rank(item).map(drop).ok_or(InventoryError::UnknownItem { item })
    }

    fn accepts(
        &mut self,
        entity: Entity,
        flat: usize,
        item: ItemId,
    ) -> Result<bool, InventoryError> {
        let (catalog, registry) = (self.catalog, self.registry);
        let def = catalog.get(item).ok_or(InventoryError::UnknownItem { item })?;
        let (kind, index) = self.state(entity)?.locate(flat).unwrap_or_default();
        Ok(registry.get(usize::from(kind)).is_some_and(|kind| (kind.accepts)(index, def)))
    }

    fn check_accepts(
        &mut self,
        entity: Entity,
        flat: usize,
        item: ItemId,
    ) -> Result<(), InventoryError> {
        let rejected = InventoryError::NotAccepted { entity, index: flat, item };
        self.accepts(entity, flat, item)?.then_some(()).ok_or(rejected)
    }

    /// Returns the slot's contents.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn get(&mut self, entity: Entity, slot: Slot) -> Result<Option<Stack>, InventoryError> {
        let flat = self.flat(entity, slot)?;
        Ok(self.state(entity)?.get(flat))
    }

    /// Returns the number of items with this id.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`].
    pub fn count(&mut self, entity: Entity, item: ItemId) -> Result<u64, InventoryError> {
        Ok(self.state(entity)?.count(item))
    }
}
