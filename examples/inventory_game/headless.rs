//! The game without a window: a server, bots, or both in one process.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    process::ExitCode,
    thread,
    time::Duration,
};

use bevy::{log::LogPlugin, prelude::*, state::app::StatesPlugin};

use crate::{
    account::AccountKey,
    bots,
    cli::Cli,
    gateway,
    lag::Lag,
    net::{self, Link},
    output,
    protocol::{self, Me},
    server, shared,
    storage::{self, Place},
    table, travel,
};

/// Sleep per frame; updating takes some time as well.
const FRAME: Duration = Duration::from_millis(15);

/// Frames for all messages in flight to arrive after the bots have stopped.
const SETTLE_FRAMES: u64 = 60;

fn app(cli: &Cli) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, StatesPlugin, shared(cli)));
    app
}

fn server_app(cli: &Cli, socket: UdpSocket) -> App {
    let mut app = app(cli);
    let log = LogPlugin { filter: "warn,bevy_inventory_sync=info".into(), ..default() };
    app.add_plugins((log, server::plugin)).insert_resource(server::Realm);
    storage::add(&mut app, storage::Place::of(cli));
    app.insert_resource(server::Exit(cli.gate.clone()));
    net::serve(&mut app, socket);
    app
}

fn bot_app(cli: &Cli, number: usize, address: SocketAddr) -> App {
    let mut app = app(cli);
    app.add_plugins(bots::plugin);
    app.insert_resource(travel::Destination(address));
    if cli.lag > 0 {
        app.insert_resource(Lag::new(cli.lag));
    }
    net::join(&mut app, address);
    protocol::join_as(&mut app, bots::name(number));
    app
}

/// Runs a server and bots over real sockets.
pub fn play(cli: &Cli, seconds: u64) -> Result<ExitCode, String> {
    let bots = cli.with_bots;
    let socket = net::bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    let mut apps = vec![server_app(cli, socket)];
    let is_stored = !matches!(Place::of(cli), Place::Memory);
    for number in 0..bots {
        let mut bot = bot_app(cli, number, address);
        if is_stored {
            // The same players as in the last run, to whom the names belong.
            bot.world_mut().resource_mut::<Me>().account = AccountKey::of_bot(&bots::name(number));
        }
        apps.push(bot);
    }
    output::line(format_args!(
        "Running a server at {address} with {bots} bots for {seconds} seconds."
    ));
    drive(&mut apps, Some(seconds), |second, apps| {
        let (server, clients) = apps.split_first_mut().expect("the server is the first");
        print_clients(second, clients)?;
        output::line(table::server_line(server));
        Ok(())
    })?;
    apps.iter_mut().skip(1).for_each(bots::rest);
    step(&mut apps, SETTLE_FRAMES);
    let (server, clients) = apps.split_first_mut().expect("the server is the first");
    let verdicts = clients.iter_mut().map(|client| table::compare(server, client));
    let wrong: Vec<String> = verdicts.filter_map(Result::err).collect();
    leave(&mut apps);
    if output::is_closed() {
        Ok(ExitCode::SUCCESS)
    } else if wrong.is_empty() {
        output::line(format_args!("OK: the inventories of {bots} clients match the server's."));
        Ok(ExitCode::SUCCESS)
    } else {
        Err(wrong.join("\n"))
    }
}

pub fn serve(cli: &Cli) -> Result<ExitCode, String> {
    let socket = net::bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), cli.port)?;
    let mut apps = [server_app(cli, socket)];
    output::line(format_args!("Serving on UDP port {}.", cli.port));
    if let Some(address) = cli.gateway {
        gateway::add(&mut apps[0], address)?;
    }
    drive(&mut apps, cli.seconds, |second, apps| {
        let [server] = apps else { return Ok(()) };
        if let Some(error) = storage::cannot_start(server.world()) {
            return Err(error);
        }
        if second % 5 == 0 {
            output::line(format_args!("{second:>4} s  {}", table::server_line(server)));
        }
        Ok(())
    })?;
    leave(&mut apps);
    Ok(ExitCode::SUCCESS)
}

pub fn bots(
    cli: &Cli,
    count: usize,
    address: SocketAddr,
    reconnect: bool,
) -> Result<ExitCode, String> {
    let mut apps: Vec<App> = (0..count).map(|number| bot_app(cli, number, address)).collect();
    output::line(format_args!("{count} bots are joining {address}."));
    drive(&mut apps, cli.seconds, |second, clients| {
        if reconnect {
            clients.iter_mut().for_each(|client| travel::reconnect(client.world_mut()));
        }
        print_clients(second, clients)
    })?;
    let outside = !output::is_closed()
        && apps.iter().any(|app| app.world().get_resource() != Some(&Link::Up));
    leave(&mut apps);
    if outside { Err(format!("No server responded at {address}.")) } else { Ok(ExitCode::SUCCESS) }
}

fn print_clients(second: u64, clients: &mut [App]) -> Result<(), String> {
    output::line(format_args!("\n{second:>4} s\n{}", table::HEADER));
    for client in clients {
        if let Some(Link::Down(why)) = client.world().get_resource::<Link>() {
            return Err(why.clone());
        }
        output::line(table::client_line(client));
    }
    Ok(())
}

/// Updates all apps in turn, at about a game's frame rate, and reports once a second. Ends early if nobody reads the
/// reports.
fn drive(
    apps: &mut [App],
    seconds: Option<u64>,
    mut report: impl FnMut(u64, &mut [App]) -> Result<(), String>,
) -> Result<(), String> {
    for app in &mut *apps {
        app.finish();
        app.cleanup();
    }
    let mut reported = 0;
    while seconds.is_none_or(|seconds| reported < seconds) && !output::is_closed() {
        step(apps, 1);
        let elapsed =
            apps.first().map_or(0, |app| app.world().resource::<Time<Real>>().elapsed().as_secs());
        if elapsed > reported {
            reported = elapsed;
            report(reported, apps)?;
        }
    }
    Ok(())
}

fn step(apps: &mut [App], frames: u64) {
    for _ in 0..frames {
        apps.iter_mut().for_each(App::update);
        thread::sleep(FRAME);
    }
}

/// Disconnects cleanly, so that the other side does not have to wait for a timeout.
fn leave(apps: &mut [App]) {
    for app in apps.iter_mut().rev() {
        app.world_mut().write_message(AppExit::Success);
        app.update();
    }
}
