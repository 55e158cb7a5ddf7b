//! The command line.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use bevy_inventory_sync::overlay::OverlayPanel;
use clap::{Parser, Subcommand};

use crate::steps::Steps;

pub const PORT: u16 = 5577;

/// A small world in which players carry, drop and share items. Without a command it opens a window with
/// a menu: single player, host or join.
#[derive(Parser, Clone, Debug)]
#[command(name = "inventory_game")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// UDP port of the server.
    #[arg(long, global = true, default_value_t = PORT)]
    pub port: u16,
    /// Your player name.
    #[arg(long, global = true)]
    pub name: Option<String>,
    /// Runs a server and bots in this process without a window, and prints what each bot sees.
    #[arg(long, global = true)]
    pub headless: bool,
    /// Number of bots with `--headless`.
    #[arg(long = "with-bots", global = true, default_value_t = 3, value_name = "N")]
    pub with_bots: usize,
    /// Exits after this many seconds (only without a window).
    #[arg(long, global = true)]
    pub seconds: Option<u64>,
    /// Delays every message of a guest by this many milliseconds, in each direction.
    #[arg(long, global = true, default_value_t = 0, value_name = "MILLISECONDS")]
    pub lag: u64,
    /// Plays automatically as the local player.
    #[arg(long, global = true)]
    pub demo: bool,
    /// Writes a screenshot of the window to this file and exits.
    #[arg(long, global = true, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,
    /// Opens the overlay on this panel, such as `inventories` or `traffic`; an unknown name lists all. F3 toggles it.
    #[arg(long, global = true, value_name = "PANEL", value_parser = panel)]
    pub overlay: Option<OverlayPanel>,
    /// Time of the screenshot, in seconds after the start.
    #[arg(long, global = true, default_value_t = 20.0, value_name = "SECONDS")]
    pub after: f32,
    /// Size of the window in pixels.
    #[arg(long, global = true, value_parser = size, default_value = "1280x720")]
    pub size: (u32, u32),
    /// Writes a line-by-line report to this file of what is on screen and what should be.
    #[arg(long, global = true, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Plays scripted keyboard and mouse input: see `steps.rs` for the syntax.
    #[arg(long, global = true, value_name = "STEPS")]
    pub steps: Option<Steps>,
    /// Saves the world to this file. By default, a game with a window saves it in the user's data folder.
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Keeps the world in memory only.
    #[arg(long, global = true, conflicts_with_all = ["store", "redis"])]
    pub unsaved: bool,
    /// Stores the world in Redis at this address, where several servers can share it.
    #[arg(long, global = true, value_name = "URL", conflicts_with = "store")]
    pub redis: Option<String>,
    /// Name of the world with `--redis`. In this game, each world is run by one server.
    #[arg(long, global = true, value_name = "NAME", default_value = "world")]
    pub world: String,
    /// Adds a gate to the world NAME in the same Redis, whose server is at ADDRESS (only with `serve`).
    #[arg(long, global = true, value_name = "NAME@ADDRESS", value_parser = gate, requires = "redis")]
    pub gate: Option<(String, SocketAddr)>,
    /// Serves a page for operators at this address, such as 127.0.0.1:8070 (only with `serve`).
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub gateway: Option<SocketAddr>,
    /// Overrides the game's version, to test a version mismatch.
    #[arg(long, global = true, hide = true, default_value = env!("CARGO_PKG_VERSION"))]
    pub version_as: String,
    /// Maximum number of guests.
    #[arg(long, global = true, default_value_t = 64, value_name = "N")]
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
        count: usize,
        /// The server's address.
        #[arg(value_parser = address, default_value = "127.0.0.1")]
        address: SocketAddr,
        /// Reconnects if the server does not respond or has stopped.
        #[arg(long)]
        reconnect: bool,
    },
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
        !self.demo && self.screenshot.is_none() && self.steps.is_none() && self.report.is_none()
    }
}

fn gate(text: &str) -> Result<(String, SocketAddr), String> {
    let (world, at) =
        text.split_once('@').ok_or("expected NAME@ADDRESS, such as south@127.0.0.1:5578")?;
    Ok((world.to_owned(), address(at)?))
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('x').map(|(w, h)| (w.parse().ok(), h.parse().ok()));
    match parts {
        Some((Some(width), Some(height))) if width >= 640 && height >= 480 => Ok((width, height)),
        _ => Err("expected WIDTHxHEIGHT of at least 640x480, such as 1280x720".into()),
    }
}

fn panel(text: &str) -> Result<OverlayPanel, String> {
    let named = |panel: &OverlayPanel| format!("{panel:?}").to_lowercase() == text;
    let names = OverlayPanel::ALL.map(|panel| format!("{panel:?}").to_lowercase());
    let found = OverlayPanel::ALL.into_iter().find(named);
    found.ok_or_else(|| format!("no such panel; the panels are {}", names.join(", ")))
}
