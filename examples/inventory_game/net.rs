//! UDP sockets with renet. Only this file depends on the messaging backend.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use bevy::{ecs::system::SystemParam, prelude::*};
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

use crate::{
    lag::{self, Relay},
    protocol::JoinRejected,
};

const PROTOCOL_ID: u64 = 0x1177_0001;

/// About 1.25 round trips between players of one region. With renet's default of 300 ms, a lost packet would
/// delay the messages after it for too long.
pub const RESEND_TIME: Duration = Duration::from_millis(120);

/// Timeout for a server's response.
const PATIENCE: Duration = Duration::from_secs(6);

/// Tells a client how long it has received nothing.
#[derive(SystemParam)]
pub struct Silence<'w> {
    transport: Option<Res<'w, NetcodeClientTransport>>,
}

impl Silence<'_> {
    /// Returns the time since the last packet of the server; zero without a connection.
    pub fn get(&self) -> Duration {
        let transport = self.transport.as_ref();
        transport.map_or(Duration::ZERO, |it| it.time_since_last_received_packet())
    }
}

/// State of a client's connection.
#[derive(Resource, Clone, PartialEq, Eq, Debug, Default)]
pub enum Link {
    #[default]
    Connecting,
    Up,
    Down(String),
}

/// Maximum number of guests on a server.
#[derive(Resource, Clone, Copy, Debug)]
pub struct GuestsMax(pub usize);

/// The server that this app is connecting or connected to.
#[derive(Resource, Clone, Copy, Debug)]
struct Server {
    address: SocketAddr,
    asked_at: Duration,
}

/// Needed by every app that may become a client.
pub fn plugin(app: &mut App) {
    app.add_systems(Update, (watch_link, note_rejection).chain().run_if(resource_exists::<Server>))
        .add_plugins(lag::plugin)
        .add_observer(note_mismatch);
}

/// Binds a socket. Port zero selects any free port.
pub fn bind(address: IpAddr, port: u16) -> Result<UdpSocket, String> {
    UdpSocket::bind((address, port)).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            format!("Port {port} is in use. Is the game already running? Choose another port with --port.")
        } else {
            format!("Cannot open UDP port {port}: {error}.")
        }
    })
}

/// Makes an app a server at startup, because renet needs to know all channels.
pub fn serve(app: &mut App, socket: UdpSocket) {
    let mut socket = Some(socket);
    app.add_systems(Startup, move |world: &mut World| -> Result {
        socket.take().map_or(Ok(()), |socket| open(world, socket).map_err(Into::into))
    });
}

/// Makes an app a client of a server at startup.
pub fn join(app: &mut App, server: SocketAddr) {
    app.init_resource::<Link>().add_plugins(plugin);
    app.add_systems(Startup, move |world: &mut World| -> Result {
        connect(world, server).map_err(Into::into)
    });
}

/// Returns the address of this computer in its network.
pub fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Sends nothing: it only selects the interface of the default route. The address is reserved for documentation.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn settings() -> RenetSettings {
    RenetSettings { resend_time: RESEND_TIME, ..default() }
}

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Starts a server on a socket.
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
    let transport = transport.map_err(|error| format!("Cannot host at {address}: {error}."))?;
    let connection = connection_config(world.resource::<RepliconChannels>(), settings());
    world.insert_resource(transport);
    world.insert_resource(RenetServer::new(connection));
    Ok(())
}

/// Connects to a server. [`Link`] has the state of the connection.
pub fn connect(world: &mut World, server: SocketAddr) -> Result<(), String> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = bind(any, 0)?;
    let route = lag::route(world, &socket, server);
    let server_addr = route.map_err(|error| format!("Cannot reach {server}: {error}."))?;
    let authentication = ClientAuthentication::Unsecure {
        protocol_id: PROTOCOL_ID,
        client_id: fastrand::u64(..),
        server_addr,
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

/// Shuts down what [`open`] or [`connect`] started, and notifies the other side.
pub fn close(world: &mut World) {
    if let Some(mut transport) = world.remove_resource::<NetcodeServerTransport>()
        && let Some(mut server) = world.get_resource_mut::<RenetServer>()
    {
        transport.disconnect_all(&mut server);
    }
    if let Some(mut transport) = world.remove_resource::<NetcodeClientTransport>() {
        transport.disconnect();
    }
    world.remove_resource::<Relay>();
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
    } else if let SyncState::Rejected(mismatch) = *sync {
        Link::Down(format!("The server rejected this client: {mismatch}."))
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
            format!("{server} is full. Try again after a player has left.")
        }
        NetcodeDisconnectReason::DisconnectedByServer => {
            format!("The host at {server} has ended the game.")
        }
        NetcodeDisconnectReason::DisconnectedByClient => {
            format!("The connection to {server} was closed.")
        }
        _ => format!(
            "No server responded at {server}. Is it running, does its firewall allow UDP, and is it \
             the same version?"
        ),
    }
}

pub fn note_rejection(mut rejections: MessageReader<JoinRejected>, mut link: ResMut<Link>) {
    if let Some(JoinRejected(why)) = rejections.read().last().cloned() {
        *link = Link::Down(why);
    }
}

fn note_mismatch(_: On<ProtocolMismatch>, mut link: If<ResMut<Link>>) {
    let why = "The server runs a different version of this game. Both must have the same version.";
    **link = Link::Down(why.into());
}
