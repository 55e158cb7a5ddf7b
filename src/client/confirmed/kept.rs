//! The copies that a client keeps of inventories not in view, and names to the server.

use crate::{
    model::{id::InventoryId, state::InventoryState},
    wire::{COPIES_MAX, Open, handshake::KnownCopies},
};

use super::{ConfirmedInventories, inventory::ConfirmedInventory};

/// A copy of an inventory that is not in view. If it opens again, the server can send only the changes since.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) id: InventoryId,
    pub(super) version: u64,
    pub(super) state: InventoryState,
}

impl ConfirmedInventories {
    /// Returns the copies from which the server may start, at most [`COPIES_MAX`], least valuable first. Copies
    /// in view that are not known to be incorrect take precedence: the player's own first, larger ones before
    /// smaller ones. Then come the other copies, those closed last first.
    pub(crate) fn name_copies(&mut self) -> KnownCopies {
        let mut held: Vec<&ConfirmedInventory> = self.iter().collect();
        held.retain(|held| !held.missed_update && !self.wrong.contains(&held.head.view));
        held.sort_by_key(|held| (!held.head.owner, core::cmp::Reverse(held.state.len())));
        let held = held.into_iter().map(|held| (held.head.id, held.version));
        let kept = self.kept.iter().rev().map(|kept| (kept.id, kept.version));
        let mut named: Vec<(InventoryId, u64)> = held.chain(kept).take(COPIES_MAX).collect();
        named.reverse();
        self.named = named.iter().map(|(id, _)| *id).collect();
        let copies = named.into_iter().map(|(id, version)| (id.to_bits(), version)).collect();
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
        self.kept.push_back(Kept { id, version, state });
    }

    /// Keeps all copies when the connection ends, since the next one may be to the same server.
    pub(crate) fn keep_all(&mut self) {
        let named = self.name_copies();
        for (bits, _) in named.copies {
            let id = InventoryId::from_bits(bits);
            if let Some(held) = self.by_id(id) {
                let (version, state) = (held.version, held.state.clone());
                self.keep(id, version, state);
            }
        }
    }
}
