//! Answers the game's requests to the store.

use core::time::Duration;

use crate::{
    model::id::InventoryId,
    store::{
        error::StoreError, history::HistoryQuery, record::StoredInventory, ticket::Ticket, worlds,
    },
};

use super::{
    Order, Report, Worker,
    mirror::{Dirty, Mirror},
};

/// Returns what a claimed inventory contains, whether it is stored yet or not.
fn newest(id: InventoryId, mirror: &Mirror) -> Result<Option<Box<StoredInventory>>, StoreError> {
    match &mirror.dirty {
        Dirty::Deleted => Err(StoreError::Deleted { id }),
        Dirty::Departing(departure) => {
            Err(StoreError::Elsewhere { id, world: departure.to.clone() })
        }
        Dirty::Nothing | Dirty::Slots(_) | Dirty::All => {
            Ok(mirror.stored.as_deref().cloned().map(Box::new))
        }
    }
}

impl Worker {
    pub(super) fn claim(&mut self, id: InventoryId, request: u64, now: Duration) {
        self.leaving.remove(&id);
        if self.mirrors.get(&id).is_some_and(|mirror| mirror.release_tried) {
            // Everything of it is stored, and the claim may have ended.
            self.mirrors.remove(&id);
        }
        if let Some(mirror) = self.mirrors.get(&id) {
            // It has just left this server, and may not be stored yet.
            if mirror.reverted {
                return self.reload(id, request, now);
            }
            let result = newest(id, mirror);
            return self.reports.push(Report::Loaded { id, request, result });
        }
        match self.try_with(now, |store| worlds::claim(store, id)) {
            None => self.waiting.push(Order::Claim { id, request }),
            Some(claimed) => {
                let result = claimed.map(|claim| {
                    let found = claim.found.clone().map(Box::new);
                    self.mirrors.insert(id, Mirror::new(claim.fence, claim.version, claim.found));
                    found
                });
                self.reports.push(Report::Loaded { id, request, result });
            }
        }
    }

    /// Releases an inventory whose claim may have taken effect although it was not answered.
    pub(super) fn abandon(&mut self, id: InventoryId, now: Duration) {
        if self.mirrors.contains_key(&id) {
            // It has been claimed again since.
            return;
        }
        let released = self.try_with(now, |store| {
            let claim = worlds::claim(store, id)?;
            store.release(&[(id, claim.fence)])
        });
        if released.is_none() {
            self.waiting.push(Order::Abandon(id));
        }
    }

    /// Loads an inventory again that was reverted.
    pub(super) fn reload(&mut self, id: InventoryId, request: u64, now: Duration) {
        if let Some(mirror) = self.mirrors.get(&id).filter(|mirror| !mirror.reverted) {
            // It has been loaded since.
            let result = newest(id, mirror);
            return self.reports.push(Report::Loaded { id, request, result });
        }
        match self.try_with(now, |store| store.load(id)) {
            None => self.waiting.push(Order::Reload { id, request }),
            Some(loaded) => {
                let result = loaded.map(|stored| {
                    if let Some(mirror) = self.mirrors.get_mut(&id) {
                        *mirror = Mirror::new(mirror.fence, mirror.version, stored.clone());
                    }
                    stored.map(Box::new)
                });
                self.reports.push(Report::Loaded { id, request, result });
            }
        }
    }

    pub(super) fn read_history(&mut self, query: HistoryQuery, now: Duration) {
        match self.try_with(now, |store| store.history(&query)) {
            None => self.waiting.push(Order::History(query)),
            Some(result) => self.reports.push(Report::History(query, result)),
        }
    }

    pub(super) fn list(&mut self, now: Duration) {
        let Some(ids) = self.try_with(now, |store| store.list()) else {
            return self.waiting.push(Order::List);
        };
        let ids = ids.unwrap_or_else(|error| {
            self.fail(error, now);
            Vec::new()
        });
        // What is claimed is in the world, or about to leave it.
        for id in ids {
            if !self.mirrors.contains_key(&id) {
                self.read(id, now);
            }
        }
        self.reports.push(Report::ListEnds);
    }

    pub(super) fn read(&mut self, id: InventoryId, now: Duration) {
        match self.try_with(now, |store| store.load(id)).map(Result::transpose) {
            Some(Some(result)) => self.reports.push(Report::Listed(id, result.map(Box::new))),
            Some(None) => self.reports.push(Report::NotStored(id)),
            None => self.waiting.push(Order::Read(id)),
        }
    }

    pub(super) fn redeem(&mut self, account: String, ticket: Ticket, now: Duration) {
        let redeemed = self.try_with(now, |store| match store.worlds() {
            Some(worlds) => worlds.redeem(&ticket, &account),
            None => Err(StoreError::OneWorld),
        });
        match redeemed {
            None => self.waiting.push(Order::Redeem { account, ticket }),
            Some(result) => self.reports.push(Report::Redeemed { account, ticket, result }),
        }
    }
}
