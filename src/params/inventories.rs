//! The system parameter for operations on whole inventories within the catalog's limits.

mod held;
pub(crate) mod saves;

use bevy::{
    ecs::{entity::Entity, entity_disabling::Disabled, query::Allow, system::SystemParam},
    prelude::*,
};
use bevy_replicon::prelude::ClientId;

use crate::{
    model::{
        catalog::ItemCatalog,
        container::Slot,
        data::DataPool,
        error::InventoryError,
        id::{ContainerKey, InventoryId, ItemId},
        saved::UnknownItems,
        slots::Slots,
        stack::Stack,
        state::InventoryState,
        transaction::{Done, Staged, Transaction},
    },
    server::{
        audit::ItemLedger,
        exchanges::Exchanges,
        loot,
        marked::Marked,
        returns::{AwaitsReturns, ReturnsTo},
    },
    shared::{
        authority::Authority, containers::ContainerRegistry, events::Cause, ids::InventoryIds,
        markers::Loading,
    },
};

use super::query::ContainersMut;

/// Operates on all containers of an entity within the limits of the catalog, and records the cause
/// of slot changes ([`Commit::cause`](crate::prelude::Commit)).
///
/// ```
/// use bevy::prelude::*;
/// use bevy_inventory_sync::prelude::*;
///
/// const TORCH: ItemId = ItemId::of("torch");
///
/// fn reward(mut inventories: Inventories, players: Query<Entity, With<Hotbar>>) {
///     for player in &players {
///         if let Some(rest) = inventories.insert_up_to(player, TORCH.stack(5)).into_stack() {
///             info!("{} did not fit", rest.count());
///         }
///     }
/// }
/// # bevy::ecs::system::assert_is_system(reward);
/// ```
///
/// For use on the authority. On a client, writes are reverted. Until the catalog has loaded, nothing fits and every
/// operation is rejected. While an inventory is being loaded from a store, operations return
/// [`InventoryError::Loading`] instead of [`InventoryError::NoInventory`].
///
/// It conflicts with other access to containers in the same system; use [`ParamSet`] or the methods
/// of this parameter instead.
#[derive(SystemParam)]
pub struct Inventories<'w, 's> {
    states: ContainersMut<'w, 's>,
    unknown: Query<'w, 's, &'static mut UnknownItems, Allow<Disabled>>,
    awaiting: Query<'w, 's, &'static AwaitsReturns, Allow<Disabled>>,
    returning: Query<'w, 's, &'static ReturnsTo, Allow<Disabled>>,
    inventory_ids: Query<'w, 's, &'static InventoryId, Allow<Disabled>>,
    ids: Res<'w, InventoryIds>,
    registry: Res<'w, ContainerRegistry>,
    catalog: Option<Res<'w, ItemCatalog>>,
    marked: Option<ResMut<'w, Marked>>,
    ledger: Option<ResMut<'w, ItemLedger>>,
    exchanges: Option<ResMut<'w, Exchanges>>,
    loading: Query<'w, 's, (), (With<Loading>, Allow<Disabled>)>,
    authority: Authority<'w>,
    pool: Option<ResMut<'w, DataPool>>,
    commands: Commands<'w, 's>,
}

/// The part of a stack that did not fit. It must be stored elsewhere, or it is lost.
#[must_use = "the part that did not fit would be lost"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leftover(Option<Stack>);

impl Leftover {
    /// Returns the stack, if there is one.
    #[must_use = "the part that did not fit would be lost"]
    pub fn into_stack(self) -> Option<Stack> {
        self.0
    }

    /// Returns `true` if everything fit.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Discards the leftover.
    pub fn discard(self) {}
}

impl Inventories<'_, '_> {
    /// Returns a copy of all containers of an entity.
    #[must_use]
    pub fn state(&self, entity: Entity) -> Option<InventoryState> {
        self.states.read(&self.registry, entity)
    }

    /// Returns the slot's contents. `None` if the slot is empty or does not exist.
    #[must_use]
    pub fn get(&self, entity: Entity, slot: Slot) -> Option<Stack> {
        let state = self.state(entity)?;
        state.get(state.flat(self.registry.as_slice(), slot)?)
    }

    /// Returns the total count of an item in all containers of an entity.
    #[must_use]
    pub fn count(&self, entity: Entity, item: ItemId) -> u64 {
        self.state(entity).map_or(0, |state| state.count(item))
    }

    /// Returns the number of items of a stack that [`insert_up_to`](Self::insert_up_to) would place.
    #[must_use]
    pub fn fits(&self, entity: Entity, stack: Stack) -> u32 {
        let left = self.try_out(|tx| tx.insert_up_to(entity, stack));
        left.map_or(0, |(left, _)| stack.count() - left.map_or(0, |left| left.count()))
    }

