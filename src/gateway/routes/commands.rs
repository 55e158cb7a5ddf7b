//! Commands that the game registered.

use core::time::Duration;
use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use tokio::{sync::oneshot, time::timeout};

use crate::gateway::{
    app::Gateway,
    caller::Caller,
    command::{CommandError, Order},
    feed::Ask,
    params::Params,
    problem::Problem,
};

/// How long a request waits for the game to run its command.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Run a command
///
/// Runs a command that the game registered. Its changes have the cause `operator` in the history. Operators only.
#[utoipa::path(
    post, path = "/commands/{name}", tag = "operators",
    params(("name" = String, Path, description = "Name of the command.")),
    request_body(content = Value, description = "The input of the command."),
    responses(
        (status = 200, body = Value, description = "The output of the command."),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::gateway) async fn run(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let by = caller.must_be_operator()?.name.clone();
    params.finish()?;
    let Path(name) = path.map_err(|_| Problem::field("name", "it cannot be decoded"))?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Err(Problem {
            field: Some("Content-Type".into()),
            ..Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "it must be `application/json`")
        });
    }
    let limits = gateway.limits;
    let read = Limited::new(body, limits.body_bytes).collect();
    let body = timeout(limits.request_time, read)
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"))?
        .map_err(|error| {
            let is_large = error.is::<LengthLimitError>();
            let status =
                if is_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
            let detail = if is_large {
                format!("it is longer than {} bytes", limits.body_bytes)
            } else {
                "it cannot be read".into()
            };
            Problem { field: Some("body".into()), ..Problem::new(status, detail) }
        })?
        .to_bytes();
    let (reply, answer) = oneshot::channel();
    let no_answer = || {
        Problem::unavailable(
            "the game did not answer: check the history before you repeat the command",
        )
    };
    if !gateway.hub.players.ask(Ask::Run(Order { name, body, by, reply })) {
        return Err(no_answer());
    }
    let answer = timeout(ANSWER_TIME, answer).await.map_err(|_| no_answer())?;
    match answer.map_err(|_| no_answer())? {
        Ok(result) => Ok(Json(result)),
        Err(CommandError::Unknown) => Err(Problem::not_found("there is no such command")),
        Err(CommandError::NotRunning) => Err(Problem::unavailable("the game is not running")),
        Err(CommandError::Malformed(why)) => Err(Problem::field("body", why)),
        Err(CommandError::Rejected(why)) => Err(Problem::new(StatusCode::CONFLICT, why)),
        Err(CommandError::Failed(why)) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why)),
    }
}
