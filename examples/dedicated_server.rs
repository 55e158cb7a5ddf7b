//! A dedicated server and a client, each in its own app, over real sockets (renet). They run
//! in one process here so that one command shows both.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use bevy::{prelude::*, state::app::StatesPlugin};
use bevy_inventory_sync::{
    prelude::*,
    renet::{RenetSettings, connection_config},
};
use bevy_replicon::prelude::*;
use bevy_replicon_renet::{
    RenetClient, RenetServer, RepliconRenetPlugins,
    netcode::{
        ClientAuthentication, NetcodeClientTransport, NetcodeServerTransport, ServerAuthentication,
        ServerConfig,
    },
};

const TORCH: ItemId = ItemId::of("torch");
const PROTOCOL: u64 = 1;

/// Both sides: the same plugins and the same items.
fn game() -> App {
    let items = Items::<()>::from_ron(r#"(items: [(key: "torch", max_stack: 64)])"#);
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, StatesPlugin))
        .add_plugins((RepliconPlugins, RepliconRenetPlugins, InventoryPlugins))
        .insert_items(items.expect("the embedded catalog is valid"));
    app
}

/// The server: spawns an inventory for each client, and adds torches to it.
fn server(address: SocketAddr) -> Result<(App, SocketAddr)> {
    let mut app = game();
    app.add_observer(welcome).add_systems(FixedUpdate, loot);
    app.finish();
    let config = connection_config(app.world().resource(), RenetSettings::default());
    let socket = UdpSocket::bind(address)?;
    let address = socket.local_addr()?;
    let transport = NetcodeServerTransport::new(
        ServerConfig {
            current_time: SystemTime::UNIX_EPOCH.elapsed()?,
            max_clients: 64,
            protocol_id: PROTOCOL,
            public_addresses: vec![address],
            authentication: ServerAuthentication::Unsecure,
        },
        socket,
    )?;
    app.insert_resource(RenetServer::new(config)).insert_resource(transport);
    Ok((app, address))
}

fn welcome(client: On<Add, AuthorizedClient>, mut commands: Commands) {
    let (id, owner) = (InventoryId::named("player", 1), Owner(client.entity.into()));
    commands.spawn((id, Inventory::default(), owner));
}

fn loot(mut inventories: Inventories, players: Query<Entity, With<Owner>>) {
    for player in &players {
        // Leftovers are discarded here; a game would drop them.
        inventories.insert_up_to(player, TORCH.stack(1)).discard();
    }
}

/// The client: connects, and prints changes of slots.
fn client(server: SocketAddr) -> Result<App> {
    let mut app = game();
    app.add_observer(|change: On<SlotChanged>| {
        let count = change.new.map_or(0, |stack| stack.count());
        println!("the client's slot {}: {count} torches", change.slot.index);
    });
    app.finish();
    let config = connection_config(app.world().resource(), RenetSettings::default());
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let now = SystemTime::UNIX_EPOCH.elapsed()?;
    let (protocol_id, client_id) = (PROTOCOL, 1);
    let authentication = ClientAuthentication::Unsecure {
        client_id,
        protocol_id,
        server_addr: server,
        user_data: None,
    };
    let transport = NetcodeClientTransport::new(now, authentication, socket)?;
    app.insert_resource(RenetClient::new(config)).insert_resource(transport);
    Ok(app)
}

fn main() -> Result {
    let (mut server, address) = server((Ipv4Addr::LOCALHOST, 0).into())?;
    let mut client = client(address)?;
    for _ in 0..120 {
        server.update();
        client.update();
        std::thread::sleep(Duration::from_millis(8));
    }
    Ok(())
}
