//! A server app and a client app, connected by renet sockets on loopback or within the process. Counts
//! all payloads handed to the messaging layer.

use std::{
    error::Error,
    net::{Ipv4Addr, UdpSocket},
    time::{Duration, SystemTime},
};

use bevy::{prelude::*, state::app::StatesPlugin, time::TimeUpdateStrategy};
use bevy_inventory_sync::shared::stats::InventoryStats;
use bevy_inventory_sync::{
    prelude::*,
    renet::{RenetSettings, connection_config},
    sim::Simulation,
};
use bevy_replicon::prelude::*;
use bevy_replicon_renet::{
    RenetClient, RenetServer, RepliconRenetPlugins,
    netcode::{
        ClientAuthentication, NetcodeClientTransport, NetcodeServerTransport, ServerAuthentication,
        ServerConfig,
    },
};

/// Time step of one update.
const STEP: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// Maximum number of updates to wait; generous, because real sockets may lose a datagram.
const UPDATES_MAX: usize = 2000;

/// Messages and bytes handed to the messaging layer.
#[derive(Resource, Clone, Copy, Default)]
pub struct Traffic {
    /// Number of messages.
    pub messages: u64,
    /// Total size of the messages, in bytes.
    pub bytes: u64,
}

/// The two apps.
#[expect(clippy::large_enum_variant, reason = "there is only one instance")]
pub enum Link {
    Sockets { server: App, client: App },
    InProcess(Simulation),
}

impl Link {
    /// Connects the apps within the process.
    pub fn in_process(setup: impl Fn(&mut App)) -> Self {
        Self::InProcess(Simulation::new(1, setup))
    }

    /// Connects the apps over loopback.
    ///
    /// # Errors
    ///
    /// Fails if no socket can be opened, or if the client cannot connect to the server.
    pub fn sockets(setup: impl Fn(&mut App)) -> Result<Self, Box<dyn Error>> {
        let (mut server, mut client) = (app(&setup), app(&setup));
        server.add_systems(
            PostUpdate,
            count_server.after(ServerSystems::Send).before(ServerSystems::SendPackets),
        );
        client.add_systems(
            PostUpdate,
            count_client.after(ClientSystems::Send).before(ClientSystems::SendPackets),
        );
        for app in [&mut server, &mut client] {
            app.finish();
            app.cleanup();
        }
        listen(&mut server)?;
        server.update();
        let address = server.world().resource::<NetcodeServerTransport>().addresses()[0];
        connect(&mut client, address)?;
        let mut link = Self::Sockets { server, client };
        if !link.sync(|world| *world.resource::<SyncState>() == SyncState::Synced) {
            return Err("the client cannot connect to the server over loopback".into());
        }
        Ok(link)
    }

    /// Returns the client's id on the server.
    pub fn client_id(&mut self) -> ClientId {
        match self {
            Self::InProcess(pair) => pair.client_id(0),
            Self::Sockets { server, .. } => {
                let world = server.world_mut();
                let client = world.query_filtered::<Entity, With<ConnectedClient>>().single(world);
                ClientId::Client(client.expect("one client is connected"))
            }
        }
    }

    pub fn server(&mut self) -> &mut World {
        match self {
            Self::InProcess(pair) => pair.server.world_mut(),
            Self::Sockets { server, .. } => server.world_mut(),
        }
    }

    pub fn client(&mut self) -> &mut World {
        match self {
            Self::InProcess(pair) => pair.clients[0].app.world_mut(),
            Self::Sockets { client, .. } => client.world_mut(),
        }
    }

    /// Updates both apps until `done` returns `true` for the client, at least once. Returns
    /// `false` on timeout.
    pub fn sync(&mut self, done: impl Fn(&mut World) -> bool) -> bool {
        for _ in 0..UPDATES_MAX {
            match self {
                Self::InProcess(pair) => pair.step(),
                Self::Sockets { server, client } => {
                    server.update();
                    client.update();
                }
            }
            if done(self.client()) {
                return true;
            }
        }
        false
    }

    /// Returns the traffic handed to the messaging layer, in both directions.
    pub fn traffic(&self) -> Traffic {
        match self {
            Self::InProcess(pair) => {
                let traffic = pair.clients[0].traffic;
                Traffic {
                    messages: traffic.messages_down + traffic.messages_up,
                    bytes: traffic.bytes_down + traffic.bytes_up,
                }
            }
            Self::Sockets { server, client } => {
                let [down, up] = [server, client].map(|app| *app.world().resource::<Traffic>());
                Traffic { messages: down.messages + up.messages, bytes: down.bytes + up.bytes }
            }
        }
    }

    /// Returns the server's counters.
    pub fn server_stats(&self) -> InventoryStats {
        let (Self::InProcess(Simulation { server, .. }) | Self::Sockets { server, .. }) = self;
        *server.world().resource::<InventoryStats>()
    }
}

fn app(setup: impl Fn(&mut App)) -> App {
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        StatesPlugin,
        RepliconPlugins.set(ServerPlugin::new(PostUpdate)),
        RepliconRenetPlugins,
        InventoryPlugins,
    ))
    .insert_resource(TimeUpdateStrategy::ManualDuration(STEP))
    .init_resource::<Traffic>();
    setup(&mut app);
    app
}

fn count_server(messages: Res<ServerMessages>, mut traffic: ResMut<Traffic>) {
    for (_, _, bytes) in messages.iter_sent() {
        traffic.messages += 1;
        traffic.bytes += bytes.len() as u64;
    }
}

fn count_client(messages: Res<ClientMessages>, mut traffic: ResMut<Traffic>) {
    for (_, bytes) in messages.iter_sent() {
        traffic.messages += 1;
        traffic.bytes += bytes.len() as u64;
    }
}

fn now() -> Result<Duration, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?)
}

fn listen(app: &mut App) -> Result<(), Box<dyn Error>> {
    let server =
        RenetServer::new(connection_config(app.world().resource(), RenetSettings::default()));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let config = ServerConfig {
        current_time: now()?,
        max_clients: 1,
        protocol_id: 0,
        authentication: ServerAuthentication::Unsecure,
        public_addresses: vec![socket.local_addr()?],
    };
    app.insert_resource(server).insert_resource(NetcodeServerTransport::new(config, socket)?);
    Ok(())
}

fn connect(app: &mut App, server_addr: std::net::SocketAddr) -> Result<(), Box<dyn Error>> {
    let client =
        RenetClient::new(connection_config(app.world().resource(), RenetSettings::default()));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let authentication = ClientAuthentication::Unsecure {
        client_id: 1,
        protocol_id: 0,
        server_addr,
        user_data: None,
    };
    let transport = NetcodeClientTransport::new(now()?, authentication, socket)?;
    app.insert_resource(client).insert_resource(transport);
    Ok(())
}
