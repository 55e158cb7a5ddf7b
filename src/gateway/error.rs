//! Why the gateway does not run.

use std::net::SocketAddr;

use thiserror::Error;

/// Error returned when the gateway cannot be started.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The address can be reached from other machines, and nothing encrypts the traffic.
    #[error(
        "{address} is not a loopback address: put a proxy that terminates TLS in front of it, and call \
         `behind_tls_proxy`"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// Behind a proxy, the host names by which it is reached must be set.
    #[error("the gateway is behind a proxy, and no host name is allowed: call `host`")]
    NoHosts,
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        why: String,
    },
    /// The thread of the gateway could not be started, or has ended.
    #[error("the thread of the gateway: {0}")]
    Thread(String),
}
