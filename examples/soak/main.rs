//! A soak test: real processes play over real UDP sockets, through a network that loses, duplicates, delays and
//! reorders datagrams.
//!
//! `cargo run --release --features renet --example soak -- --minutes 60 --clients 4` starts a server, four clients and
//! a relay for each of them. While they play, clients leave, lose their connection, and are killed. Checked are
//!
//! 1. that items are neither lost nor duplicated: every second, what the world contains equals what was made,
//! 2. that clients show what the server has: play pauses, and within a generous time all views must be equal,
//! 3. that no process grows: the resident memory at the end, compared with that after the warm-up,
//! 4. that nothing was logged as a warning or an error that the faults do not explain.
//!
//! The exit code is 1 if a check fails. `--seconds 20` is short enough for every change. The seed determines the faults
//! and the players' dice, but not the timing of the processes, so a run cannot be repeated exactly.

mod bot;
mod check;
mod client;
mod clock;
mod game;
mod logs;
mod memory;
mod net;
mod pipe;
mod process;
mod proxy;
mod run;
mod server;
mod table;

use std::{error::Error, net::SocketAddr, process::ExitCode};

use clap::{Parser, Subcommand};

use net::ConnectionId;
use run::{Plan, Run};

#[derive(Parser)]
#[command(
    about = "Plays for an hour over a hostile network, and checks that all clients agree with the server"
)]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    plan: Plan,
}

/// What a process is, if it is not the parent.
#[derive(Subcommand)]
enum Role {
    #[command(hide = true)]
    Server { seed: u64 },
    #[command(hide = true)]
    Client { server: SocketAddr, account: u32, number: u32, seed: u64 },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let passed = match cli.role {
        Some(Role::Server { seed }) => {
            server::run(seed);
            Ok(true)
        }
        Some(Role::Client { server, account, number, seed }) => {
            client::run(server, ConnectionId { account, number }, seed);
            Ok(true)
        }
        None => soak(cli.plan),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns `true` if all checks passed.
fn soak(plan: Plan) -> Result<bool, Box<dyn Error>> {
    let mut run = Run::start(plan)?;
    run.play()?;
    let outcome = run.end();
    table::print(&outcome);
    Ok(outcome.failures.is_empty())
}
