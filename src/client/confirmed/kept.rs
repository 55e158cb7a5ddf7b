//! The copies that a client keeps of inventories not in view, and names to the server.

use crate::{
    model::{id::InventoryId, state::InventoryState},
    wire::{COPIES_MAX, Open, handshake::KnownCopies},
};

use super::{ConfirmedInventories, inventory::ConfirmedInventory};

/// A copy of an inventory that is not in view. If it opens again, the server can send only the changes since.
#[derive(Debug)]
pub(super) struct KeptCopy {
    pub(super) id: InventoryId,
    pub(super) version: u64,
    pub(super) state: InventoryState,
}

impl ConfirmedInventories {
    /// Returns the copies from which the server may start, at most [`COPIES_MAX`], least valuable first. Copies
    /// in view that are not known to be incorrect take precedence: the player's own first, larger ones before
    /// smaller ones. Then come the other copies, those closed last first.
    pub(crate) fn list_copies(&mut self) -> KnownCopies {
        let mut in_view: Vec<&ConfirmedInventory> = self.iter().collect();
        in_view.retain(|copy| !copy.missed_update && !self.wrong.contains(&copy.head.view));
        in_view.sort_by_key(|copy| (!copy.head.owner, core::cmp::Reverse(copy.state.len())));
        let in_view = in_view.into_iter().map(|copy| (copy.head.id, copy.version));
        let kept = self.kept.iter().rev().map(|kept| (kept.id, kept.version));
        let mut listed: Vec<(InventoryId, u64)> = in_view.chain(kept).take(COPIES_MAX).collect();
        listed.reverse();
        self.listed = listed.iter().map(|(id, _)| *id).collect();
        let copies = listed.into_iter().map(|(id, version)| (id.to_bits(), version)).collect();
        KnownCopies { epoch: self.epoch, copies, transfer: None }
    }

    /// Keeps copies whose views did not open because their transfer was cut off.
    pub(crate) fn keep_opens(&mut self, opens: Vec<Open>) {
        for Open { head, state, .. } in opens.into_iter().take(COPIES_MAX) {
            if self.by_id(head.id).is_none() {
                self.keep(head.id, head.version, state);
            }
        }
    }

    pub(super) fn keep(&mut self, id: InventoryId, version: u64, state: InventoryState) {
        self.kept.retain(|kept| kept.id != id);
        if self.kept.len() == COPIES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(KeptCopy { id, version, state });
    }

    /// Keeps all copies when the connection ends, since the next one may be to the same server.
    pub(crate) fn keep_all(&mut self) {
        for (bits, _) in self.list_copies().copies {
            let id = InventoryId::from_bits(bits);
            if let Some(copy) = self.by_id(id) {
                let (version, state) = (copy.version, copy.state.clone());
                self.keep(id, version, state);
            }
        }
    }
}
