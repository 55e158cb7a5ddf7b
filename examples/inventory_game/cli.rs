//! The command line.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

use bevy_inventory_sync::overlay::OverlayPanel;
use clap::{Parser, Subcommand};

use crate::steps::Steps;

pub const PORT: u16 = 5577;

/// A small world in which players carry, drop and share things. Without a command it opens a window with
/// a menu: play alone, host, or join.
#[derive(Parser, Clone, Debug)]
#[command(name = "inventory_game")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// UDP port of the server.
    #[arg(long, global = true, default_value_t = PORT)]
    pub port: u16,
    /// What others call you.
    #[arg(long, global = true)]
    pub name: Option<String>,
    /// Server and bots in this process without a window; prints what each of them sees.
    #[arg(long, global = true)]
    pub headless: bool,
    /// How many bots play along with `--headless`.
    #[arg(long = "with-bots", global = true, default_value_t = 3, value_name = "N")]
    pub with_bots: usize,
    /// Ends after so many seconds (without a window).
    #[arg(long, global = true)]
    pub seconds: Option<u64>,
    /// Holds every message of a guest up by so many milliseconds, each way.
    #[arg(long, global = true, default_value_t = 0, value_name = "MILLISECONDS")]
    pub lag: u64,
    /// The local player acts by itself.
    #[arg(long, global = true)]
    pub demo: bool,
    /// Writes a picture of the window to this file and ends.
    #[arg(long, global = true, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,
    /// Opens the overlay on a panel: inventories, walk, traffic, clients, journal or levers. F3 does it later.
    #[arg(long, global = true, value_name = "PANEL", value_parser = panel)]
    pub overlay: Option<OverlayPanel>,
    /// When to take the picture, in seconds.
    #[arg(long, global = true, default_value_t = 20.0, value_name = "SECONDS")]
    pub after: f32,
    /// Size of the window.
    #[arg(long, global = true, value_parser = size, default_value = "1280x720")]
    pub size: (u32, u32),
    /// Keeps this file up to date with what is on screen and what should be, line by line.
    #[arg(long, global = true, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Acts as if keys were pressed and the mouse moved: see `steps.rs` for the words.
    #[arg(long, global = true, value_name = "STEPS")]
    pub steps: Option<Steps>,
    /// Takes this for the game's version, to see what happens when they differ.
    #[arg(long, global = true, hide = true, default_value = env!("CARGO_PKG_VERSION"))]
    pub version_as: String,
    /// Lets no more than so many guests in.
    #[arg(long, global = true, default_value_t = 64, value_name = "N")]
    pub guests_max: usize,
}

#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Plays, and has others join.
    Host,
    /// Plays on somebody's server.
    Join {
        /// Its address, such as 192.168.0.7 or 192.168.0.7:5577.
        #[arg(value_parser = address)]
        address: SocketAddr,
    },
    /// Only serves; nobody plays here.
    Serve,
    /// Has bots play on a server.
    Bots {
        /// How many.
        count: usize,
        /// The server's address.
        #[arg(value_parser = address, default_value = "127.0.0.1")]
        address: SocketAddr,
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
            "\"{text}\" is not the address of a server, such as 192.168.0.7 or 192.168.0.7:5577."
        )
    })
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('x').map(|(w, h)| (w.parse().ok(), h.parse().ok()));
    match parts {
        Some((Some(width), Some(height))) if width >= 640 && height >= 480 => Ok((width, height)),
        _ => Err("a size looks like 1280x720, and is at least 640x480".into()),
    }
}

fn panel(text: &str) -> Result<OverlayPanel, String> {
    let named = |panel: &OverlayPanel| format!("{panel:?}").to_lowercase() == text;
    let names = OverlayPanel::ALL.map(|panel| format!("{panel:?}").to_lowercase());
    let found = OverlayPanel::ALL.into_iter().find(named);
    found.ok_or_else(|| format!("there is no such panel; there are {}", names.join(", ")))
}