    /// Puts a stack in wherever it fits, first onto matching stacks, and returns the part that did
    /// not fit: the whole stack if the entity has no container or the item is unknown.
    pub fn insert_up_to(&mut self, entity: Entity, stack: Stack) -> Leftover {
        match self.run(Cause::Inserted, |tx| tx.insert_up_to(entity, stack)) {
            Ok(left) => Leftover(left),
            Err(_) => Leftover(Some(stack)),
        }
    }

    /// Inserts a whole stack wherever it fits, or nothing. To insert as much as fits, use
    /// [`insert_up_to`](Self::insert_up_to).
    ///
    /// # Errors
    ///
    /// [`InventoryError::Full`] if not all of it fits, [`InventoryError::NoInventory`], or
    /// [`InventoryError::UnknownItem`].
    pub fn insert(&mut self, entity: Entity, stack: Stack) -> Result<(), InventoryError> {
        self.run(Cause::Inserted, |tx| tx.insert(entity, stack))
    }

    /// Takes exactly `count` of an item, from the last slot backwards.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NotEnough`]; nothing has been taken in
    /// this case.
    pub fn take(
        &mut self,
        entity: Entity,
        item: ItemId,
        count: u32,
    ) -> Result<Vec<Stack>, InventoryError> {
        self.run(Cause::Taken, |tx| tx.take(entity, item, count))
    }

    /// Takes `count` items (all if `None`) out of one slot.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`], or [`InventoryError::Slot`] if the slot is
    /// empty or holds fewer items, or `count` is zero.
    pub fn take_from(
        &mut self,
        entity: Entity,
        slot: Slot,
        count: Option<u32>,
    ) -> Result<Stack, InventoryError> {
        self.run(Cause::Taken, |tx| tx.take_from(entity, slot, count))
    }

    /// Takes every stack that matches the predicate `wanted`. Examples: a death drop, a
    /// confiscation.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`].
    pub fn take_if(
        &mut self,
        entity: Entity,
        wanted: impl FnMut(&Stack) -> bool,
    ) -> Result<Vec<Stack>, InventoryError> {
        self.run(Cause::Taken, |tx| tx.take_if(entity, wanted))
    }

    /// Applies several steps to any number of inventories, all of them or none.
    ///
    /// ```
    /// # use bevy::prelude::*;
    /// # use bevy_inventory_sync::prelude::*;
    /// # const GOLD: ItemId = ItemId::of("gold"); const AXE: ItemId = ItemId::of("axe");
    /// fn buy(mut inventories: Inventories, buyer: Single<Entity, With<Hotbar>>) {
    ///     let sold = inventories.transact(|tx| {
    ///         tx.take(*buyer, GOLD, 5)?;
    ///         tx.insert(*buyer, AXE.stack(1))
    ///     });
    ///     if let Err(error) = sold {
    ///         info!("{error}");
    ///     }
    /// }
    /// # bevy::ecs::system::assert_is_system(buy);
    /// ```
    ///
    /// # Errors
    ///
    /// The error that the closure returns; nothing has changed in this case.
    pub fn transact<T>(
        &mut self,
        steps: impl FnOnce(&mut Transaction) -> Result<T, InventoryError>,
    ) -> Result<T, InventoryError> {
        self.run(Cause::Transacted, steps)
    }

    /// Drops a leftover or any other stack on the ground. [`Dropped`](crate::prelude::Dropped)
    /// names the inventory that dropped it, so that the game can place it there.
    pub fn drop_at(&mut self, by: Entity, stack: impl Into<Option<Stack>>) {
        let Some(stack) = stack.into() else { return };
        self.enter(&[], &[stack], Cause::Dropped);
        self.drop_later(Some(by), vec![stack]);
    }

    fn drop_later(&mut self, by: Option<Entity>, stacks: Vec<Stack>) {
        if stacks.is_empty() {
            return;
        }
        let cause = self.effective_cause(Cause::Dropped);
        let members = self.exchanges.as_ref().map(|exchanges| {
            let owner_of = |entity| self.returning.get(entity).ok().map(|returns| returns.to);
            let id_of = |entity| self.inventory_ids.get(entity).ok().copied();
            loot::dropping(by, exchanges, owner_of, id_of, |entity| self.state(entity))
        });
        let members = members.unwrap_or_default();
        self.commands.queue(move |world: &mut World| {
            for stack in stacks {
                let (members, client) = (members.clone(), ClientId::Server);
                loot::drop_stack(world, loot::StackDrop { by, members, client, stack, cause });
            }
        });
    }

    /// Returns `declared`, or [`Cause::Operator`] while an operator's command runs.
    fn effective_cause(&self, declared: Cause) -> Cause {
        self.marked.as_ref().map_or(declared, |marked| marked.effective_cause(declared))
    }

