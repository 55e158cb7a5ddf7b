//! Errors when starting the gateway.

use std::net::SocketAddr;

use thiserror::Error;

/// Error returned when the gateway cannot be started.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Other machines can reach the address, and the traffic is not encrypted.
    #[error(
        "{address} is not a loopback address: put a proxy that terminates TLS in front of it, and call \
         `behind_tls_proxy`"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The gateway is behind a proxy, but no host name is allowed.
    #[error("the gateway is behind a proxy, but no host name is allowed: call `host`")]
    NoHosts,
    /// The gateway cannot listen on the address.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        why: String,
    },
    /// The gateway's thread could not be started, or has ended.
    #[error("gateway thread: {0}")]
    Thread(String),
}
