//! Routes requests to endpoints.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, Method, StatusCode, header},
    middleware::from_fn_with_state,
    routing::{get, post},
};
use tower_http::{compression::CompressionLayer, cors::CorsLayer};

use super::{
    app::Gateway,
    guard::{admit, authorize},
    openapi,
    problem::Problem,
    routes::{audit, commands, events, health, init, items, page, servers, world},
};

/// Returns the routes of all endpoints.
pub(super) fn router(gateway: &Arc<Gateway>) -> Router {
    let router = Router::new()
        .route("/world/init", get(init::init))
        .route("/world/snapshots", get(world::snapshots))
        .route("/inventories/{id}", get(world::inventory))
        .route("/players/{id}", get(world::player))
        .route("/events", get(events::events))
        .route("/items", get(items::items))
        .route("/icons/{item}", get(items::icon))
        .route("/audit", get(audit::audit))
        .route("/servers", get(servers::servers))
        .route("/commands/{name}", post(commands::run))
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::serve));
    let router = page::add(router)
        .fallback(async || Problem::not_found("there is no such endpoint"))
        .method_not_allowed_fallback(async |request: Request| {
            let detail = format!("this endpoint does not support {}", request.method());
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        })
        .with_state(gateway.clone())
        .layer(from_fn_with_state(gateway.clone(), authorize))
        .layer(CompressionLayer::new());
    let router =
        if gateway.settings.origins.is_empty() { router } else { router.layer(cors(gateway)) };
    router.layer(from_fn_with_state(gateway.clone(), admit))
}

/// Lets the pages of some origins read responses.
fn cors(gateway: &Gateway) -> CorsLayer {
    let last_event = HeaderName::from_static("last-event-id");
    CorsLayer::new()
        .allow_origin(gateway.settings.origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, last_event])
}
