//! Transactions over any number of units: all or nothing, the same on server and client.

mod player;
mod moves;
mod gestures;
mod effect;

use bevy::ecs::entity::Entity;

use super::{
    container::{Area, Slot},
    data::DataPool,
    error::{InventoryError, SlotError},
    id::{ContainerKey, ItemId},
    items::Catalogue,
    rights::Rights,
    stack::Stack,
    unit::{Kind, Unit},
};

use crate::wire::Datum;

pub(crate) use effect::{Effect, net_change};
pub(crate) use player::Player;

/// A unit that a transaction has touched.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) entity: Entity,
    pub(crate) unit: Unit,
    /// As it was before.
    pub(crate) before: Unit,
}

/// What a transaction that ended well has made.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) staged: Vec<Staged>,
    /// Instance data that is new.
    pub(crate) minted: Vec<Datum>,
    /// What is to be put on the ground.
    pub(crate) dropped: Vec<Stack>,
}

/// What a transaction works on: copies, written back only if it ends well.
pub struct Tx<'a> {
    catalogue: &'a Catalogue,
    kinds: &'a [Kind],
    load: &'a dyn Fn(Entity) -> Option<Unit>,
    pool: Option<&'a DataPool>,
    player: Option<Player<'a>>,
    staged: Vec<Staged>,
    minted: Vec<Datum>,
    dropped: Vec<Stack>,
    witnessed: u64,
    /// Units that are exempt from the player's rights.
    trusted: Vec<Entity>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        catalogue: &'a Catalogue,
        kinds: &'a [Kind],
        load: &'a dyn Fn(Entity) -> Option<Unit>,
        pool: Option<&'a DataPool>,
        player: Option<Player<'a>>,
    ) -> Self {
        Self {
            catalogue,
            kinds,
            load,
            pool,
            player,
            staged: Vec::new(),
            minted: Vec::new(),
            dropped: Vec::new(),
            witnessed: 0,
            trusted: Vec::new(),
        }
    }

    pub(crate) fn done(self) -> Done {
        let Self { staged, minted, dropped, .. } = self;
        Done { staged, minted, dropped }
    }

    /// The units that were looked at.
    pub(crate) fn staged(&self) -> &[Staged] {
        &self.staged
    }

    /// The catalogue, for limits and tags.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        self.catalogue
    }

    /// Drops a stack that was taken out before: the server puts it on the ground
    /// ([`Dropped`](crate::prelude::Dropped)), by the inventory that the transaction touched first.
    pub fn drop(&mut self, stack: Stack) {
        self.dropped.push(stack);
    }

    /// Runs a step of several parts, none of which stays if one fails: a closure may go on after an
    /// error.
    fn all_or_nothing<T, E>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = (self.staged.clone(), self.dropped.clone());
        step(self).inspect_err(|_| (self.staged, self.dropped) = before)
    }

    fn unit(&mut self, entity: Entity) -> Result<&mut Unit, InventoryError> {
        let at = match self.staged.iter().position(|staged| staged.entity == entity) {
            Some(at) => at,
            None => {
                let unit = (self.load)(entity).ok_or(InventoryError::NoInventory { entity })?;
                self.note_unit(entity);
                self.staged.push(Staged { entity, before: unit.clone(), unit });
                self.staged.len() - 1
            }
        };
        Ok(&mut self.staged[at].unit)
    }

    fn flat(&mut self, entity: Entity, slot: Slot) -> Result<usize, InventoryError> {
        let kinds = self.kinds;
        let index = slot.index;
        self.unit(entity)?.flat(kinds, slot).ok_or(InventoryError::NoSuchSlot { entity, index })
    }

    /// The flat positions of an area.
    fn range(&mut self, area: Area) -> Result<core::ops::Range<usize>, InventoryError> {
        let kinds = self.kinds;
        let Area { entity, container } = area;
        let unit = self.unit(entity)?;
        let Some(key) = container else { return Ok(0..unit.len()) };
        let missing = InventoryError::NoSuchSlot { entity, index: 0 };
        let kind = unit.kind_of(kinds, key).ok_or(missing)?;
        let start = unit.start_of(kind);
        Ok(start..start + unit.section(kind).ok_or(missing)?.len())
    }

    fn check_known(&self, item: ItemId) -> Result<(), InventoryError> {
        self.catalogue.rank(item).map(drop).ok_or(InventoryError::UnknownItem { item })
    }

    fn accepts(
        &mut self,
        entity: Entity,
        flat: usize,
        item: ItemId,
    ) -> Result<bool, InventoryError> {
        let (catalogue, kinds) = (self.catalogue, self.kinds);
        let def = catalogue.get(item).ok_or(InventoryError::UnknownItem { item })?;
        let (kind, index) = self.unit(entity)?.locate(flat).unwrap_or_default();
        Ok(kinds.get(usize::from(kind)).is_some_and(|kind| (kind.accepts)(index, def)))
    }

    /// What lies in a slot.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn get(&mut self, entity: Entity, slot: Slot) -> Result<Option<Stack>, InventoryError> {
        let flat = self.flat(entity, slot)?;
        Ok(self.unit(entity)?.get(flat))
    }

    /// How many of an item there are.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`].
    pub fn count(&mut self, entity: Entity, item: ItemId) -> Result<u64, InventoryError> {
        Ok(self.unit(entity)?.count(item))
    }

    /// Puts a stack in wherever it fits, first to stacks of its kind, and returns what did not fit.
    ///
    /// A whole unit ([`Area::all`], or its [`Entity`]) is filled in the order of registration, without
    /// the containers that do not [`FILL`](super::container::Container::FILL); a container that is named
    /// is filled in any case.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`] if it has no such container, or
    /// [`InventoryError::UnknownItem`].
    pub fn fill(
        &mut self,
        area: impl Into<Area>,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        self.fill_but(area.into(), None, stack)
    }

    /// As [`Self::fill`], leaving one slot out.
    fn fill_but(
        &mut self,
        area: Area,
        left_out: Option<usize>,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        self.check_known(stack.item)?;
        let entity = area.entity;
        let max_stack = self.catalogue.max_stack(stack.item);
        let range = self.range(area)?;
        let mut rest = Some(stack);
        for onto_stacks in [true, false] {
            for flat in range.clone().filter(|flat| Some(*flat) != left_out) {
                let Some(left) = rest else { return Ok(None) };
                if self.unit(entity)?.get(flat).is_some() == onto_stacks
                    && (area.container.is_some() || self.fills_by_itself(entity, flat)?)
                    && self.permits(entity, flat, Rights::PUT)
                    && self.accepts(entity, flat, left.item)?
                {
                    rest = self.put_at(entity, flat, left, max_stack).unwrap_or(rest);
                }
            }
        }
        Ok(rest)
    }

    fn fills_by_itself(&mut self, entity: Entity, flat: usize) -> Result<bool, InventoryError> {
        let kinds = self.kinds;
        let (kind, _) = self.unit(entity)?.locate(flat).unwrap_or_default();
        Ok(kinds.get(usize::from(kind)).is_some_and(|kind| kind.fill))
    }

    fn put_at(
        &mut self,
        entity: Entity,
        flat: usize,
        stack: Stack,
        max_stack: u32,
    ) -> Result<Option<Stack>, InventoryError> {
        let fail = |error| InventoryError::Slot { entity, error };
        let part = stack.count().min(self.allowance(entity));
        let part = stack.with_count(part).ok_or(fail(SlotError::Occupied { slot: flat }))?;
        let unit = self.unit(entity)?;
        let (kind, index) = unit.locate(flat).unwrap_or_default();
        let Some(slots) = unit.section_mut(kind) else {
            return Err(InventoryError::NoInventory { entity });
        };
        let rest = slots.merge(index, part, max_stack).map_err(fail)?;
        Ok(stack.with_count(stack.count() - part.count() + rest.map_or(0, |rest| rest.count())))
    }

    /// Puts a whole stack in wherever it fits.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Full`] if not all of it fits, or as [`Self::fill`].
    pub fn give(&mut self, area: impl Into<Area>, stack: Stack) -> Result<(), InventoryError> {
        let area = area.into();
        let entity = area.entity;
        self.all_or_nothing(|tx| match tx.fill(area, stack)? {
            None => Ok(()),
            Some(rest) => Err(InventoryError::Full { entity, item: rest.item, left: rest.count() }),
        })
    }

    /// Takes exactly `count` of an item, from the last slot backwards, and returns the stacks.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`] if it has no such container, or
    /// [`InventoryError::NotEnough`].
    pub fn take(
        &mut self,
        area: impl Into<Area>,
        item: ItemId,
        count: u32,
    ) -> Result<Vec<Stack>, InventoryError> {
        let area = area.into();
        let entity = area.entity;
        self.all_or_nothing(|tx| {
            let taken = tx.take_up_to(area, item, count)?;
            let have = taken.iter().map(|stack| u64::from(stack.count())).sum();
            if have < u64::from(count) {
                return Err(InventoryError::NotEnough { entity, item, have, wanted: count });
            }
            Ok(taken)
        })
    }

    fn take_up_to(
        &mut self,
        area: Area,
        item: ItemId,
        count: u32,
    ) -> Result<Vec<Stack>, InventoryError> {
        let mut left = count;
        let mut taken = Vec::new();
        for flat in self.range(area)?.rev() {
            let there = self.unit(area.entity)?.get(flat).filter(|stack| stack.item == item);
            let Some(stack) = there else { continue };
            let part = stack.with_count(left.min(stack.count()));
            if let Some(part) = part.filter(|_| self.permits(area.entity, flat, Rights::TAKE)) {
                self.unit(area.entity)?.set(flat, stack.with_count(stack.count() - part.count()));
                left -= part.count();
                taken.push(part);
            }
        }
        Ok(taken)
    }

    /// Takes all stacks for which `wanted` says yes.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`].
    pub fn take_where(
        &mut self,
        area: impl Into<Area>,
        mut wanted: impl FnMut(&Stack) -> bool,
    ) -> Result<Vec<Stack>, InventoryError> {
        let area = area.into();
        let range = self.range(area)?;
        let unit = self.unit(area.entity)?;
        let hits: Vec<usize> =
            range.filter(|flat| unit.get(*flat).is_some_and(|s| wanted(&s))).collect();
        Ok(hits.into_iter().filter_map(|flat| unit.set(flat, None)).collect())
    }

    /// Takes `count` (all, if `None`) out of one slot.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`], or [`InventoryError::Slot`]
    /// if the slot is empty or holds less.
    pub fn take_from(
        &mut self,
        entity: Entity,
        slot: Slot,
        count: Option<u32>,
    ) -> Result<Stack, InventoryError> {
        let flat = self.flat(entity, slot)?;
        self.take_at(entity, flat, count)
    }

    fn take_at(
        &mut self,
        entity: Entity,
        flat: usize,
        count: Option<u32>,
    ) -> Result<Stack, InventoryError> {
        let fail = |error| InventoryError::Slot { entity, error };
        let unit = self.unit(entity)?;
        let stack = unit.get(flat).ok_or(fail(SlotError::Empty { slot: flat }))?;
        let (have, wanted) = (stack.count(), count.unwrap_or(stack.count()));
        let part =
            stack.with_count(wanted).ok_or(fail(SlotError::Count { count: wanted, max: have }))?;
        let rest = have.checked_sub(wanted).ok_or(fail(SlotError::NotEnough {
            slot: flat,
            have,
            wanted,
        }))?;
        unit.set(flat, stack.with_count(rest));
        Ok(part)
    }

    /// Puts as much of a stack into one slot as fits there and returns the rest.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NotAccepted`], [`InventoryError::Slot`] if not one of it fits,
    /// [`InventoryError::NoInventory`], [`InventoryError::NoSuchSlot`],
    /// [`InventoryError::UnknownItem`].
    pub fn put_into(
        &mut self,
        entity: Entity,
        slot: Slot,
        stack: Stack,
    ) -> Result<Option<Stack>, InventoryError> {
        let flat = self.flat(entity, slot)?;
        if !self.accepts(entity, flat, stack.item)? {
            return Err(InventoryError::NotAccepted { entity, index: flat, item: stack.item });
        }
        let max_stack = self.catalogue.max_stack(stack.item);
        self.put_at(entity, flat, stack, max_stack)
    }

    /// Merges what stacks, orders by item, and closes the gaps of one container.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], or [`InventoryError::NoSuchSlot`] if the unit has no such
    /// container.
    pub fn sort(&mut self, entity: Entity, container: ContainerKey) -> Result<(), InventoryError> {
        let missing = InventoryError::NoSuchSlot { entity, index: 0 };
        let (catalogue, kinds) = (self.catalogue, self.kinds);
        let unit = self.unit(entity)?;
        let kind = unit.kind_of(kinds, container).ok_or(missing)?;
        let before = unit.section(kind).cloned().unwrap_or_default();
        if let Some(slots) = unit.section_mut(kind) {
            slots.sort(|item| catalogue.rank(item), |item| catalogue.max_stack(item));
        }
        let start = unit.start_of(kind);
        for index in 0..before.len() {
            let now =
                self.unit(entity)?.get(start + index).filter(|now| before.get(index) != Some(*now));
            if let Some(stack) = now
                && !self.accepts(entity, start + index, stack.item)?
            {
                if let Some(slots) = self.unit(entity)?.section_mut(kind) {
                    *slots = before;
                }
                return Err(InventoryError::NotAccepted {
                    entity,
                    index: start + index,
                    item: stack.item,
                });
            }
        }
        Ok(())
    }

    /// Selects a slot of the container that has a selected one.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`], or [`InventoryError::NoSuchSlot`] if there is no such slot or
    /// the container has no selected one.
    pub fn select(&mut self, entity: Entity, slot: Slot) -> Result<(), InventoryError> {
        let flat = self.flat(entity, slot)?;
        let missing = InventoryError::NoSuchSlot { entity, index: slot.index };
        let index = u8::try_from(slot.index).map_err(|_| missing)?;
        let kinds = self.kinds;
        let unit = self.unit(entity)?;
        let (kind, _) = unit.locate(flat).unwrap_or_default();
        let selects = unit.selecting(kinds) == Some(kind) && !kinds[usize::from(kind)].progress;
        unit.selected.as_mut().filter(|_| selects).map(|selected| *selected = index).ok_or(missing)
    }
}
