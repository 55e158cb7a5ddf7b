//! HTTP, live events, and a page for operators: the debug overlay of a server that has no window.
//!
//! The [guide](crate::guide::gateway) explains what it serves, to whom, and how to expose it safely.

#![expect(clippy::result_large_err, reason = "rejected requests are rare")]

mod app;
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
mod limits;
mod openapi;
mod params;
mod plugin;
pub mod problem;
mod reader;
mod router;
mod routes;
mod server;
mod sight;
mod stream;
mod tokens;

pub use command::GatewayAppExt;
pub use error::GatewayError;
pub use limits::GatewayLimits;
pub use plugin::{GatewayStatus, InventoryGatewayPlugin};
pub use tokens::{GatewayToken, GatewayTokens, Scope, TokenFormatError};
