//! What must hold in every tick of a simulated game.

mod acted;

use bevy::{platform::collections::HashSet, prelude::*};

use crate::{
    client::{confirmed::ConfirmedInventories, predictions::Predictions},
    shared::{containers::ContainerRegistry, stats::InventoryStats},
    wire::ANSWERS_MAX,
};

use super::{
    bounds::check_footprints,
    contents::{AllRights, check_contents},
    feed::{ClientFeed, ServerFeed},
    mirror::Mirror,
    plain::{Reader, Totals},
    report::{Report, Violation},
    scene::Scene,
    sent::{check_sent, note_shown},
    stranger::check_stranger,
    versions::{CopyVersions, Versions},
};

/// What the invariants of a run remember.
pub struct Invariants {
    versions: Versions,
    pub(super) clients: Vec<ClientMemory>,
    /// Counted actions that were applied: client and number.
    tallies: HashSet<(usize, u32)>,
    /// Rights of the clients before the server's update.
    rights: AllRights,
    /// Rights of the clients before the update before that.
    earlier_rights: AllRights,
    /// Whether the client with another version knows that it was rejected.
    stranger_rejected: bool,
    /// How often that client was rejected.
    pub(super) rejected_versions: u64,
    /// Hash of everything that was sent to clients.
    pub trace: u64,
}

#[derive(Default)]
pub(super) struct ClientMemory {
    pub(super) reader: Reader,
    copies: CopyVersions,
    /// The next view whose entity is compared.
    turn: usize,
}

impl Invariants {
    /// Creates invariants without any records.
    #[must_use]
    pub fn new(players: usize) -> Self {
        Self {
            versions: Versions::default(),
            clients: (0..players).map(|_| ClientMemory::default()).collect(),
            tallies: HashSet::default(),
            rights: AllRights::default(),
            earlier_rights: AllRights::default(),
            stranger_rejected: false,
            rejected_versions: 0,
            trace: 0,
        }
    }

    /// Called after the server was replaced: versions start again.
    pub fn server_restarted(&mut self) {
        self.versions = Versions::default();
        (0..self.clients.len()).for_each(|client| self.client_disconnected(client));
    }

    /// Called after a client's app was replaced or its connection ended.
    pub fn client_disconnected(&mut self, client: usize) {
        self.clients[client].copies = CopyVersions::default();
        self.clients[client].reader = Reader::default();
    }

    /// Checks the server after its update.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn check_server(
        &mut self,
        scene: &mut Scene,
        report: &mut Report,
    ) -> Result<(), Violation> {
        if let Some(disagreement) = scene.disagreements.pop() {
            return Err(disagreement);
        }
        let world = scene.sim.server.world_mut();
        let feed = core::mem::take(&mut *world.resource_mut::<ServerFeed>());
        if let Some(found) = feed.unaccounted.first() {
            scene.conserved = false;
            return Err(format!("{found}"));
        }
        report.violations_by_clients += feed.violations.len() as u64;
        let mut adjust = Totals::default();
        for resolved in &feed.resolved {
            self.check_action(scene, resolved, &mut adjust, report)?;
        }
        if !scene.is_reverting() {
            check_contents(scene, &mut adjust)?;
        }
        check_footprints(scene)?;
        let rejected = check_stranger(scene)?;
        let before = core::mem::replace(&mut self.stranger_rejected, rejected);
        self.rejected_versions += u64::from(rejected && !before);
        // A removed container is missing at once, and the version rises in the next update.
        if scene.sim.server_is_updated() { self.versions.follow(scene) } else { Ok(()) }
    }

    /// Checks what the server sent to all clients.
    ///
    /// # Errors
    ///
    /// The first client that was sent what it may not see.
    pub fn check_sent(&mut self, scene: &mut Scene) -> Result<(), Violation> {
        check_sent(scene, &mut self.trace)
    }

    /// Called before the server's update: records what the clients may do.
    pub fn before_update(&mut self, scene: &mut Scene) {
        note_shown(scene);
        let before = core::mem::replace(&mut self.rights, AllRights::new(scene));
        if scene.sim.server_is_updated() {
            self.earlier_rights = before;
        }
    }

    /// Checks one client after its update.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn check_client(
        &mut self,
        scene: &mut Scene,
        client: usize,
        report: &mut Report,
    ) -> Result<(), Violation> {
        let requested = &mut scene.requested[client];
        let world = scene.sim.clients[client].app.world_mut();
        let mut feed = world.resource_mut::<ClientFeed>();
        for (request, times) in feed.answers.drain() {
            if times != 1 || !requested.remove(&request) {
                return Err(format!("client {client}: {request:?} was answered more than once"));
            }
        }
        feed.rejections.drain(..).for_each(|reason| report.reject_on_client(reason));
        let confirmed = core::mem::take(&mut feed.confirmed_tallies);
        let rejected = core::mem::take(&mut feed.rejected_tallies);
        let altered = scene.altered[client];
        if !altered.requests && !altered.messages {
            let applied = |number: &u32| self.tallies.contains(&(client, *number));
            if let Some(number) = confirmed.iter().find(|number| !applied(number)) {
                return Err(format!("client {client}: action {number} was confirmed, not applied"));
            }
            if let Some(number) = rejected.iter().find(|number| applied(number)) {
                return Err(format!("client {client}: action {number} was rejected and applied"));
            }
        }
        report.confirmed += core::mem::take(&mut feed.confirmed);
        if world.resource::<InventoryStats>().rebase_mismatches > 0 {
            return Err(format!("client {client}: a state is neither confirmed nor requested"));
        }
        if world.resource::<Predictions>().pending.len() > ANSWERS_MAX {
            return Err(format!("client {client}: too many pending requests"));
        }
        let memory = &mut self.clients[client];
        let world = scene.sim.clients[client].app.world();
        if !altered.copy {
            let checked = self.versions.check_copies(&mut memory.copies, &mut memory.reader, world);
            checked.map_err(|violation| format!("client {client}, {violation}"))?;
        }
        let confirmed = world.resource::<ConfirmedInventories>();
        memory.turn = (memory.turn + 1) % confirmed.views.len().max(1);
        let held = confirmed.views.get(memory.turn).and_then(Option::as_ref);
        match held.and_then(|held| Some((held, held.entity?))) {
            Some((held, entity)) if held.opened && scene.sim.is_updated(client) => {
                let mut there = world.resource::<ContainerRegistry>().read_in(world, entity);
                let id = held.head.id;
                if let Some(there) = there.as_mut().filter(|_| altered.messages) {
                    // A container ignores a selected slot that it does not have.
                    there.selected = held.shown().selected;
                }
                if there.as_ref() != Some(held.shown()) {
                    let shown = held.shown();
                    return Err(format!(
                        "client {client}, inventory `{id}`: its entity has {there:?}, not {shown:?}"
                    ));
                }
                if !world.resource::<Mirror>().shows(entity) {
                    return Err(format!("client {client}, inventory `{id}`: opened without event"));
                }
            }
            _ => {}
        }
        if scene.sim.is_updated(client) {
            let checked = Mirror::check(scene.sim.clients[client].app.world_mut());
            checked.map_err(|violation| format!("client {client}, events: {violation}"))?;
        }
        Ok(())
    }
}
