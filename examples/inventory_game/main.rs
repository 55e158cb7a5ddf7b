//! A small world in which players carry, drop and share items.
//!
//! ```text
//! cargo run --example inventory_game --features game              # a window with a menu
//! cargo run --example inventory_game --features game_audio        # with sounds
//! cargo run --example inventory_game --features game -- host
//! cargo run --example inventory_game --features game -- join 127.0.0.1
//! cargo run --example inventory_game --features game -- --store world.db   # keeps the world in this file
//! cargo run --example inventory_game --features game -- serve --redis redis://127.0.0.1 --world north
//! cargo run --example inventory_game --features game -- serve --gateway 127.0.0.1:8070   # a page for operators
//! cargo run --example inventory_game --features game -- --headless --seconds 10
//! ```
//!
//! `server` contains the game logic. It writes to inventories as if there were no network. `view` and `ui` show what
//! the local player may see; they are the same on a host and on a client.

mod cli;
mod output;
mod items;
mod map;
mod account;
mod containers;
mod protocol;
mod shop;
mod trade;
mod net;
mod session;
mod server;
mod storage;
mod profile;
mod count;
mod travel;
mod route;
mod hands;
mod lag;
mod bots;
mod table;
mod headless;
mod view;
#[cfg(feature = "game_audio")]
mod sounds;
mod ui;
mod input;
mod report;
mod steps;
mod failures;
mod names;
mod gateway;
mod window;

use std::process::ExitCode;

use bevy::prelude::*;
use bevy_inventory_sync::plugins::InventoryPlugins;
use bevy_replicon::{prelude::*, shared::protocol::ProtocolHasher};
use bevy_replicon_renet::RepliconRenetPlugins;
use clap::Parser;

use cli::{Cli, Command};
use session::Wish;

/// Adds what every app of this game needs: server or client, with or without a window.
fn shared(cli: &Cli) -> impl Fn(&mut App) + Send + Sync + 'static {
    let (version, guests_max) = (cli.version_as.clone(), cli.guests_max);
    move |app| {
        app.add_plugins((RepliconPlugins, RepliconRenetPlugins, InventoryPlugins))
            .add_plugins((items::plugin, protocol::plugin, travel::plugin))
            .insert_resource(net::GuestsMax(guests_max));
        app.world_mut().resource_mut::<ProtocolHasher>().add_custom(&version);
    }
}

const SECONDS_WITHOUT_DISPLAY: u64 = 10;

fn main() -> ExitCode {
    run(&Cli::parse()).unwrap_or_else(|why| {
        eprintln!("{why}");
        ExitCode::FAILURE
    })
}

fn run(cli: &Cli) -> Result<ExitCode, String> {
    let display = window::is_possible();
    let windowed = !cli.headless && display;
    let no_display = !cli.headless && !display;
    match &cli.command {
        Some(Command::Serve) => headless::serve(cli),
        Some(Command::Bots { count, address, reconnect }) => {
            headless::bots(cli, *count, *address, *reconnect)
        }
        Some(Command::Count { worlds }) => count::run(cli, worlds),
        Some(Command::Host | Command::Join { .. }) if no_display => Err(NO_DISPLAY.into()),
        Some(Command::Join { address }) if windowed => {
            window::play(cli, Some(Wish::Join(address.to_string())))
        }
        Some(Command::Join { address }) => headless::bots(cli, 1, *address, false),
        Some(Command::Host) if windowed => window::play(cli, Some(Wish::Host)),
        None if windowed => {
            // There is no user to choose from the menu.
            let unattended = cli.screenshot.is_some() && cli.steps.is_none();
            window::play(cli, unattended.then_some(Wish::Alone))
        }
        Some(Command::Host) | None => {
            if no_display {
                output::line(
                    "No display found (neither DISPLAY nor WAYLAND_DISPLAY is set): running bots instead.",
                );
            }
            headless::play(cli, cli.seconds.unwrap_or(SECONDS_WITHOUT_DISPLAY))
        }
    }
}

const NO_DISPLAY: &str = "No display found: neither DISPLAY nor WAYLAND_DISPLAY is set. Start the \
    game from a desktop, or play without a window: --headless. `serve` needs no display.";
