//! A hostile network: UDP relays that lose, duplicate, delay and reorder datagrams, and black out now and then.

use core::{
    ops::AddAssign,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use clap::Args;

use crate::{clock::Clock, game::TICK};

/// Netcode drops a connection after 15 seconds of silence.
const OUTAGE: Duration = Duration::from_secs(17);

/// Time after which an address of a client from which nothing comes is forgotten. The server has then dropped it, too.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What the network does to the datagrams of one client. Fractions are per datagram and direction.
#[derive(Args, Clone, Copy, Debug)]
pub struct Faults {
    /// Fraction of datagrams that are lost.
    #[arg(long, default_value_t = 0.05)]
    pub loss: f64,
    /// Fraction of datagrams that arrive twice.
    #[arg(long, default_value_t = 0.02)]
    pub duplicates: f64,
    /// Minimum delay in one direction, in milliseconds.
    #[arg(long, default_value_t = 20)]
    pub delay_min: u64,
    /// Maximum delay in one direction, in milliseconds.
    #[arg(long, default_value_t = 120)]
    pub delay_max: u64,
    /// Fraction of datagrams that may overtake others. The rest arrives in order.
    #[arg(long, default_value_t = 0.2)]
    pub reordering: f64,
    /// Mean time between blackouts of 1 to 2 seconds, in seconds. Default: 60, or 8 for a run of less than two minutes.
    #[arg(long)]
    pub blackout_every: Option<f64>,
    /// Mean time between outages that are long enough to end the connection, in seconds. Default: 300. A run of less
    /// than two minutes has none.
    #[arg(long)]
    pub outage_every: Option<f64>,
}

impl Faults {
    /// Sets what depends on the length of the run.
    pub fn for_run(mut self, length: Duration) -> Self {
        let short = length < Duration::from_secs(120);
        self.blackout_every.get_or_insert(if short { 8.0 } else { 60.0 });
        self.outage_every.get_or_insert(if short { f64::INFINITY } else { 300.0 });
        self
    }
}

/// Numbers of datagrams in one direction.
#[derive(Clone, Copy, Default, Debug)]
pub struct Fates {
    /// Delivered, including duplicates.
    pub passed: u64,
    /// Lost, including those in blackouts and outages.
    pub lost: u64,
    /// Of those that passed, extra copies.
    pub duplicated: u64,
    /// Of those that passed, delayed by at least two ticks.
    pub late: u64,
    /// Of those that passed, overtaken by a later one.
    pub reordered: u64,
}

impl AddAssign for Fates {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.late += other.late;
        self.reordered += other.reordered;
    }
}

/// What a relay counted: to the server, to the client, blackouts, outages.
#[derive(Clone, Copy, Default, Debug)]
pub struct Traffic {
    pub up: Fates,
    pub down: Fates,
    pub blackouts: u64,
    pub outages: u64,
}

/// The relay of one client.
pub struct Relay {
    /// The address to which the client connects.
    pub address: SocketAddr,
    traffic: Arc<Mutex<Traffic>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// # Errors
    ///
    /// Fails if no socket can be opened.
    pub fn start(server: SocketAddr, faults: Faults, seed: u64, clock: Clock) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let (traffic, stop) = <(Arc<Mutex<Traffic>>, Arc<AtomicBool>)>::default();
        let mut wire = Wire {
            socket,
            server,
            faults,
            dice: fastrand::Rng::with_seed(seed),
            paths: Vec::new(),
            waiting: BinaryHeap::new(),
            last_number: 0,
            traffic: Traffic::default(),
            blackout: Pauses::default(),
            outage: Pauses::default(),
        };
        let (shown, stopped) = (traffic.clone(), stop.clone());
        let thread = thread::spawn(move || {
            wire.blackout.plan(Duration::ZERO, faults.blackout_every, &mut wire.dice);
            wire.outage.plan(Duration::ZERO, faults.outage_every, &mut wire.dice);
            while !stopped.load(Ordering::Relaxed) {
                wire.step(clock.now());
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = wire.traffic;
                thread::sleep(Duration::from_millis(1));
            }
        });
        Ok(Self { address, traffic, stop, thread: Some(thread) })
    }

    pub fn traffic(&self) -> Traffic {
        *self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Times in which nothing passes.
#[derive(Default)]
struct Pauses {
    begin: Duration,
    end: Duration,
}

impl Pauses {
    /// Plans the next pause; the time until then is distributed exponentially.
    fn plan(&mut self, now: Duration, every: Option<f64>, dice: &mut fastrand::Rng) {
        let wait = every.unwrap_or(f64::INFINITY) * -(1.0 - dice.f64()).ln();
        self.begin = now.saturating_add(Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX));
        self.end = Duration::ZERO;
    }

    /// Returns `true` if a pause begins.
    fn begins(&mut self, now: Duration, len: Duration) -> bool {
        let begins = self.end.is_zero() && now >= self.begin;
        if begins {
            self.end = now + len;
        }
        begins
    }
}

