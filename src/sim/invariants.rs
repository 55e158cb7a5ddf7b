//! What must hold in every tick of a simulated game.

use core::hash::{Hash, Hasher};
use std::collections::VecDeque;

use bevy::{
    platform::collections::{HashMap, HashSet},
    prelude::*,
};
use bevy_replicon::bytes::Bytes;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::{
    client::{confirmed::ConfirmedInventories, predictions::Predictions},
    model::{action::InventoryAction, data::DataPool, id::InventoryId, rejection::Rejection},
    server::{audit::ActionResolved, baseline::Baseline},
    shared::{actions::AnyAction, containers::ContainerRegistry, stats::InventoryStats},
    wire::ANSWERS_MAX,
};

use super::{
    bounds::check_footprints,
    canary::Canary,
    contents::{AllRights, check_contents, crafted, sees},
    fault::FaultClass,
    feed::{ClientFeed, ServerFeed},
    game::{Engrave, Label, Tally, WearOut},
    oracle::{Refusal, named},
    plain::{PlainInventory, Reader, Totals},
    report::{Report, Violation, variant},
    scene::Scene,
};

/// Number of ticks for which versions of inventories are remembered after the next one.
const REMEMBERED: u64 = 3600;

/// What the invariants of a run remember.
pub struct Invariants {
    class: FaultClass,
    /// Hash of the contents of each version of each inventory.
    history: HashMap<(InventoryId, u64), u64>,
    superseded: VecDeque<(u64, (InventoryId, u64))>,
    /// Last version of each inventory on the server.
    versions: HashMap<InventoryId, u64>,
    pub(super) clients: Vec<ClientMemory>,
    /// Numbers of counted actions that were applied.
    tallies: HashSet<u32>,
    canaries: Vec<Canary>,
    /// Rights of the clients before the server's update.
    rights: AllRights,
    /// Hash of everything that was sent to clients.
    pub trace: u64,
}

#[derive(Default)]
pub(super) struct ClientMemory {
    pub(super) reader: Reader,
    /// Version of each copy when it was last compared.
    versions: HashMap<InventoryId, u64>,
    /// Canaries that the client has been shown.
    shown: HashSet<Label>,
    /// The next view whose entity is compared.
    turn: usize,
}

/// Hashes the contents of an inventory.
fn hash(inventory: &PlainInventory) -> u64 {
    let mut hasher = Xxh3::new();
    inventory.hash(&mut hasher);
    hasher.finish()
}

/// Returns the name of an action, such as `Swap`.
fn kind(action: &AnyAction) -> String {
    action.get::<InventoryAction>().map_or_else(|| action.name().into(), variant)
}

impl Invariants {
    /// Creates invariants without any records.
    #[must_use]
    pub fn new(class: FaultClass, players: usize) -> Self {
        let canaries = (0..players).map(|client| Canary::new(Scene::canary(client)));
        Self {
            class,
            history: HashMap::default(),
            superseded: VecDeque::new(),
            versions: HashMap::default(),
            clients: (0..players).map(|_| ClientMemory::default()).collect(),
            tallies: HashSet::default(),
            canaries: canaries.collect(),
            rights: AllRights::default(),
            trace: 0,
        }
    }

    /// Called after the server was replaced: versions start again.
    pub fn server_restarted(&mut self) {
        self.history.clear();
        self.superseded.clear();
        self.versions.clear();
        (0..self.clients.len()).for_each(|client| self.client_disconnected(client));
    }

    /// Called after a client's app was replaced or its connection ended.
    pub fn client_disconnected(&mut self, client: usize) {
        self.clients[client].versions.clear();
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
        self.remember_versions(scene)
    }

