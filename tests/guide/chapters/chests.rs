//! Copied from the guide.

use bevy::prelude::*;
use bevy_inventory_sync::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize)]
pub struct Chest;

#[derive(Component, Clone, Copy)]
pub struct Position(pub Vec2);

/// The server. With `Replicated`, players open the chest by its entity; without it, by its id.
pub fn place_chest(number: u64, at: Vec2, commands: &mut Commands) {
    let id = InventoryId::named("chest", number);
    commands.spawn((Replicated, Chest, Position(at), id, Inventory::new(27), Openable::default()));
}

/// Both sides.
pub fn plugin(app: &mut App) {
    app.replicate::<Chest>()
        .init_resource::<WantedChest>()
        .add_rule::<With<Chest>, _>(near)
        .add_observer(show_window)
        .add_observer(hide_window)
        .add_observer(say_no);
}

/// Runs on the server before a player opens the chest, before each use, and about twice a second
/// while it is open: the chest closes for a player who walks away.
pub fn near(In(ask): In<AccessRequest>, positions: Query<&Position>) -> AccessDecision {
    let at = |entity: Option<Entity>| positions.get(entity?).ok().map(|at| at.0);
    match (at(ask.actor), at(Some(ask.inventory))) {
        (Some(player), Some(chest)) if player.distance(chest) < 3.0 => AccessDecision::Allow,
        _ => AccessDecision::Deny(Rejection::TooFar),
    }
}

/// The player's side: the chest that the player wants to see.
#[derive(Resource, Default)]
pub struct WantedChest(pub Option<Entity>);

/// A click on the chest in the world.
pub fn click_chest(
    mut actions: InventoryActions,
    chest: Single<Entity, With<Chest>>,
    mut wanted: ResMut<WantedChest>,
) {
    actions.open(*chest);
    wanted.0 = Some(*chest);
}

/// The window's close button, or Escape. The player may be faster than the server: a chest that is closed before it
/// is in view does not stay open.
pub fn close_chest(mut actions: InventoryActions, mut wanted: ResMut<WantedChest>) {
    if let Some(chest) = wanted.0.take() {
        actions.close(chest);
    }
}

#[derive(Component)]
pub struct Window;

pub fn show_window(opened: On<InventoryOpened>, chests: Query<(), With<Chest>>, mut commands: Commands) {
    if chests.contains(opened.entity) {
        commands.entity(opened.entity).insert(Window);
    }
}

/// Runs for any reason: the player closed it, walked away or disconnected, or it was destroyed.
pub fn hide_window(
    closed: On<InventoryClosed>,
    mut wanted: ResMut<WantedChest>,
    mut commands: Commands,
) {
    wanted.0.take_if(|chest| *chest == closed.entity);
    if let Ok(mut chest) = commands.get_entity(closed.entity) {
        chest.remove::<Window>();
    }
}

pub fn say_no(rejected: On<ActionRejected>) {
    info!("{}", rejected.reason);
}
