//! The items of the game and their icons.

use core::hash::BuildHasher;
use std::{path::Component, sync::Arc};

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bevy::platform::hash::FixedHasher;

use crate::{
    gateway::{
        app::Gateway,
        caching::{caching, not_modified},
        json::{ItemInfo, Items},
        params::Params,
        problem::Problem,
    },
    model::{id::ItemId, item::ItemDef},
};

/// Maximum size of an icon, in bytes.
const ICON_BYTES_MAX: u64 = 1 << 20;

/// The content types of icons, by file extension.
const TYPES: [(&str, &str); 5] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
];

/// The items of the game
#[utoipa::path(
    get, path = "/items", tag = "world",
    responses(
        (status = 200, body = Items),
        (status = 304, description = "Not changed since the version in `If-None-Match`."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn items(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let catalog = gateway.hub.known().copy.catalog.clone();
    let items = catalog.defs().iter().map(|def| ItemInfo {
        key: def.key.clone(),
        name: def.name.clone(),
        icon: icon_path(&gateway, def).map(|_| format!("/icons/{}", encode(&def.key))),
        max_stack: def.max_stack,
    });
    let items = Items { items: items.collect() };
    let mut hash = FixedHasher.hash_one(items.items.len());
    for item in &items.items {
        hash = FixedHasher.hash_one((hash, &item.key, &item.name, &item.icon, item.max_stack));
    }
    let tag = format!("{hash:016x}");
    if not_modified(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, caching(&tag)).into_response());
    }
    Ok((caching(&tag), Json(items)).into_response())
}

/// Percent-encodes an item key as a path segment.
fn encode(key: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    key.bytes().map(encode).collect()
}

/// Returns the file and the content type of an item's icon. Returns `None` if the game provides none.
fn icon_path(gateway: &Gateway, def: &ItemDef) -> Option<(std::path::PathBuf, &'static str)> {
    let folder = gateway.settings.icons.as_ref()?;
    let icon = std::path::Path::new(&def.icon);
    let end = icon.extension()?.to_str()?.to_ascii_lowercase();
    let (_, kind) = TYPES.into_iter().find(|(known, _)| *known == end)?;
    // A catalog may come from a mod and must not refer to files outside the folder.
    let is_inside = icon.components().all(|part| matches!(part, Component::Normal(_)));
    is_inside.then(|| (folder.join(icon), kind))
}

/// The icon of an item
#[utoipa::path(
    get, path = "/icons/{item}", tag = "world",
    params(("item" = String, Path, description = "Item key.")),
    responses(
        (status = 200, description = "The icon file of the game.", content_type = "image/png", body = [u8]),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn icon(
    State(gateway): State<Arc<Gateway>>,
    path: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let missing = || Problem::not_found("this item has no icon");
    let Path(key) = path.map_err(|_| Problem::field("item", "it cannot be decoded"))?;
    let catalog = gateway.hub.known().copy.catalog.clone();
    let def = catalog.get(ItemId::of(&key)).filter(|def| def.key == key);
    let (file, kind) = def.and_then(|def| icon_path(&gateway, def)).ok_or_else(missing)?;
    let read = tokio::task::spawn_blocking(move || {
        let is_small = std::fs::metadata(&file)?.len() <= ICON_BYTES_MAX;
        if is_small { std::fs::read(&file) } else { Ok(Vec::new()) }
    });
    let icon = read.await.ok().and_then(Result::ok).filter(|icon| !icon.is_empty());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600")),
    ];
    Ok((headers, icon.ok_or_else(missing)?).into_response())
}
