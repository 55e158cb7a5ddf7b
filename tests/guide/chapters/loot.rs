//! Copied from the guide.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;

#[derive(Component, Clone, Copy)]
pub struct Position(pub Vec2);

/// The server.
pub fn place(
    dropped: On<Dropped>,
    positions: Query<&Position>,
    players: Query<&Owner>,
    mut commands: Commands,
) {
    let Some(at) = dropped.by.and_then(|by| positions.get(by).ok()) else { return };
    // Here every player sees it. In a larger world, add only the players nearby.
    let mut viewers = Viewers::new();
    players.iter().for_each(|owner| viewers.add(owner.0, Rights::SEE | Rights::TAKE));
    commands.entity(dropped.entity).insert((*at, viewers));
}

/// The player's side. A client receives only the inventory of the loot entity, unless the game
/// replicates its other components.
pub fn pick_up(
    mut actions: InventoryActions,
    me: Single<Entity, With<LocalInventory>>,
    ground: Query<Entity, (With<InView>, Without<LocalInventory>)>,
) {
    if let Some(loot) = ground.iter().next() {
        actions.request(InventoryAction::pick_up(loot, *me));
    }
}

/// A drop made by the server: here the items that did not fit.
pub fn reward(mut inventories: Inventories, players: Query<Entity, Added<Owner>>) {
    for player in &players {
        let rest = inventories.insert_up_to(player, ItemId::of("gold").stack(150));
        inventories.drop_at(player, rest.into_stack());
    }
}
