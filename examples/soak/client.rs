//! A client process: connects, plays, and reports what it shows.

use core::time::Duration;
use std::{collections::BTreeMap, net::SocketAddr};

use bevy::{prelude::*, time::common_conditions::on_real_timer};
use bevy_inventory_sync::{
    client::inspect::ClientInspect, prelude::*, shared::stats::InventoryStats,
};
use bevy_replicon::prelude::*;

use crate::{
    bot,
    game::{self, Contents},
    net::{self, ConnectionId, Endpoint},
    pipe::{self, ClientStats, Order, Report, Shown, View},
};

/// Runs until the parent ends it.
pub fn run(server: SocketAddr, connection: ConnectionId, seed: u64) {
    let mut app = game::app(seed);
    app.add_plugins((pipe::plugin, net::plugin, bot::plugin))
        .insert_resource(Endpoint { server, next: connection })
        .insert_resource(Account(connection.account))
        .init_resource::<ClientStats>()
        .add_observer(count_confirmed)
        .add_observer(count_rejected)
        .add_systems(Last, (show, report.run_if(on_real_timer(Duration::from_secs(1)))));
    app.run();
}

#[derive(Resource)]
struct Account(u32);

fn count_confirmed(_: On<ActionConfirmed>, mut stats: ResMut<ClientStats>) {
    stats.confirmed += 1;
}

fn count_rejected(rejected: On<ActionRejected>, mut stats: ResMut<ClientStats>) {
    *stats.rejected.entry(format!("{:?}", rejected.reason)).or_default() += 1;
}

/// Reports what the components of the inventories in view contain.
fn show(
    mut orders: MessageReader<Order>,
    inventories: Query<(&InventoryId, &InView, Contents)>,
    account: Res<Account>,
    pool: Res<DataPool>,
    sync: Res<SyncState>,
    link: Res<State<ClientState>>,
    inspect: ClientInspect,
) {
    for order in orders.read() {
        let Order::Show { number, in_full } = *order else { continue };
        let seen: BTreeMap<u64, View> = inventories
            .iter()
            .map(|(id, in_view, contents)| {
                let text = game::describe(in_view.rights, contents, &pool);
                (id.to_bits(), View::new(text, in_full))
            })
            .collect();
        let synced = *sync == SyncState::Synced && *link == ClientState::Connected;
        let settled = synced && inspect.pending_requests() == 0;
        let views = [(account.0, seen)].into();
        pipe::tell(&Report::Shown(Shown { number, settled, views }));
    }
}

fn report(stats: Res<InventoryStats>, mut mine: ResMut<ClientStats>) {
    mine.resyncs = stats.resyncs_requested;
    mine.repairs = stats.repairs_requested;
    mine.checksums = stats.checksums_checked;
    pipe::tell(&Report::Client(mine.clone()));
}
