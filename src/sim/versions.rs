//! Checks that versions rise by one, and that a version has the same contents everywhere.

use core::hash::{Hash, Hasher};
use std::collections::VecDeque;

use bevy::{platform::collections::HashMap, prelude::*};
use xxhash_rust::xxh3::Xxh3;

use crate::{
    client::confirmed::ConfirmedInventories,
    model::{data::DataPool, id::InventoryId},
    server::baseline::Baseline,
};

use super::{
    plain::{PlainInventory, Reader},
    report::Violation,
    scene::Scene,
};

/// Number of ticks for which versions of inventories are remembered after the next one.
const REMEMBERED: u64 = 3600;

/// The versions that the server had.
#[derive(Default)]
pub(super) struct Versions {
    /// Hash of the contents of each version of each inventory.
    history: HashMap<(InventoryId, u64), u64>,
    superseded: VecDeque<(u64, (InventoryId, u64))>,
    /// Last version of each inventory on the server.
    last: HashMap<InventoryId, u64>,
    /// Highest version of any inventory.
    highest: u64,
    /// The next inventory that is compared although its version is the same.
    turn: usize,
}

/// The versions of the copies that a client had when they were last compared.
#[derive(Default)]
pub(super) struct CopyVersions {
    last: HashMap<InventoryId, u64>,
    /// The next copy that is compared although its version is the same.
    turn: usize,
}

/// Hashes the contents of an inventory.
fn hash(inventory: &PlainInventory) -> u64 {
    let mut hasher = Xxh3::new();
    inventory.hash(&mut hasher);
    hasher.finish()
}

impl Versions {
    /// Checks and records the versions of all inventories.
    pub(super) fn follow(&mut self, scene: &mut Scene) -> Result<(), Violation> {
        let tick = scene.sim.tick();
        let Scene { sim, reader, .. } = scene;
        let world = sim.server.world_mut();
        let mut inventories = world.query::<(&InventoryId, &Baseline)>();
        let pool = world.resource::<DataPool>();
        let inventories: Vec<_> = inventories.iter(world).collect();
        self.turn = (self.turn + 1) % inventories.len().max(1);
        let highest = self.highest;
        for (n, (id, baseline)) in inventories.into_iter().enumerate() {
            let version = baseline.version();
            // Not committed yet: the server has not been updated since it was spawned.
            if version == 0 {
                continue;
            }
            self.highest = self.highest.max(version);
            let before = self.last.insert(*id, version);
            let mut contents = || {
                let contents = reader.inventory(pool, baseline.state());
                contents.map_err(|data| format!("inventory `{id}`: no data {data:?}"))
            };
            match before {
                Some(before) if before == version => {
                    let recorded = self.history.get(&(*id, version)).copied();
                    if n == self.turn && recorded != Some(hash(&contents()?)) {
                        return Err(format!("inventory `{id}`: version {version} has changed"));
                    }
                    continue;
                }
                Some(before) if version < before => {
                    return Err(format!("inventory `{id}`: version {before}, then {version}"));
                }
                // With another structure, it rises above the copies that clients may have of inventories that are gone.
                Some(before)
                    if version > before + 1
                        && (version > highest + 1 || baseline.structure_version() < version) =>
                {
                    return Err(format!("inventory `{id}`: version {before}, then {version}"));
                }
                Some(before) => self.superseded.push_back((tick, (*id, before))),
                None => {}
            }
            self.history.insert((*id, version), hash(&contents()?));
        }
        while self.superseded.front().is_some_and(|(since, _)| since + REMEMBERED < tick) {
            if let Some((_, key)) = self.superseded.pop_front() {
                self.history.remove(&key);
            }
        }
        Ok(())
    }

    /// Compares the copies of a client that changed, and one other in turn, with the versions that the server had.
    pub(super) fn check_copies(
        &self,
        copies: &mut CopyVersions,
        reader: &mut Reader,
        world: &World,
    ) -> Result<(), Violation> {
        let pool = world.resource::<DataPool>();
        let confirmed = world.resource::<ConfirmedInventories>();
        copies.turn = (copies.turn + 1) % confirmed.views.len().max(1);
        let views = confirmed.views.iter().enumerate();
        for (n, held) in views.filter_map(|(n, held)| Some((n, held.as_ref()?))) {
            let (id, version) = (held.head.id, held.version);
            match copies.last.insert(id, version) {
                Some(before) if before == version && n != copies.turn => continue,
                Some(before) if version < before => {
                    return Err(format!(
                        "inventory `{id}`: version fell from {before} to {version}"
                    ));
                }
                _ => {}
            }
            let contents = reader.inventory(pool, &held.state);
            let contents =
                contents.map_err(|data| format!("inventory `{id}`: no data {data:?}"))?;
            match self.history.get(&(id, version)) {
                Some(expected) if *expected == hash(&contents) => {}
                Some(_) => {
                    return Err(format!(
                        "inventory `{id}`: version {version} differs: {contents:?}"
                    ));
                }
                None => {
                    return Err(format!("inventory `{id}`: the server had no version {version}"));
                }
            }
        }
        Ok(())
    }
}