/// The path of one socket of the client. The server sees a different address for each.
struct Path {
    client: SocketAddr,
    upstream: UdpSocket,
    heard: Duration,
    up: Lane,
    down: Lane,
}

/// One direction of a path.
#[derive(Default)]
struct Lane {
    /// Time at which the last datagram that keeps the order is due.
    due: Duration,
    /// Number of the latest datagram that was delivered.
    newest: u64,
}

/// A datagram on its way, the first one that is due compares as greatest.
type Waiting = (Reverse<(Duration, u64)>, Datagram);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Datagram {
    client: SocketAddr,
    up: bool,
    late: bool,
    bytes: Vec<u8>,
}

struct Wire {
    socket: UdpSocket,
    server: SocketAddr,
    faults: Faults,
    dice: fastrand::Rng,
    paths: Vec<Path>,
    waiting: BinaryHeap<Waiting>,
    last_number: u64,
    traffic: Traffic,
    blackout: Pauses,
    outage: Pauses,
}

impl Wire {
    fn step(&mut self, now: Duration) {
        self.pause(now);
        let mut buffer = [0; 2048];
        while let Ok((len, client)) = self.socket.recv_from(&mut buffer) {
            let known = self.paths.iter().position(|path| path.client == client);
            let Some(path) = known.or_else(|| self.open(client)) else { continue };
            self.paths[path].heard = now;
            self.accept(path, true, &buffer[..len], now);
        }
        for path in 0..self.paths.len() {
            while let Ok(len) = self.paths[path].upstream.recv(&mut buffer) {
                self.accept(path, false, &buffer[..len], now);
            }
        }
        while self.waiting.peek().is_some_and(|(Reverse((due, _)), _)| *due <= now) {
            if let Some((Reverse((_, number)), datagram)) = self.waiting.pop() {
                self.deliver(number, &datagram);
            }
        }
        self.paths.retain(|path| now.saturating_sub(path.heard) < SILENCE_MAX);
    }

    fn pause(&mut self, now: Duration) {
        let len = Duration::from_secs_f64(1.0 + self.dice.f64());
        self.traffic.blackouts += u64::from(self.blackout.begins(now, len));
        self.traffic.outages += u64::from(self.outage.begins(now, OUTAGE));
        let Faults { blackout_every, outage_every, .. } = self.faults;
        for (pauses, every) in
            [(&mut self.blackout, blackout_every), (&mut self.outage, outage_every)]
        {
            if !pauses.end.is_zero() && now >= pauses.end {
                pauses.plan(now, every, &mut self.dice);
            }
        }
    }

    fn open(&mut self, client: SocketAddr) -> Option<usize> {
        let upstream = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        upstream.set_nonblocking(true).ok()?;
        upstream.connect(self.server).ok()?;
        let (up, down, heard) = Default::default();
        self.paths.push(Path { client, upstream, heard, up, down });
        Some(self.paths.len() - 1)
    }

    /// Decides what happens to a datagram.
    fn accept(&mut self, path: usize, up: bool, bytes: &[u8], now: Duration) {
        let dark = !self.blackout.end.is_zero() || !self.outage.end.is_zero();
        let Faults { loss, duplicates, delay_min, delay_max, reordering, .. } = self.faults;
        let fates = if up { &mut self.traffic.up } else { &mut self.traffic.down };
        if dark || self.dice.f64() < loss {
            fates.lost += 1;
            return;
        }
        let twice = self.dice.f64() < duplicates;
        fates.duplicated += u64::from(twice);
        let path = &mut self.paths[path];
        let lane = if up { &mut path.up } else { &mut path.down };
        for _ in 0..=u8::from(twice) {
            let delay = self.dice.u64(delay_min * 1000..=(delay_max * 1000).max(delay_min * 1000));
            let mut due = now + Duration::from_micros(delay);
            if self.dice.f64() >= reordering {
                lane.due = lane.due.max(due);
                due = lane.due;
            }
            self.last_number += 1;
            let late = due - now >= 2 * TICK;
            let datagram = Datagram { client: path.client, up, late, bytes: bytes.to_vec() };
            self.waiting.push((Reverse((due, self.last_number)), datagram));
        }
    }

    fn deliver(&mut self, number: u64, Datagram { client, up, late, bytes }: &Datagram) {
        let Some(path) = self.paths.iter_mut().find(|path| path.client == *client) else { return };
        let (fates, lane) = if *up {
            (&mut self.traffic.up, &mut path.up)
        } else {
            (&mut self.traffic.down, &mut path.down)
        };
        fates.passed += 1;
        fates.late += u64::from(*late);
        fates.reordered += u64::from(number < lane.newest);
        lane.newest = lane.newest.max(number);
        // A closed socket on the other side is one more way to lose a datagram.
        let sent = if *up { path.upstream.send(bytes) } else { self.socket.send_to(bytes, client) };
        sent.ok();
    }
}
