//! Checks whether a client fully agrees with the server.

use bevy::prelude::*;

use crate::{
    client::{confirmed::ConfirmedInventories, predictions::Predictions},
    model::{data::DataPool, id::InventoryId},
    server::baseline::Baseline,
    shared::containers::ContainerRegistry,
};

use super::{contents::sees, invariants::Invariants, scene::Scene};

impl Invariants {
    /// Returns how a client differs from the server, or `None` if they agree.
    pub fn difference(&mut self, scene: &mut Scene, client: usize) -> Option<String> {
        if !scene.is_synced(client) {
            return Some("not synced".into());
        }
        if !scene.requested[client].is_empty() {
            let world = scene.sim.clients[client].app.world();
            let pending = &world.resource::<Predictions>().pending;
            return Some(format!(
                "requests without an answer: {:?}; pending: {pending:?}",
                scene.requested[client]
            ));
        }
        let id_of = scene.sim.client_id(client);
        if scene.altered[client].messages {
            self.clients[client].reader.forget();
        }
        let Scene { sim, reader, .. } = scene;
        let server = sim.server.world_mut();
        let query = server.query::<(Entity, &InventoryId, &Baseline)>();
        let server = sim.server.world();
        let world = sim.clients[client].app.world();
        let confirmed = world.resource::<ConfirmedInventories>();
        if !world.resource::<Predictions>().pending.is_empty() {
            return Some("pending requests".into());
        }
        let mut seen = 0;
        for (entity, id, baseline) in query.iter_manual(server) {
            let copy = confirmed.by_id(*id);
            match (sees(server, entity, id_of), copy) {
                (true, None) => return Some(format!("inventory `{id}` is missing")),
                (false, Some(_)) => return Some(format!("inventory `{id}` is still open")),
                (false, None) => continue,
                (true, Some(copy)) => {
                    seen += 1;
                    let there = reader.inventory(server.resource::<DataPool>(), baseline.state());
                    let memory = &mut self.clients[client].reader;
                    let here = memory.inventory(world.resource::<DataPool>(), &copy.state);
                    if here != there || copy.version != baseline.version() {
                        return Some(format!("the copy of inventory `{id}` differs"));
                    }
                    let shown = copy.entity.and_then(|entity| {
                        world.resource::<ContainerRegistry>().read_in(world, entity)
                    });
                    if shown.as_ref() != Some(&copy.state) {
                        return Some(format!("inventory `{id}` is shown with other contents"));
                    }
                }
            }
        }
        let extra = confirmed.iter().count() - seen;
        (extra > 0).then(|| format!("{extra} inventories are open that do not exist"))
    }
}
