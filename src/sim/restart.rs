//! Saves a simulated game, and loads it in another server.

use bevy::{ecs::system::RunSystemOnce, prelude::*};

use crate::{
    model::{
        builtin::Hotbar, container::Container, id::ContainerKey, saved::SavedInventory,
        slots::Slots,
    },
    params::inventories::Inventories,
    shared::random::InventoryRng,
};

use super::{
    Simulation,
    game::Worn,
    oracle::Oracle,
    places::PlaceKind,
    plain::{PlainInventory, Reader},
    scene::{Scene, setup, stats_of},
    smelting::Smelting,
};

impl Scene {
    /// Replaces the server with a new one without inventories.
    pub(super) fn replace_server(&mut self, seed: u64) {
        // Another run of the server has another epoch.
        let ids: Vec<_> = self.places.iter().map(|place| place.id).collect();
        let app = Simulation::app(|app| {
            app.insert_resource(InventoryRng::seeded(seed));
            setup(app);
            if let Some(storing) = &self.storing {
                storing.set_up(app, ids.clone());
            }
        });
        self.retired.servers.push(stats_of(&self.sim.server));
        self.sim.replace_server(app);
        self.reader = Reader::default();
        self.oracle = Oracle::new(self.sim.server.world());
        self.held.clear();
        self.smelting = Smelting::default();
    }

    /// Saves all inventories that hold items. Offered items of disconnected players have been returned.
    pub(super) fn save_all(&mut self) -> Vec<(usize, SavedInventory)> {
        let entities: Vec<(usize, Entity)> = (0..self.places.len())
            .filter(|place| self.places[*place].kind != PlaceKind::Bank)
            .filter_map(|place| Some((place, self.entity(place)?)))
            .collect();
        let save = move |inventories: Inventories| {
            let save =
                |(place, entity): &(usize, Entity)| Some((*place, inventories.save(*entity).ok()?));
            entities.iter().filter_map(save).collect::<Vec<_>>()
        };
        self.sim.server.world_mut().run_system_once(save).unwrap_or_default()
    }

    /// Spawns all inventories in a new server and loads what was saved. What was on the ground is gone.
    pub(super) fn load_all(
        &mut self,
        saved: Vec<(usize, SavedInventory)>,
        before: &[(usize, PlainInventory)],
    ) {
        self.spawn_all();
        let there: Vec<usize> = saved.iter().map(|(place, _)| *place).collect();
        for (place, saved) in saved {
            // Saves of players include their offers.
            if matches!(self.places[place].kind, PlaceKind::Offer(_)) {
                continue;
            }
            let Some(entity) = self.entity(place) else { continue };
            if let Some((_, before)) = before.iter().find(|(there, _)| *there == place) {
                self.restructure(entity, before);
            }
            let load = move |mut inventories: Inventories| inventories.load(entity, &saved).is_ok();
            if !self.sim.server.world_mut().run_system_once(load).unwrap_or(false) {
                self.disagreements.push(format!("inventory {place} cannot be loaded"));
            }
        }
        for place in 0..self.places.len() {
            let chest = matches!(self.places[place].kind, PlaceKind::Chest(_));
            match self.entity(place) {
                Some(entity) if chest && !there.contains(&place) => {
                    self.oracle.inventories.remove(&entity);
                    self.sim.server.world_mut().despawn(entity);
                }
                _ => self.adopt(place),
            }
        }
        for (place, before) in before {
            let after = self.entity(*place).and_then(|entity| self.oracle.inventories.get(&entity));
            if after != Some(before) {
                self.disagreements.push(format!(
                    "inventory {place} was saved as {before:?} and loaded as {after:?}"
                ));
            }
        }
    }

    /// Gives an entity the optional containers of an inventory.
    fn restructure(&mut self, entity: Entity, like: &PlainInventory) {
        let has = |name| {
            let kind = self.oracle.kind_of(ContainerKey::of(name));
            kind.is_some_and(|kind| like.cells(kind).is_some())
        };
        let (hotbar, worn) = (has(Hotbar::NAME), has(Worn::NAME));
        let mut entity = self.sim.server.world_mut().entity_mut(entity);
        match hotbar {
            true => entity.insert_if_new(Hotbar::default()),
            false => entity.remove::<Hotbar>(),
        };
        match worn {
            true => entity.insert_if_new(Worn(Slots::new(2))),
            false => entity.remove::<Worn>(),
        };
    }

    /// Returns what every inventory contains once all offers have returned to their players.
    pub(super) fn after_returns(&mut self) -> Vec<(usize, PlainInventory)> {
        for client in 0..self.players {
            self.disconnected(client);
        }
        let places = (0..self.places.len())
            .filter(|place| self.places[*place].kind != PlaceKind::Bank)
            .filter_map(|place| Some((place, self.entity(place)?)));
        let contents = places.filter_map(|(place, entity)| {
            Some((place, self.oracle.inventories.get(&entity)?.clone()))
        });
        contents.collect()
    }
}
