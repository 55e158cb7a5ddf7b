//! A client's connection: connecting, leaving, and coming back after a loss.

use core::time::Duration;
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::SystemTime,
};

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon_renet::{
    RenetClient,
    netcode::{ClientAuthentication, NetcodeClientTransport},
    renet::DisconnectReason,
};

use crate::{
    game,
    pipe::{ClientStats, Order},
};

/// Time between the end of a connection and the next one.
const PAUSE: Duration = Duration::from_millis(1200);

/// One connection of an account. It is the client's id for netcode, so the server knows the account without a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionId {
    pub account: u32,
    /// Increases with each connection of the account.
    pub number: u32,
}

impl ConnectionId {
    pub fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = bits.to_be_bytes();
        Self { account: u32::from_be_bytes([a, b, c, d]), number: u32::from_be_bytes([e, f, g, h]) }
    }

    pub fn to_bits(self) -> u64 {
        u64::from(self.account) << 32 | u64::from(self.number)
    }
}

/// The server, and the next connection to it.
#[derive(Resource, Clone, Copy)]
pub struct Endpoint {
    pub server: SocketAddr,
    pub next: ConnectionId,
}

/// When the client connects again, as time since its start.
#[derive(Resource)]
struct ReconnectAt(Duration);

pub fn plugin(app: &mut App) {
    app.insert_resource(ReconnectAt(Duration::ZERO))
        .add_systems(PreUpdate, connect.run_if(resource_exists::<ReconnectAt>))
        .add_systems(Update, (count_time, end_if_lost))
        .add_systems(Last, end_by_order);
}

fn connect(world: &mut World) -> Result {
    let now = world.resource::<Time<Real>>().elapsed();
    if now < world.resource::<ReconnectAt>().0 {
        return Ok(());
    }
    world.remove_resource::<ReconnectAt>();
    let mut endpoint = world.resource_mut::<Endpoint>();
    let authentication = ClientAuthentication::Unsecure {
        client_id: endpoint.next.to_bits(),
        protocol_id: game::PROTOCOL,
        server_addr: endpoint.server,
        user_data: None,
    };
    endpoint.next.number += 1;
    // Not the address of the last connection: the server may still wait for it.
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let now = SystemTime::UNIX_EPOCH.elapsed()?;
    let transport = NetcodeClientTransport::new(now, authentication, socket)?;
    let client = RenetClient::new(game::channels(world));
    world.insert_resource(transport);
    world.insert_resource(client);
    Ok(())
}

fn disconnect(world: &mut World) {
    world.remove_resource::<NetcodeClientTransport>();
    world.remove_resource::<RenetClient>();
    let until = world.resource::<Time<Real>>().elapsed() + PAUSE;
    world.insert_resource(ReconnectAt(until));
}

/// Logs why a connection ended, unless it was lost or closed.
pub fn log_failure(reason: DisconnectReason) {
    use DisconnectReason::{DisconnectedByClient, DisconnectedByServer, Transport};
    if !matches!(reason, Transport | DisconnectedByClient | DisconnectedByServer) {
        error!("a connection failed: {reason}");
    }
}

fn end_if_lost(world: &mut World) {
    let transport = world.get_resource::<NetcodeClientTransport>();
    let lost = transport.is_some_and(|transport| transport.disconnect_reason().is_some());
    let client = world.get_resource::<RenetClient>();
    let reason = client.and_then(|client| client.disconnect_reason());
    reason.into_iter().for_each(log_failure);
    if lost || reason.is_some() {
        world.resource_mut::<ClientStats>().lost += 1;
        disconnect(world);
    }
}

fn end_by_order(world: &mut World) {
    let orders: Vec<Order> =
        world.resource_mut::<Messages<Order>>().iter_current_update_messages().copied().collect();
    for order in orders {
        let Order::Rejoin { politely } = order else { continue };
        if let Some(mut transport) = world.get_resource_mut::<NetcodeClientTransport>() {
            if politely {
                transport.disconnect();
            }
            disconnect(world);
        }
    }
}

fn count_time(
    sync: Res<SyncState>,
    time: Res<Time<Real>>,
    mut synced: Local<(bool, Duration)>,
    mut stats: ResMut<ClientStats>,
) {
    let before = core::mem::replace(&mut synced.0, *sync == SyncState::Synced);
    stats.joins += u64::from(synced.0 && !before);
    if synced.0 {
        synced.1 += time.delta();
        stats.synced_millis = u64::try_from(synced.1.as_millis()).unwrap_or(u64::MAX);
    }
}
