//! Checks the stored state of a simulated game after its server is killed and after commits are rejected.

use bevy::prelude::*;

use crate::{
    model::id::InventoryId,
    server::inspect,
    shared::{ids::InventoryIds, markers::Loading},
    store::{Store, restore::RestoreWorld},
};

use super::{
    contents::{compare, on_ground},
    places::{Place, PlaceKind},
    plain::PlainInventory,
    report::Violation,
    scene::Scene,
    storing::{Reverting, Snapshot, StoreReports, StoredState},
};

/// Number of updates within which everything is loaded.
const LOADED_WITHIN: usize = 20;

impl Scene {
    /// Returns `true` while inventories are being reverted to their stored state.
    pub(super) fn is_reverting(&self) -> bool {
        self.storing.as_ref().is_some_and(|storing| storing.reverting.is_some())
    }

    /// Returns `true` if an inventory is not loaded yet.
    pub(super) fn is_loading(&mut self) -> bool {
        let world = self.sim.server.world_mut();
        world.query_filtered::<(), With<Loading>>().iter(world).next().is_some()
    }

    /// Updates the server until everything is loaded.
    pub(super) fn wait_for_loading(&mut self) {
        for _ in 0..LOADED_WITHIN {
            self.sim.server.update();
            if !self.is_loading() {
                return;
            }
        }
        self.disagreements.push("not everything was loaded".into());
    }

    /// Moves a chest out of the world, into the store.
    pub(super) fn put_away(&mut self, place: usize, contents: Option<PlainInventory>) {
        if let Some(storing) = &mut self.storing {
            storing.away.insert(place, contents);
        }
    }

    /// Makes the store fail.
    pub(super) fn break_store(&mut self, operations: u8, answer_lost: bool, until: u64) -> bool {
        let Some(storing) = &mut self.storing else { return false };
        storing.store.fail_after(Some(operations.into()), answer_lost);
        storing.fails_until = Some(until);
        true
    }

    /// Makes the store work again.
    pub(super) fn mend_store(&mut self) {
        if let Some(storing) = &mut self.storing {
            storing.store.fail_after(None, false);
            storing.fails_until = None;
        }
    }

    /// Ends the claim on an inventory.
    pub(super) fn end_claim(&mut self, place: usize) -> bool {
        let Place { id, kind, .. } = self.places[place];
        let Some(storing) = &mut self.storing else { return false };
        if kind.is_stored() {
            storing.store.end_claim(id);
            storing.claim_ended = true;
        }
        kind.is_stored()
    }

    /// Called before the server is checked: notes what was reverted and what was loaded.
    pub(super) fn note_reverts(&mut self) {
        let Some(storing) = &mut self.storing else { return };
        let tick = self.sim.tick();
        if storing.fails_until.is_some_and(|until| until <= tick) {
            self.mend_store();
        }
        let Some(storing) = &mut self.storing else { return };
        let mut reports = self.sim.server.world_mut().resource_mut::<StoreReports>();
        let committed = reports.stored;
        for (inventory, to) in core::mem::take(&mut reports.reverted) {
            let to = [to, committed];
            let new = Reverting { to: Some(to), inventories: Vec::new() };
            let there = storing.reverting.get_or_insert(new);
            there.to = there.to.filter(|earlier| *earlier == to);
            there.inventories.push(inventory);
        }
        let away: Vec<usize> = storing.away.keys().copied().collect();
        for place in away {
            let world = self.sim.server.world();
            let loaded = self.entity(place).filter(|it| world.get::<Loading>(*it).is_none());
            if let Some(entity) = loaded
                && let Some(storing) = &mut self.storing
                && let Some(contents) = storing.away.remove(&place)
            {
                self.adopt(place);
                self.oracle.inventories.extend(contents.map(|contents| (entity, contents)));
            }
        }
    }

