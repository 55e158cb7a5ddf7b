//! The exchanges of items that are not stored yet, which are needed to undo changes.

use std::collections::BTreeSet;

use bevy::prelude::*;
use smallvec::SmallVec;

use crate::{
    model::{id::InventoryId, state::InventoryState},
    server::inspect::{Exchange, ExchangeMember},
};

use super::changes::Exit;

/// Once the log has this many exchanges, those between the same inventories are merged. It has that many only while the
/// store fails.
const MERGE_FROM: usize = 4096;

/// The exchanges since the last commit, in order.
#[derive(Resource, Default, Debug)]
pub(super) struct ExchangeLog {
    exchanges: Vec<(u64, Exchange)>,
    /// Number of exchanges at which they are merged next.
    merge_at: usize,
    /// Stored inventories that have left the world: the tick, and whether they were deleted.
    gone: Vec<(u64, InventoryId, LeftBy)>,
}

/// How a stored inventory has left the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LeftBy {
    Released,
    Deleted,
}

impl LeftBy {
    pub(super) fn by(exit: &Exit) -> Self {
        match exit {
            Exit::Delete => Self::Deleted,
            Exit::Release | Exit::Depart(_) => Self::Released,
        }
    }
}

/// What an inventory was before the first exchange that is undone.
pub(super) struct Undone {
    pub(super) id: InventoryId,
    pub(super) entity: Option<Entity>,
    /// `None` if the exchange created it, or if it was not part of one.
    pub(super) before: Option<InventoryState>,
    /// Whether the exchange created it.
    pub(super) created: bool,
    /// Whether it is a stored inventory that has left the world.
    pub(super) left_by: Option<LeftBy>,
}

impl ExchangeLog {
    /// Records the exchanges of a tick, and returns their inventories. `is_claimed` returns `true` if an inventory is
    /// stored.
    pub(super) fn record(
        &mut self,
        tick: u64,
        exchanges: &[Exchange],
        is_claimed: impl Fn(InventoryId) -> bool,
    ) -> Vec<SmallVec<[InventoryId; 2]>> {
        let has_claimed = |exchange: &Exchange| {
            exchange.members.iter().any(|member| is_claimed(member.inventory))
        };
        let before = self.exchanges.len();
        // Once one inventory without a claim is part of an exchange, it can pass that on to others.
        if before > 0 || exchanges.iter().any(has_claimed) {
            self.exchanges.extend(exchanges.iter().map(|exchange| (tick, exchange.clone())));
        }
        let new = &self.exchanges[before..];
        let ids = |(_, exchange): &(u64, Exchange)| {
            exchange.members.iter().map(|member| member.inventory).collect()
        };
        let ids = new.iter().map(ids).collect();
        if self.exchanges.len() >= self.merge_at.max(MERGE_FROM) {
            self.merge();
            self.merge_at = 2 * self.exchanges.len();
        }
        ids
    }

    /// Records that a stored inventory has left the world.
    pub(super) fn record_gone(&mut self, tick: u64, id: InventoryId, left_by: LeftBy) {
        self.gone.push((tick, id, left_by));
    }

    /// Merges the exchanges of the same inventories. What was there before the first of them is kept.
    fn merge(&mut self) {
        let mut seen = BTreeSet::new();
        let last = self.exchanges.last().map_or(0, |(tick, _)| *tick);
        self.exchanges.retain_mut(|(tick, exchange)| {
            let mut ids: Vec<_> = exchange.members.iter().map(|member| member.inventory).collect();
            ids.sort_unstable();
            // They end with the last of them.
            *tick = last;
            seen.insert(ids)
        });
    }

    /// Forgets the exchanges up to a tick, which are stored, except those with these inventories.
    pub(super) fn forget_stored(&mut self, tick: u64, except: &BTreeSet<InventoryId>) {
        self.exchanges.retain(|(at, exchange)| {
            let excepted = |member: &ExchangeMember| except.contains(&member.inventory);
            *at > tick || exchange.members.iter().any(excepted)
        });
        self.gone.retain(|(at, id, _)| *at > tick || except.contains(id));
        self.merge_at = 0;
    }

    /// Takes everything that has exchanged items with these inventories, directly or through others.
    pub(super) fn take(&mut self, inventories: &[InventoryId]) -> Vec<Undone> {
        let mut found: BTreeSet<InventoryId> = inventories.iter().copied().collect();
        loop {
            let before = found.len();
            for (_, Exchange { members }) in &self.exchanges {
                if members.iter().any(|member| found.contains(&member.inventory)) {
                    found.extend(members.iter().map(|member| member.inventory));
                }
            }
            if found.len() == before {
                break;
            }
        }
        let first = |id: &InventoryId| {
            let members = self.exchanges.iter().flat_map(|(_, exchange)| &exchange.members);
            members.into_iter().find(|member| member.inventory == *id)
        };
        let undone = found.iter().map(|id| {
            let first = first(id);
            let before = first.and_then(|first| first.before.clone());
            let (entity, created) =
                (first.map(|first| first.entity), first.is_some() && before.is_none());
            let left_by = self.gone.iter().rfind(|(_, gone, _)| gone == id).map(|(.., gone)| *gone);
            Undone { id: *id, entity, before, created, left_by }
        });
        let undone = undone.collect();
        self.gone.retain(|(_, id, _)| !found.contains(id));
        self.exchanges.retain(|(_, exchange)| {
            exchange.members.iter().all(|member| !found.contains(&member.inventory))
        });
        undone
    }
}
