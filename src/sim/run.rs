//! Runs scripts.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    client::{apply::CHECK_FRAMES, predictions::ANSWER_TIMEOUT, state::ResyncState},
    model::data::DataPool,
    server::{
        baseline::Baseline,
        inspect,
        pacing::settings::SyncSettings,
        send::transfers::OutgoingTransfers,
        views::{clients::Clients, idle::BUSY_DELAYS},
    },
};

use super::{
    STEP,
    breakage::Breakage,
    fault::{Fault, FaultClass},
    invariants::Invariants,
    op::Op,
    report::{Report, Violation},
    scene::{Scene, stats_of},
    script::Script,
};

/// Result of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The figures.
    pub report: Report,
    /// What went wrong, if anything.
    pub failure: Option<Failure>,
    /// Hash of everything that clients were sent. Equal for equal scripts.
    pub trace: u64,
}

/// An invariant that did not hold, or a panic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Number of operations performed before it.
    pub after: usize,
    /// What went wrong.
    pub message: String,
    /// Whether items had added up in all ticks.
    pub conserved: bool,
}

/// Maximum number of ticks until the store is retried.
const STORE_WORKS_WITHIN: usize = 700;

struct Run<'a> {
    scene: &'a mut Scene,
    breakage: Breakage,
    invariants: Invariants,
    report: Report,
    class: FaultClass,
}

/// Runs a script.
#[must_use]
pub fn run(script: &Script) -> Outcome {
    let players = usize::from(script.players);
    let mut scene = match script.stored {
        true => Scene::stored(script.seed, players),
        false => Scene::new(script.seed, players),
    };
    run_in(&mut scene, script)
}

/// Runs a script in a new scene with this seed and this number of players.
#[must_use]
pub fn run_in(scene: &mut Scene, script: &Script) -> Outcome {
    let mut done = 0;
    let mut outcome = (Report::default(), 0);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut run = Run::new(scene, script);
        let result = run.perform(script, &mut done);
        run.summarize();
        outcome = (run.report, run.invariants.trace);
        result
    }));
    let message = match result {
        Ok(Ok(())) => None,
        Ok(Err(violation)) => Some(violation),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Some(format!("panic: {}", text.unwrap_or_default()))
        }
    };
    let failure =
        message.map(|message| Failure { after: done, message, conserved: scene.conserved });
    Outcome { report: outcome.0, failure, trace: outcome.1 }
}

impl<'a> Run<'a> {
    fn new(scene: &'a mut Scene, script: &Script) -> Self {
        let breakage = Breakage::new(&mut scene.sim, script.seed);
        let invariants = Invariants::new(scene.players);
        let report = Report { seeds: 1, ..Report::default() };
        Self { scene, breakage, invariants, report, class: script.class }
    }

    /// Performs all operations, and counts them in `done`.
    fn perform(&mut self, script: &Script, done: &mut usize) -> Result<(), Violation> {
        let mut tick = 0;
        for event in &script.events {
            while tick < event.tick {
                tick += 1;
                self.step()?;
            }
            *done += 1;
            self.perform_one(&event.op)?;
        }
        self.rest()
    }

