//! Starts and ends games. Only this file distinguishes single player, hosting, and joining another
//! player's game.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_inventory_sync::store::persist::Persist;

use crate::{
    cli,
    net::{self, Link},
    protocol::{JoinRejected, Me, OfWorld},
    server::{self, Realm},
    storage::Storage,
};

/// The current game.
#[derive(Resource, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Session {
    #[default]
    None,
    Alone,
    Host(u16),
    Guest(SocketAddr),
}

impl Session {
    pub fn words(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Alone => "playing alone".into(),
            Self::Host(port) => format!("hosting on port {port}"),
            Self::Guest(server) => format!("playing on {server}"),
        }
    }
}

/// A command of the player from the menu.
#[derive(Event, Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    Alone,
    /// Starts a new single-player world.
    New,
    Host,
    Join(String),
    /// Retries the last game.
    Again,
    Leave,
    Quit,
}

/// The last game and the error that ended it, for the menu.
#[derive(Resource, Default, PartialEq, Eq, Debug)]
pub struct Last {
    pub trouble: Option<String>,
    pub session: Session,
}

/// Whether the pause menu is open.
#[derive(Resource, Default, PartialEq, Eq, Debug)]
pub struct Paused(pub bool);

/// The port to host on.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Port(pub u16);

pub fn plugin(app: &mut App) {
    app.init_resource::<Session>()
        .init_resource::<Last>()
        .init_resource::<Paused>()
        .add_systems(
            Update,
            (end_without_link, end_rejected.run_if(not(resource_exists::<Link>)), stop_the_clock),
        )
        .add_observer(grant);
}

/// Whether keys control the local player.
#[derive(SystemParam)]
pub struct IsPlayed<'w> {
    session: Res<'w, Session>,
    paused: Res<'w, Paused>,
    link: Option<Res<'w, Link>>,
}

impl IsPlayed<'_> {
    pub fn get(&self) -> bool {
        let linked = self.link.as_ref().is_none_or(|link| **link == Link::Up);
        *self.session != Session::None && !self.paused.0 && linked
    }
}

pub fn is_played(played: IsPlayed) -> bool {
    played.get()
}

fn grant(
    wish: On<Wish>,
    (last, port, storage): (Res<Last>, Res<Port>, Res<Storage>),
    mut commands: Commands,
) {
    let port = port.0;
    let session = match &*wish {
        Wish::Quit => {
            commands.write_message(AppExit::Success);
            return;
        }
        Wish::Leave => {
            commands.queue(|world: &mut World| end(world, None));
            return;
        }
        Wish::Alone => Ok(Session::Alone),
        Wish::New => storage.set_aside().map(|()| Session::Alone),
        Wish::Host => Ok(Session::Host(port)),
        Wish::Join(address) => cli::address(address).map(Session::Guest),
        Wish::Again => Ok(last.session),
    };
    commands.queue(move |world: &mut World| {
        end(world, None);
        if let Err(why) = session.and_then(|session| begin(world, session)) {
            end(world, Some(why));
        }
    });
}

fn begin(world: &mut World, session: Session) -> Result<(), String> {
    world.resource_mut::<Last>().session = session;
    match session {
        Session::None => return Ok(()),
        Session::Alone => {
            open_world(world);
            let join = world.resource_mut::<Me>().join();
            world.write_message(join);
        }
        Session::Host(port) => {
            let socket = net::bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)?;
            net::open(world, socket)?;
            open_world(world);
        }
        Session::Guest(server) => net::connect(world, server)?,
    }
    world.insert_resource(session);
    Ok(())
}

/// Makes this app the authority.
fn open_world(world: &mut World) {
    world.resource_mut::<Storage>().open();
    world.insert_resource(Realm);
}

/// Ends the game and despawns its world.
fn end(world: &mut World, trouble: Option<String>) {
    net::close(world);
    server::end(world);
    // Entities that are still loading have no position.
    let mut things = world.query_filtered::<Entity, Or<(OfWorld, With<Persist>)>>();
    let things: Vec<Entity> = things.iter(world).collect();
    for thing in things {
        // Some are despawned together with others.
        world.try_despawn(thing).ok();
    }
    if let Some(why) = &trouble {
        eprintln!("{why}");
    }
    world.resource_mut::<Last>().trouble = trouble;
    world.insert_resource(Paused(false));
    world.insert_resource(Session::None);
}

/// Ends a guest's game when the connection is lost.
fn end_without_link(link: Option<Res<Link>>, mut commands: Commands) {
    if let Some(Link::Down(why)) = link.as_deref() {
        let why = why.clone();
        commands.queue(|world: &mut World| end(world, Some(why)));
    }
}

/// Ends a host's game if its player may not play in this world. A guest loses the [`Link`].
fn end_rejected(mut rejections: MessageReader<JoinRejected>, mut commands: Commands) {
    if let Some(JoinRejected(why)) = rejections.read().last().cloned() {
        commands.queue(|world: &mut World| end(world, Some(why)));
    }
}

/// Pauses the game clock in single player.
fn stop_the_clock(session: Res<Session>, paused: Res<Paused>, mut time: ResMut<Time<Virtual>>) {
    let stop = *session == Session::Alone && paused.0;
    if stop != time.is_paused() {
        if stop { time.pause() } else { time.unpause() }
    }
}
