//! A transaction that is a player's action: who acts, what was seen, what is allowed, what is minted.

use bevy::ecs::entity::Entity;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{
    model::{
        container::{Area, Slot},
        data::ItemData,
        error::InventoryError,
        id::{DataId, InventoryId},
        reason::Reason,
        rights::Rights,
        stack::Stack,
    },
    wire::Datum,
};

use super::Tx;

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

impl Tx<'_> {
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

    /// Which inventories are touched is part of what was seen: a view may show another one by then.
    pub(super) fn note_unit(&mut self, entity: Entity) {
        let name = self.player.and_then(|player| (player.name)(entity));
        if let Some(name) = name {
            self.witnessed = xxh3_64_with_seed(&name.to_bits().to_le_bytes(), self.witnessed);
        }
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
        small(self.witnessed)
    }

    /// The same up to where a client cannot go on, if the transaction came there.
    pub(crate) fn witnessed_in_part(&self) -> Option<u16> {
        self.witnessed_in_part.map(small)
    }

    /// Goes on without the player's [`Rights`] to an inventory: for an action that gives and takes by the
    /// game's rules, such as a purchase. It holds for all its containers: check what the player named, or
    /// have a rule do it.
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
        self.witnessed_in_part.get_or_insert(self.witnessed);
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

    pub(super) fn is_players(&self) -> bool {
        self.player.is_some()
    }

    /// Whether a player may do something with a slot; the server's own code always may.
    pub(super) fn permits(&mut self, entity: Entity, flat: usize, right: Rights) -> bool {
        let kinds = self.kinds;
        !self.is_players()
            || self.trusted.contains(&entity)
            || self.unit(entity).is_ok_and(|unit| unit.rights(kinds, flat).contains(right))
    }

    /// How many items may still come into a unit.
    pub(super) fn allowance(&self, entity: Entity) -> u32 {
        let limit = self.player.and_then(|player| {
            player.limits.iter().find(|(of, _)| *of == entity).map(|(_, limit)| *limit)
        });
        let Some(limit) = limit else { return u32::MAX };
        let staged = self.staged.iter().find(|staged| staged.entity == entity);
        let (before, now) = staged.map_or((0, 0), |s| (s.before.total(), s.unit.total()));
        let left = (u64::from(limit) + before).saturating_sub(now);
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

fn small(hash: u64) -> u16 {
    let [low, high, ..] = hash.to_le_bytes();
    u16::from_le_bytes([low, high]).max(1)
}