    /// Drops every stack that matches the predicate `wanted` and returns the number of stacks
    /// dropped. Example: the loot of a death.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`].
    pub fn drop_if(
        &mut self,
        entity: Entity,
        wanted: impl FnMut(&Stack) -> bool,
    ) -> Result<usize, InventoryError> {
        self.run(Cause::Dropped, |tx| {
            let taken = tx.take_if(entity, wanted)?;
            taken.iter().for_each(|stack| tx.drop(*stack));
            Ok(taken.len())
        })
    }

    /// Returns the stacks of one container.
    pub(crate) fn stacks_in(&self, entity: Entity, container: ContainerKey) -> Vec<Stack> {
        let Some(state) = self.state(entity) else { return Vec::new() };
        let kind = state.kind_of(self.registry.as_slice(), container);
        let slots = kind.and_then(|kind| state.container(kind));
        slots.into_iter().flat_map(Slots::iter).map(|(_, stack)| stack).collect()
    }

    /// Runs steps on copies and leaves the inventories unchanged.
    pub(crate) fn try_out<T>(
        &self,
        steps: impl FnOnce(&mut Transaction) -> Result<T, InventoryError>,
    ) -> Result<(T, Done), InventoryError> {
        let load = |entity| self.catalog.as_deref().and_then(|_| self.state(entity));
        let none = ItemCatalog::none();
        let catalog = self.catalog.as_deref().unwrap_or(&none);
        let pool = self.pool.as_deref();
        let mut tx = Transaction::new(catalog, self.registry.as_slice(), &load, pool, None);
        let given = steps(&mut tx).map_err(|error| self.or_loading(error))?;
        Ok((given, tx.done()))
    }

    /// Replaces [`InventoryError::NoInventory`] with [`InventoryError::Loading`] if the inventory is being loaded.
    fn or_loading(&self, error: InventoryError) -> InventoryError {
        match error {
            InventoryError::NoInventory { entity } if self.loading.contains(entity) => {
                InventoryError::Loading { entity }
            }
            other => other,
        }
    }

    pub(crate) fn run<T>(
        &mut self,
        cause: Cause,
        steps: impl FnOnce(&mut Transaction) -> Result<T, InventoryError>,
    ) -> Result<T, InventoryError> {
        let (given, Done { staged, created, dropped }) = self.try_out(steps)?;
        if let Some(pool) = &mut self.pool {
            pool.adopt(&created);
        }
        self.write(&staged, cause);
        self.enter(&staged, &dropped, cause);
        let by = staged.first().map(|first| first.entity);
        if let Some(exchanges) = self.exchanges.as_mut().filter(|_| self.authority.is_here()) {
            let (inventory_ids, returning) = (&self.inventory_ids, &self.returning);
            let dropped_by = by.filter(|_| !dropped.is_empty());
            let state_of = |entity| self.states.read(&self.registry, entity);
            exchanges.record(
                &staged,
                dropped_by,
                |entity| inventory_ids.get(entity).ok().copied(),
                |entity| returning.get(entity).ok().map(|returns| returns.to),
                state_of,
            );
        }
        self.drop_later(by, dropped);
        Ok(given)
    }

    /// Sets the progress value that an inventory shows.
    pub(crate) fn show_progress(&mut self, entity: Entity, steps: u8) {
        let Some(before) = self.state(entity).filter(|state| state.selected != Some(steps)) else {
            return;
        };
        let registry = self.registry.as_slice();
        let shows = before
            .selecting(registry)
            .is_some_and(|kind| registry[usize::from(kind)].shows_progress);
        if !shows {
            return;
        }
        let mut state = before.clone();
        state.selected = before.selected.map(|_| steps);
        self.write(&[Staged { entity, state, before }], Cause::Crafted);
    }

    /// Replaces the contents of an inventory, whose containers must have the same sizes as before.
    pub(crate) fn replace(&mut self, entity: Entity, state: InventoryState, cause: Cause) {
        if let Some(before) = self.state(entity) {
            let staged = [Staged { entity, state, before }];
            self.write(&staged, cause);
            self.enter(&staged, &[], cause);
        }
    }

    fn enter(&mut self, staged: &[Staged], dropped: &[Stack], cause: Cause) {
        let cause = self.effective_cause(cause);
        if let Some(ledger) = self.ledger.as_mut().filter(|_| self.authority.is_here()) {
            ledger.enter(staged, dropped, cause);
        }
    }

    fn write(&mut self, staged: &[Staged], cause: Cause) {
        let cause = self.effective_cause(cause);
        let mut marked = self.marked.as_mut().filter(|_| self.authority.is_here());
        for Staged { entity, state, .. } in staged {
            let Some(mut target) = self.states.get_mut(*entity) else { continue };
            self.registry.write(&mut target, state, |kind, index| {
                if let Some(marked) = &mut marked {
                    marked.declare(*entity, kind, index, cause);
                }
            });
        }
    }
}
