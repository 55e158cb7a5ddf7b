//! Transactions over any number of inventories: all or nothing, and identical on server and client.

mod player;
mod witness;
mod fill;
mod put;
mod take;
mod moves;
mod gestures;
mod effect;

use crate::model::planted::{Bug, planted};
use bevy::ecs::entity::Entity;

use core::ops::Range;

use smallvec::{SmallVec, smallvec};

use witness::WitnessLog;

use super::{
    catalog::ItemCatalog,
    container::{ContainerInfo, ContainerRef, Slot},
    data::{DataPool, Datum},
    error::InventoryError,
    id::ItemId,
    measure::Allowance,
    rights::Rights,
    stack::Stack,
    state::InventoryState,
};

#[cfg(feature = "server")]
pub(crate) use effect::{Effect, net_change};
pub(crate) use player::{Player, Side};
pub use witness::{Seen, TAKEN_MAX, TakenStack, VERSIONS_MAX, Witness};

/// An inventory that a transaction has accessed.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) entity: Entity,
    pub(crate) state: InventoryState,
    /// The inventory before the transaction.
    pub(crate) before: InventoryState,
}

impl Staged {
    /// Sets the contents of a slot, and returns the old contents.
    fn set(
        &mut self,
        allowances: &mut [(Entity, Allowance)],
        catalog: &ItemCatalog,
        flat: usize,
        stack: Option<Stack>,
    ) -> Option<Stack> {
        let old = self.state.set(flat, stack);
        for (_, allowance) in allowances.iter_mut().filter(|(of, _)| *of == self.entity) {
            allowance.record(catalog, old, stack);
        }
        old
    }
}

/// Result of a successful transaction.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) staged: Vec<Staged>,
    /// The instance data that it created, new or equal to what there is already.
    pub(crate) created: Vec<Datum>,
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
    /// The changes so far, by which a failed step is reverted.
    journal: Vec<JournalEntry>,
    created: Vec<Datum>,
    dropped: Vec<Stack>,
    log: WitnessLog,
    /// Inventories that are exempt from the player's rights.
    rights_bypassed: Vec<Entity>,
    /// The limits of rules on the staged inventories.
    allowances: Vec<(Entity, Allowance)>,
    /// Slots that the player must have a right to, although they do not change.
    required: Vec<(Entity, usize, Rights)>,
    /// Number of slots that were read or searched.
    work: u64,
}