    /// Called after the server was checked: remembers what there is, or checks what was reverted.
    ///
    /// # Errors
    ///
    /// The first inventory that was not reverted to its stored state.
    pub(super) fn follow_store(&mut self) -> Result<(), Violation> {
        if self.storing.is_none() {
            return Ok(());
        }
        if self.is_reverting() {
            self.check_reverted()?;
            if self.is_loading() {
                return Ok(());
            }
            self.take_over()?;
        }
        let world = self.sim.server.world();
        let (tick, stored) = (inspect::tick(world), world.resource::<StoreReports>().stored);
        let entities = (0..self.places.len()).map(|place| self.entity(place)).collect();
        let Some(storing) = &mut self.storing else { return Ok(()) };
        // What happens in an update without a tick belongs to the next one.
        if core::mem::replace(&mut storing.followed, tick) == tick {
            return Ok(());
        }
        let (oracle, away) = (self.oracle.clone(), storing.away.clone());
        storing.snapshots.push_back(Snapshot { tick, oracle, entities, away });
        while storing.snapshots.get(1).is_some_and(|next| next.tick <= stored) {
            storing.snapshots.pop_front();
        }
        Ok(())
    }

    /// Checks the inventories that were reverted and have just been loaded.
    fn check_reverted(&mut self) -> Result<(), Violation> {
        let Some(storing) = &mut self.storing else { return Ok(()) };
        let Some(reverting) = &mut storing.reverting else { return Ok(()) };
        let world = self.sim.server.world();
        let ids = world.resource::<InventoryIds>();
        let is_loaded =
            |id: InventoryId| ids.get(id).is_none_or(|it| world.get::<Loading>(it).is_none());
        let loaded: Vec<_> = reverting.inventories.extract_if(.., |id| is_loaded(*id)).collect();
        let ticks = reverting.to.into_iter().flatten();
        // Unknown if the last commit was before the last revert.
        let expected: Option<Vec<StoredState>> = ticks.map(|tick| self.state_at(tick)).collect();
        let expected = expected.unwrap_or_default();
        let mut checked = 0;
        for place in 0..self.places.len() {
            let (id, kind) = (self.places[place].id, self.places[place].kind);
            let Some(entity) = self.entity(place) else { continue };
            let states = expected.iter().filter_map(|state| state.places[place].as_ref());
            let states: Vec<&PlainInventory> = states.collect();
            if !kind.is_stored() || !loaded.contains(&id) || states.is_empty() {
                continue;
            }
            let there = self.contents(entity).and_then(Result::ok).unwrap_or_default();
            let first = states.first().copied().cloned();
            // Containers that were added since then stay, empty.
            let mut states = states.iter().map(|state| with_starter_kit(state, &there));
            if !states.any(|state| state == there) {
                let wrong = compare(first.as_ref(), &there);
                return Err(format!("inventory `{id}` is wrong after a revert: {wrong}"));
            }
            checked += 1;
        }
        if let Some(storing) = &mut self.storing {
            storing.reverted_checked += checked;
        }
        Ok(())
    }

    /// Makes the oracle take over everything as it is after a revert.
    fn take_over(&mut self) -> Result<(), Violation> {
        let Some(storing) = &mut self.storing else { return Ok(()) };
        storing.reverting = None;
        // In the last commit, reverted inventories are older than they were in the world.
        storing.snapshots.clear();
        for contents in storing.away.values_mut() {
            *contents = None;
        }
        for place in 0..self.places.len() {
            self.adopt(place);
        }
        self.oracle.ground = on_ground(self)?;
        self.oracle.unknown.clear();
        self.disagreements.clear();
        Ok(())
    }

    /// Returns the state stored at the end of a tick, as it is after loading: offered items have been returned.
    fn state_at(&self, tick: u64) -> Option<StoredState> {
        let Snapshot { oracle, entities, away, .. } = self.storing.as_ref()?.snapshot(tick)?;
        let mut oracle = oracle.clone();
        for (place, entity) in self.places.iter().zip(entities) {
            if let (PlaceKind::Offer(client), Some(offer)) = (place.kind, *entity)
                && let Some(player) = entities[client]
            {
                oracle.returns(offer, player);
            }
        }
        let contents = |place: usize| {
            let entity = entities[place].filter(|_| self.places[place].kind.is_stored())?;
            oracle.inventories.get(&entity).cloned()
        };
        let places = (0..self.places.len()).map(|place| match away.get(&place) {
            Some(away) => away.clone(),
            None => contents(place),
        });
        Some(StoredState { places: places.collect(), ground: oracle.ground.clone() })
    }

