//! The parent: starts the processes and the relays, and decides when players leave and when they are compared.

use core::time::Duration;
use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::mpsc::{self, Receiver, Sender},
};

use clap::Args;

use crate::{
    clock::Clock,
    logs::Logs,
    memory::Memory,
    pipe::{ClientStats, Order, Report, ServerStats, Shown},
    process::{Event, Process, What},
    proxy::{Faults, Relay},
};

/// Time to wait for the start and for the end of a process.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// Number of memory samples in a run.
const SAMPLES: u32 = 100;

#[derive(Args, Clone, Copy, Debug)]
pub struct Plan {
    /// Length of the run in minutes.
    #[arg(long, default_value_t = 60, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// Length of the run in seconds.
    #[arg(long, value_parser = clap::value_parser!(u64).range(5..))]
    seconds: Option<u64>,
    /// Number of clients.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=32))]
    pub clients: u32,
    /// Determines the faults and the dice of all processes, but not their timing.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    faults: Faults,
}

impl Plan {
    pub fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(self.minutes * 60))
    }

    /// Returns the times between comparisons, between kills, and between departures.
    fn intervals(&self) -> [Duration; 3] {
        let short = self.length() < Duration::from_secs(120);
        let seconds = if short { [5, 7, 6] } else { [60, 170, 43] };
        seconds.map(Duration::from_secs)
    }
}

/// One client.
pub struct Player {
    pub process: Process,
    pub relay: Relay,
    /// How often its process was killed and started again.
    pub life: u32,
    /// Counters of the processes that were killed.
    pub past: Vec<ClientStats>,
    pub now: ClientStats,
    pub shown: Shown,
    pub memory: Memory,
    /// Number of times that it left and came back.
    pub departures: u64,
}

pub struct Run {
    pub plan: Plan,
    pub clock: Clock,
    pub server: Process,
    pub server_stats: ServerStats,
    pub server_shown: Shown,
    pub server_memory: Memory,
    /// The parent itself, with the relays.
    pub memory: Memory,
    pub players: Vec<Player>,
    pub logs: Logs,
    pub failures: Vec<String>,
    /// Whether all comparisons ended with equal views.
    pub agree: bool,
    /// Number of comparisons, and the longest time that one took.
    pub checks: (u32, Duration),
    /// Number of the last [`Order::Show`].
    pub last_show: u64,
    dice: fastrand::Rng,
    events: Receiver<Event>,
    sender: Sender<Event>,
    next_sample: Duration,
}

impl Run {
    /// Starts everything.
    ///
    /// # Errors
    ///
    /// Fails if a process or a relay cannot be started.
    pub fn start(plan: Plan) -> Result<Self, Box<dyn Error>> {
        let clock = Clock::start();
        let (sender, events) = mpsc::channel();
        let mut dice = fastrand::Rng::with_seed(plan.seed);
        let args = ["server".into(), dice.u64(..).to_string()];
        let server = Process::start(&args, 0, 0, &sender)?;
        let mut run = Self {
            plan,
            clock,
            server,
            server_stats: ServerStats::default(),
            server_shown: Shown::default(),
            server_memory: Memory::default(),
            memory: Memory::default(),
            players: Vec::new(),
            logs: Logs::default(),
            failures: Vec::new(),
            agree: true,
            checks: (0, Duration::ZERO),
            last_show: 0,
            dice,
            events,
            sender,
            next_sample: Duration::ZERO,
        };
        let address = run.wait_for_server()?;
        let faults = plan.faults.for_run(plan.length());
        for account in 1..=plan.clients {
            let relay = Relay::start(address, faults, run.dice.u64(..), clock)?;
            let process = run.start_client(account, 0, relay.address)?;
            run.players.push(Player {
                process,
                relay,
                life: 0,
                past: Vec::new(),
                now: ClientStats::default(),
                shown: Shown::default(),
                memory: Memory::default(),
                departures: 0,
            });
        }
        println!("server at {address}, {} clients behind relays", plan.clients);
        Ok(run)
    }

    fn wait_for_server(&self) -> Result<SocketAddr, Box<dyn Error>> {
        loop {
            match self.events.recv_timeout(START_TIME_MAX)?.what {
                What::Report(Report::Listening(address)) => return Ok(address),
                What::Log(line) => return Err(line.into()),
                _ => {}
            }
        }
    }

    fn start_client(&mut self, account: u32, life: u32, relay: SocketAddr) -> io::Result<Process> {
        // Connections of a new process have higher numbers than those of the one before.
        let (number, seed) = (life << 20, self.dice.u64(..));
        let numbers = [account.to_string(), number.to_string(), seed.to_string()];
        let args: Vec<String> =
            ["client".into(), relay.to_string()].into_iter().chain(numbers).collect();
        Process::start(&args, account, life, &self.sender)
    }

