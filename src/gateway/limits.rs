//! What callers may use.

use core::time::Duration;

/// What callers may use of the gateway. A request that exceeds a limit is rejected with a
/// [problem](super::problem::Problem) that names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GatewayLimits {
    /// Average number of requests per second from one address. Default: 50.
    pub requests_per_second: u32,
    /// Number of requests at once from one address after a pause. Default: 200.
    pub request_burst: u32,
    /// Number of open connections. Each needs a file descriptor. Default: 512.
    pub connections: usize,
    /// Number of open connections from one address. Not applied behind a proxy. Default: 128.
    pub connections_per_address: usize,
    /// Number of open event streams. Default: 256.
    pub streams: usize,
    /// Number of open event streams from one address. Default: 64.
    pub streams_per_address: usize,
    /// Number of responses with the whole world that are being sent. Default: 8.
    pub world_responses: usize,
    /// Size of a request's body, in bytes. Default: 64 KiB.
    pub body_bytes: usize,
    /// Total size of a request's headers, in bytes. Default: 16 KiB.
    pub header_bytes: usize,
    /// Size of a request's URL, in bytes. Default: 2 KiB.
    pub url_bytes: usize,
    /// Time in which the headers of a request must arrive, and then its body. Default: 10 s.
    pub request_time: Duration,
    /// How long a reader may accept no data before it is disconnected. Default: 30 s.
    pub slow_reader: Duration,
    /// Size of the changes that are kept for readers that have missed some, in bytes. Default: 16 MiB.
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
            window_bytes: 16 << 20,
        }
    }
}
