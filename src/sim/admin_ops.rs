//! What the game administers on the server in a simulated game: who may do what, what exists, and how it is sent.

use bevy::prelude::*;

use crate::{
    app::InventoryAppExt,
    features::tabs::{Tab, Tabs},
    model::{catalog::Items, id::ItemId, rights::Rights},
    server::{
        loot::Loot,
        pacing::{priority::SyncPriority, settings::SyncSettings},
        views::{access::Viewers, resync::ResendInventories},
    },
    store::persist::DeleteInventory,
};

use super::{
    game::{Far, ITEMS, Limited, Locked},
    op::GameOp,
    places::{PAGES, PlaceKind},
    scene::Scene,
};

impl Scene {
    /// Performs what changes who may do what.
    pub(super) fn game_administers(&mut self, op: &GameOp) -> Option<()> {
        match op {
            GameOp::Show { place, client, rights } => {
                let (place, client) = (self.place(*place), self.client(*client));
                let rights = Rights::from_bits_truncate(*rights) - Rights::MANAGE;
                self.places[place].viewers.insert(client, rights);
                self.apply_access(place);
            }
            GameOp::Hide { place, client } => {
                let (place, client) = (self.place(*place), self.client(*client));
                self.places[place].viewers.remove(&client)?;
                self.apply_access(place);
            }
            GameOp::GiveTo { place, client } => {
                let (place, client) = (self.place(*place), self.client(*client));
                let PlaceKind::Chest(_) = self.places[place].kind else { return None };
                self.places[place].owner = Some(client);
                self.apply_access(place);
            }
            GameOp::ToggleRule { place, rule } => {
                let place = self.place(*place);
                let entity = self.entity(place)?;
                let limited = &mut self.oracle.limited;
                let mut on_server = self.sim.server.world_mut().entity_mut(entity);
                match rule % 3 {
                    0 if !on_server.contains::<Locked>() => drop(on_server.insert(Locked)),
                    0 => drop(on_server.remove::<Locked>()),
                    1 if !on_server.contains::<Far>() => drop(on_server.insert(Far)),
                    1 => drop(on_server.remove::<Far>()),
                    _ if limited.insert(entity) => drop(on_server.insert(Limited)),
                    _ => {
                        limited.remove(&entity);
                        on_server.remove::<Limited>();
                    }
                }
            }
            other => return self.game_configures(other),
        }
        Some(())
    }

    /// Performs what changes how inventories are sent, and what exists.
    fn game_configures(&mut self, op: &GameOp) -> Option<()> {
        match op {
            GameOp::Reload => {
                let items = Items::<()>::from_ron(ITEMS).ok()?;
                self.sim.server.insert_items(items);
            }
            GameOp::Despawn { place } => {
                let (place, entity) = self.target(*place)?;
                let PlaceKind::Chest(_) = self.places[place].kind else { return None };
                self.sim.server.world_mut().despawn(entity);
                let contents = self.oracle.inventories.remove(&entity);
                self.put_away(place, contents);
                self.oracle.limited.remove(&entity);
            }
            GameOp::Respawn { place } => {
                let place = self.place(*place);
                let PlaceKind::Chest(_) = self.places[place].kind else { return None };
                if self.entity(place).is_some() {
                    return None;
                }
                self.spawn(place);
                self.apply_access(place);
                if self.storing.is_none() {
                    self.adopt(place);
                }
            }
            GameOp::Prioritize { place, priority } => {
                let entity = self.entity(self.place(*place))?;
                let priority = priority_of(*priority);
                self.sim.server.world_mut().entity_mut(entity).insert(priority);
            }
            GameOp::PrioritizeViewer { place, client, priority } => {
                let entity = self.entity(self.place(*place))?;
                let client = self.client(*client);
                let id = self.sim.is_connected(client).then(|| self.sim.client_id(client))?;
                let mut viewers = self.sim.server.world_mut().get_mut::<Viewers>(entity)?;
                viewers.rights_of(id)?;
                viewers.set_priority(id, priority_of(*priority));
            }
            GameOp::ChangeTabs { page, how } => self.change_tabs((*page).into(), *how)?,
            GameOp::Budget { kilobytes } => {
                let mut settings = self.sim.server.world_mut().resource_mut::<SyncSettings>();
                settings.bytes_per_second = per_second(*kilobytes);
            }
            GameOp::TotalBudget { kilobytes } => {
                let mut settings = self.sim.server.world_mut().resource_mut::<SyncSettings>();
                settings.total_bytes_per_second = per_second(*kilobytes);
            }
            GameOp::ToggleDeltas => {
                let mut settings = self.sim.server.world_mut().resource_mut::<SyncSettings>();
                settings.deltas_enabled = !settings.deltas_enabled;
            }
            GameOp::Resend => {
                self.sim.server.world_mut().trigger(ResendInventories { inventory: None });
            }
            GameOp::Sweep => {
                let world = self.sim.server.world_mut();
                let mut loot = world.query_filtered::<Entity, With<Loot>>();
                for entity in loot.iter(world).collect::<Vec<_>>() {
                    // Without this, what is stored would lie there again after a restart.
                    match self.storing {
                        Some(_) => world.trigger(DeleteInventory { entity }),
                        None => drop(world.despawn(entity)),
                    }
                }
                // The server may not be updated for some time.
                world.flush();
                self.oracle.ground.clear();
            }
            _ => return None,
        }
        Some(())
    }

    /// Renames a tab of the bank, adds one, or removes one that was added. Pages of these have no slots.
    fn change_tabs(&mut self, page: u32, how: u8) -> Option<()> {
        let bank = self.places.iter().position(|place| place.kind == PlaceKind::Bank)?;
        let bank = self.entity(bank)?;
        let mut tabs = self.sim.server.world_mut().get_mut::<Tabs>(bank)?;
        let added = tabs.iter().map(Tab::page).find(|page| *page >= PAGES);
        match (how % 3, added) {
            (1, None) => drop(tabs.add(Tab::new(format!("Added {page}"), ItemId::of("stone"), 0))),
            (2, Some(page)) => drop(tabs.remove(page)),
            _ => drop(tabs.rename(page % PAGES, format!("Renamed {page}"))),
        }
        Some(())
    }
}

fn per_second(kilobytes: u8) -> u32 {
    match kilobytes {
        0 => u32::MAX,
        kilobytes => u32::from(kilobytes) * 1000,
    }
}

fn priority_of(number: u8) -> SyncPriority {
    let priorities = [SyncPriority::Critical, SyncPriority::Normal, SyncPriority::Low];
    priorities[usize::from(number) % priorities.len()]
}