    fn perform_one(&mut self, op: &Op) -> Result<(), Violation> {
        let performed = match op {
            Op::Player(client, op) => {
                let client = self.scene.client(*client);
                // The player of a frozen app can do nothing.
                let requests = match self.scene.sim.is_updated(client) {
                    true => self.scene.player_does(client, op),
                    false => None,
                };
                self.report.requested += requests.as_ref().map_or(0, Vec::len) as u64;
                self.scene.requested[client].extend(requests.iter().flatten());
                requests.is_some()
            }
            Op::Game(op) => self.scene.game_does(op),
            Op::Fault(fault) => {
                let started = self.breakage.start(self.scene, fault);
                match fault {
                    Fault::Restart | Fault::Kill if started => self.invariants.server_restarted(),
                    Fault::Reconnect { client, .. } | Fault::Crash { client } => {
                        self.invariants.client_disconnected(self.scene.client(*client));
                    }
                    _ => {}
                }
                started
            }
            Op::Rest => {
                self.rest()?;
                true
            }
        };
        if performed {
            *self.report.ops.entry(op.name()).or_default() += 1;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Violation> {
        self.breakage.step(self.scene);
        self.invariants.before_update(self.scene);
        self.scene.sim.step();
        self.scene.smelting.step(self.scene.sim.server_is_updated());
        self.report.player_ticks += self.scene.players as u64;
        self.scene.note_reverts();
        self.invariants.check_server(self.scene, &mut self.report)?;
        self.scene.follow_store()?;
        self.invariants.check_sent(self.scene)?;
        for client in 0..self.scene.players {
            self.invariants.check_client(self.scene, client, &mut self.report)?;
        }
        Ok(())
    }

    /// Stops all faults and waits until all clients agree with the server.
    fn rest(&mut self) -> Result<(), Violation> {
        self.breakage.end(self.scene);
        let mut settings = self.scene.sim.server.world_mut().resource_mut::<SyncSettings>();
        let SyncSettings { bytes_per_second, total_bytes_per_second, .. } = SyncSettings::default();
        settings.bytes_per_second = bytes_per_second;
        settings.total_bytes_per_second = total_bytes_per_second;
        // Messages that were sent before arrive first.
        let arrived_by = self.scene.sim.arrived_by();
        while self.scene.sim.tick() < arrived_by {
            self.step()?;
        }
        // The store is tried again after a pause.
        let mut paused = 0;
        while self.scene.is_reverting() || self.scene.is_loading() {
            if paused == STORE_WORKS_WITHIN {
                return Err(format!(
                    "inventories are not loaded {paused} ticks after the last fault"
                ));
            }
            paused += 1;
            self.step()?;
        }
        let bound = self.bound();
        let transfer_bound = self.transfer_bound();
        let (mut waited, mut transferring, mut since_transfer) = (0, 0, 0);
        loop {
            let difference = (0..self.scene.players).find_map(|client| {
                let found = self.invariants.difference(self.scene, client)?;
                Some(format!("client {client}: {found}"))
            });
            let idle = inspect::is_idle(self.scene.sim.server.world());
            let Some(difference) = difference.or((!idle).then(|| "updates wait".into())) else {
                break;
            };
            if since_transfer >= bound {
                return Err(format!(
                    "no agreement after {waited} ticks without faults: {difference}"
                ));
            }
            // What is large takes as long as the byte budget allows.
            let chunked = !self.scene.sim.server.world().resource::<Clients>().chunked.is_empty();
            if chunked && transferring < transfer_bound {
                (transferring, since_transfer) = (transferring + 1, 0);
            } else {
                (waited, since_transfer) = (waited + 1, since_transfer + 1);
            }
            self.step()?;
        }
        self.report.rests += 1;
        self.report.note_repair(self.class.name(), waited);
        Ok(())
    }

    /// Maximum number of ticks until all agree, from now on.
    fn bound(&self) -> u64 {
        let network = self.scene.sim.network;
        let settings = self.scene.sim.server.world().resource::<SyncSettings>();
        let ticks = |waits: Duration| {
            u64::try_from(waits.as_nanos().div_ceil(STEP.as_nanos())).unwrap_or(u64::MAX)
        };
        let round_trip = 2 * (network.latency_ticks + 1);
        // What changed right after an update waits until the next one is due.
        let repaired_by_network =
            2 * round_trip + network.resend_ticks + ticks(settings.low_interval);
        match self.class {
            FaultClass::Network => repaired_by_network,
            FaultClass::Broken => {
                let clients = &self.scene.sim.clients[..self.scene.players];
                let states =
                    clients.iter().map(|client| client.app.world().resource::<ResyncState>());
                let pauses = states.map(ResyncState::next_two_pauses).max().unwrap_or_default();
                let sent_again = self.transfers().map(OutgoingTransfers::timeout).max();
                // The furnace may change too often to be idle.
                let checked = settings.checksum_delay * BUSY_DELAYS;
                let waits = checked + ANSWER_TIMEOUT + pauses + sent_again.unwrap_or_default();
                let all_copies = u64::from(CHECK_FRAMES) * self.scene.places.len() as u64;
                repaired_by_network + ticks(waits) + all_copies
            }
        }
    }

    /// Maximum number of ticks for chunked transfers to all clients, from now on.
    fn transfer_bound(&mut self) -> u64 {
        let network = self.scene.sim.network;
        let world = self.scene.sim.server.world_mut();
        let mut inventories = world.query::<&Baseline>();
        let pool = world.resource::<DataPool>();
        let data = inventories.iter(world).flat_map(Baseline::data);
        let data: usize = data.filter_map(|id| Some(pool.describe(id)?.1)).sum();
        let in_transit = self.transfers().filter_map(|it| Some(it.transfer.as_ref()?.bytes.len()));
        let in_transit: usize = in_transit.sum();
        let bytes = (2 * data + in_transit) as u64;
        let round_trip = 2 * (network.latency_ticks + 1);
        // A client is sent at least this many bytes per tick, and everything again after a reset.
        bytes / 500 + (1 + bytes / 10_000) * (2 * round_trip + network.resend_ticks)
    }

    /// Returns the chunked transfers to each client.
    fn transfers(&self) -> impl Iterator<Item = &OutgoingTransfers> {
        let clients = self.scene.sim.server.world().resource::<Clients>();
        clients.iter().filter_map(|client| Some(&clients.get(client)?.transfers))
    }

    fn summarize(&mut self) {
        let counts = self.scene.sim.counts();
        let faults = &mut self.report.faults;
        *faults.entry("late").or_default() += counts.late;
        *faults.entry("lost").or_default() += counts.lost;
        for (kind, count) in self.breakage.tampered() {
            *faults.entry(kind).or_default() += count;
        }
        let mut repairs = |name, count| *self.report.repairs.entry(name).or_default() += count;
        let retired = &self.scene.retired;
        let apps = self.scene.sim.clients.iter().take(self.scene.players);
        let clients = apps.map(|client| stats_of(&client.app));
        for stats in clients.chain(retired.clients.iter().copied()) {
            repairs("resyncs requested", stats.resyncs_requested);
            repairs("repairs requested", stats.repairs_requested);
            repairs("gaps", stats.gaps);
            repairs("unknown views", stats.unknown_views);
            repairs("decode errors", stats.decode_errors);
            repairs("wrong checksums", stats.checksum_mismatches);
            repairs("slots reverted", stats.slots_reverted);
            repairs("chunks received", stats.chunks_received);
            self.report.slots_changed += stats.slots_applied;
        }
        let server = stats_of(&self.scene.sim.server);
        for stats in retired.servers.iter().copied().chain([server]) {
            if self.scene.storing.is_some() {
                repairs("inventories loaded", stats.store_loads);
                repairs("commits rejected", stats.store_reverts);
            }
            repairs("requests repeated", stats.requests_repeated);
            repairs("requests flooded", stats.requests_flooded);
            repairs("requests malformed", stats.requests_malformed);
            repairs("openings from kept copies", stats.opens_from_cached_copy);
            repairs("full updates", stats.full_updates_encoded);
            repairs("updates throttled", stats.updates_throttled);
        }
        repairs("other versions rejected", self.invariants.rejected_versions);
        if let Some(storing) = &self.scene.storing {
            repairs("kills checked", storing.kills_checked);
            repairs("reverted inventories checked", storing.reverted_checked);
        }
        let clients = self.scene.sim.clients.iter().take(self.scene.players);
        self.report.bytes +=
            clients.map(|client| client.traffic.bytes_down + client.traffic.bytes_up).sum::<u64>();
    }
}
