//! Bounds on bytes and work, whatever clients do.

mod byte_budgets;
mod byte_shares;
mod crowds;
mod hostile_clients;
mod request_work;
mod throttling;
mod unused_data;

use crate::common::*;

fn limit(pair: &mut Simulation, bytes_per_second: u32, total_bytes_per_second: u32) {
    let settings = SyncSettings { bytes_per_second, total_bytes_per_second, ..default() };
    pair.server.insert_resource(settings);
}
