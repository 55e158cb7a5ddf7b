//! The game in a window, as host or guest.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use bevy::{
    log::LogPlugin,
    prelude::*,
    render::view::screenshot::{Screenshot, ScreenshotCaptured, save_to_disk},
    window::WindowResolution,
};

use bevy_inventory_sync::overlay::{InventoryOverlay, InventoryOverlayPlugin};

use crate::{
    bots,
    cli::Cli,
    demo, input,
    lag::Lag,
    names,
    net::{self, Link},
    protocol, server, shared,
    ui::{self, Mode},
    view,
};

pub fn host(cli: &Cli) -> Result<ExitCode, String> {
    let socket = net::bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), cli.port)?;
    let mut app = app(cli, format!("hosting at port {}", cli.port));
    app.add_plugins(server::plugin);
    net::serve(&mut app, socket);
    run(app, cli)
}

pub fn join(cli: &Cli, address: SocketAddr) -> Result<ExitCode, String> {
    let mut app = app(cli, format!("playing at {address}"));
    net::join(&mut app, address)?;
    app.insert_resource(Lag::new(cli.lag));
    run(app, cli)
}

fn app(cli: &Cli, mode: String) -> App {
    let window = Window {
        title: format!("Inventory game: {mode}"),
        resolution: WindowResolution::new(cli.size.0, cli.size.1),
        ..default()
    };
    let log = LogPlugin {
        filter: "warn,wgpu=error,naga=error,bevy_inventory_sync=info".into(),
        ..default()
    };
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin { primary_window: Some(window), ..default() })
            .set(ImagePlugin::default_nearest())
            .set(log),
    )
    .add_plugins((shared, view::plugin, ui::plugin, input::plugin, names::plugin))
    .add_plugins(InventoryOverlayPlugin::default())
    .insert_resource(InventoryOverlay {
        shown: cli.overlay.is_some(),
        panel: cli.overlay.unwrap_or_default(),
        ..default()
    })
    .insert_resource(Mode(mode))
    .add_systems(Last, fail_if_the_link_did);
    app
}

fn run(mut app: App, cli: &Cli) -> Result<ExitCode, String> {
    let name = cli.name.clone().unwrap_or_else(|| bots::name(fastrand::usize(..12)));
    protocol::join_as(&mut app, name);
    if cli.demo {
        app.insert_resource(demo::Pose(cli.screenshot.is_some())).add_plugins(demo::plugin);
    }
    if let Some(file) = cli.screenshot.clone() {
        app.insert_resource(Picture { file, after: cli.after, taken: false })
            .add_systems(Update, take_picture);
    }
    Ok(match app.run() {
        AppExit::Success => ExitCode::SUCCESS,
        AppExit::Error(code) => ExitCode::from(code.get()),
    })
}

/// A window that shows why there is no game is closed in the end; whoever started it should still know.
fn fail_if_the_link_did(link: Option<Res<Link>>, mut exits: ResMut<Messages<AppExit>>) {
    if !exits.is_empty() && link.is_some_and(|link| matches!(*link, Link::Down(_))) {
        exits.write(AppExit::error());
    }
}

#[derive(Resource)]
struct Picture {
    file: PathBuf,
    after: f32,
    taken: bool,
}

fn take_picture(time: Res<Time>, mut picture: ResMut<Picture>, mut commands: Commands) {
    if picture.taken || time.elapsed_secs() < picture.after {
        return;
    }
    picture.taken = true;
    commands
        .spawn(Screenshot::primary_window())
        .observe(save_to_disk(picture.file.clone()))
        .observe(|_: On<ScreenshotCaptured>, mut exits: MessageWriter<AppExit>| {
            exits.write(AppExit::Success);
        });
}

/// Whether a window can open at all.
pub fn is_possible() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}
