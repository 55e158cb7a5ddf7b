//! The store in Redis, with a real server.

mod clock;
mod cluster;
mod crashes;
mod failures;
pub mod server;
mod sharing;
