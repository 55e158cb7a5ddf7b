//! The server process: the world, its players, and random changes.

mod changes;
mod ground;
mod ledger;
mod players;
mod world;

use std::{
    net::{Ipv4Addr, UdpSocket},
    time::{Duration, SystemTime},
};

use bevy::{prelude::*, time::common_conditions::on_real_timer};
use bevy_inventory_sync::{prelude::*, server::audit::ItemAudit, shared::stats::InventoryStats};
use bevy_replicon_renet::{
    RenetServer, RenetServerEvent,
    netcode::{NetcodeServerTransport, ServerAuthentication, ServerConfig},
    renet::ServerEvent,
};

use crate::{
    game, net,
    pipe::{self, Report, ServerStats},
};

/// Time between two random changes.
const CHANGE_PAUSE: Duration = Duration::from_millis(60);

const SECOND: Duration = Duration::from_secs(1);

/// Runs until the parent ends it.
pub fn run(seed: u64) {
    let mut app = game::app(seed);
    app.add_plugins((pipe::plugin, ledger::plugin))
        .insert_resource(ItemAudit::Strict)
        .init_resource::<ServerStats>()
        .add_rule::<With<world::Locked>, _>(world::locked)
        .add_observer(ground::place_dropped)
        .add_observer(log_failures)
        .add_systems(Startup, (world::build, listen))
        .add_systems(
            Update,
            (
                players::admit,
                ground::show_to_all,
                (ground::decay, changes::change)
                    .chain()
                    .run_if(on_real_timer(CHANGE_PAUSE))
                    .run_if(pipe::is_playing),
            )
                .chain(),
        )
        .add_systems(Last, (players::show, report.run_if(on_real_timer(SECOND))));
    app.run();
}

fn listen(world: &mut World) -> Result {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = socket.local_addr()?;
    let config = ServerConfig {
        current_time: SystemTime::UNIX_EPOCH.elapsed()?,
        max_clients: 64,
        protocol_id: game::PROTOCOL,
        public_addresses: vec![address],
        authentication: ServerAuthentication::Unsecure,
    };
    let transport = NetcodeServerTransport::new(config, socket)?;
    let server = RenetServer::new(game::channels(world));
    world.insert_resource(transport);
    world.insert_resource(server);
    pipe::tell(&Report::Listening(address));
    Ok(())
}

fn log_failures(event: On<RenetServerEvent>) {
    if let ServerEvent::ClientDisconnected { reason, .. } = **event {
        net::log_failure(reason);
    }
}

fn report(stats: Res<InventoryStats>, mut mine: ResMut<ServerStats>) {
    mine.accepted = stats.requests_accepted;
    mine.rejected = stats.requests_rejected;
    mine.resyncs = stats.resyncs_served;
    mine.repairs = stats.repairs_served;
    mine.slots = stats.slots_marked;
    mine.opened = stats.opens_encoded;
    mine.cached = stats.opens_from_cached_copy;
    mine.chunks = stats.chunks_sent;
    pipe::tell(&Report::Server(mine.clone()));
}
