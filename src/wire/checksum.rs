//! Checksum of an inventory, to detect whether two copies are equal.
//!
//! The checksum is not stored. The server computes it when an inventory has become idle, so the
//! cost is proportional to the openings and changes. It detects accidental errors and authorizes nothing.

use xxhash_rust::xxh3::Xxh3;

use crate::model::{
    data::DataPool,
    planted::{Bug, planted},
    state::InventoryState,
};

/// Returns the XXH3 of an inventory at a version, seeded with the server's run. Covers the
/// containers, the selected slot, every filled slot with its position, and the values of instance data.
#[must_use]
pub fn checksum(state: &InventoryState, version: u64, epoch: u64, pool: &DataPool) -> u64 {
    let mut hasher = Xxh3::with_seed(epoch);
    hasher.update(&version.to_le_bytes());
    hasher.update(&state.selected.map_or(u16::MAX, u16::from).to_le_bytes());
    for container in state.containers() {
        hasher.update(&[container.kind]);
        hasher.update(&(container.slots.len() as u64).to_le_bytes());
        for (slot, stack) in container.slots.iter() {
            let mut bytes = [0; 22];
            let slot = if planted(Bug::ChecksumIgnoresPosition) { 0 } else { slot };
            bytes[..8].copy_from_slice(&(slot as u64).to_le_bytes());
            bytes[8..12].copy_from_slice(&stack.item.to_bits().to_le_bytes());
            bytes[12..16].copy_from_slice(&stack.count().to_le_bytes());
            bytes[16..18].copy_from_slice(&stack.wear.to_le_bytes());
            bytes[18..].copy_from_slice(&stack.data.map_or(0, |id| id.0.get()).to_le_bytes());
            hasher.update(&bytes);
            if let Some(data) = stack.data {
                hasher.update(&pool.digest(data).to_le_bytes());
            }
        }
    }
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{id::ItemId, slots::Slots};

    #[test]
    fn every_field_changes_the_checksum() {
        let axe = ItemId::of("axe").stack(1);
        let state = |slots: &[(usize, crate::model::stack::Stack)], len, selected| {
            let mut state = InventoryState::default();
            state.insert(0, Slots::new(len));
            state.selected = selected;
            for (slot, stack) in slots {
                state.set(*slot, Some(*stack));
            }
            state
        };
        let pool = DataPool::default();
        let checksums = [
            checksum(&state(&[(0, axe)], 9, None), 1, 7, &pool),
            checksum(&state(&[(1, axe)], 9, None), 1, 7, &pool),
            checksum(&state(&[(0, axe.with_wear(1))], 9, None), 1, 7, &pool),
            checksum(&state(&[(0, ItemId::of("axe").stack(2))], 9, None), 1, 7, &pool),
            checksum(&state(&[(0, ItemId::of("bow").stack(1))], 9, None), 1, 7, &pool),
            checksum(&state(&[(0, axe)], 10, None), 1, 7, &pool),
            checksum(&state(&[(0, axe)], 9, Some(0)), 1, 7, &pool),
            checksum(&state(&[(0, axe)], 9, None), 2, 7, &pool),
            checksum(&state(&[(0, axe)], 9, None), 1, 8, &pool),
        ];
        for (at, one) in checksums.iter().enumerate() {
            assert!(!checksums[at + 1..].contains(one), "checksum {at}");
        }
    }
}
