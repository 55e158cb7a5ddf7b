//! Limits for callers.

use core::time::Duration;

/// Limits for callers of the gateway. A request that exceeds a limit is rejected with a
/// [problem](super::problem::Problem) that names the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GatewayLimits {
    /// Maximum average number of requests per second from one address. Default: 50.
    pub requests_per_second: u32,
    /// Maximum number of requests from one address in a burst. Default: 200.
    pub request_burst: u32,
    /// Maximum number of open connections. Each uses a file descriptor. Default: 512.
    pub connections: usize,
    /// Maximum number of open connections from one address. Ignored behind a proxy. Default: 128.
    pub connections_per_address: usize,
    /// Maximum number of open event streams. Default: 256.
    pub streams: usize,
    /// Maximum number of open event streams from one address. Default: 64.
    pub streams_per_address: usize,
    /// Maximum number of whole-world responses (`/world/init`) sent at the same time. Default: 8.
    pub world_responses: usize,
    /// Maximum size of a request body, in bytes. Default: 64 KiB.
    pub body_bytes: usize,
    /// Maximum total size of the request headers, in bytes. Default: 16 KiB.
    pub header_bytes: usize,
    /// Maximum size of the request URL, in bytes. Default: 2 KiB.
    pub url_bytes: usize,
    /// Timeout for receiving the request headers, and for receiving the body. Default: 10 s.
    pub request_time: Duration,
    /// A reader that accepts no data for this time is disconnected. Default: 30 s.
    pub slow_reader: Duration,
    /// Time without an event after which an event stream is shown to be alive. Default: 15 s.
    pub keep_alive: Duration,
    /// Maximum size of the changes kept for readers that missed some, in bytes. Default: 16 MiB.
    pub window_bytes: usize,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            request_burst: 200,
            connections: 512,
            connections_per_address: 128,
            streams: 256,
            streams_per_address: 64,
            world_responses: 8,
            body_bytes: 64 << 10,
            header_bytes: 16 << 10,
            url_bytes: 2 << 10,
            request_time: Duration::from_secs(10),
            slow_reader: Duration::from_secs(30),
            keep_alive: Duration::from_secs(15),
            window_bytes: 16 << 20,
        }
    }
}
