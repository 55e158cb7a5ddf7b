//! Sockets: real UDP through renet. The only file that knows which messaging backend is used.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use bevy::prelude::*;
use bevy_inventory_sync::{
    prelude::*,
    renet::{RenetSettings, connection_config},
};
use bevy_replicon::{prelude::*, shared::protocol::ProtocolMismatch};
use bevy_replicon_renet::{
    RenetClient, RenetServer,
    netcode::{
        ClientAuthentication, NetcodeClientTransport, NetcodeDisconnectReason,
        NetcodeServerTransport, ServerAuthentication, ServerConfig,
    },
};

use crate::lag;

const PROTOCOL_ID: u64 = 0x1177_0001;

/// About 1.25 round trips between players of one region. renet's own 300 ms would let one lost packet hold
/// up what follows it for very long.
pub const RESEND_TIME: Duration = Duration::from_millis(120);

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// How a client's connection is.
#[derive(Resource, Clone, PartialEq, Eq, Debug, Default)]
pub enum Link {
    #[default]
    Connecting,
    Up,
    Down(String),
}

/// How many guests a server lets in.
#[derive(Resource, Clone, Copy, Debug)]
pub struct GuestsMax(pub usize);

/// The server that this app is a client of.
#[derive(Resource, Clone, Copy, Debug)]
struct Server {
    address: SocketAddr,
    asked_at: Duration,
}

/// What every app has that may become a client.
pub fn plugin(app: &mut App) {
    app.add_systems(Update, watch_link.run_if(resource_exists::<Server>))
        .add_plugins(lag::plugin)
        .add_observer(note_mismatch);
}

/// Binds the server's socket; a port of zero takes any that is free.
pub fn bind(address: IpAddr, port: u16) -> Result<UdpSocket, String> {
    UdpSocket::bind((address, port)).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            format!("Port {port} is in use; is the game running already? Another one: --port.")
        } else {
            format!("Cannot open UDP port {port}: {error}.")
        }
    })
}

/// Has an app become the server behind a socket once it has started: renet wants to know all channels.
pub fn serve(app: &mut App, socket: UdpSocket) {
    let mut socket = Some(socket);
    app.add_systems(Startup, move |world: &mut World| -> Result {
        socket.take().map_or(Ok(()), |socket| open(world, socket).map_err(Into::into))
    });
}

/// Has an app become a client of a server once it has started.
pub fn join(app: &mut App, server: SocketAddr) {
    app.init_resource::<Link>().add_plugins(plugin);
    app.add_systems(Startup, move |world: &mut World| -> Result {
        connect(world, server).map_err(Into::into)
    });
}

fn settings() -> RenetSettings {
    RenetSettings { resend_time: RESEND_TIME, ..default() }
}

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Becomes the server behind a socket.
pub fn open(world: &mut World, socket: UdpSocket) -> Result<(), String> {
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    let config = ServerConfig {
        current_time: now(),
        max_clients: world.resource::<GuestsMax>().0,
        protocol_id: PROTOCOL_ID,
        public_addresses: vec![address],
        authentication: ServerAuthentication::Unsecure,
    };
    let transport = NetcodeServerTransport::new(config, socket);
    let transport = transport.map_err(|error| format!("Cannot serve at {address}: {error}."))?;
    let connection = connection_config(world.resource::<RepliconChannels>(), settings());
    world.insert_resource(transport);
    world.insert_resource(RenetServer::new(connection));
    Ok(())
}

/// Becomes a client of a server. [`Link`] says how that goes.
pub fn connect(world: &mut World, server: SocketAddr) -> Result<(), String> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = bind(any, 0)?;
    let authentication = ClientAuthentication::Unsecure {
        protocol_id: PROTOCOL_ID,
        client_id: fastrand::u64(..),
        server_addr: server,
        user_data: None,
    };
    let transport = NetcodeClientTransport::new(now(), authentication, socket);
    let transport = transport.map_err(|error| format!("Cannot reach {server}: {error}."))?;
    let connection = connection_config(world.resource::<RepliconChannels>(), settings());
    let asked_at = world.resource::<Time<Real>>().elapsed();
    world.insert_resource(Server { address: server, asked_at });
    world.insert_resource(Link::Connecting);
    world.insert_resource(transport);
    world.insert_resource(RenetClient::new(connection));
    Ok(())
}

/// Ends what [`open`] or [`connect`] began, and tells the other side.
pub fn close(world: &mut World) {
    if let Some(mut transport) = world.remove_resource::<NetcodeServerTransport>()
        && let Some(mut server) = world.get_resource_mut::<RenetServer>()
    {
        transport.disconnect_all(&mut server);
    }
    if let Some(mut transport) = world.remove_resource::<NetcodeClientTransport>() {
        transport.disconnect();
    }
    world.remove_resource::<RenetServer>();
    world.remove_resource::<RenetClient>();
    world.remove_resource::<Server>();
    world.remove_resource::<Link>();
}

fn watch_link(
    transport: Option<Res<NetcodeClientTransport>>,
    server: Res<Server>,
    state: Res<State<ClientState>>,
    sync: Res<SyncState>,
    time: Res<Time<Real>>,
    mut link: ResMut<Link>,
) {
    if matches!(*link, Link::Down(_)) {
        return;
    }
    let reason = transport.and_then(|transport| transport.disconnect_reason());
    let now = if let Some(reason) = reason {
        Link::Down(sentence(reason, server.address))
    } else if let SyncState::Refused(mismatch) = *sync {
        Link::Down(format!("The server refused this client: {mismatch}."))
    } else if *state == ClientState::Connected {
        Link::Up
    } else if time.elapsed() > server.asked_at + PATIENCE {
        Link::Down(sentence(NetcodeDisconnectReason::ConnectionRequestTimedOut, server.address))
    } else {
        Link::Connecting
    };
    link.set_if_neq(now);
}

fn sentence(reason: NetcodeDisconnectReason, server: SocketAddr) -> String {
    match reason {
        NetcodeDisconnectReason::ConnectionTimedOut => {
            format!("The connection to {server} was lost.")
        }
        NetcodeDisconnectReason::ConnectionDenied => {
            format!("{server} is full. Try again when somebody has left.")
        }
        NetcodeDisconnectReason::DisconnectedByServer => format!("{server} closed the connection."),
        NetcodeDisconnectReason::DisconnectedByClient => {
            format!("The connection to {server} was closed.")
        }
        _ => format!(
            "No server answers at {server}. Is it running, is its firewall open for UDP, and is it \
             of the same version?"
        ),
    }
}

fn note_mismatch(_: On<ProtocolMismatch>, mut link: If<ResMut<Link>>) {
    let why = "The server runs another version of this game. Both need the same one.";
    **link = Link::Down(why.into());
}
