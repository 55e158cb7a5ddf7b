//! An HTTP API, live events, and an operator page: a debug overlay for a server without a window.
//!
//! The [guide](crate::guide::gateway) explains what the gateway serves, to whom, and how to expose it safely.

#![expect(clippy::result_large_err, reason = "rejected requests are rare")]

mod app;
mod caching;
mod caller;
mod clock;
mod command;
mod copy;
mod encode;
mod entry;
mod error;
mod feed;
mod guard;
mod hub;
mod inventory;
pub mod json;
mod labels;
mod limits;
mod openapi;
mod params;
mod players;
mod plugin;
pub mod problem;
mod reader;
mod router;
mod routes;
mod server;
mod stream;
mod tokens;
mod visibility;

pub use command::GatewayAppExt;
pub use error::GatewayError;
pub use feed::GatewayStatus;
pub use limits::GatewayLimits;
pub use plugin::InventoryGatewayPlugin;
pub use tokens::{GatewayToken, GatewayTokens, Scope, TokenFormatError};
