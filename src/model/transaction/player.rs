//! Transactions on behalf of a player: the acting inventory, what the player saw, what is
//! permitted, and new instance data.

use bevy::ecs::entity::Entity;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::model::{
    container::{ContainerRef, Slot},
    data::{Datum, ItemData},
    error::InventoryError,
    id::{DataId, InventoryId},
    rejection::Rejection,
    rights::Rights,
    stack::Stack,
};

use super::Transaction;

/// The player on whose behalf a transaction runs.
#[derive(Clone, Copy)]
pub(crate) struct Player<'a> {
    /// The inventory of the player that acts.
    pub(crate) actor: Option<Entity>,
    /// Looks up an inventory among those that the player sees.
    pub(crate) find: &'a dyn Fn(InventoryId) -> Option<Entity>,
    /// Returns the id of an inventory that the player sees.
    pub(crate) name: &'a dyn Fn(Entity) -> Option<InventoryId>,
    /// `true` if the authority decides the action, `false` for predictions and dry runs.
    pub(crate) decides: bool,
    /// Maximum number of items that rules admit into an inventory.
    pub(crate) limits: &'a [(Entity, u32)],
}

impl Transaction<'_> {
    /// Returns the inventory of the acting player: the one that the request was made for.
    ///
    /// # Errors
    ///
    /// [`Rejection::NotInView`] if the player has none, or the transaction does not belong to a
    /// player.
    pub fn actor(&self) -> Result<Entity, Rejection> {
        self.player.and_then(|player| player.actor).ok_or(Rejection::NotInView)
    }

    /// Returns the inventory with this id, among those that the player sees.
    ///
    /// # Errors
    ///
    /// [`Rejection::NotInView`] if the player does not see it or it does not exist.
    pub fn find(&self, id: InventoryId) -> Result<Entity, Rejection> {
        self.player.and_then(|player| (player.find)(id)).ok_or(Rejection::NotInView)
    }

    /// Records the item and instance data in a slot. If the server finds another item there than
    /// the player saw, the action is rejected as [`Rejection::Stale`]. Count and wear may differ,
    /// since they change without the player.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn expect_unchanged(&mut self, entity: Entity, slot: Slot) -> Result<(), InventoryError> {
        self.witness_slot(entity, slot, false)
    }

    /// Like [`Self::expect_unchanged`], including the count if `exactly` is set.
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

    /// Like [`Self::expect_unchanged`], for every filled slot of an area and including the counts. For
    /// actions that cannot be undone.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn expect_unchanged_with_counts(
        &mut self,
        area: impl Into<ContainerRef>,
    ) -> Result<(), InventoryError> {
        let area = area.into();
        let registry = self.registry;
        for flat in self.range(area)? {
            let state = self.state(area.entity)?;
            if let (stack @ Some(_), Some(slot)) = (state.get(flat), state.address(registry, flat))
            {
                self.note_witnessed(area.entity, slot, stack, true);
            }
        }
        Ok(())
    }

    /// Records that an inventory was accessed. The ids of accessed inventories are part of what the
    /// player saw, since a view may show another inventory by the time the request arrives.
    pub(super) fn note_unit(&mut self, entity: Entity) {
        let name = self.player.and_then(|player| (player.name)(entity));
        if let Some(name) = name {
            self.witnessed = xxh3_64_with_seed(&name.to_bits().to_le_bytes(), self.witnessed);
        }
    }

    fn note_witnessed(&mut self, entity: Entity, slot: Slot, stack: Option<Stack>, exactly: bool) {
        let name = self.player.and_then(|player| (player.name)(entity));
        // Fixed byte layout, so that both sides get the same hash on any machine.
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

    /// Returns a 16-bit hash of everything that was recorded; never zero.
    pub(crate) fn witnessed(&self) -> u16 {
        small(self.witnessed)
    }

    /// Returns the same hash up to the point where a client cannot continue, if the transaction
    /// reached that point.
    pub(crate) fn witnessed_in_part(&self) -> Option<u16> {
        self.witnessed_in_part.map(small)
    }

    /// Exempts an inventory from the player's [`Rights`]. For actions that give and take by the
    /// game's rules, such as a purchase. Applies to all containers of the entity: check what the
    /// player named, or let a rule check it.
    pub fn bypass_rights(&mut self, entity: Entity) {
        self.trusted.push(entity);
    }

    /// Returns a value of instance data, if it exists and is of this type.
    #[must_use]
    pub fn data<T: ItemData>(&self, id: DataId) -> Option<T> {
        self.pool?.get(id)
    }

    /// Stores instance data and returns its id, to be set on a stack.
    ///
    /// # Errors
    ///
    /// [`Rejection::ServerOnly`] on a client, since only the server assigns ids;
    /// [`Rejection::Invalid`] if the value is too large or its type is not registered.
    pub fn create_data<T: ItemData>(&mut self, value: &T) -> Result<DataId, Rejection> {
        self.witnessed_in_part.get_or_insert(self.witnessed);
        let pool = self.pool.filter(|_| self.decides()).ok_or(Rejection::ServerOnly)?;
        let (kind, bytes) = pool.encode(value).map_err(|_| Rejection::Invalid)?;
        let again = |datum: &&Datum| datum.kind == kind && datum.bytes == bytes;
        if let Some(id) = pool.find(kind, &bytes).or(self.minted.iter().find(again).map(|d| d.id)) {
            return Ok(id);
        }
        let id = pool.next(self.minted.len());
        self.minted.push(Datum { id, kind, bytes });
        Ok(id)
    }

    /// Returns `true` if the authority decides here; `false` for predictions and dry runs.
    fn decides(&self) -> bool {
        self.player.is_none_or(|player| player.decides)
    }

    pub(super) fn is_players(&self) -> bool {
        self.player.is_some()
    }

    /// Returns `true` if the player may use a slot in this way. The server's own code always may.
    pub(super) fn permits(&mut self, entity: Entity, flat: usize, right: Rights) -> bool {
        let registry = self.registry;
        !self.is_players()
            || self.trusted.contains(&entity)
            || self.state(entity).is_ok_and(|state| state.rights(registry, flat).contains(right))
    }

    /// Returns the number of items that may still be put into an inventory.
    pub(super) fn allowance(&self, entity: Entity) -> u32 {
        let limit = self.player.and_then(|player| {
            player.limits.iter().find(|(of, _)| *of == entity).map(|(_, limit)| *limit)
        });
        let Some(limit) = limit else { return u32::MAX };
        let staged = self.staged.iter().find(|staged| staged.entity == entity);
        let (before, now) = staged.map_or((0, 0), |s| (s.before.total(), s.state.total()));
        let left = (u64::from(limit) + before).saturating_sub(now);
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

fn small(hash: u64) -> u16 {
    let [low, high, ..] = hash.to_le_bytes();
    u16::from_le_bytes([low, high]).max(1)
}
