//! The command line.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use bevy_inventory_sync::overlay::OverlayPanel;
use clap::{Parser, Subcommand};

use crate::steps::Steps;

pub const PORT: u16 = 5577;

/// Heading in `--help` of the options for tests and screenshots.
const TESTS: &str = "Options for tests";

const SERVERS: &str = "Options for servers";

const BOTS_MAX: u64 = 1000;

/// Maximum width and height of the window, which is that of textures on most graphics cards.
const SIZE_MAX: u32 = 8192;

/// A small world in which players carry, drop and share items. Without a command it opens a window with
/// a menu: single player, host or join.
#[derive(Parser, Clone, Debug)]
#[command(name = "inventory_game")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// UDP port of the server.
    #[arg(long, global = true, default_value_t = PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Your player name.
    #[arg(long, global = true, value_parser = name)]
    pub name: Option<String>,
    /// Runs a server and bots in this process without a window, and prints what each bot sees.
    #[arg(long, global = true, help_heading = TESTS)]
    pub headless: bool,
    /// Number of bots with `--headless`.
    #[arg(long = "with-bots", global = true, default_value_t = 3, value_name = "N", help_heading = TESTS, value_parser = count)]
    pub with_bots: usize,
    /// Exits after this many seconds (only without a window).
    #[arg(long, global = true, help_heading = TESTS, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub seconds: Option<u64>,
    /// Simulates a bad connection of a guest or of bots: this latency in each direction, jitter, and 5 % loss.
    #[arg(long, global = true, default_value_t = 0, value_name = "MILLISECONDS", help_heading = TESTS, value_parser = clap::value_parser!(u64).range(..=10_000))]
    pub lag: u64,
    /// Writes a screenshot of the window to this file and exits.
    #[arg(long, global = true, value_name = "FILE", help_heading = TESTS)]
    pub screenshot: Option<PathBuf>,
    /// Opens the overlay on this panel, such as `inventories` or `traffic`; an unknown name lists all. F3 toggles it.
    #[arg(long, global = true, value_name = "PANEL", value_parser = panel, help_heading = TESTS)]
    pub overlay: Option<OverlayPanel>,
    /// Time of the screenshot, in seconds after the start.
    #[arg(long, global = true, default_value_t = 20.0, value_name = "SECONDS", help_heading = TESTS, value_parser = seconds)]
    pub after: f32,
    /// Size of the window in pixels.
    #[arg(long, global = true, value_parser = size, default_value = "1280x720", help_heading = TESTS)]
    pub size: (u32, u32),
    /// Writes a line-by-line report to this file of what is on screen and what should be.
    #[arg(long, global = true, value_name = "FILE", help_heading = TESTS)]
    pub report: Option<PathBuf>,
    /// Plays scripted keyboard and mouse input: see `steps.rs` for the syntax.
    #[arg(long, global = true, value_name = "STEPS", help_heading = TESTS)]
    pub steps: Option<Steps>,
    /// Saves the world to this file. By default, a game with a window saves it in the user's data folder.
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Keeps the world in memory only.
    #[arg(long, global = true, conflicts_with_all = ["store", "redis"])]
    pub unsaved: bool,
    /// Stores the world in Redis at this address, where several servers can share it.
    #[arg(long, global = true, value_name = "URL", conflicts_with = "store", help_heading = SERVERS)]
    pub redis: Option<String>,
    /// Name of the world with `--redis`. In this game, each world is run by one server.
    #[arg(long, global = true, value_name = "NAME", default_value = "world", help_heading = SERVERS)]
    pub world: String,
    /// Adds a gate to the world NAME in the same Redis, whose server is at ADDRESS (only with `serve`).
    #[arg(long, global = true, value_name = "NAME@ADDRESS", value_parser = gate, requires = "redis", help_heading = SERVERS)]
    pub gate: Option<(String, SocketAddr)>,
    /// Serves a page for operators at this address, such as 127.0.0.1:8070 (only with `serve`).
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = SERVERS)]
    pub gateway: Option<SocketAddr>,
    /// Overrides the game's version, to test a version mismatch.
    #[arg(long, global = true, hide = true, default_value = env!("CARGO_PKG_VERSION"))]
    pub version_as: String,
    /// Maximum number of guests.
    #[arg(long, global = true, default_value_t = 64, value_name = "N", help_heading = SERVERS, value_parser = count)]
    pub guests_max: usize,
}

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Hosts a game that others can join, and plays in it.
    Host,
    /// Joins a server.
    Join {
        /// The server's address, such as 192.168.0.7 or 192.168.0.7:5577.
        #[arg(value_parser = address)]
        address: SocketAddr,
    },
    /// Runs a dedicated server.
    Serve,
    /// Counts the items stored in worlds in Redis. Stop all servers first.
    Count {
        /// Names of the worlds.
        #[arg(required = true)]
        worlds: Vec<String>,
    },
    /// Runs bots that play on a server.
    Bots {
        /// Number of bots.
        #[arg(value_parser = count)]
        count: usize,
        /// The server's address.
        #[arg(value_parser = address, default_value = "127.0.0.1")]
        address: SocketAddr,
        /// Reconnects if the server does not respond or has stopped.
        #[arg(long)]
        reconnect: bool,
    },
}

