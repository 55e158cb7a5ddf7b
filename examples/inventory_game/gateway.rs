//! The operator page of a dedicated server.

use std::net::SocketAddr;

use bevy::prelude::*;
use bevy_inventory_sync::{
    gateway::{
        GatewayAppExt, GatewayStatus, GatewayToken, GatewayTokens, InventoryGatewayPlugin, Scope,
    },
    prelude::*,
};
use serde::Deserialize;

use crate::{names, output};

/// The environment variable with the operator's token. If it is set, the token stays the same after a restart.
const TOKEN: &str = "GATEWAY_TOKEN";

/// Serves the operator page and prints a link that contains an operator's token.
///
/// # Errors
///
/// Returns a description if the address cannot be used, or if the token in the environment variable is malformed.
pub fn add(app: &mut App, address: SocketAddr) -> Result<(), String> {
    let token = match std::env::var(TOKEN) {
        Ok(token) => GatewayToken::parse(&token).map_err(|error| format!("{TOKEN}: {error}"))?,
        Err(_) => GatewayToken::random(),
    };
    let tokens = GatewayTokens::default();
    tokens.add(&token, Scope::Operator, None);
    app.add_plugins((
        InventoryGatewayPlugin::new(address).tokens(tokens).icons("assets"),
        names::plugin,
    ))
    .add_gateway_command("give", give);
    match app.world().resource::<GatewayStatus>() {
        GatewayStatus::Starting(address) | GatewayStatus::Listening(address) => {
            output::line(format_args!("Operator page: http://{address}/#token={}", token.secret()));
            Ok(())
        }
        GatewayStatus::Failed(error) => Err(error.to_string()),
    }
}

/// The input of the `give` command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Give {
    to: InventoryId,
    item: String,
    count: u32,
}

fn give(
    In(Give { to, item, count }): In<Give>,
    ids: Res<InventoryIds>,
    mut inventories: Inventories,
) -> Result<(), String> {
    let entity = ids.get(to).ok_or("there is no such inventory")?;
    let stack = Stack::new(ItemId::of(&item), count).ok_or("the count is zero")?;
    inventories.insert(entity, stack).map_err(|error| error.to_string())
}