/// A change of a staged inventory, with the old value.
#[derive(Clone, Copy, Debug)]
enum JournalEntry {
    Slot { staged: usize, flat: usize, old: Option<Stack> },
    Selected { staged: usize, old: Option<u8> },
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
            journal: Vec::new(),
            created: Vec::new(),
            dropped: Vec::new(),
            log: WitnessLog::default(),
            rights_bypassed: Vec::new(),
            allowances: Vec::new(),
            required: Vec::new(),
            work: 0,
        }
    }

    pub(crate) fn done(self) -> Done {
        let Self { staged, created, dropped, .. } = self;
        Done { staged, created, dropped }
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

    /// Returns the number of slots that were read or searched: the cost of the transaction.
    #[cfg(feature = "server")]
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    /// Runs a step of several parts and reverts all of them if one fails, since a closure may
    /// continue after an error.
    fn all_or_nothing<T, E>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let (changes, staged, dropped) =
            (self.journal.len(), self.staged.len(), self.dropped.len());
        step(self).inspect_err(|_| {
            for change in self.journal.drain(changes..).rev() {
                match change {
                    JournalEntry::Slot { staged, flat, old } => {
                        self.staged[staged].set(&mut self.allowances, self.catalog, flat, old);
                    }
                    JournalEntry::Selected { staged, old } => {
                        self.staged[staged].state.selected = old
                    }
                }
            }
            for Staged { entity, .. } in self.staged.drain(staged..) {
                self.allowances.retain(|(of, _)| *of != entity);
            }
            self.dropped.truncate(dropped);
        })
    }

    /// Returns the index of an inventory in `staged`, and reads it if it is not there yet.
    fn stage(&mut self, entity: Entity) -> Result<usize, InventoryError> {
        if let Some(at) = self.staged.iter().position(|staged| staged.entity == entity) {
            return Ok(at);
        }
        let state = (self.load)(entity).ok_or(InventoryError::NoInventory { entity })?;
        self.record_inventory(entity);
        self.work += state.len() as u64;
        let limits = self.player.map_or(&[][..], |player| player.limits);
        for limit in limits.iter().filter(|limit| limit.entity == entity) {
            self.allowances.push((entity, Allowance::new(limit, self.catalog, &state)));
        }
        self.staged.push(Staged { entity, before: state.clone(), state });
        Ok(self.staged.len() - 1)
    }

    fn state(&mut self, entity: Entity) -> Result<&InventoryState, InventoryError> {
        let at = self.stage(entity)?;
        Ok(&self.staged[at].state)
    }

    /// Sets the contents of a slot. Every change of a slot goes through this function.
    fn set(
        &mut self,
        entity: Entity,
        flat: usize,
        stack: Option<Stack>,
    ) -> Result<(), InventoryError> {
        let staged = self.stage(entity)?;
        let old = self.staged[staged].set(&mut self.allowances, self.catalog, flat, stack);
        self.journal.push(JournalEntry::Slot { staged, flat, old });
        Ok(())
    }

    fn flat(&mut self, entity: Entity, slot: Slot) -> Result<usize, InventoryError> {
        let registry = self.registry;
        self.state(entity)?.flat(registry, slot).ok_or(InventoryError::NoSuchSlot { entity, slot })
    }

    /// Returns the flat positions of an area.
    fn range(&mut self, area: ContainerRef) -> Result<core::ops::Range<usize>, InventoryError> {
        let registry = self.registry;
        let ContainerRef { entity, container } = area;
        let state = self.state(entity)?;
        let range = match container {
            None => 0..state.len(),
            Some(key) => {
                let missing = InventoryError::NoSuchContainer { entity, container: key };
                let kind = state.kind_of(registry, key).ok_or(missing)?;
                let start = state.start_of(kind);
                start..start + state.container(kind).ok_or(missing)?.len()
            }
        };
        self.work += range.len() as u64;
        Ok(range)
    }

    /// Returns the flat positions of an area in the order in which items are inserted, as one range for each
    /// container. See [`Container::ORDER`](super::container::Container::ORDER). Containers whose `AUTO_FILL` is
    /// `false` belong to an area only if it names them.
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
        let ranges = state.containers().iter().filter_map(|container| {
            let start = end;
            end += container.slots.len();
            let kind = registry.get(usize::from(container.kind))?;
            kind.auto_fill.then_some((kind.order, start..end))
        });
        let mut ranges: SmallVec<[_; 4]> = ranges.collect();
        // Containers of the same order are sorted by name already.
        ranges.sort_by_key(|(order, _)| *order);
        self.work += ranges.iter().map(|(_, range)| range.len() as u64).sum::<u64>();
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
        let accepts =
            registry.get(usize::from(kind)).is_some_and(|kind| (kind.accepts)(index, def));
        Ok(accepts || planted(Bug::FilterIgnored))
    }

    fn check_accepts(
        &mut self,
        entity: Entity,
        flat: usize,
        item: ItemId,
    ) -> Result<(), InventoryError> {
        if self.accepts(entity, flat, item)? {
            return Ok(());
        }
        Err(self.not_accepted(entity, flat, item)?)
    }

    /// Returns the error of a slot that does not accept an item.
    fn not_accepted(
        &mut self,
        entity: Entity,
        flat: usize,
        item: ItemId,
    ) -> Result<InventoryError, InventoryError> {
        let registry = self.registry;
        let (kind, index) = self.state(entity)?.locate(flat).unwrap_or_default();
        Ok(InventoryError::NotAccepted { entity, slot: Slot::at(registry, kind, index), item })
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
