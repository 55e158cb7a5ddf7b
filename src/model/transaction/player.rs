//! Transactions on behalf of a player: the acting inventory, what is permitted, and new instance data.

use core::ops::Range;

use bevy::ecs::entity::Entity;

use crate::model::{
    container::Slot,
    data::{Datum, ItemData},
    error::InventoryError,
    id::{DataId, InventoryId},
    measure::Limit,
    rejection::Rejection,
    rights::Rights,
};

use super::{Transaction, Witness};

/// The player on whose behalf a transaction runs.
#[derive(Clone, Copy)]
pub(crate) struct Player<'a> {
    /// The inventory that the player acts from.
    pub(crate) actor: Option<Entity>,
    /// Looks up an inventory among those that the player sees.
    pub(crate) entity_of: &'a dyn Fn(InventoryId) -> Option<Entity>,
    /// Returns the id of an inventory that the player sees.
    pub(crate) id_of: &'a dyn Fn(Entity) -> Option<InventoryId>,
    /// Whether the action is predicted or decided.
    pub(crate) side: Side<'a>,
    /// Limits that rules set.
    pub(crate) limits: &'a [Limit],
}

/// Whether an action is predicted or decided.
#[derive(Clone, Copy)]
pub(crate) enum Side<'a> {
    /// A prediction or a dry run.
    Predicts {
        /// Returns the low bits of the version of an inventory that is shown, or the reason why it cannot be
        /// named.
        version: &'a dyn Fn(Entity) -> Result<u32, Rejection>,
        /// What the player saw when it requested the action, if it is predicted again.
        again: Option<&'a Witness>,
    },
    /// The authority decides.
    Decides {
        /// What the player saw; `None` if the player is at the authority and saw the last commit.
        witness: Option<&'a Witness>,
        /// Returns `true` if slots of an inventory have not changed since the version with these low bits, or since
        /// the last commit if there is none.
        unchanged: &'a dyn Fn(Entity, Range<usize>, Option<u32>) -> bool,
    },
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
        self.player.and_then(|player| (player.entity_of)(id)).ok_or(Rejection::NotInView)
    }

    /// Exempts an inventory from the player's [`Rights`]. For actions that give and take by the
    /// game's rules, such as a purchase. Applies to all containers of the entity: check what the
    /// player named, or let a rule check it.
    pub fn bypass_rights(&mut self, entity: Entity) {
        self.rights_bypassed.push(entity);
    }

    /// Requires the player to have these rights to a slot, even if the action does not change it. The rights that
    /// changes require are checked without this.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NoInventory`] or [`InventoryError::NoSuchSlot`].
    pub fn require_rights(
        &mut self,
        entity: Entity,
        slot: Slot,
        rights: Rights,
    ) -> Result<(), InventoryError> {
        let flat = self.flat(entity, slot)?;
        self.required.push((entity, flat, rights));
        Ok(())
    }

    /// Returns a value of instance data, if it exists and is of this type.
    #[must_use]
    pub fn data<T: ItemData>(&self, id: DataId) -> Option<T> {
        self.pool?.get(id)
    }

    /// Stores instance data and returns its id, to be set on a stack. If the action is rejected, the
    /// value is removed.
    ///
    /// # Errors
    ///
    /// [`Rejection::ServerOnly`] on a client, since only the server assigns ids;
    /// [`Rejection::Invalid`] if the value is too large, its type is not registered, or no id is left.
    pub fn create_data<T: ItemData>(&mut self, value: &T) -> Result<DataId, Rejection> {
        self.end_prediction();
        let pool = self.pool.filter(|_| self.decides()).ok_or(Rejection::ServerOnly)?;
        let (kind, bytes) = pool.encode(value).map_err(|_| Rejection::Invalid)?;
        let again = |datum: &&Datum| datum.kind == kind && datum.bytes == bytes;
        if let Some(datum) = self.created.iter().find(again) {
            return Ok(datum.id);
        }
        let id = match pool.find(kind, &bytes) {
            Some(id) => id,
            None => {
                let first = pool.next(0).ok_or(Rejection::Invalid)?;
                let new = self.created.iter().filter(|datum| datum.id >= first).count();
                pool.next(new).ok_or(Rejection::Invalid)?
            }
        };
        self.created.push(Datum { id, kind, bytes });
        Ok(id)
    }

    /// Returns `true` if the authority decides here; `false` for predictions and dry runs.
    fn decides(&self) -> bool {
        self.player.is_none_or(|player| matches!(player.side, Side::Decides { .. }))
    }

    pub(super) fn is_for_player(&self) -> bool {
        self.player.is_some()
    }

    /// Returns `true` if the player may use a slot in this way. The server's own code always may.
    pub(super) fn permits(&mut self, entity: Entity, flat: usize, right: Rights) -> bool {
        let registry = self.registry;
        !self.is_for_player()
            || self.rights_bypassed.contains(&entity)
            || self.state(entity).is_ok_and(|state| state.rights(registry, flat).contains(right))
    }
}
