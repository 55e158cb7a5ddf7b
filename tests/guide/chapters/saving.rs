//! Copied from the guide.

use bevy::{platform::collections::HashMap, prelude::*};
use bevy_inventory_sync::prelude::*;
use bevy_inventory_sync::model::saved::SavedInventory;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};

/// The account that the body belongs to. Stays when the player leaves.
#[derive(Component)]
pub struct Account(pub u64);

#[derive(Component, Default)]
pub struct Health(pub u32);

/// What the game saves for a player. RON and JSON store field names, so a field that is added later
/// takes its default when an older save is read.
#[derive(Serialize, Deserialize)]
pub struct Save {
    inventory: SavedInventory,
    #[serde(default)]
    health: u32,
}

/// A stand-in for a database.
#[derive(Resource, Default)]
pub struct Store(pub HashMap<u64, String>);

/// The server: the login has succeeded.
pub fn join(In((account, client)): In<(u64, ClientId)>, ids: Res<InventoryIds>, mut commands: Commands) {
    let id = InventoryId::named("player", account);
    if let Some(body) = ids.get(id) {
        // A second login of the account, or the server has not noticed yet that the first one is gone.
        // It takes over the body.
        commands.entity(body).insert(Owner(client));
        return;
    }
    let body = (id, Inventory::new(27), Hotbar::new(9), Health(20), Owner(client));
    commands.spawn((Account(account), body));
}

/// The server. Runs before the inventory is sent, so no client sees it empty.
pub fn load(
    joined: On<Add, Account>,
    mut bodies: Query<(&Account, &mut Health)>,
    mut inventories: Inventories,
    store: Res<Store>,
) -> Result {
    let (account, mut health) = bodies.get_mut(joined.entity)?;
    if let Some(text) = store.0.get(&account.0) {
        let save: Save = ron::from_str(text)?;
        inventories.load(joined.entity, &save.inventory)?;
        health.0 = save.health;
    }
    Ok(())
}

/// The server.
pub fn leave(
    gone: On<Remove, Owner>,
    bodies: Query<(&Account, &Health)>,
    inventories: Inventories,
    mut store: ResMut<Store>,
    mut commands: Commands,
) -> Result {
    let Ok((account, health)) = bodies.get(gone.entity) else { return Ok(()) };
    let save = Save { inventory: inventories.save(gone.entity)?, health: health.0 };
    store.0.insert(account.0, ron::to_string(&save)?);
    commands.entity(gone.entity).try_despawn();
    Ok(())
}

pub fn plugin(app: &mut App) {
    app.init_resource::<Store>().add_observer(load).add_observer(leave);
}
