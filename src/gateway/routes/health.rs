//! The health and metrics of the server.

use core::{fmt::Write, sync::atomic::Ordering, time::Duration};
use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    gateway::{
        app::{Counters, Gateway},
        caller::Caller,
        hub::Known,
        json::{Health, HealthProblem},
        params::Params,
        problem::Problem,
    },
    server::health::{HealthReason, HealthStatus},
};

/// The server is considered down if no tick was received for this time.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Server health
///
/// Requires no token.
#[utoipa::path(
    get, path = "/health", tag = "operators", security(()),
    responses(
        (status = 200, body = Health),
        (status = 503, body = Health, description = "The server is down."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn health(
    State(gateway): State<Arc<Gateway>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let health = of(&gateway.hub.known());
    let is_down = health.status == "down";
    let status = if is_down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let caching = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((status, [caching], Json(health)).into_response())
}

fn of(known: &Known) -> Health {
    let age = known.received.elapsed();
    let down = match &known.epoch {
        None => Some(("not_running", "the game is not running, or is a client of another server")),
        Some(_) if age > SILENCE_MAX => Some(("silent", "no tick was received recently")),
        Some(_) => None,
    };
    let reasons = &known.report.reasons;
    let worst = reasons.iter().map(|reason| reason.status()).max().unwrap_or_default();
    let status = match (down, worst) {
        (Some(_), _) => "down",
        (None, HealthStatus::Healthy) => "healthy",
        (None, HealthStatus::Degraded) => "degraded",
        (None, HealthStatus::Failing) => "failing",
    };
    let problem = |(code, detail): (&str, String)| HealthProblem { code: code.into(), detail };
    let down = down.map(|(code, detail)| problem((code, detail.into())));
    Health {
        status: status.into(),
        reasons: down
            .into_iter()
            .chain(reasons.iter().map(|reason| problem(describe(*reason))))
            .collect(),
        tick: known.copy.tick,
        age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
    }
}

fn describe(reason: HealthReason) -> (&'static str, String) {
    match reason {
        HealthReason::ClientsThrottled(clients) => (
            "clients_throttled",
            format!("{clients} clients are throttled because their byte budgets are exhausted"),
        ),
        HealthReason::TotalBudgetExhausted => {
            ("total_budget_exhausted", "the total byte budget of all clients is exhausted".into())
        }
        HealthReason::ClientsDesynced(clients) => {
            ("clients_desynced", format!("{clients} clients were out of sync"))
        }
        HealthReason::ClientsMisbehaving(clients) => (
            "clients_misbehaving",
            format!("{clients} clients sent malformed or too many requests"),
        ),
        HealthReason::TransfersAbandoned(transfers) => {
            ("transfers_abandoned", format!("{transfers} transfers were not confirmed in time"))
        }
        HealthReason::Unsynced(inventories) => {
            ("inventories_unsynced", format!("{inventories} inventories are not synced"))
        }
        HealthReason::StoreFailing => ("store_failing", "the store is failing".into()),
    }
}

/// Metrics
///
/// Returns the counters of the sync and the gateway in the Prometheus text format. Operators only.
#[utoipa::path(
    get, path = "/metrics", tag = "operators",
    responses(
        (status = 200, content_type = "text/plain", body = String),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn metrics(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Result<Response, Problem> {
    caller.must_be_operator()?;
    params.finish()?;
    let known = gateway.hub.known();
    let mut text = String::new();
    for counter in known.report.stats.counters() {
        let name = format!("inventory_sync_{}_total", counter.name);
        write_metric(&mut text, &name, "counter", counter.description, counter.value);
    }
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let gauges = [
        ("inventory_sync_clients", "Number of connected clients.", number(known.report.clients)),
        ("inventory_sync_inventories", "Number of inventories.", number(known.copy.len())),
        ("inventory_sync_tick", "Ticks since the start.", known.copy.tick),
        (
            "inventory_sync_tick_age_milliseconds",
            "Milliseconds since the last tick was received.",
            u64::try_from(known.received.elapsed().as_millis()).unwrap_or(u64::MAX),
        ),
        ("gateway_window_bytes", "Size of the kept changes in bytes.", number(known.kept_bytes())),
    ];
    drop(known);
    for (name, description, value) in gauges {
        write_metric(&mut text, name, "gauge", description, value);
    }
    write_own(&mut text, &gateway.counters);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers.map(|(name, value)| (name, HeaderValue::from_static(value))), text).into_response())
}

fn write_own(text: &mut String, counters: &Counters) {
    let Counters {
        requests,
        rejected,
        events,
        event_bytes,
        merged_events,
        slow_readers,
        connections_refused,
        connections,
        streams,
        world_responses,
    } = counters;
    let own = [
        ("requests_total", "counter", "HTTP requests.", requests),
        ("requests_rejected_total", "counter", "Rejected HTTP requests.", rejected),
        ("events_total", "counter", "Sent events.", events),
        (
            "event_bytes_total",
            "counter",
            "Size of sent events in bytes, before compression.",
            event_bytes,
        ),
        (
            "merged_events_total",
            "counter",
            "Events that cover several ticks because the reader was slow.",
            merged_events,
        ),
        (
            "slow_readers_total",
            "counter",
            "Readers disconnected because they were too slow.",
            slow_readers,
        ),
        (
            "connections_refused_total",
            "counter",
            "Connections closed because too many were open.",
            connections_refused,
        ),
        ("connections", "gauge", "Open connections.", connections),
        (
            "world_responses",
            "gauge",
            "Responses with the whole world that are being sent.",
            world_responses,
        ),
        ("streams", "gauge", "Open event streams.", streams),
    ];
    for (name, kind, description, counter) in own {
        let value = counter.load(Ordering::Relaxed);
        write_metric(text, &format!("gateway_{name}"), kind, description, value);
    }
}

fn write_metric(text: &mut String, name: &str, kind: &str, description: &str, value: u64) {
    let description = description.trim();
    let written =
        writeln!(text, "# HELP {name} {description}\n# TYPE {name} {kind}\n{name} {value}");
    written.expect("writing to a string cannot fail");
}
