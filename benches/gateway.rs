//! What the gateway costs, and how soon a reader has a change: `cargo bench --features gateway --bench gateway`. The
//! instructions need valgrind; the readers need 2,500 open files (`ulimit -n`).

#![allow(clippy::disallowed_methods, reason = "measures real time")]

#[path = "common/callgrind.rs"]
mod callgrind;
#[path = "common/mode.rs"]
mod mode;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use bevy::prelude::*;
use bevy_inventory_sync::{
    gateway::{GatewayLimits, GatewayStatus, GatewayTokens, InventoryGatewayPlugin, Scope},
    prelude::*,
    sim::Simulation,
};
use clap::Parser;
use mode::Mode;

const COIN: ItemId = ItemId::of("coin");

/// Number of inventories, and of those that change in each frame.
const WORLD: usize = 1_000;
const CHANGED: usize = 100;

/// Number of readers, and of those that do not read.
const READERS: usize = 1_000;
const SILENT: usize = 100;

/// Number of counted frames, and of frames before them.
const FRAMES: usize = 100;
const WARM: usize = 20;

const FRAME: Duration = Duration::from_millis(33);

#[derive(Parser)]
struct Cli {
    /// Reads events of this address in another process, with this token.
    #[arg(long, num_args = 4, value_names = ["ADDRESS", "TOKEN", "READERS", "SILENT"])]
    read: Option<Vec<String>>,
    /// Runs only counted frames, in the process that valgrind observes, with this number of readers.
    #[arg(long)]
    frames: Option<usize>,
    #[arg(long)]
    without_gateway: bool,
    #[command(flatten)]
    mode: Mode,
}

fn main() {
    let cli = Cli::parse();
    if let Some([address, token, readers, silent]) = cli.read.as_deref() {
        let number = |text: &String| text.parse().expect("a number");
        read(address.parse().expect("an address"), token, number(readers), number(silent));
        return;
    }
    if let Some(readers) = cli.frames {
        frames(readers, !cli.without_gateway);
        return;
    }
    cli.mode.announce("90 seconds", "20 seconds");
    let changes = cli.mode.pick(1_000, 60);
    println!(
        "readers\tnot_reading\tchanges\tmedian_ms\tp90_ms\tp99_ms\tmax_ms\tmemory_mb\tadded_mb"
    );
    for (readers, silent) in [(0, 0), (READERS, SILENT)] {
        latency(readers, silent, changes);
    }
    println!("\nreaders\tinstructions_of_a_frame");
    println!("no gateway\t{:.0}", count(0, false));
    for readers in [0, cli.mode.pick(READERS, 100)] {
        println!("{readers}\t{:.0}", count(readers, true));
    }
}

/// A world with a gateway.
struct Game {
    app: App,
    entities: Vec<Entity>,
    address: Option<SocketAddr>,
    token: String,
    frame: usize,
}

impl Game {
    fn new(with_gateway: bool) -> Self {
        let tokens = GatewayTokens::default();
        let token = tokens.issue(Scope::Operator, None).secret().to_owned();
        let most = 2 * READERS;
        let limits = GatewayLimits {
            connections: most,
            connections_per_address: most,
            streams: most,
            streams_per_address: most,
            request_burst: 100_000,
            ..GatewayLimits::default()
        };
        let mut app = Simulation::app(|app| {
            app.insert_items(
                Items::<()>::from_ron("(items: [(key: \"coin\", max_stack: 1000000)])")
                    .expect("valid"),
            );
            if with_gateway {
                let plugin = InventoryGatewayPlugin::new(([127, 0, 0, 1], 0));
                app.add_plugins(plugin.limits(limits).tokens(tokens.clone()));
            }
        });
        let spawn = |n| (InventoryId::named("player", n), Inventory::new(36));
        let entities = (0..WORLD as u64).map(|n| app.world_mut().spawn(spawn(n)).id()).collect();
        let address = match app.world().get_resource::<GatewayStatus>() {
            Some(GatewayStatus::Starting(address) | GatewayStatus::Listening(address)) => {
                Some(*address)
            }
            Some(GatewayStatus::Failed(error)) => panic!("{error}"),
            None => None,
        };
        app.update();
        Self { app, entities, address, token, frame: 0 }
    }

    /// Changes one slot in each of some inventories.
    fn change(&mut self) -> u32 {
        self.frame += 1;
        let count = u32::try_from(self.frame).expect("few frames");
        for at in 0..CHANGED {
            let entity = self.entities[(self.frame * CHANGED + at) % WORLD];
            let mut slots = self.app.world_mut().get_mut::<Inventory>(entity).expect("it exists");
            slots.set(at % 36, COIN.stack(count)).expect("there are more slots");
        }
        count
    }

