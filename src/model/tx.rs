//! Transactions over any number of units: all or nothing, the same on server and client.

mod moves;
mod gestures;
mod effect;

use bevy::ecs::entity::Entity;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    container::{Area, Slot},
    data::{DataPool, ItemData},
    error::{InventoryError, SlotError},
    id::{ContainerKey, DataId, InventoryId, ItemId},
    items::Catalogue,
    reason::Reason,
    rights::Rights,
    stack::Stack,
    unit::{Kind, Unit},
};

use crate::wire::Datum;

pub(crate) use effect::{Effect, net_change};

/// A unit that a transaction has touched.
#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) entity: Entity,
    pub(crate) unit: Unit,
    /// As it was before.
    pub(crate) before: Unit,
}

/// For whom a transaction runs, if it is a player's action.
#[derive(Clone, Copy)]
pub(crate) struct Player<'a> {
    /// The inventory that acts.
    pub(crate) actor: Option<Entity>,
    /// Finds what the player sees.
    pub(crate) find: &'a dyn Fn(InventoryId) -> Option<Entity>,
    /// Names what the player sees.
    pub(crate) name: &'a dyn Fn(Entity) -> Option<InventoryId>,
    /// Whether this is the authority, and not a client that shows ahead.
    pub(crate) decides: bool,
    /// How many items rules let into a unit at most.
    pub(crate) limits: &'a [(Entity, u32)],
}

