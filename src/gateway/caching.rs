//! Caching of responses.

use axum::http::{HeaderMap, HeaderValue, header};

/// Returns `true` if the caller already has this version.
pub(super) fn not_modified(headers: &HeaderMap, tag: &str) -> bool {
    let has = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    has.is_some_and(|tags| {
        tags.split(',')
            .any(|candidate| candidate.trim().trim_start_matches("W/").trim_matches('"') == tag)
    })
}

/// Returns headers that make caches revalidate a version before each use.
pub(super) fn caching(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // Weak, because compressed and plain responses share it.
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{tag}\"")) {
        headers.insert(header::ETAG, tag);
    }
    headers
}
