//! The state of the world: all of it, the changes of a range of ticks, one inventory, and one player.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    gateway::{
        app::Gateway,
        caller::{Caller, watch_player},
        entry::Entry,
        hub::Known,
        inventory::InventoryCopy,
        json::{InventoryFound, PlayerFound, Snapshots, TickEvent, WorldInit},
        params::{Params, check_range},
        problem::Problem,
        sight::Sight,
        tokens::Scope,
    },
    model::id::InventoryId,
};

/// Approximate size of a part of a response that is created at once, in bytes.
const PART_BYTES: usize = 32 << 10;

/// Number of ticks in a response, unless the caller asks for fewer.
const SNAPSHOTS_MAX: usize = 1000;

/// Approximate size of the changes in a response, in bytes of memory.
const SNAPSHOT_BYTES_MAX: usize = 1 << 20;

/// The whole world
///
/// Everything that the caller sees at the end of a tick. Follow it with `/events` from there.
#[utoipa::path(
    get, path = "/world/init", tag = "world",
    responses(
        (status = 200, body = WorldInit),
        (status = 304, description = "Nothing has changed since the version in `If-None-Match`."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn init(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let permit = gateway.world_responses.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Problem {
        retry_after: Some(1),
        ..Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many callers are reading the whole world",
        )
    })?;
    let eyes = caller.eyes(&gateway).await?;
    let known = gateway.hub.known();
    let (sight, epoch) = (eyes.sight(), known.running()?);
    let revision = known.revision;
    let scope = match caller.scope() {
        Scope::Player(id) => format!("player-{id}"),
        scope => scope.name().into(),
    };
    let tag = format!("\"{epoch}-{revision}-{scope}\"");
    if not_modified(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching(&tag)).into_response());
    }
    let latest = known.window().rev().find_map(|entry| known.event_of(entry, &sight));
    let init = WorldInit {
        epoch: epoch.into(),
        tick: known.copy.tick,
        time: known.time,
        event: known.event_id(known.copy.tick),
        scope: caller.scope().name().into(),
        inventories: Vec::new(),
        views: known.views(&sight),
        latest,
    };
    let parts = Parts::new(&init, known.seen(&sight), sight, permit)?;
    drop(known);
    let hub = gateway.hub.clone();
    let parts = stream::unfold(parts, move |mut parts| {
        let part = parts.next(&hub.known());
        async move { part.map(|part| (Ok::<_, std::convert::Infallible>(part), parts)) }
    });
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((caching(&tag), [json], Body::from_stream(parts.fuse())).into_response())
}

/// Returns `true` if the caller has a version already.
pub(in crate::gateway) fn not_modified(headers: &HeaderMap, tag: &str) -> bool {
    let has = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    has.is_some_and(|tags| {
        tags.split(',').any(|there| there.trim().trim_start_matches("W/") == tag)
    })
}

/// Returns headers by which a cache asks each time whether a version is still current.
pub(in crate::gateway) fn caching(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers
}

/// The parts of a response with the whole world. All of them are of the same tick.
struct Parts {
    head: Option<Bytes>,
    inventories: VecDeque<Arc<InventoryCopy>>,
    tail: Option<Bytes>,
    is_first: bool,
    sight: Sight,
    _permit: OwnedSemaphorePermit,
}

impl Parts {
    fn new(
        init: &WorldInit,
        inventories: Vec<Arc<InventoryCopy>>,
        sight: Sight,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, Problem> {
        let json = serde_json::to_string(init).map_err(|error| internal(&error))?;
        let list = "\"inventories\":[";
        let at = json.find(list).map_or(json.len(), |at| at + list.len());
        let (head, tail) = json.split_at(at);
        Ok(Self {
            head: Some(Bytes::copy_from_slice(head.as_bytes())),
            tail: Some(Bytes::copy_from_slice(tail.as_bytes())),
            inventories: inventories.into(),
            is_first: true,
            sight,
            _permit: permit,
        })
    }

    fn next(&mut self, known: &Known) -> Option<Bytes> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        if self.inventories.is_empty() {
            return self.tail.take();
        }
        let mut part = Vec::with_capacity(PART_BYTES + PART_BYTES / 4);
        while part.len() < PART_BYTES
            && let Some(copy) = self.inventories.pop_front()
        {
            if !core::mem::take(&mut self.is_first) {
                part.push(b',');
            }
            // A state without maps cannot fail to be written.
            drop(serde_json::to_writer(&mut part, &known.inventory(&copy, &self.sight)));
        }
        Some(part.into())
    }
}