/// What a transaction works on: copies, written back only if it ends well.
pub struct Tx<'a> {
    catalogue: &'a Catalogue,
    kinds: &'a [Kind],
    load: &'a dyn Fn(Entity) -> Option<Unit>,
    pool: Option<&'a DataPool>,
    player: Option<Player<'a>>,
    pub(crate) staged: Vec<Staged>,
    /// Instance data that is new.
    pub(crate) minted: Vec<Datum>,
    pub(crate) dropped: Vec<Stack>,
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

    /// The catalogue, for limits and tags.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        self.catalogue
    }

    /// The inventory of the player whose action this is: the one that the request was made for.
    ///
    /// # Errors
    ///
    /// [`Reason::NotInView`] if the player has none, or this is no player's action.
    pub fn actor(&self) -> Result<Entity, Reason> {
        self.player.and_then(|player| player.actor).ok_or(Reason::NotInView)
    }

    /// The inventory with this id, among those that the player sees.
    ///
    /// # Errors
    ///
    /// [`Reason::NotInView`], also if there is none.
    pub fn find(&self, id: InventoryId) -> Result<Entity, Reason> {
        self.player.and_then(|player| (player.find)(id)).ok_or(Reason::NotInView)
    }

    /// Notes which item lies in a slot, with its instance data: if the server finds another there than
    /// the player saw, the action is refused as [`Reason::Stale`]. Count and wear may differ, for they
    /// change by themselves.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn witness(&mut self, entity: Entity, slot: Slot) -> Result<(), InventoryError> {
        self.witness_slot(entity, slot, false)
    }

    /// As [`Self::witness`], with the count if `exactly`.
    pub(crate) fn witness_slot(
        &mut self,
        entity: Entity,
        slot: Slot,
        exactly: bool,
    ) -> Result<(), InventoryError> {
        let stack = self.get(entity, slot)?;
        self.note_witnessed(entity, slot, stack, exactly);
        Ok(())
    }

    /// As [`Self::witness`], for every slot of an area and with the counts: for what cannot be undone.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn witness_exactly(&mut self, area: impl Into<Area>) -> Result<(), InventoryError> {
        let area = area.into();
        let kinds = self.kinds;
        for flat in self.range(area)? {
            let unit = self.unit(area.entity)?;
            if let (stack @ Some(_), Some(slot)) = (unit.get(flat), unit.address(kinds, flat)) {
                self.note_witnessed(area.entity, slot, stack, true);
            }
        }
        Ok(())
    }

    fn note_witnessed(&mut self, entity: Entity, slot: Slot, stack: Option<Stack>, exactly: bool) {
        let name = self.player.and_then(|player| (player.name)(entity));
        // Written out: both sides must get the same whatever machines they are.
        let mut seen = [0; 26];
        seen[..8].copy_from_slice(&name.map_or(0, InventoryId::to_bits).to_le_bytes());
        seen[8..12].copy_from_slice(&slot.container.to_bits().to_le_bytes());
        seen[12..14].copy_from_slice(&slot.index.to_le_bytes());
        if let Some(stack) = stack {
            seen[14..18].copy_from_slice(&stack.item.to_bits().to_le_bytes());
            let data = stack.data.map_or(0, |data| data.0.get());
            seen[18..22].copy_from_slice(&data.to_le_bytes());
            let count = if exactly { stack.count() } else { 0 };
            seen[22..].copy_from_slice(&count.to_le_bytes());
        }
        self.witnessed = xxh3_64_with_seed(&seen, self.witnessed);
    }

    /// A small hash of everything that was witnessed; never zero.
    pub(crate) fn witnessed(&self) -> u16 {
        let [low, high, ..] = self.witnessed.to_le_bytes();
        u16::from_le_bytes([low, high]).max(1)
    }

    /// Goes on without the player's [`Rights`] to an inventory: for an action that gives and takes by the
    /// game's rules, such as a purchase.
    pub fn trust(&mut self, entity: Entity) {
        self.trusted.push(entity);
    }

    /// The instance data of a stack, if it is of this type.
    #[must_use]
    pub fn data<T: ItemData>(&self, id: DataId) -> Option<T> {
        self.pool?.get(id)
    }

    /// Keeps instance data and names it, for a stack to hold.
    ///
    /// # Errors
    ///
    /// [`Reason::Unpredictable`] on a client: only the server names data. [`Reason::Invalid`] if it is
    /// too large or its type is not registered.
    pub fn mint<T: ItemData>(&mut self, value: &T) -> Result<DataId, Reason> {
        let pool = self.pool.filter(|_| self.decides()).ok_or(Reason::Unpredictable)?;
        let (kind, bytes) = pool.encode(value).map_err(|_| Reason::Invalid)?;
        let again = |datum: &&Datum| datum.kind == kind && datum.bytes == bytes;
        if let Some(id) = pool.find(kind, &bytes).or(self.minted.iter().find(again).map(|d| d.id)) {
            return Ok(id);
        }
        let id = pool.next(self.minted.len());
        self.minted.push(Datum { id, kind, bytes });
        Ok(id)
    }

    /// Whether what is done here counts.
    fn decides(&self) -> bool {
        self.player.is_none_or(|player| player.decides)
    }

    /// Drops a stack: the server puts it on the ground ([`Dropped`](crate::prelude::Dropped)).
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

    /// Whether a player may do something with a slot; the server's own code always may.
    fn permits(&mut self, entity: Entity, flat: usize, right: Rights) -> bool {
        let kinds = self.kinds;
        self.player.is_none()
            || self.trusted.contains(&entity)
            || self.unit(entity).is_ok_and(|unit| unit.rights(kinds, flat).contains(right))
    }

    /// How many items may still come into a unit.
    fn allowance(&self, entity: Entity) -> u32 {
        let limit = self.player.and_then(|player| {
            player.limits.iter().find(|(of, _)| *of == entity).map(|(_, limit)| *limit)
        });
        let Some(limit) = limit else { return u32::MAX };
        let staged = self.staged.iter().find(|staged| staged.entity == entity);
        let (before, now) = staged.map_or((0, 0), |s| (s.before.total(), s.unit.total()));
        let left = (u64::from(limit) + before).saturating_sub(now);
        u32::try_from(left).unwrap_or(u32::MAX)
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
        if let Some(slots) = unit.section_mut(kind) {
            slots.sort(|item| catalogue.rank(item), |item| catalogue.max_stack(item));
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
