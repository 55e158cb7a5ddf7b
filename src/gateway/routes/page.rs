//! The operator page. Its files are compiled into the library.

use core::hash::BuildHasher;
use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bevy::platform::hash::FixedHasher;

use crate::gateway::{
    app::Gateway,
    caching::{caching, not_modified},
};

/// A file of the page: URL path, content type, and contents.
type File = (&'static str, &'static str, &'static str);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Includes a script of the page.
macro_rules! script {
    ($name:literal) => {
        (concat!("/", $name), JS, include_str!(concat!("../page/", $name)))
    };
}

const FILES: &[File] = &[
    ("/", HTML, include_str!("../page/index.html")),
    ("/page.css", CSS, include_str!("../page/page.css")),
    ("/favicon.svg", SVG, include_str!("../page/favicon.svg")),
    script!("activity.js"),
    script!("api.js"),
    script!("causes.js"),
    script!("cell.js"),
    script!("changes.js"),
    script!("chart.js"),
    script!("details.js"),
    script!("dom.js"),
    script!("ended.js"),
    script!("grid.js"),
    script!("icons.js"),
    script!("inventory-view.js"),
    script!("items.js"),
    script!("metrics.js"),
    script!("page.js"),
    script!("panel.js"),
    script!("panels.js"),
    script!("search.js"),
    script!("session.js"),
    script!("sse.js"),
    script!("state-sync.js"),
    script!("status.js"),
    script!("theme.js"),
    script!("timeline.js"),
    script!("world.js"),
    script!("world-state.js"),
];

/// The content security policy of the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Returns `true` if the page has a file with this path.
pub(in crate::gateway) fn is_part(path: &str) -> bool {
    FILES.iter().any(|(known, ..)| *known == path)
}

/// Adds the page files to the router.
pub(in crate::gateway) fn add(router: Router<Arc<Gateway>>) -> Router<Arc<Gateway>> {
    FILES.iter().fold(router, |router, file| {
        router.route(file.0, get(async move |headers: HeaderMap| serve(file, &headers)))
    })
}

fn serve((_, kind, contents): &File, headers: &HeaderMap) -> Response {
    let tag = format!("{:016x}", FixedHasher.hash_one(contents));
    if not_modified(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching(&tag)).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (caching(&tag), headers, *contents).into_response()
}