    /// Kills the process of the server, and returns what must be in the store. `None` if that is not known.
    pub(super) fn kill_server(&mut self) -> Option<StoredState> {
        let reported = self.sim.server.world().resource::<StoreReports>().stored;
        let storing = self.storing.as_mut()?;
        let claim_ended = core::mem::take(&mut storing.claim_ended);
        storing.store.fail_after(None, false);
        storing.store.end_claims();
        let latest = storing.store.latest_tick().ok()?;
        // The app stores the rest when it is dropped, which a process that is killed does not.
        storing.store.fail_after(Some(0), false);
        let tick = latest.saturating_sub(core::mem::replace(&mut storing.base, latest));
        // A commit whose answer was lost may have been rejected in part.
        let known = storing.reverting.take().is_none() && !(claim_ended && tick > reported);
        let state = known.then(|| self.state_at(tick)).flatten();
        if let Some(storing) = &mut self.storing {
            storing.snapshots.clear();
            storing.away.clear();
        }
        state
    }

    /// Loads everything in a new server.
    pub(super) fn load_stored(&mut self, expected: Option<&StoredState>) {
        self.mend_store();
        self.spawn_all();
        self.sim.server.world_mut().trigger(RestoreWorld);
        (0..4).for_each(|_| self.sim.server.update());
        self.wait_for_loading();
        for place in 0..self.places.len() {
            self.adopt(place);
        }
        match on_ground(self) {
            Ok(ground) => self.oracle.ground = ground,
            Err(violation) => self.disagreements.push(violation),
        }
        let Some(StoredState { places, ground }) = expected else { return };
        if let Some(storing) = &mut self.storing {
            storing.kills_checked += 1;
        }
        let mut ground_is_known = true;
        for (place, expected) in places.iter().enumerate() {
            let there = self.entity(place).and_then(|entity| self.oracle.inventories.get(&entity));
            let there = there.cloned().unwrap_or_default();
            // What was offered may be in a container of the starter kit instead of on the ground.
            let is_larger = |it: &PlainInventory| it.containers.len() < there.containers.len();
            let is_player = matches!(self.places[place].kind, PlaceKind::Player(_));
            if is_player && expected.as_ref().is_some_and(is_larger) {
                ground_is_known = false;
                continue;
            }
            let expected = expected.as_ref().map(|expected| with_starter_kit(expected, &there));
            if let Some(expected) = expected.filter(|expected| *expected != there) {
                let wrong = compare(Some(&expected), &there);
                self.disagreements.push(format!("inventory {place} was stored otherwise: {wrong}"));
            }
        }
        if !ground_is_known {
            return;
        }
        let mut wrong = self.oracle.ground.clone();
        for (kind, count) in ground {
            *wrong.entry(*kind).or_default() -= count;
        }
        wrong.retain(|_, count| *count != 0);
        if !wrong.is_empty() {
            self.disagreements.push(format!("what is on the ground differs by {wrong:?}"));
        }
    }
}

/// Adds the empty containers that an inventory is spawned with, if they are there.
fn with_starter_kit(stored: &PlainInventory, there: &PlainInventory) -> PlainInventory {
    let mut all = stored.clone();
    for container in &there.containers {
        let is_empty = container.cells.iter().all(Option::is_none);
        if is_empty && all.cells(container.kind).is_none() {
            let at = all.containers.partition_point(|other| other.kind < container.kind);
            all.containers.insert(at, container.clone());
        }
    }
    all.selected = all.selected.or(there.selected);
    all
}
