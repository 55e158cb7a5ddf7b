//! The state of the world: the changes of a range of ticks, one inventory, and one player.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
};

use crate::{
    gateway::{
        app::Gateway,
        caller::{Caller, watch_player},
        entry::Entry,
        hub::Known,
        json::{InventoryFound, PlayerFound, Snapshots, TickEvent},
        params::{INVENTORY_ID, Params, check_range},
        problem::Problem,
        tokens::Scope,
        visibility::Visibility,
    },
    model::id::InventoryId,
};

/// Default and maximum number of ticks in a response.
const SNAPSHOTS_MAX: usize = 1000;

/// Approximate maximum size in memory of the changes in a response, in bytes.
const SNAPSHOT_BYTES_MAX: usize = 1 << 20;

/// The changes of a range of ticks
///
/// For callers that missed ticks. A player receives one snapshot with everything that the player sees now, because
/// earlier views of players are not kept.
#[utoipa::path(
    get, path = "/world/snapshots", tag = "world",
    params(
        ("from" = Option<u64>, Query, description = "The first tick. Default: the earliest kept tick."),
        ("to" = Option<u64>, Query, description = "The last tick. Default: the current tick."),
        ("epoch" = Option<String>, Query, description = "The epoch of the ticks. Default: the current epoch."),
        ("limit" = Option<usize>, Query, description = "Maximum number of ticks: 1 to 1000.", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, body = Snapshots),
        (status = 410, body = Problem, content_type = "application/problem+json",
            description = "The ticks are no longer kept, or the epoch has ended. Request `/world/init` again."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn snapshots(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    mut params: Params,
) -> Result<Json<Snapshots>, Problem> {
    let (from, to) = (params.tick("from")?, params.tick("to")?);
    let epoch_wanted = params.text("epoch")?;
    let limit = params.limit(SNAPSHOTS_MAX, SNAPSHOTS_MAX)?;
    params.finish()?;
    check_range(from.unwrap_or(0), to.unwrap_or(u64::MAX))?;
    let tracker = caller.track_visibility(&gateway).await?;
    let known = gateway.hub.known();
    let (epoch, earliest, tick) = (known.running()?.to_owned(), known.earliest, known.copy.tick);
    if epoch_wanted.is_some_and(|wanted| wanted != epoch) {
        return Err(Problem::gone("the server has restarted since this epoch", earliest));
    }
    let from = from.unwrap_or(earliest);
    if from < earliest {
        return Err(Problem::gone("the ticks are no longer kept", earliest));
    }
    let (to, visibility) = (to.unwrap_or(tick).min(tick), tracker.visibility());
    let (snapshots, next) = if tracker.is_player() {
        (known.everything(&visibility).into_iter().collect(), None)
    } else {
        page(&known, &visibility, from, to, limit)
    };
    Ok(Json(Snapshots { epoch, earliest, tick, snapshots, next }))
}

fn page(
    known: &Known,
    visibility: &Visibility,
    from: u64,
    to: u64,
    limit: usize,
) -> (Vec<TickEvent>, Option<u64>) {
    let mut snapshots = Vec::new();
    let mut bytes = 0;
    let entries = known.since(from.saturating_sub(1)).into_iter().flatten();
    for entry in entries.take_while(|entry: &&Arc<Entry>| entry.tick <= to) {
        if snapshots.len() >= limit || bytes > SNAPSHOT_BYTES_MAX {
            return (snapshots, Some(entry.tick));
        }
        if let Some(event) = known.event_of(entry, visibility) {
            snapshots.push(event);
            bytes += entry.bytes;
        }
    }
    (snapshots, None)
}

/// Parses an inventory id in a path.
///
/// # Errors
///
/// [`Problem`] if it is not an inventory id.
fn id(path: Result<Path<String>, PathRejection>) -> Result<InventoryId, Problem> {
    let parsed = path.ok().and_then(|Path(id)| id.parse().ok());
    parsed.ok_or_else(|| Problem::field("id", format!("it must be {INVENTORY_ID}")))
}

/// One inventory
#[utoipa::path(
    get, path = "/inventories/{id}", tag = "world",
    params(("id" = String, Path, description = "Inventory id.",
        pattern = "^(0|[1-9][0-9]{0,17}|[89a-f][0-9a-f]{15})$")),
    responses(
        (status = 200, body = InventoryFound),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn inventory(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<InventoryFound>, Problem> {
    params.finish()?;
    let id = id(path)?;
    let tracker = caller.track_visibility(&gateway).await?;
    let known = gateway.hub.known();
    let (visibility, epoch) = (tracker.visibility(), known.running()?.to_owned());
    let copy = known.copy.by_id(id).filter(|copy| visibility.sees(copy.entity, copy.id));
    let inventory = copy.map(|copy| known.inventory(copy, &visibility));
    let views = known.views_of(id);
    // The response does not reveal whether the inventory exists.
    if inventory.is_none() && views.is_empty() {
        return Err(Problem::not_found("there is no such inventory, or you may not see it"));
    }
    Ok(Json(InventoryFound { epoch, tick: known.copy.tick, inventory, views }))
}

/// One player
///
/// Returns the inventories that the player owns, and those that the player's client sees.
#[utoipa::path(
    get, path = "/players/{id}", tag = "world",
    params(("id" = String, Path, description = "Id of an inventory that the player owns.",
        pattern = "^(0|[1-9][0-9]{0,17}|[89a-f][0-9a-f]{15})$")),
    responses(
        (status = 200, body = PlayerFound),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn player(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<PlayerFound>, Problem> {
    params.finish()?;
    let id = id(path)?;
    let is_self = caller.scope() == Scope::Player(id);
    if !is_self {
        caller.must_be_operator()?;
    }
    let watch = watch_player(&gateway, id).await?;
    let known = gateway.hub.known();
    let epoch = known.running()?.to_owned();
    let view = watch.view().ok_or_else(|| Problem::not_found("no player owns this inventory"))?;
    let copy = known.copy.by_id(id).filter(|_| !is_self);
    Ok(Json(PlayerFound {
        epoch,
        tick: known.copy.tick,
        id: id.to_string(),
        name: copy.and_then(|copy| copy.name.as_deref()).map(Into::into),
        inventories: known.ids(&view.owned),
        sees: known.ids(&view.seen),
    }))
}
