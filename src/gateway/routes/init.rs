//! The whole world.

use core::{hash::BuildHasher, time::Duration};
use std::{collections::VecDeque, sync::Arc, time::Instant};

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bevy::platform::hash::FixedHasher;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::gateway::{
    app::{Gateway, Opened},
    caching::{caching, not_modified},
    caller::Caller,
    clock,
    hub::Known,
    inventory::InventoryCopy,
    json::WorldInit,
    params::Params,
    problem::Problem,
    visibility::{Private, Visibility},
};

/// Approximate size of the chunks of a whole-world response, in bytes.
const PART_BYTES: usize = 32 << 10;

/// Maximum time in which a response with the whole world must be read.
const RESPONSE_TIME: Duration = Duration::from_secs(60);

/// Number of ticks that are searched for the last one with a visible change.
const LATEST_MAX: usize = 256;

/// The whole world
///
/// Returns everything that the caller sees at the end of a tick. Use `/events` to receive the changes after it.
#[utoipa::path(
    get, path = "/world/init", tag = "world",
    responses(
        (status = 200, body = WorldInit),
        (status = 304, description = "Not changed since the version in `If-None-Match`."),
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
    let tracker = caller.track_visibility(&gateway).await?;
    let opened = gateway
        .open_world_response(caller.address)
        .ok_or_else(|| Problem::unavailable("too many callers are reading the whole world"))?;
    let known = gateway.hub.known();
    let (visibility, epoch) = (tracker.visibility(), known.running()?);
    let revision = known.revision;
    let scope = match &visibility.private {
        Private::Player(view) => format!("player-{:016x}", FixedHasher.hash_one(&view.seen)),
        Private::Nothing | Private::Everything => caller.scope().name().into(),
    };
    let tag = format!("{epoch}-{revision}-{scope}");
    if not_modified(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching(&tag)).into_response());
    }
    // What a player saw at that time is not known.
    let latest = known.window().rev().take(LATEST_MAX).filter(|_| !tracker.is_player());
    let latest = latest.into_iter().find_map(|entry| known.event_of(entry, &visibility));
    let init = WorldInit {
        epoch: epoch.into(),
        tick: known.copy.tick,
        time: known.time,
        event: known.event_id(known.copy.tick),
        scope: caller.scope().name().into(),
        inventories: Vec::new(),
        views: known.views(&visibility),
        latest,
    };
    let parts = Parts::new(&init, known.seen(&visibility), visibility, opened)?;
    drop(known);
    let hub = gateway.hub.clone();
    let parts = stream::unfold(parts, move |mut parts| {
        let part = parts.next(&hub.known());
        async move { part.map(|part| (part, parts)) }
    });
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((caching(&tag), [json], Body::from_stream(parts.fuse())).into_response())
}

/// The chunks of a whole-world response. All of them belong to the same tick.
struct Parts {
    head: Option<Bytes>,
    inventories: VecDeque<Arc<InventoryCopy>>,
    tail: Option<Bytes>,
    is_first: bool,
    visibility: Visibility,
    deadline: Instant,
    _opened: Opened,
}

impl Parts {
    fn new(
        init: &WorldInit,
        inventories: Vec<Arc<InventoryCopy>>,
        visibility: Visibility,
        opened: Opened,
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
            visibility,
            deadline: clock::now() + RESPONSE_TIME,
            _opened: opened,
        })
    }

    fn next(&mut self, known: &Known) -> Option<Result<Bytes, &'static str>> {
        if clock::now() > self.deadline {
            // The connection is closed, so that the caller notices.
            return Some(Err("the caller reads too slowly"));
        }
        if let Some(head) = self.head.take() {
            return Some(Ok(head));
        }
        if self.inventories.is_empty() {
            return self.tail.take().map(Ok);
        }
        let mut part = Vec::with_capacity(PART_BYTES + PART_BYTES / 4);
        while part.len() < PART_BYTES
            && let Some(copy) = self.inventories.pop_front()
        {
            if !core::mem::take(&mut self.is_first) {
                part.push(b',');
            }
            // Serialization cannot fail: the state contains no maps.
            drop(serde_json::to_writer(&mut part, &known.inventory(&copy, &self.visibility)));
        }
        Some(Ok(part.into()))
    }
}

fn internal(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
