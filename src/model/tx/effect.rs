//! What a transaction did, seen from outside: which rights it takes, what came and what went.

use bevy::ecs::entity::Entity;

use crate::model::{id::ItemId, reason::Reason, rights::Rights, stack::Stack, unit::Kind};

use super::{Staged, Tx};

/// What a transaction did to one unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Effect {
    pub(crate) entity: Entity,
    /// The rights to the inventory that it takes.
    pub(crate) needs: Rights,
    /// Whether a slot was used as no player may use it.
    pub(crate) denied: bool,
    /// The flat positions that changed.
    pub(crate) slots: Vec<usize>,
    /// What there is more of, in all slots together.
    pub(crate) gains: Vec<Stack>,
    /// What there is less of.
    pub(crate) losses: Vec<Stack>,
}

impl Tx<'_> {
    /// What became of every unit that was looked at.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.staged.iter().map(|staged| staged.effect(self.kinds)).collect()
    }

    /// Checks what was done against the player's rights to each inventory.
    ///
    /// # Errors
    ///
    /// [`Reason::NotInView`] or [`Reason::NotAllowed`].
    pub(crate) fn check_rights(
        &self,
        rights: impl Fn(Entity) -> Option<Rights>,
    ) -> Result<(), Reason> {
        for Effect { entity, needs, denied, .. } in self.effects() {
            let has = rights(entity).ok_or(Reason::NotInView)?;
            if !self.trusted.contains(&entity) && (denied || !has.contains(needs)) {
                return Err(Reason::NotAllowed);
            }
        }
        Ok(())
    }
}

impl Staged {
    fn effect(&self, kinds: &[Kind]) -> Effect {
        let (mut needs, mut denied) = (Rights::SEE, false);
        let mut slots = Vec::new();
        let mut net: Vec<(Stack, i64)> = Vec::new();
        for (flat, (old, new)) in self.before.iter().zip(self.unit.iter()).enumerate() {
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
            denied |= !self.unit.rights(kinds, flat).contains(used);
            for (stack, sign) in [(old, -1), (new, 1)] {
                if let Some(stack) = stack {
                    add(&mut net, stack, sign * i64::from(stack.count()));
                }
            }
        }
        if self.before.selected != self.unit.selected {
            needs |= Rights::MANAGE;
        }
        let of_sign = |sign: i64| {
            let some = |(stack, n): &(Stack, i64)| {
                let n = u64::try_from(n * sign).ok()?;
                stack.with_count(u32::try_from(n).unwrap_or(u32::MAX))
            };
            net.iter().filter_map(some).collect()
        };
        let (gains, losses) = (of_sign(1), of_sign(-1));
        Effect { entity: self.entity, needs, denied, slots, gains, losses }
    }
}

fn add(net: &mut Vec<(Stack, i64)>, stack: Stack, count: i64) {
    match net.iter_mut().find(|(there, _)| there.stacks_with(&stack)) {
        Some((_, sum)) => *sum += count,
        None => net.push((stack, count)),
    }
}

/// How many of each item there are more (or fewer) after a transaction, over all its units.
pub(crate) fn net_change(staged: &[Staged], dropped: &[Stack]) -> Vec<(ItemId, i64)> {
    let mut net: Vec<(ItemId, i64)> = Vec::new();
    let mut add = |item, count| match net.iter_mut().find(|(there, _)| *there == item) {
        Some((_, sum)) => *sum += count,
        None => net.push((item, count)),
    };
    for staged in staged {
        for (unit, sign) in [(&staged.before, -1), (&staged.unit, 1)] {
            unit.iter().flatten().for_each(|s| add(s.item, sign * i64::from(s.count())));
        }
    }
    dropped.iter().for_each(|s| add(s.item, i64::from(s.count())));
    net.retain(|(_, sum)| *sum != 0);
    net
}
