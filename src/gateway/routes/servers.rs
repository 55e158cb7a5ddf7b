//! Which game server owns which inventories.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};

use crate::gateway::{
    app::Gateway,
    caller::Caller,
    json::{ServerInfo, Servers},
    params::Params,
    problem::Problem,
};

/// Maximum number of inventories per server in a response.
const INVENTORIES_MAX: usize = 1000;

/// Game servers
///
/// Returns the servers that share a store, and the inventories that each server owns. Operators only.
#[utoipa::path(
    get, path = "/servers", tag = "operators",
    responses(
        (status = 200, body = Servers),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn servers(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Result<Json<Servers>, Problem> {
    caller.must_be_operator()?;
    params.finish()?;
    let not_shared = || Problem::not_found("the game uses no shared store");
    let reader = gateway.reader.as_ref().ok_or_else(not_shared)?;
    let owners = reader
        .read(|store| store.owners())
        .await
        .map_err(|error| Problem::unavailable(format!("the store cannot be read: {error}")))?;
    let servers = owners.ok_or_else(not_shared)?.into_iter().map(|(name, inventories)| {
        let first = inventories.iter().take(INVENTORIES_MAX);
        ServerInfo {
            name,
            total: inventories.len(),
            inventories: first.map(ToString::to_string).collect(),
        }
    });
    Ok(Json(Servers { servers: servers.collect() }))
}
