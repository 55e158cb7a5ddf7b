//! A small world in which players carry, drop and share things.
//!
//! ```text
//! cargo run --example inventory_game --features game              # hosts and plays
//! cargo run --example inventory_game --features game -- join 127.0.0.1
//! cargo run --example inventory_game --features game -- --headless --seconds 10
//! ```
//!
//! `server` is the game. It writes to inventories as if there were no network. `view` and `ui` show what the
//! local player may see; they are the same on a host and on a client.

mod cli;
mod items;
mod map;
mod protocol;
mod net;
mod server;
mod route;
mod hands;
mod lag;
mod bots;
mod table;
mod headless;
mod view;
mod ui;
mod input;
mod demo;
mod names;
mod window;

use std::process::ExitCode;

use bevy::prelude::*;
use bevy_inventory_sync::InventoryPlugins;
use bevy_replicon::prelude::*;
use bevy_replicon_renet::RepliconRenetPlugins;
use clap::Parser;

use cli::{Cli, Command};

/// What every app of this game has, server or client, with a window or without.
fn shared(app: &mut App) {
    app.add_plugins((RepliconPlugins, RepliconRenetPlugins, InventoryPlugins))
        .add_plugins((items::plugin, protocol::plugin));
}

const SECONDS_WITHOUT_DISPLAY: u64 = 10;

fn main() -> ExitCode {
    run(&Cli::parse()).unwrap_or_else(|why| {
        eprintln!("{why}");
        ExitCode::FAILURE
    })
}

fn run(cli: &Cli) -> Result<ExitCode, String> {
    let windowed = matches!(cli.command, None | Some(Command::Join { .. })) && !cli.headless;
    let no_display = windowed && !window::is_possible();
    if no_display {
        println!("There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set), so bots play.");
    }
    let seconds = cli.seconds.or(no_display.then_some(SECONDS_WITHOUT_DISPLAY));
    match cli.command {
        Some(Command::Serve) => headless::serve(cli.port, seconds),
        Some(Command::Bots { count, address }) => headless::bots(count, address, seconds),
        Some(Command::Join { address }) if windowed && !no_display => window::join(cli, address),
        Some(Command::Join { address }) => headless::bots(1, address, seconds),
        None if windowed && !no_display => window::host(cli),
        None => headless::play(cli.with_bots, seconds.unwrap_or(SECONDS_WITHOUT_DISPLAY)),
    }
}
