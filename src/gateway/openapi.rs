//! The OpenAPI description of all endpoints.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Description,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{
    json::{Health, TickEvent},
    params::Params,
    problem::Problem,
    routes::{audit, commands, events, health, init, items, servers, world},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Inventories of a running game",
        description = "Inventory ids are strings: 16 hexadecimal digits, or a decimal number.",
    ),
    paths(
        init::init,
        world::snapshots,
        world::inventory,
        world::player,
        events::events,
        items::items,
        items::icon,
        audit::audit,
        servers::servers,
        commands::run,
        health::health,
        health::metrics,
    ),
    components(schemas(Problem, TickEvent, Health)),
    modifiers(&Tokens),
    security(("token" = []), ()),
    tags(
        (name = "world", description = "The inventories that the caller sees"),
        (name = "operators", description = "Endpoints for operators"),
    ),
)]
struct Api;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, api: &mut Description) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

static JSON: LazyLock<String> = LazyLock::new(|| Api::openapi().to_json().unwrap_or_default());

/// Returns the OpenAPI description of all endpoints.
pub(super) async fn serve(params: Params) -> Result<Response, Problem> {
    params.finish()?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    Ok((headers, JSON.as_str()).into_response())
}
