//! Counts what is stored in Redis.

use std::{collections::BTreeMap, process::ExitCode};

use bevy_inventory_sync::{
    prelude::InventoryId,
    store::{
        Store,
        archive::Archived,
        redis::{RedisSettings, RedisStore},
    },
};

use crate::{cli::Cli, output};

/// Prints how many of each item there are in all worlds together. A player that is between two worlds counts once.
pub fn run(cli: &Cli, worlds: &[String]) -> Result<ExitCode, String> {
    let url = cli.redis.as_ref().ok_or("Give the address of Redis with --redis.")?;
    let mut newest: BTreeMap<InventoryId, Archived> = BTreeMap::new();
    for world in worlds {
        let settings = RedisSettings { server: "count".into(), ..RedisSettings::new(url, world) };
        let mut store = RedisStore::open(settings).map_err(|error| error.to_string())?;
        for (id, _) in store.versions().map_err(|error| error.to_string())? {
            let copy = store.read_copy(id).map_err(|error| error.to_string())?;
            if newest.get(&id).is_none_or(|there| there.fence < copy.fence) {
                newest.insert(id, copy);
            }
        }
    }
    let mut items: BTreeMap<&str, u64> = BTreeMap::new();
    let stored = || newest.values().filter_map(|copy| copy.stored.as_ref());
    for stored in stored() {
        let containers = stored.inventory.containers.iter().flat_map(|there| &there.slots);
        for stack in containers.chain(&stored.inventory.returned) {
            *items.entry(&stack.item).or_default() += u64::from(stack.count);
        }
    }
    // Only players have a hotbar.
    let players = stored()
        .filter(|it| it.inventory.containers.iter().any(|there| there.name == "hotbar"))
        .count();
    output::line(format_args!("{players} players, {} inventories", stored().count()));
    for (item, count) in items {
        output::line(format_args!("{count:>7} {item}"));
    }
    Ok(ExitCode::SUCCESS)
}
