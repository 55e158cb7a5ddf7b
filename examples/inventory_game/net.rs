//! Sockets: real UDP through renet. The only file that knows which messaging backend is used.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
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
const CLIENTS_MAX: usize = 64;

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

/// A socket that becomes a server or a client once the app has started: renet wants to know all channels.
#[derive(Resource)]
struct Socket {
    socket: Option<UdpSocket>,
    /// None for a server.
    server: Option<SocketAddr>,
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

/// Makes an app the server behind a socket.
pub fn serve(app: &mut App, socket: UdpSocket) {
    app.insert_resource(Socket { socket: Some(socket), server: None })
        .add_systems(Startup, start_server);
}

/// Makes an app a client of a server.
pub fn join(app: &mut App, server: SocketAddr) -> Result<(), String> {
    let any = if server.is_ipv4() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
    };
    let socket = Some(bind(any, 0)?);
    app.insert_resource(Socket { socket, server: Some(server) })
        .init_resource::<Link>()
        .add_systems(Startup, start_client)
        .add_systems(Update, watch_link)
        .add_plugins(lag::plugin)
        .add_observer(note_mismatch);
    Ok(())
}

fn settings() -> RenetSettings {
    RenetSettings { resend_time: RESEND_TIME, ..default() }
}

fn start_server(
    channels: Res<RepliconChannels>,
    mut socket: ResMut<Socket>,
    mut commands: Commands,
) -> Result {
    let Some(socket) = socket.socket.take() else { return Ok(()) };
    let config = ServerConfig {
        current_time: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?,
        max_clients: CLIENTS_MAX,
        protocol_id: PROTOCOL_ID,
        public_addresses: vec![socket.local_addr()?],
        authentication: ServerAuthentication::Unsecure,
    };
    commands.insert_resource(NetcodeServerTransport::new(config, socket)?);
    commands.insert_resource(RenetServer::new(connection_config(&channels, settings())));
    Ok(())
}

fn start_client(
    channels: Res<RepliconChannels>,
    mut socket: ResMut<Socket>,
    mut commands: Commands,
) -> Result {
    let (Some(server_addr), Some(socket)) = (socket.server, socket.socket.take()) else {
        return Ok(());
    };
    let authentication = ClientAuthentication::Unsecure {
        protocol_id: PROTOCOL_ID,
        client_id: fastrand::u64(..),
        server_addr,
        user_data: None,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    commands.insert_resource(NetcodeClientTransport::new(now, authentication, socket)?);
    commands.insert_resource(RenetClient::new(connection_config(&channels, settings())));
    Ok(())
}

fn watch_link(
    transport: Option<Res<NetcodeClientTransport>>,
    socket: Res<Socket>,
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
        Link::Down(sentence(reason, socket.server))
    } else if let SyncState::Refused(mismatch) = *sync {
        Link::Down(format!("The server refused this client: {mismatch}."))
    } else if *state == ClientState::Connected {
        Link::Up
    } else if time.elapsed() > PATIENCE {
        Link::Down(sentence(NetcodeDisconnectReason::ConnectionRequestTimedOut, socket.server))
    } else {
        Link::Connecting
    };
    if let Link::Down(why) = &now {
        eprintln!("{why}");
    }
    link.set_if_neq(now);
}

fn sentence(reason: NetcodeDisconnectReason, server: Option<SocketAddr>) -> String {
    let server = server.map_or_else(|| "the server".into(), |server| server.to_string());
    match reason {
        NetcodeDisconnectReason::ConnectionTimedOut => {
            format!("The connection to {server} was lost.")
        }
        NetcodeDisconnectReason::ConnectionDenied => format!("{server} is full."),
        NetcodeDisconnectReason::DisconnectedByServer => format!("{server} closed the connection."),
        NetcodeDisconnectReason::DisconnectedByClient => {
            format!("The connection to {server} was closed.")
        }
        _ => format!("No server answers at {server}."),
    }
}

fn note_mismatch(_: On<ProtocolMismatch>, mut link: ResMut<Link>) {
    let why = "The server runs another version of this game.";
    eprintln!("{why}");
    *link = Link::Down(why.into());
}
