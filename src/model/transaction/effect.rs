//! The effects of a transaction: the rights that it requires, and the items gained and lost.

use crate::model::planted::{Bug, planted};
use core::hash::Hash;

use bevy::{ecs::entity::Entity, platform::collections::HashMap};

use crate::model::{
    container::ContainerInfo, id::ItemId, rejection::Rejection, rights::Rights, stack::Stack,
};

use super::{Staged, Transaction, fill::unit_stack};

/// Effect of a transaction on one inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Effect {
    pub(crate) entity: Entity,
    /// The rights to the inventory that the transaction requires.
    pub(crate) needs: Rights,
    /// Whether a slot was used in a way that no player is permitted to.
    pub(crate) denied: bool,
    /// Flat positions of the changed slots.
    pub(crate) slots: Vec<usize>,
    /// Items gained, summed over all slots.
    pub(crate) gains: Vec<Stack>,
    /// Items lost, summed over all slots.
    pub(crate) losses: Vec<Stack>,
}

impl Transaction<'_> {
    /// Returns the effect on each inventory that was accessed.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.staged.iter().map(|staged| staged.effect(self.registry)).collect()
    }

    /// Checks the effects against the player's rights to each inventory.
    ///
    /// # Errors
    ///
    /// [`Rejection::NotInView`] if the player does not see an inventory, or [`Rejection::NotAllowed`] if
    /// the rights are insufficient.
    pub(crate) fn check_rights(
        &self,
        rights: impl Fn(Entity) -> Option<Rights>,
    ) -> Result<(), Rejection> {
        for Effect { entity, needs, denied, .. } in self.effects() {
            let has = rights(entity).ok_or(Rejection::NotInView)?;
            let denied = denied && !planted(Bug::SlotRightsIgnored);
            let may = has.contains(needs) || planted(Bug::RightsIgnored);
            if !self.rights_bypassed.contains(&entity) && (denied || !may) {
                return Err(Rejection::NotAllowed);
            }
        }
        for (entity, flat, needs) in &self.required {
            let has = rights(*entity).ok_or(Rejection::NotInView)?;
            let staged = self.staged.iter().find(|staged| staged.entity == *entity);
            let of_slot = staged.map(|staged| staged.state.rights(self.registry, *flat));
            let has = has & (of_slot.unwrap_or_default() | Rights::SEE);
            if !self.rights_bypassed.contains(entity) && !has.contains(*needs) {
                return Err(Rejection::NotAllowed);
            }
        }
        Ok(())
    }
}

impl Staged {
    fn effect(&self, registry: &[ContainerInfo]) -> Effect {
        let (mut needs, mut denied) = (Rights::SEE, false);
        let mut slots = Vec::new();
        let mut net = NetChange::default();
        for (flat, (old, new)) in self.before.iter().zip(self.state.iter()).enumerate() {
            if old == new {
                continue;
            }
            slots.push(flat);
            let of_a_kind = old.zip(new).is_some_and(|(old, new)| old.stacks_with(&new));
            let (less, more) = match (old, new) {
                (Some(old), Some(new)) if of_a_kind => {
                    (old.count() > new.count(), old.count() < new.count())
                }
                (old, new) => (old.is_some(), new.is_some()),
            };
            let mut used = Rights::empty();
            used.set(Rights::TAKE, less);
            used.set(Rights::PUT, more);
            needs |= used;
            denied |= !self.state.rights(registry, flat).contains(used);
            for (stack, sign) in [(old, -1), (new, 1)] {
                if let Some(stack) = stack {
                    net.add(unit_stack(&stack), sign * i64::from(stack.count()));
                }
            }
        }
        if self.before.selected != self.state.selected {
            needs |= Rights::MANAGE;
        }
        let of_sign = |sign: i64| {
            let some = |(stack, n): &(Stack, i64)| {
                let n = u64::try_from(n * sign).ok()?;
                stack.with_count(u32::try_from(n).unwrap_or(u32::MAX))
            };
            net.sums.iter().filter_map(some).collect()
        };
        let (gains, losses) = (of_sign(1), of_sign(-1));
        Effect { entity: self.entity, needs, denied, slots, gains, losses }
    }
}

/// Sums by key, in the order in which the keys first appeared.
struct NetChange<K> {
    sums: Vec<(K, i64)>,
    index: HashMap<K, usize>,
}

impl<K> Default for NetChange<K> {
    fn default() -> Self {
        Self { sums: Vec::new(), index: HashMap::default() }
    }
}

impl<K: Copy + Eq + Hash> NetChange<K> {
    fn add(&mut self, key: K, count: i64) {
        let at = *self.index.entry(key).or_insert_with(|| {
            self.sums.push((key, 0));
            self.sums.len() - 1
        });
        self.sums[at].1 += count;
    }
}

/// Returns the net change per item over all inventories of a transaction and the dropped stacks.
pub(crate) fn net_change(staged: &[Staged], dropped: &[Stack]) -> Vec<(ItemId, i64)> {
    let mut net = NetChange::default();
    let mut count = |stack: Option<Stack>, sign| {
        stack.into_iter().for_each(|s| net.add(s.item, sign * i64::from(s.count())));
    };
    for Staged { before, state, .. } in staged {
        if before.same_structure(state) {
            for (old, new) in before.iter().zip(state.iter()).filter(|(old, new)| old != new) {
                count(old, -1);
                count(new, 1);
            }
        } else {
            before.iter().for_each(|stack| count(stack, -1));
            state.iter().for_each(|stack| count(stack, 1));
        }
    }
    dropped.iter().for_each(|stack| count(Some(*stack), 1));
    net.sums.retain(|(_, sum)| *sum != 0);
    net.sums
}
