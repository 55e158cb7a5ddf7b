//! Checks every request before it is handled, and adds headers to every response.

use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    app::{Gateway, count, of_caller},
    caller::Caller,
    problem::Problem,
};

/// Headers of every response.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::VARY, "Authorization, Origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Checks a request, and passes it on with its [`Caller`].
pub(super) async fn guard(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    count(&gateway.counters.requests, 1);
    let mut response = match check(&gateway, peer.ip(), &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    if response.status().as_u16() >= 400 {
        count(&gateway.counters.rejected, 1);
    }
    for (name, value) in HEADERS {
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    response
}

fn check(gateway: &Gateway, peer: IpAddr, request: &Request) -> Result<Caller, Problem> {
    let (limits, headers) = (&gateway.limits, request.headers());
    let too_large = |status, detail: String, field: &str| Problem {
        field: Some(field.into()),
        ..Problem::new(status, detail)
    };
    let url = request.uri().to_string().len();
    if url > limits.url_bytes {
        let detail = format!("it has more than {} bytes", limits.url_bytes);
        return Err(too_large(StatusCode::URI_TOO_LONG, detail, "URL"));
    }
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if bytes.sum::<usize>() > limits.header_bytes {
        let detail = format!("they have more than {} bytes", limits.header_bytes);
        return Err(too_large(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail, "headers"));
    }
    check_host(gateway, request)?;
    let address = of_caller(caller_address(gateway, peer, headers)?);
    gateway.count_request(address)?;
    // Health checks and the page send no tokens. The page has no data of the game.
    if is_open(request.uri().path()) {
        return Ok(Caller { address, grant: None });
    }
    Caller::of(gateway, address, headers)
}

/// Returns `true` for paths that need no token.
fn is_open(path: &str) -> bool {
    path == "/health" || super::routes::page::is_part(path)
}

/// Checks that the caller reaches the gateway by a name that is its own. Otherwise, a page of another site could make
/// its own name resolve to this address, and read the responses.
fn check_host(gateway: &Gateway, request: &Request) -> Result<(), Problem> {
    let mut sent = request.headers().get_all(header::HOST).iter();
    let host = match (sent.next(), sent.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    let host = host.ok_or_else(|| Problem::field("Host", "it must be sent once"))?;
    let parsed: Result<Authority, _> = host.parse();
    let parsed = parsed.map_err(|_| Problem::field("Host", "it is not a host name"))?;
    let is_allowed = |name: &str| {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let own = ["localhost", "127.0.0.1", "[::1]"];
        own.contains(&name) || gateway.settings.hosts.iter().any(|host| host == name)
    };
    let target = request.uri().host().unwrap_or(parsed.host());
    if is_allowed(parsed.host()) && is_allowed(target) {
        return Ok(());
    }
    Err(Problem {
        field: Some("Host".into()),
        ..Problem::new(StatusCode::MISDIRECTED_REQUEST, "this is not a host name of this server")
    })
}

/// Returns the address of the caller. A proxy adds it as the last one of `X-Forwarded-For`.
fn caller_address(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Problem> {
    if !gateway.settings.behind_proxy {
        return Ok(peer);
    }
    const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
    let Some(last) = headers.get_all(&FORWARDED).iter().next_back() else { return Ok(peer) };
    let last = last.to_str().ok().and_then(|list| list.rsplit(',').next());
    let address = last.and_then(|last| last.trim().parse().ok());
    address.ok_or_else(|| Problem::field("X-Forwarded-For", "its last entry is not an address"))
}