    /// Starts readers in another process, and waits until all of them are connected.
    fn readers(&self, readers: usize, silent: usize) -> Option<Readers> {
        let address = self.address.filter(|_| readers > 0)?;
        let mut command = Command::new(std::env::current_exe().expect("it has a path"));
        command.arg("--read").args([address.to_string(), self.token.clone()]);
        command.args([readers, silent].map(|number| number.to_string()));
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut ready = String::new();
        let said = process.stdout.take().expect("it is piped");
        BufReader::new(said).read_line(&mut ready).expect("it can be read");
        assert_eq!(ready, "ready\n", "not all readers could connect");
        Some(Readers(process))
    }
}

/// Readers in another process, which ends with them.
struct Readers(Child);

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn request(token: &str) -> String {
    format!("GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Measures the time from a change to a reader that has decoded it.
fn latency(readers: usize, silent: usize, changes: usize) {
    let mut game = Game::new(true);
    let memory_before = memory();
    let others = game.readers(readers, silent);
    let sent: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let mut stream = TcpStream::connect(game.address.expect("it listens")).expect("it accepts");
    stream.write_all(request(&game.token).as_bytes()).expect("it can be written to");
    let (changed, last) = (Arc::clone(&sent), changes);
    let reader = thread::spawn(move || {
        let mut times = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.expect("it can be read");
            let Some(data) = line.strip_prefix("data: {\"epoch\"") else { continue };
            let event: serde_json::Value =
                serde_json::from_str(&format!("{{\"epoch\"{data}")).expect("it is JSON");
            let now = Instant::now();
            let Some(count) = event["slots"][0]["new"]["count"].as_u64() else { continue };
            let at = usize::try_from(count).expect("few frames") - 1;
            let changed = changed.lock().expect("no thread has panicked")[at];
            times.push(now - changed);
            if at + 1 >= last {
                break;
            }
        }
        times
    });
    thread::sleep(Duration::from_millis(300));
    for _ in 0..changes {
        let begin = Instant::now();
        sent.lock().expect("no thread has panicked").push(begin);
        game.change();
        game.app.update();
        thread::sleep(FRAME.saturating_sub(begin.elapsed()));
    }
    let mut times = reader.join().expect("the reader has not panicked");
    let memory_after = memory();
    drop(others);
    times.sort_unstable();
    let at = |permille: usize| times[(times.len() - 1) * permille / 1000].as_secs_f64() * 1e3;
    let added = memory_after - memory_before;
    println!(
        "{readers}\t{silent}\t{}\t{:.1}\t{:.1}\t{:.1}\t{:.1}\t{memory_after:.0}\t{added:.0}",
        times.len(),
        at(500),
        at(900),
        at(990),
        at(1000),
    );
    histogram(&times);
}

/// Prints how many changes took how long.
fn histogram(times: &[Duration]) {
    let mut bound = Duration::from_micros(500);
    let mut before = 0;
    while before < times.len() {
        let below = times.partition_point(|time| *time < bound);
        if below > before {
            println!("#  below {:>6.1} ms: {}", bound.as_secs_f64() * 1e3, below - before);
        }
        (before, bound) = (below, bound * 2);
    }
}

/// Returns the resident memory of this process, in megabytes. Zero if it is unknown.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

/// Opens streams of events, some of which are never read, until this process is killed.
fn read(address: SocketAddr, token: &str, readers: usize, silent: usize) {
    let mut unread = Vec::new();
    for number in 0..readers {
        let mut stream = TcpStream::connect(address).expect("it accepts");
        stream.write_all(request(token).as_bytes()).expect("it can be written to");
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("it answers");
        assert_eq!(&head, b"HTTP/1.1 200", "{}", String::from_utf8_lossy(&head));
        if number < silent {
            unread.push(stream);
            continue;
        }
        let read = move || {
            let mut buffer = [0; 16 << 10];
            while stream.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
        };
        thread::Builder::new().stack_size(128 << 10).spawn(read).expect("it can be started");
    }
    println!("ready");
    loop {
        thread::park();
    }
}

/// Runs frames in which inventories change, with this number of readers.
fn frames(readers: usize, with_gateway: bool) {
    let mut game = Game::new(with_gateway);
    let others = game.readers(readers, 0);
    for frame in 0..WARM + FRAMES {
        game.change();
        if frame < WARM {
            game.app.update()
        } else {
            counted_update(&mut game.app)
        }
        // The gateway's thread gets its turn.
        thread::sleep(Duration::from_millis(20));
    }
    drop(others);
}

#[inline(never)]
fn counted_update(app: &mut App) {
    app.update();
}

/// Returns the number of instructions of a frame, on its thread.
fn count(readers: usize, with_gateway: bool) -> f64 {
    let readers = readers.to_string();
    let bare = (!with_gateway).then_some("--without-gateway");
    callgrind::run(["--frames", &readers].into_iter().chain(bare)).1 / FRAMES as f64
}