    fn check_action(
        &mut self,
        scene: &mut Scene,
        resolved: &ActionResolved,
        adjust: &mut Totals,
        report: &mut Report,
    ) -> Result<(), Violation> {
        let ActionResolved { client, actor, action, result } = resolved;
        if let Some(Tally(number)) = action.get::<Tally>().filter(|_| result.is_ok()) {
            // A request with other bits can repeat an action under another number.
            if !self.tallies.insert(*number) && !scene.requests_altered {
                return Err(format!("counted action {number} was applied twice"));
            }
        }
        if scene.is_reverting() {
            return Ok(());
        }
        let named = named(action, *actor, &scene.oracle);
        match result {
            Ok(()) => {
                *report.applied.entry(kind(action)).or_default() += 1;
                let unseen = named.iter().find(|entity| {
                    scene.place_of(**entity).is_some()
                        && self.rights.of(scene, **entity, *client).is_none()
                });
                if let Some(entity) = unseen {
                    return Err(format!("{client:?} acted on {entity}, which it does not see"));
                }
                self.rights.check_rules(scene, &named)?;
                let before = scene.oracle.inventories.clone();
                match scene.oracle.act(action, *actor) {
                    Ok(()) => self.rights.check(scene, &before, action, *client)?,
                    Err(Refusal::Impossible) => {
                        return Err(format!("accepted, but not possible: {action:?}"));
                    }
                    Err(Refusal::Unknown) => {
                        report.unknown_outcomes += 1;
                        crafted(scene, action.get(), adjust);
                        scene.oracle.changes_kinds |=
                            action.get::<Engrave>().is_some() || action.get::<WearOut>().is_some();
                        scene.oracle.unknown.extend(named);
                    }
                }
            }
            Err(reason) => {
                report.reject(*reason);
                let of_contents = matches!(
                    reason,
                    Rejection::Empty
                        | Rejection::NotEnough
                        | Rejection::Full
                        | Rejection::Occupied
                        | Rejection::NotAccepted
                        | Rejection::NoSuchSlot
                        | Rejection::Invalid
                );
                if of_contents {
                    let mut oracle = scene.oracle.clone();
                    if oracle.act(action, *actor) == Ok(()) {
                        return Err(format!("rejected ({reason}), but possible: {action:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Records the versions of all inventories.
    fn remember_versions(&mut self, scene: &mut Scene) -> Result<(), Violation> {
        let tick = scene.sim.tick();
        let Scene { sim, reader, .. } = scene;
        let world = sim.server.world_mut();
        let mut inventories = world.query::<(&InventoryId, &Baseline)>();
        let pool = world.resource::<DataPool>();
        for (id, baseline) in inventories.iter(world) {
            let version = baseline.version();
            // Not committed yet: the server has not been updated since it was spawned.
            if version == 0 {
                continue;
            }
            match self.versions.insert(*id, version) {
                Some(before) if before == version => continue,
                Some(before) if version < before => {
                    return Err(format!(
                        "inventory `{id}`: version fell from {before} to {version}"
                    ));
                }
                Some(before) => self.superseded.push_back((tick, (*id, before))),
                None => {}
            }
            let contents = reader.inventory(pool, baseline.state());
            let contents =
                contents.map_err(|data| format!("inventory `{id}`: no data {data:?}"))?;
            self.history.insert((*id, version), hash(&contents));
        }
        while self.superseded.front().is_some_and(|(since, _)| since + REMEMBERED < tick) {
            if let Some((_, key)) = self.superseded.pop_front() {
                self.history.remove(&key);
            }
        }
        Ok(())
    }

    /// Checks what the server sent to a client.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn check_sent(&mut self, scene: &mut Scene) -> Result<(), Violation> {
        self.note_shown(scene);
        // During a revert, the oracle does not follow what players move.
        let is_known = !scene.is_reverting();
        for (client, memory) in self.clients.iter_mut().enumerate() {
            let own = [scene.sim.sync_channel(), scene.sim.chunk_channel()];
            let sent: Vec<(usize, Bytes)> = core::mem::take(&mut scene.sim.clients[client].record);
            for (channel, bytes) in sent {
                self.trace = xxh3_64(&bytes) ^ self.trace.rotate_left(7) ^ client as u64;
                if !own.contains(&channel) {
                    continue;
                }
                let mut hidden = self.canaries.iter().filter(|c| !memory.shown.contains(&c.label));
                if is_known && bytes.len() > 15 && hidden.any(|canary| canary.is_in(&bytes)) {
                    return Err(format!("client {client} was sent what it may not see"));
                }
            }
        }
        Ok(())
    }

    /// Called before the server's update: records what the clients may do.
    pub fn before_update(&mut self, scene: &Scene) {
        self.note_shown(scene);
        self.rights = AllRights::new(scene);
    }

    /// Records which canaries the clients may currently see.
    fn note_shown(&mut self, scene: &Scene) {
        let world = scene.sim.server.world();
        for (entity, there) in &scene.oracle.inventories {
            for label in there.stacks().filter_map(|stack| stack.label) {
                if !self.canaries.iter().any(|canary| canary.label == label) {
                    continue;
                }
                for (client, memory) in self.clients.iter_mut().enumerate() {
                    let connected = scene.sim.is_connected(client);
                    if connected && sees(world, *entity, scene.sim.client_id(client)) {
                        memory.shown.insert(label);
                    }
                }
            }
        }
        let on_ground = scene.oracle.ground.keys().filter_map(|(_, _, label)| *label);
        for label in on_ground {
            self.clients.iter_mut().for_each(|memory| {
                memory.shown.insert(label);
            });
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
        if !scene.requests_altered && !scene.messages_altered {
            let applied = |number: &u32| self.tallies.contains(number);
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
        self.check_copies(scene, client)?;
        let memory = &mut self.clients[client];
        let world = scene.sim.clients[client].app.world();
        let confirmed = world.resource::<ConfirmedInventories>();
        memory.turn = (memory.turn + 1) % confirmed.views.len().max(1);
        let held = confirmed.views.get(memory.turn).and_then(Option::as_ref);
        match held.and_then(|held| Some((held, held.entity?))) {
            Some((held, entity)) if held.opened && scene.sim.is_updated(client) => {
                let there = world.resource::<ContainerRegistry>().read_in(world, entity);
                if there.as_ref() != Some(held.shown()) {
                    let id = held.head.id;
                    return Err(format!("client {client}, inventory `{id}`: its entity differs"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Compares the copies of a client that changed with the versions that the server had.
    fn check_copies(&mut self, scene: &Scene, client: usize) -> Result<(), Violation> {
        let memory = &mut self.clients[client];
        let world = scene.sim.clients[client].app.world();
        let pool = world.resource::<DataPool>();
        let confirmed = world.resource::<ConfirmedInventories>();
        for held in confirmed.iter().filter(|_| self.class == FaultClass::Network) {
            let (id, version) = (held.head.id, held.version);
            match memory.versions.insert(id, version) {
                Some(before) if before == version => continue,
                Some(before) if version < before => {
                    return Err(format!(
                        "client {client}, inventory `{id}`: version fell from {before} to {version}"
                    ));
                }
                _ => {}
            }
            let contents = memory.reader.inventory(pool, &held.state);
            let contents = contents
                .map_err(|data| format!("client {client}, inventory `{id}`: no data {data:?}"))?;
            match self.history.get(&(id, version)) {
                Some(expected) if *expected == hash(&contents) => {}
                Some(_) => {
                    return Err(format!(
                        "client {client}, inventory `{id}`: version {version} differs: {contents:?}"
                    ));
                }
                None => {
                    return Err(format!(
                        "client {client}, inventory `{id}`: the server had no version {version}"
                    ));
                }
            }
        }
        Ok(())
    }
}
