//! The game in a window.

use std::{env, path::PathBuf, process::ExitCode};

use bevy::{
    asset::UntypedAssetLoadFailedEvent,
    log::LogPlugin,
    prelude::*,
    render::view::screenshot::{Screenshot, ScreenshotCaptured, save_to_disk},
    window::WindowResolution,
};

use bevy_inventory_sync::overlay::{InventoryOverlay, InventoryOverlayPlugin};

use crate::{
    account::{self, AccountKey},
    bots,
    cli::Cli,
    failures, input,
    lag::Lag,
    names, net,
    profile::Profile,
    protocol::{self, Me},
    report, server,
    session::{self, Last, Port, Session, Wish},
    shared, steps,
    storage::{self, Place},
    ui, view,
};

/// Log filter. The muted libraries' errors are shown as messages in the window and when the game ends.
const LOGGED: &str = "warn,wgpu=off,wgpu_hal=off,naga=error,bevy_asset=off,renetcode=off,\
    bevy_replicon::client=off,bevy_inventory_sync=info";

/// Opens a window with the menu, or starts a game right away.
pub fn play(cli: &Cli, first: Option<Wish>) -> Result<ExitCode, String> {
    failures::explain_panics();
    failures::find_assets()?;
    if let Some(file) = &cli.screenshot {
        failures::find_folder(file)?;
    }
    let window = Window {
        title: "Inventory game".into(),
        resolution: WindowResolution::new(cli.size.0, cli.size.1),
        ..default()
    };
    let log = LogPlugin { filter: LOGGED.into(), ..default() };
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin { primary_window: Some(window), ..default() })
            .set(ImagePlugin::default_nearest())
            .set(log),
    )
    .insert_resource(Port(cli.port))
    .add_plugins((shared(cli), net::plugin, server::plugin, session::plugin))
    .add_plugins((view::plugin, ui::plugin, input::plugin, names::plugin))
    .add_plugins(InventoryOverlayPlugin::default())
    .insert_resource(InventoryOverlay {
        shown: cli.overlay.is_some(),
        panel: cli.overlay.unwrap_or_default(),
        ..default()
    })
    .insert_resource(Lag::new(cli.lag))
    .add_systems(Last, fail_if_the_game_did)
    .add_systems(Update, (fail_without_pictures, save_name.run_if(resource_changed::<Session>)));
    #[cfg(feature = "game_audio")]
    app.add_plugins(crate::sounds::plugin);
    let (place, account) = place(cli, &mut app)?;
    storage::add(&mut app, place);
    let saved = app.world().get_resource::<Profile>().and_then(Profile::name);
    let name = cli.name.clone().or(saved);
    protocol::join_as(&mut app, name.unwrap_or_else(|| bots::name(fastrand::usize(..12))));
    if let Some(account) = account {
        app.world_mut().resource_mut::<Me>().account = account;
    }
    if let Some(wish) = first {
        app.add_systems(Startup, move |mut commands: Commands| commands.trigger(wish.clone()));
    }
    if let Some(file) = cli.screenshot.clone() {
        app.insert_resource(Picture { file, after: cli.after, taken: false })
            .add_systems(Update, take_picture);
    }
    if cli.report.is_some() || cli.steps.is_some() {
        app.insert_resource(report::Files { live: cli.report.clone(), once: vec![] })
            .add_plugins(report::plugin);
    }
    if let Some(list) = cli.steps.clone() {
        app.insert_resource(list).add_plugins(steps::plugin);
    }
    Ok(match app.run() {
        AppExit::Success => ExitCode::SUCCESS,
        AppExit::Error(code) => ExitCode::from(code.get()),
    })
}

/// Returns where the world is stored, and the account of the player if that is stored too.
fn place(cli: &Cli, app: &mut App) -> Result<(Place, Option<AccountKey>), String> {
    match Place::of(cli) {
        Place::File(world) => {
            let account = account::load_or_create(&storage::beside(&world, "-account"))?;
            Ok((Place::File(world), Some(account)))
        }
        Place::Memory if cli.is_played() && !cli.unsaved => Ok(match open_profile(app) {
            Ok((place, account)) => (place, Some(account)),
            Err(why) => {
                eprintln!("{why} The world is not saved.");
                (Place::Memory, None)
            }
        }),
        place => Ok((place, None)),
    }
}

/// Opens the folder of the player at this computer. Returns the file of the world, and the account.
fn open_profile(app: &mut App) -> Result<(Place, AccountKey), String> {
    let profile = Profile::open()?;
    let (world, account) = (profile.world(), profile.account()?);
    if profile.number > 1 {
        let mut windows = app.world_mut().query::<&mut Window>();
        for mut window in windows.iter_mut(app.world_mut()) {
            window.title = format!("Inventory game, player {}", profile.number);
        }
    }
    app.insert_resource(profile);
    Ok((Place::File(world), account))
}

/// Keeps the name with which a game was started.
fn save_name(session: Res<Session>, me: Res<Me>, profile: Option<Res<Profile>>) {
    if let Some(profile) = profile.filter(|_| *session != Session::None)
        && let Err(why) = profile.save_name(&me.name)
    {
        eprintln!("{why}");
    }
}

/// Returns a failure exit code if the last game failed, even if the user closes the window.
fn fail_if_the_game_did(last: Res<Last>, mut exits: ResMut<Messages<AppExit>>) {
    if !exits.is_empty() && last.trouble.is_some() {
        exits.write(AppExit::error());
    }
}

fn fail_without_pictures(
    mut failed: MessageReader<UntypedAssetLoadFailedEvent>,
    mut exits: MessageWriter<AppExit>,
) {
    for failed in failed.read() {
        eprintln!("{}", failures::picture(&failed.path.to_string(), &failed.error.to_string()));
        exits.write(AppExit::error());
    }
}

#[derive(Resource)]
struct Picture {
    file: PathBuf,
    after: f32,
    taken: bool,
}

fn take_picture(time: Res<Time<Real>>, mut picture: ResMut<Picture>, mut commands: Commands) {
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

/// Returns `true` if there is a display to open a window on.
pub fn is_possible() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}