/// Reads a number of players.
fn count(text: &str) -> Result<usize, String> {
    let count = text.parse::<u64>().ok().filter(|count| (1..=BOTS_MAX).contains(count));
    let count = count.and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| format!("expected a number from 1 to {BOTS_MAX}"))
}

fn seconds(text: &str) -> Result<f32, String> {
    let seconds = text.parse::<f32>().ok().filter(|seconds| (0.0..=86_400.0).contains(seconds));
    seconds.ok_or_else(|| "expected a number of seconds from 0 to 86400".into())
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("a player needs a name".into()) } else { Ok(name.into()) }
}

pub fn address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.parse::<std::net::IpAddr>().is_ok() || !text.contains(':') {
        (text, PORT).to_socket_addrs()
    } else {
        text.to_socket_addrs()
    };
    let found = full.ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        format!(
            "\"{text}\" is not a valid server address. Use, for example, 192.168.0.7 or 192.168.0.7:5577."
        )
    })
}

impl Cli {
    /// Returns `true` if a person is playing, not a script.
    pub fn is_played(&self) -> bool {
        self.screenshot.is_none() && self.steps.is_none() && self.report.is_none()
    }
}

fn gate(text: &str) -> Result<(String, SocketAddr), String> {
    let parts = text.split_once('@').filter(|(world, _)| !world.is_empty());
    let (world, at) = parts.ok_or("expected NAME@ADDRESS, such as south@127.0.0.1:5578")?;
    Ok((world.to_owned(), address(at)?))
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('x').map(|(w, h)| (w.parse().ok(), h.parse().ok()));
    match parts {
        Some((Some(width @ 640..=SIZE_MAX), Some(height @ 480..=SIZE_MAX))) => Ok((width, height)),
        _ => Err(format!(
            "expected WIDTHxHEIGHT from 640x480 to {SIZE_MAX}x{SIZE_MAX}, such as 1280x720"
        )),
    }
}

fn panel(text: &str) -> Result<OverlayPanel, String> {
    let named = |panel: &OverlayPanel| format!("{panel:?}").to_lowercase() == text;
    let names = OverlayPanel::ALL.map(|panel| format!("{panel:?}").to_lowercase());
    let found = OverlayPanel::ALL.into_iter().find(named);
    found.ok_or_else(|| format!("no such panel; the panels are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_are_rejected() {
        for line in [
            "bots 0",
            "bots -1",
            "bots 1000000",
            "--with-bots 0",
            "--guests-max 0",
            "--seconds 0",
            "--seconds -1",
            "--size 0x0",
            "--size 1x1",
            "--size 100000x480",
            "--size 1280",
            "--after nan",
            "--after -1",
            "--port 0",
            "--port 65536",
            "--lag -1",
            "--gate @127.0.0.1 --redis redis://x",
            "--overlay nothing",
            "join nowhere:x",
        ] {
            let words = core::iter::once("inventory_game").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
        assert!(Cli::try_parse_from(["inventory_game", "--name", " "]).is_err());
    }

    #[test]
    fn usual_commands_are_accepted() {
        for line in ["bots 4 127.0.0.1:5577 --reconnect", "--headless --seconds 5 --with-bots 3"] {
            let words = core::iter::once("inventory_game").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
