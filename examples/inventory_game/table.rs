//! A table of every client's state and traffic, and the comparison of clients with the server.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_inventory_sync::{features::public_view::HeldItem, shared::stats::InventoryStats};

use crate::{
    protocol::{Avatar, GroundItem, Position},
    storage,
};

pub const HEADER: &str = "player          position     in hand          hotbar  backpack  \
                          messages    bytes  changes  slots  bytes/slot";

type Mine = (&'static Avatar, &'static Position, &'static HeldItem, Contents);
type Contents = (&'static InventoryId, &'static Hotbar, &'static Inventory);

/// Formats the table row of a client: all bytes that it has received, and those of changed slots.
pub fn client_line(client: &mut App) -> String {
    let world = client.world_mut();
    let mut mine = world.query_filtered::<Mine, With<LocalInventory>>();
    let Ok((avatar, position, held, (_, hotbar, backpack))) = mine.single(world) else {
        return "not in the world yet".into();
    };
    let catalog = world.resource::<ItemCatalog>();
    let held = held.0.and_then(|item| catalog.get(item)).map_or("-", |item| &item.name);
    let stats = world.resource::<InventoryStats>();
    // What opens an inventory does not depend on how much changes.
    let bytes = stats.bytes_received - stats.bytes_received_opening;
    let slots = stats.slots_applied - stats.slots_applied_opening;
    format!(
        "{:<14} {:>5.1} {:>5.1}   {held:<16} {:>3}/{}   {:>4}/{}  {:>9} {:>8} {bytes:>8} {slots:>6}  {:>10.1}",
        avatar.name,
        position.0.x,
        position.0.y,
        hotbar.iter().count(),
        hotbar.len(),
        backpack.iter().count(),
        backpack.len(),
        stats.messages_received,
        stats.bytes_received,
        per_slot(bytes, slots),
    )
}

/// Formats the status line of the server.
pub fn server_line(server: &mut App) -> String {
    let world = server.world_mut();
    let players = world.query::<&Avatar>().iter(world).count();
    let items = world.query::<&GroundItem>().iter(world).count();
    let stats = world.resource::<InventoryStats>();
    let s = if players == 1 { "" } else { "s" };
    let now = world.resource::<Time<Real>>().elapsed_secs();
    let stored = storage::words(world.resource(), world.resource(), now);
    format!(
        "server: {players} player{s}, {items} items on the ground; {} slots changed, sent as {} deltas \
         and {} full updates ({} bytes), {} openings; {} bytes in {} messages{stored}",
        stats.slots_marked,
        stats.deltas_encoded,
        stats.full_updates_encoded,
        (stats.bits_deltas + stats.bits_full_updates) / 8,
        stats.opens_encoded,
        stats.bytes_sent,
        stats.messages_sent,
    )
}

#[expect(clippy::cast_precision_loss, reason = "display only")]
fn per_slot(bytes: u64, slots: u64) -> f64 {
    bytes as f64 / slots.max(1) as f64
}

/// Compares a client's own inventory with the server's.
///
/// # Errors
///
/// Returns a description of the difference.
pub fn compare(server: &App, client: &mut App) -> Result<(), String> {
    let world = client.world_mut();
    let mut mine = world.query_filtered::<Contents, With<LocalInventory>>();
    let Ok((id, hotbar, backpack)) = mine.single(world) else {
        return Err("a client has no inventory".into());
    };
    let ids = server.world().resource::<InventoryIds>();
    let Some(there) = ids.get(*id).and_then(|entity| server.world().get_entity(entity).ok()) else {
        return Err(format!("the server does not have inventory {id}"));
    };
    if there.get() == Some(hotbar) && there.get() == Some(backpack) {
        Ok(())
    } else {
        Err(format!("inventory {id} differs from the server's"))
    }
}