    /// Plays for the whole length of the run.
    ///
    /// # Errors
    ///
    /// Fails if a process cannot be killed or started again.
    pub fn play(&mut self) -> io::Result<()> {
        let [check_every, kill_every, leave_every] = self.plan.intervals();
        let [mut check_at, mut kill_at, mut leave_at] = self.plan.intervals();
        self.order_all(Order::Play);
        while self.clock.now() < self.plan.length() && !self.has_failed() {
            self.listen(check_at.min(kill_at).min(leave_at).min(self.plan.length()));
            let now = self.clock.now();
            if now >= leave_at {
                self.send_away();
                leave_at = now + leave_every;
            }
            if now >= kill_at {
                self.kill_and_restart()?;
                kill_at = now + kill_every;
            }
            if now >= check_at {
                self.compare();
                check_at = self.clock.now() + check_every;
            }
        }
        if !self.has_failed() {
            self.compare();
        }
        Ok(())
    }

    fn has_failed(&self) -> bool {
        !self.failures.is_empty() || !self.server_stats.wrong_counts.is_empty()
    }

    /// Lets a random client end its connection and connect again. One of two does not tell the server.
    fn send_away(&mut self) {
        let politely = self.dice.bool();
        let at = self.dice.usize(..self.players.len());
        let player = &mut self.players[at];
        player.process.order(Order::Rejoin { politely });
        player.departures += 1;
    }

    /// Kills the last client, so that the memory of the others can be compared over the whole run.
    fn kill_and_restart(&mut self) -> io::Result<()> {
        let account = self.plan.clients;
        let Some(player) = self.players.last_mut() else { return Ok(()) };
        player.process.kill()?;
        let before = core::mem::take(&mut player.now);
        player.past.push(before);
        (player.life, player.memory) = (player.life + 1, Memory::default());
        let (life, relay) = (player.life, player.relay.address);
        let mut process = self.start_client(account, life, relay)?;
        process.order(Order::Play);
        if let Some(player) = self.players.last_mut() {
            player.process = process;
        }
        Ok(())
    }

    pub fn order_all(&mut self, order: Order) {
        self.server.order(order);
        self.players.iter_mut().for_each(|player| player.process.order(order));
    }

    /// Handles what the processes write until this time of the run, or until one has answered to
    /// [`Order::Show`].
    pub fn listen(&mut self, until: Duration) {
        loop {
            let now = self.clock.now();
            if now >= self.next_sample {
                self.sample(now);
            }
            let Ok(event) =
                self.events.recv_timeout(until.min(self.next_sample).saturating_sub(now))
            else {
                if now >= until {
                    return;
                }
                continue;
            };
            if self.handle(event) {
                return;
            }
        }
    }

    fn sample(&mut self, now: Duration) {
        self.next_sample = now + self.plan.length() / SAMPLES;
        self.memory.sample(std::process::id(), now);
        self.server_memory.sample(self.server.id(), now);
        for player in &mut self.players {
            player.memory.sample(player.process.id(), now);
        }
    }

    /// Returns `true` for an answer to [`Order::Show`].
    fn handle(&mut self, Event { who, life, what }: Event) -> bool {
        let player = (who as usize).checked_sub(1).and_then(|index| self.players.get_mut(index));
        if player.as_ref().is_some_and(|player| player.life != life)
            && !matches!(what, What::Log(_))
        {
            // Of a process that was killed.
            return false;
        }
        match (what, player) {
            (What::Log(line), player) => {
                self.logs.add(if player.is_some() { "client" } else { "server" }, &line);
            }
            (What::Gone, _) => self.failures.push(format!("{} ended early", name(who))),
            (What::Report(Report::Server(stats)), _) => self.server_stats = stats,
            (What::Report(Report::Client(stats)), Some(player)) => player.now = stats,
            (What::Report(Report::Shown(shown)), Some(player)) => {
                player.shown = shown;
                return true;
            }
            (What::Report(Report::Shown(shown)), None) => {
                self.server_shown = shown;
                return true;
            }
            (What::Report(Report::Client(_) | Report::Listening(_)), _) => {}
        }
        false
    }

    /// Ends all processes, and returns the run for the table.
    pub fn end(mut self) -> Self {
        self.order_all(Order::Quit);
        let failures = core::mem::take(&mut self.failures);
        let until = self.clock.now() + START_TIME_MAX;
        let mut running = self.success();
        while running.contains(&None) && self.clock.now() < until {
            self.listen(self.clock.now() + Duration::from_millis(50));
            running = self.success();
        }
        // They have ended as ordered.
        self.failures = failures;
        for (who, success) in (0..).zip(running) {
            match success {
                Some(true) => {}
                Some(false) => self.failures.push(format!("{} failed", name(who))),
                None => self.failures.push(format!("{} did not end", name(who))),
            }
        }
        self.judge();
        self
    }

    fn success(&mut self) -> Vec<Option<bool>> {
        let server = self.server.success();
        let clients = self.players.iter_mut().map(|player| player.process.success());
        core::iter::once(server).chain(clients).collect()
    }
}

/// Name of a process in messages.
pub fn name(who: u32) -> String {
    if who == 0 { "the server".into() } else { format!("client {who}") }
}
