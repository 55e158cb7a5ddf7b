//! Checks every request before it is handled, and adds headers to every response.

use core::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Once};

use axum::{
    Extension,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use log::warn;

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

/// The address of the caller, as the limits count it.
#[derive(Clone, Copy)]
pub(super) struct CallerAddress(IpAddr);

/// Checks the form, the host and the rate of a request, and forwards it with the address of its caller.
pub(super) async fn admit(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    count(&gateway.counters.requests, 1);
    let mut response = match check(&gateway, peer.ip(), &request) {
        Ok(address) => {
            request.extensions_mut().insert(CallerAddress(address));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    if response.status().as_u16() >= 400 {
        count(&gateway.counters.rejected, 1);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.append(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Checks the token of a request, and forwards it with its [`Caller`].
pub(super) async fn authorize(
    State(gateway): State<Arc<Gateway>>,
    Extension(CallerAddress(address)): Extension<CallerAddress>,
    mut request: Request,
    next: Next,
) -> Response {
    // Health checks and the page send no tokens. The page files contain no game data.
    let caller = if is_open(request.uri().path()) {
        Ok(Caller { address, grant: None })
    } else {
        Caller::of(&gateway, address, request.headers())
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn check(gateway: &Gateway, peer: IpAddr, request: &Request) -> Result<IpAddr, Problem> {
    let (limits, headers) = (&gateway.limits, request.headers());
    let too_large = |status, detail: String, field: &str| Problem {
        field: Some(field.into()),
        ..Problem::new(status, detail)
    };
    let url = request.uri().to_string().len();
    if url > limits.url_bytes {
        let detail = format!("it is longer than {} bytes", limits.url_bytes);
        return Err(too_large(StatusCode::URI_TOO_LONG, detail, "URL"));
    }
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if bytes.sum::<usize>() > limits.header_bytes {
        let detail = format!("they exceed {} bytes in total", limits.header_bytes);
        return Err(too_large(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail, "headers"));
    }
    check_host(gateway, request)?;
    let address = of_caller(caller_address(gateway, peer, headers)?);
    gateway.count_request(address)?;
    Ok(address)
}

/// Returns `true` if a path does not require a token.
fn is_open(path: &str) -> bool {
    path == "/health" || super::routes::page::is_part(path)
}

/// Checks that the request is for an allowed host name. Otherwise, another website could resolve its own host name to
/// this address and read the responses (DNS rebinding).
///
/// # Errors
///
/// [`Problem`] if the `Host` header is missing, malformed or not allowed.
fn check_host(gateway: &Gateway, request: &Request) -> Result<(), Problem> {
    let mut sent = request.headers().get_all(header::HOST).iter();
    let host = match (sent.next(), sent.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    let host = host.ok_or_else(|| Problem::field("Host", "it must be sent exactly once"))?;
    let parsed: Result<Authority, _> = host.parse();
    let parsed = parsed.map_err(|_| Problem::field("Host", "it is not a valid host name"))?;
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

/// Returns the address of the caller. A proxy appends it to `X-Forwarded-For`.
///
/// # Errors
///
/// [`Problem`] if the last entry of `X-Forwarded-For` is not an address.
fn caller_address(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Problem> {
    if !gateway.settings.behind_proxy {
        return Ok(peer);
    }
    const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
    static MISSING: Once = Once::new();
    let Some(last) = headers.get_all(&FORWARDED).iter().next_back() else {
        MISSING.call_once(|| warn!("the proxy of the gateway does not send `X-Forwarded-For`"));
        return Ok(peer);
    };
    let last = last.to_str().ok().and_then(|list| list.rsplit(',').next());
    let address = last.and_then(|last| parse_address(last.trim()));
    address.ok_or_else(|| Problem::field("X-Forwarded-For", "its last entry is not an IP address"))
}

/// Parses an address with or without a port and brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(bracketed)
}
