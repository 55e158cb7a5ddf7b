//! Computes what sending full updates only would have cost.

use bevy::{platform::collections::HashMap, prelude::*};

use crate::{
    client::inspect::ClientInspect,
    model::{catalog::ItemCatalog, state::InventoryState},
    server::{baseline::Baseline, inspect::ServerInspect},
    shared::{authority::Authority, containers::ContainerRegistry, events::Commit},
    wire::{
        Schema,
        bits::BitWriter,
        encode::{UpdateHead, update_full},
    },
};

use super::history::{FullCost, History};

/// Maximum number of full updates encoded per frame.
const COPIES_MAX: u64 = 16;

/// Adds up the cost of sending a full update for each commit to each viewer.
pub(super) fn measure_full_updates(
    authority: Authority,
    catalog: Res<ItemCatalog>,
    registry: Res<ContainerRegistry>,
    states: Query<&Baseline>,
    server: ServerInspect,
    client: ClientInspect,
    mut commits: MessageReader<Commit>,
    mut history: ResMut<History>,
    mut versions: Local<HashMap<u32, u64>>,
) {
    let schema = Schema { catalog: &catalog, registry: registry.as_slice() };
    let mut scales = FullUpdateSizes { schema, written: 0, bits: 0 };
    let mut cost = FullCost::default();
    if authority.is_here() {
        versions.clear();
        let mut changed: Vec<Entity> = commits.read().map(|commit| commit.entity).collect();
        changed.sort_unstable();
        changed.dedup();
        for state in changed {
            let Ok(baseline) = states.get(state) else { continue };
            let viewers = server.sent_states(state).count() as u64;
            if viewers > 0 {
                cost.updates += viewers;
                let (handle, version) = (server.handle(state).unwrap_or(0), baseline.version());
                cost.bits += viewers * scales.measure(handle, version, baseline.state());
            }
        }
    } else if client.is_changed() {
        // A new view has not missed any commits.
        let before = core::mem::take(&mut *versions);
        for copy in client.copies() {
            let (handle, version, state) = (copy.handle, copy.version, copy.confirmed);
            versions.insert(handle, version);
            let missed = before.get(&handle).map_or(0, |before| version.saturating_sub(*before));
            if missed > 0 {
                cost.updates += missed;
                cost.bits += missed * scales.measure(handle, version, state);
            }
        }
    }
    commits.clear();
    history.full.updates += cost.updates;
    history.full.bits += cost.bits;
}

/// Measures full updates by encoding them. Beyond [`COPIES_MAX`], each counts as the mean of the encoded ones.
struct FullUpdateSizes<'a> {
    schema: Schema<'a>,
    written: u64,
    bits: u64,
}

impl FullUpdateSizes<'_> {
    fn measure(&mut self, handle: u32, version: u64, state: &InventoryState) -> u64 {
        if self.written == COPIES_MAX {
            return self.bits / COPIES_MAX;
        }
        let bits = full_bits(self.schema, handle, version, state);
        self.written += 1;
        self.bits += bits;
        bits
    }
}

/// Returns the size of a full update of an inventory, in bits.
fn full_bits(schema: Schema, handle: u32, version: u64, state: &InventoryState) -> u64 {
    let mut w = BitWriter::default();
    let (base, version) = (version.max(1) - 1, version.max(1));
    let selected = None;
    update_full(&mut w, schema, &UpdateHead { view: 0, handle, base, version, selected }, state);
    w.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        builtin::Inventory, catalog::Items, container::ContainerInfo, slots::Slots,
    };

    #[test]
    fn excess_updates_count_as_the_mean() {
        let items = Items::<()>::from_ron(r#"(items: [(key: "axe")])"#).unwrap();
        let kinds = [ContainerInfo::of::<Inventory>()];
        let schema = Schema { catalog: items.catalog(), registry: &kinds };
        let mut scales = FullUpdateSizes { schema, written: 0, bits: 0 };
        let mut state = InventoryState::default();
        state.insert(0, Slots::new(27));
        let empty = scales.measure(0, 5, &state);
        assert!((27..80).contains(&empty), "{empty} bits");
        for _ in 1..COPIES_MAX {
            assert_eq!(scales.measure(0, 5, &state), empty);
        }
        state.insert(0, Slots::new(270));
        assert_eq!(scales.measure(0, 5, &state), empty);
    }
}