fn internal(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// The changes of a range of ticks
///
/// For callers that have missed some. A player gets one snapshot with everything that the player sees now, because
/// what the player saw in between is not kept.
#[utoipa::path(
    get, path = "/world/snapshots", tag = "world",
    params(
        ("from" = Option<u64>, Query, description = "The first tick. Default: the first that is kept."),
        ("to" = Option<u64>, Query, description = "The last tick. Default: the current one."),
        ("epoch" = Option<String>, Query, description = "The epoch that the ticks belong to. Default: the current one."),
        ("limit" = Option<usize>, Query, description = "Maximum number of ticks: 1 to 1000.", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, body = Snapshots),
        (status = 410, body = Problem, content_type = "application/problem+json",
            description = "The ticks are no longer kept, or the epoch is over. Start again with `/world/init`."),
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
    let eyes = caller.eyes(&gateway).await?;
    let known = gateway.hub.known();
    let (epoch, earliest, tick) = (known.running()?.to_owned(), known.earliest, known.copy.tick);
    if epoch_wanted.is_some_and(|wanted| wanted != epoch) {
        return Err(Problem::gone("the server has started again since this epoch", earliest));
    }
    let from = from.unwrap_or(earliest);
    if from < earliest {
        return Err(Problem::gone("the ticks are no longer kept", earliest));
    }
    let (to, sight) = (to.unwrap_or(tick).min(tick), eyes.sight());
    let (snapshots, next) = if eyes.is_player() {
        (known.everything(&sight).into_iter().collect(), None)
    } else {
        page(&known, &sight, (from, to), limit)
    };
    Ok(Json(Snapshots { epoch, earliest, tick, snapshots, next }))
}

fn page(
    known: &Known,
    sight: &Sight,
    (from, to): (u64, u64),
    limit: usize,
) -> (Vec<TickEvent>, Option<u64>) {
    let mut snapshots = Vec::new();
    let mut bytes = 0;
    let entries = known.since(from.saturating_sub(1)).into_iter().flatten();
    for entry in entries.take_while(|entry: &&Arc<Entry>| entry.tick <= to) {
        if snapshots.len() >= limit || bytes > SNAPSHOT_BYTES_MAX {
            return (snapshots, Some(entry.tick));
        }
        if let Some(event) = known.event_of(entry, sight) {
            snapshots.push(event);
            bytes += entry.bytes;
        }
    }
    (snapshots, None)
}

/// Reads the id of an inventory in a path.
///
/// # Errors
///
/// A [`Problem`] if it is not one.
fn id(path: Result<Path<String>, PathRejection>) -> Result<InventoryId, Problem> {
    let parsed = path.ok().and_then(|Path(id)| id.parse().ok());
    parsed
        .ok_or_else(|| Problem::field("id", "it must be a decimal number or 16 hexadecimal digits"))
}

/// One inventory
#[utoipa::path(
    get, path = "/inventories/{id}", tag = "world",
    params(("id" = String, Path, description = "Id of the inventory.")),
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
    let eyes = caller.eyes(&gateway).await?;
    let known = gateway.hub.known();
    let (sight, epoch) = (eyes.sight(), known.running()?.to_owned());
    let copy = known.copy.by_id(id).filter(|copy| sight.sees(copy.entity, copy.id));
    let inventory = copy.map(|copy| known.inventory(copy, &sight));
    let views = known.views_of(id);
    // The same answer whether it does not exist or the caller may not see it.
    if inventory.is_none() && views.is_empty() {
        return Err(Problem::not_found("there is no such inventory, or you may not see it"));
    }
    Ok(Json(InventoryFound { epoch, tick: known.copy.tick, inventory, views }))
}

/// One player
///
/// What the player owns, and what the player's client sees.
#[utoipa::path(
    get, path = "/players/{id}", tag = "world",
    params(("id" = String, Path, description = "Id of an inventory that the player owns.")),
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
