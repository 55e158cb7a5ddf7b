//! A Redis server on a free port, which ends with the test.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bevy_inventory_sync::store::redis::{RedisSettings, RedisStore, redis};
use tempfile::TempDir;

/// The command of the server. Valkey has the same options.
const COMMANDS: [&str; 2] = ["redis-server", "valkey-server"];

pub struct RedisServer {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    environment: Vec<(&'static str, PathBuf)>,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts a server that writes everything to its file before it answers. Returns `None` if there is no Redis here.
    pub fn start() -> Option<Self> {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub fn start_with(arguments: &[&str]) -> Option<Self> {
        let mut server = Self::new(arguments);
        server.run().then_some(server)
    }

    /// Starts a server with these variables.
    pub fn start_in(
        environment: impl IntoIterator<Item = (&'static str, PathBuf)>,
    ) -> Option<Self> {
        let mut server = Self::new(&[]);
        server.environment.extend(environment);
        server.run().then_some(server)
    }

    fn new(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self {
            folder: TempDir::new().unwrap(),
            port: free_port(),
            arguments,
            environment: Vec::new(),
            process: None,
        }
    }

    /// Starts it again on the same files, after [`Self::kill`]. Returns `false` if there is no Redis here.
    pub fn run(&mut self) -> bool {
        for command in COMMANDS {
            let spawned = Command::new(command)
                .args(["--port", &self.port.to_string(), "--dir"])
                .arg(self.folder.path())
                .args(["--save", "", "--maxmemory-policy", "noeviction"])
                .args(&self.arguments)
                .envs(self.environment.iter().cloned())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let Ok(child) = spawned else { continue };
            self.process = Some(child);
            self.wait_until_ready();
            return true;
        }
        assert!(std::env::var("CI").is_err(), "redis-server is not installed");
        eprintln!("SKIPPED: redis-server is not installed");
        false
    }

    fn wait_until_ready(&mut self) {
        for _ in 0..1000 {
            let answers = self
                .try_connection()
                .and_then(|mut connection| redis::cmd("PING").query::<String>(&mut connection));
            if answers.is_ok() {
                return;
            }
            let process = self.process.as_mut().unwrap();
            assert_eq!(process.try_wait().unwrap(), None, "redis-server has ended");
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not answer");
    }

    /// Kills the process.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn settings(&self, server: &str) -> RedisSettings {
        let timeout = Duration::from_secs(20);
        RedisSettings { server: server.into(), timeout, ..RedisSettings::new(self.url(), "w") }
    }

    pub fn open(&self, server: &str) -> RedisStore {
        RedisStore::open(self.settings(server)).unwrap()
    }

    /// Opens a world for the server of the same name.
    pub fn open_world(&self, world: &str) -> RedisStore {
        let settings = RedisSettings { world: world.into(), ..self.settings(world) };
        RedisStore::open(settings).unwrap()
    }

    /// Fails over to a replica: another server with its files gets the address.
    pub fn fail_over(&mut self, mut replica: Self) {
        // It writes what it has received to its file first.
        for _ in 0..2000 {
            let info: String = replica.command(&["INFO", "persistence"]);
            if info.contains("aof_rewrite_in_progress:0")
                && info.contains("aof_rewrite_scheduled:0")
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        replica.kill();
        core::mem::swap(&mut self.folder, &mut replica.folder);
        assert!(self.run());
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn try_connection(&self) -> Result<redis::Connection, redis::RedisError> {
        redis::Client::open(self.url())?.get_connection()
    }

    pub fn connection(&self) -> redis::Connection {
        self.try_connection().unwrap()
    }

    /// Runs a command, given as words.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(*word);
        });
        command.query(&mut self.connection()).unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns a port that nothing listens on at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
