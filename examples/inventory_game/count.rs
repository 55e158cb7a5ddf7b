//! Counts what is stored in Redis.

use std::{collections::BTreeMap, process::ExitCode};

use bevy_inventory_sync::{
    prelude::InventoryId,
    store::{
        batch::Fence,
        record::StoredInventory,
        redis::{RedisSettings, RedisStore},
    },
};

use crate::cli::Cli;

/// Prints how many of each item there are in all worlds together. A player that is between two worlds counts once.
pub fn run(cli: &Cli, worlds: &[String]) -> Result<ExitCode, String> {
    let url = cli.redis.as_ref().ok_or("Give the address of Redis with --redis.")?;
    let mut newest: BTreeMap<InventoryId, (Fence, StoredInventory)> = BTreeMap::new();
    for world in worlds {
        let settings = RedisSettings { server: "count".into(), ..RedisSettings::new(url, world) };
        let mut store = RedisStore::open(settings).map_err(|error| error.to_string())?;
        for (id, fence, stored) in store.contents().map_err(|error| error.to_string())? {
            let there = newest.entry(id).or_insert_with(|| (fence, stored.clone()));
            if there.0 < fence {
                *there = (fence, stored);
            }
        }
    }
    let mut items: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, stored) in newest.values() {
        let containers = stored.inventory.containers.iter().flat_map(|there| &there.slots);
        for stack in containers.chain(&stored.inventory.returned) {
            *items.entry(&stack.item).or_default() += u64::from(stack.count);
        }
    }
    let players = newest.values().filter(|(_, s)| s.inventory.containers.len() > 1).count();
    println!("{players} players, {} inventories", newest.len());
    for (item, count) in items {
        println!("{count:>7} {item}");
    }
    Ok(ExitCode::SUCCESS)
}
