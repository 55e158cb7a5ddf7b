//! Live events.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};

use crate::{
    gateway::{
        app::Gateway, caller::Caller, json::TickEvent, params::Params, problem::Problem,
        stream::Reader,
    },
    model::id::InventoryId,
};

/// Maximum number of inventories that a reader can select.
const NAMED_MAX: usize = 64;

/// Live events
///
/// Returns server-sent events. `hello` is sent first, and `tick` for each tick with changes that the caller sees. After
/// `reset`, the caller must request `/world/init` again. `end` contains the reason why the stream ends. Resume with
/// `Last-Event-ID`.
#[utoipa::path(
    get, path = "/events", tag = "world",
    params(
        ("inventories" = Option<String>, Query,
            description = "Only these inventories: up to 64 ids, separated by commas."),
        ("after" = Option<String>, Query,
            description = "Id of the event to resume after, if the caller cannot send `Last-Event-ID`."),
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the event to resume after."),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = TickEvent),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn events(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    mut params: Params,
) -> Result<Response, Problem> {
    let only = params.text("inventories")?.map(|list| named(&list)).transpose()?;
    let after = params.text("after")?.map(|id| position(&id, "after")).transpose()?;
    params.finish()?;
    let sent = headers.get("last-event-id").filter(|id| !id.is_empty());
    let sent = sent.map(|id| position(id.to_str().unwrap_or_default(), "Last-Event-ID"));
    let after = sent.transpose()?.or(after);
    let opened = gateway
        .open_stream(caller.address)
        .ok_or_else(|| Problem::too_many("too many open event streams"))?;
    let tracker = caller.track_visibility(&gateway).await?;
    let reader = Reader::new(gateway, caller, (tracker, only), after, opened)?;
    let frames = stream::unfold(reader, async |mut reader| {
        let frame = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), reader))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies must not buffer events.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(frames.fuse())).into_response())
}

fn named(list: &str) -> Result<BTreeSet<InventoryId>, Problem> {
    let wrong = || Problem::field("inventories", "it must be a comma-separated list of ids");
    let ids: Result<BTreeSet<_>, _> = list.split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| wrong())?;
    if ids.len() > NAMED_MAX {
        return Err(Problem::field("inventories", format!("at most {NAMED_MAX} ids are allowed")));
    }
    Ok(ids)
}

/// Parses an event id.
///
/// # Errors
///
/// [`Problem`] if it is malformed.
fn position(id: &str, field: &str) -> Result<(String, u64), Problem> {
    let parsed = id.split_once('-').and_then(|(epoch, tick)| {
        let is_number = tick.bytes().all(|digit| digit.is_ascii_digit());
        let tick = tick.parse().ok().filter(|_| is_number)?;
        (epoch.len() <= 16).then(|| (epoch.to_owned(), tick))
    });
    parsed.ok_or_else(|| Problem::field(field, "it is not an event id"))
}
