//! What a store in Redis costs per player: `cargo bench --features redis --bench redis`. Needs redis-server.
//!
//! Each player has an inventory of 36 slots, half of them filled, and changes one slot per second. A server commits five
//! times a second, with the history.

#![allow(clippy::disallowed_methods, reason = "measures real time")]

#[path = "common/mode.rs"]
mod mode;
#[path = "common/stored.rs"]
mod stored;

use std::{
    collections::BTreeMap,
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use bevy_inventory_sync::{
    prelude::InventoryId,
    store::{
        Store,
        batch::{Batch, Change, Union, Write},
        history::StoredTick,
        redis::{RedisSettings, RedisStore, redis},
        worlds,
    },
};
use clap::Parser;
use mode::Mode;
use stored::{change, record};

/// Number of commits per second.
const COMMITS: usize = 5;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    mode: Mode,
}

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let cli = Cli::parse();
    cli.mode.announce("1 minute", "10 seconds");
    println!(
        "players\tload_us\tcommit_ms\tcommands_per_second\tbytes_in_per_player_and_second\t\
         redis_cpu_us_per_player_and_second\tmemory_bytes_per_player\t\
         history_bytes_per_player_and_second\tfile_bytes_per_player_and_second"
    );
    for players in cli.mode.pick(vec![100, 1_000, 10_000], vec![100, 1_000]) {
        measure(players, cli.mode.pick(20, 3))?;
    }
    Ok(())
}

/// A Redis server, which ends with this value.
struct Server {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Result<Self, Error> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", "", "--appendonly", "yes", "--dir"])
            .arg(folder.path())
            .args(["--appendfsync", "everysec", "--maxmemory-policy", "noeviction"])
            .args(["--auto-aof-rewrite-percentage", "0"])
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { process, url: format!("redis://127.0.0.1:{port}"), _folder: folder };
        while server.info("server").is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Returns the numbers in a section of `INFO`.
    fn info(&self, section: &str) -> Result<BTreeMap<String, f64>, Error> {
        let mut connection = redis::Client::open(self.url.as_str())?.get_connection()?;
        let text: String = redis::cmd("INFO").arg(section).query(&mut connection)?;
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Ok(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    fn numbers(&self) -> Result<BTreeMap<String, f64>, Error> {
        let mut numbers = BTreeMap::new();
        for section in ["stats", "cpu", "memory", "persistence"] {
            numbers.extend(self.info(section)?);
        }
        Ok(numbers)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn measure(players: usize, seconds: usize) -> Result<(), Error> {
    let server = Server::start()?;
    let mut store = RedisStore::open(RedisSettings::new(&server.url, "bench"))?;
    let empty = server.numbers()?["used_memory"];
    let mut random = fastrand::Rng::with_seed(1);
    let ids: Vec<_> = (0..players as u64).map(|n| InventoryId::named("player", n)).collect();
    let mut fences = Vec::new();
    for id in &ids {
        fences.push(worlds::claim(&mut store, *id)?.fence);
    }
    let mut stored: Vec<_> = ids.iter().map(|_| Arc::new(record(&mut random))).collect();
    let mut versions = vec![0; players];
    let mut commit = |store: &mut RedisStore, tick: u64, changed: &[usize]| {
        let union = |n: &usize| {
            let n = *n;
            let changes = vec![change(ids[n], Arc::make_mut(&mut stored[n]), &mut random)];
            versions[n] += 1;
            let change = Change::Save { stored: stored[n].clone(), slots: None };
            let (fence, version) = (fences[n], versions[n]);
            Union {
                writes: vec![Write { id: ids[n], fence, version, change }],
                history: vec![StoredTick { tick, changes, ..StoredTick::default() }],
            }
        };
        store.commit(&Batch {
            tick,
            from: tick,
            time: UNIX_EPOCH.elapsed().map_or(0, |time| 1_000 * time.as_secs()),
            unions: changed.iter().map(union).collect(),
            ..Batch::default()
        })
    };
    for chunk in (0..players).collect::<Vec<_>>().chunks(1_000) {
        commit(&mut store, 1, chunk)?;
    }
    let before = server.numbers()?;
    let begin = Instant::now();
    for tick in 0..seconds * COMMITS {
        let changed: Vec<_> = (0..players).filter(|n| n % COMMITS == tick % COMMITS).collect();
        commit(&mut store, tick as u64 + 2, &changed)?;
    }
    let commit_time = begin.elapsed().as_secs_f64() / (seconds * COMMITS) as f64;
    let after = server.numbers()?;
    let begin = Instant::now();
    for id in &ids {
        worlds::claim(&mut store, *id)?;
    }
    let load = begin.elapsed().as_secs_f64() / players as f64;
    let grown = |name: &str| after[name] - before[name];
    let each = |value: f64| value / (players * seconds) as f64;
    let cpu = grown("used_cpu_user") + grown("used_cpu_sys");
    println!(
        "{players}\t{:.0}\t{:.2}\t{COMMITS}\t{:.0}\t{:.1}\t{:.0}\t{:.0}\t{:.0}",
        load * 1e6,
        commit_time * 1e3,
        each(grown("total_net_input_bytes")),
        each(cpu * 1e6),
        (before["used_memory"] - empty) / players as f64,
        each(grown("used_memory")),
        each(grown("aof_current_size")),
    );
    Ok(())
}
